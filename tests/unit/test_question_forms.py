"""What can be asked for by a noun, and what a thing is: nouns read from raw text, and the masks that need them."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))

from definition_questions import abbreviation, definition, reversed_definition
from nouns import Nouns, keep, read_kept, read_nouns, words_of
from question_forms import Forms
from reader_questions import made_questions

from rag.relevance.matching import Matcher

COUNTRY = "Estonia là một quốc gia ở Bắc Âu, giáp với Latvia và Nga."


@pytest.fixture(scope="module")
def nouns(matcher: Matcher) -> Nouns:
    """The nouns of a small text in which countries and rivers are counted."""
    texts = [
        "Các quốc gia đã họp. Một quốc gia vắng mặt. Quốc gia này rất nhỏ. Họ đi nhanh.",
        "Những con sông lớn chảy qua tỉnh này. Hai tỉnh khác không có sông. Mỗi tỉnh một khác. Họ đi nhanh.",
    ]
    articles = [("Estonia", COUNTRY), ("Latvia", "Latvia là một quốc gia vùng Baltic."), ("Họ", "Họ đi nhanh.")]
    return read_nouns(texts * 40, articles, matcher.embedder)


@pytest.fixture(scope="module")
def forms(nouns: Nouns, matcher: Matcher) -> Forms:
    return Forms(nouns, matcher.embedder)


def asked(forms: Forms, sentence: str) -> set[tuple[str, str]]:
    """What may be asked for, and by which words."""
    masks = [mask for seed in range(40) for mask in forms.masks(sentence, random.Random(seed))]
    return {(sentence[mask.start : mask.end], mask.asked) for mask in masks}


def test_nouns_are_what_is_counted_and_pointed_at(nouns: Nouns) -> None:
    assert {"quốc gia", "tỉnh"} <= nouns.heads
    assert not {"đi", "họp", "họ", "một", "này"} & nouns.heads


def test_the_first_sentence_of_an_article_says_what_its_thing_is(nouns: Nouns) -> None:
    assert nouns.kinds == {"estonia": "quốc gia", "latvia": "quốc gia"}


def test_nouns_are_kept_and_read_again(nouns: Nouns, tmp_path: Path) -> None:
    keep(nouns, tmp_path / "nouns.json")
    assert read_kept(tmp_path / "nouns.json") == nouns


def test_words_are_those_of_the_embedding_without_the_space_before_them(matcher: Matcher) -> None:
    text = "Công ty, ở Hà Nội."
    assert [text[start:end] for start, end in words_of(text, matcher.embedder)] == ["Công ty", "ở", "Hà Nội"]


def test_a_name_is_asked_for_by_what_its_article_calls_it(forms: Forms) -> None:
    assert ("Latvia", "quốc gia nào") in asked(forms, "Biên giới dài nhất của nước này là với Latvia ở phía nam.")
    assert ("Latvia", "quốc gia nào") not in asked(forms, "Năm ấy họ đã đến quốc gia Latvia.")


def test_a_name_behind_its_noun_is_asked_for_with_and_without_it(forms: Forms) -> None:
    found = asked(forms, "Dòng sông ấy bắt nguồn từ tỉnh Kakheti rồi chảy ra biển.")
    assert {("Kakheti", "nào"), ("tỉnh Kakheti", "tỉnh nào")} <= found


def test_a_phrase_ends_where_the_clause_goes_on(forms: Forms) -> None:
    found = asked(forms, "Năm ngoái họ thăm các quốc gia Bắc Phi và bán gạo.")
    phrases = {words for answer, words in found if answer == "các quốc gia Bắc Phi"}
    assert {"những quốc gia nào", "những gì"} <= phrases


def test_what_somebody_did_is_asked_for(forms: Forms) -> None:
    found = asked(forms, "Năm 1990 ông đã sáng lập một trường học, rồi về hưu.")
    assert ("sáng lập một trường học", "làm gì") in found


def test_no_word_is_cut(forms: Forms) -> None:
    def whole(sentence: str, answer: str) -> bool:
        start = sentence.index(answer)
        return forms.whole(sentence, start, start + len(answer))

    assert whole("Một kịch bản ở Hà Nội.", "kịch bản")
    assert not whole("Một kịch bản ở Hà Nội.", "kịch")
    assert not whole("Một kịch bản ở Hà Nội.", "bản")
    assert whole("Sông Hồng đến từ tỉnh Vân Nam.", "Vân Nam")


@pytest.mark.parametrize(
    ("sentence", "subject", "answer"),
    [
        (COUNTRY, "Estonia", "một quốc gia ở Bắc Âu"),
        ("Al Gore (sinh 1948) là một chính trị gia người Mỹ.", "Al Gore", "một chính trị gia người Mỹ"),
    ],
)
def test_a_thing_is_asked_for_by_its_name_alone(sentence: str, subject: str, answer: str) -> None:
    found = [definition(sentence, "", random.Random(seed)) for seed in range(20)]
    assert all(one is not None and subject in one[0] for one in found)
    assert all(one is not None and sentence[one[1] : one[2]].startswith(answer) for one in found)


@pytest.mark.parametrize("sentence", ["Đây là một quốc gia nhỏ bé.", "Ông được coi là người sáng lập.", "Họ đi nhanh."])
def test_what_is_no_subject_is_not_asked_for(sentence: str) -> None:
    assert all(definition(sentence, "", random.Random(seed)) is None for seed in range(20))


def test_a_person_is_asked_for_as_one() -> None:
    told = "Al Gore là một chính trị gia người Mỹ."
    questions = {definition(told, "", random.Random(seed))[0] for seed in range(30)}  # type: ignore[index]
    assert "Al Gore là ai?" in questions
    assert "Al Gore là gì?" not in questions


def test_a_thing_is_asked_for_by_what_it_is() -> None:
    sentence = "Còn Sydney là thành phố lớn nhất châu lục, và Canberra là thủ đô."
    told = "Sydney là một thành phố lớn nhất châu lục, và Canberra là thủ đô."
    found = [reversed_definition(told, random.Random(seed)) for seed in range(30)]
    assert {told[one[1] : one[2]] for one in found if one is not None} == {"Sydney"}
    questions = {one[0] for one in found if one is not None}
    assert {"Thành phố lớn nhất châu lục là gì?", "Thành phố lớn nhất châu lục?"} <= questions
    assert not any("Sydney" in question or "Canberra" in question for question in questions)
    assert reversed_definition(sentence.replace("Còn Sydney", "Nó"), random.Random(1)) is None


def test_letters_are_asked_for_by_the_name_that_they_begin_and_the_name_by_its_letters() -> None:
    sentence = "Đội bóng Hoàng Anh Gia Lai (HAGL) thắng trận ở tỉnh (TTH) ấy."
    found = [abbreviation(sentence, random.Random(seed)) for seed in range(30)]
    answers = {sentence[one[1] : one[2]] for one in found if one is not None}
    assert answers == {"HAGL", "Hoàng Anh Gia Lai"}
    assert abbreviation("Họ đã đến tận thành phố (PPP) ấy.", random.Random(1)) is None


def test_made_questions_take_the_forms_up(forms: Forms) -> None:
    made = [one for seed in range(60) for one in made_questions(COUNTRY, "", 1, random.Random(seed), {}, forms)]
    assert any(COUNTRY[one.start : one.end].startswith("một quốc gia") for one in made)
    assert all(COUNTRY[one.start : one.end].strip() for one in made)
