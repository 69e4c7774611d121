"""The extractive answer's text."""

import pytest

from rag.citations import check_answer
from rag.quoting import attribution, named_title, quoted
from rag.types import Chunk, Evidence, ScoredChunk, Support, Task

SEOUL = "Hàn Quốc đầu tư 94,6 tỷ won vào phòng thí nghiệm.\nSeoul có ba quỹ mới."
TOKYO = "Nhật Bản lập quỹ 100 tỷ yen\ncho trí tuệ nhân tạo. Quỹ do Tokyo quản lý."


def passage(text: str, doc_id: str, title: str) -> ScoredChunk:
    return ScoredChunk(Chunk(f"{doc_id}-0", doc_id, text, 0, len(text)), 1.0, title, f"{doc_id}.txt")


PASSAGES = (passage(SEOUL, "kr", "Hàn Quốc và AI"), passage(TOKYO, "jp", "Nhật Bản “tăng tốc”"))


def evidence(place: int, words: str) -> Evidence:
    start = PASSAGES[place].chunk.text.index(words)
    return Evidence(place, start, start + len(words), words, 0.9)


FIRST = evidence(0, "Hàn Quốc đầu tư 94,6 tỷ won vào phòng thí nghiệm.")
SECOND = evidence(0, "Seoul có ba quỹ mới.")
OTHER = evidence(1, "Nhật Bản lập quỹ 100 tỷ yen\ncho trí tuệ nhân tạo.")


def text_of(question: str, *chosen: Evidence) -> str:
    return "".join(quoted(Task(question, PASSAGES, chosen)))


def test_one_document_is_quoted_plainly() -> None:
    assert text_of("Hàn Quốc đầu tư bao nhiêu?", FIRST, SECOND) == f"{FIRST.text} [1] {SECOND.text} [1]"


def test_several_documents_are_told_apart_by_title_and_every_sentence_is_proved() -> None:
    text = text_of("Hàn Quốc đầu tư bao nhiêu, và Nhật Bản lập quỹ bao nhiêu?", FIRST, OTHER)
    assert text == (
        f"Theo “Hàn Quốc và AI”: {FIRST.text} [1]\n"
        'Theo “Nhật Bản "tăng tốc"”: Nhật Bản lập quỹ 100 tỷ yen cho trí tuệ nhân tạo. [2]'
    )
    checked = check_answer(text, PASSAGES)
    assert [sentence.support for sentence in checked.sentences] == [Support.SUPPORTED, Support.SUPPORTED]
    assert [citation.quote for citation in checked.citations] == [FIRST.text, OTHER.text]


def test_one_question_is_answered_without_titles() -> None:
    text = text_of("Hai nước đầu tư bao nhiêu?", FIRST, OTHER)
    assert text == f"{FIRST.text} [1]\nNhật Bản lập quỹ 100 tỷ yen cho trí tuệ nhân tạo. [2]"


@pytest.mark.parametrize("title", ["Kế hoạch 2030", "Những điều cần biết về chính sách mới của hai nước " * 3])
def test_a_title_with_a_number_or_too_long_for_a_sentence_is_not_named(title: str) -> None:
    assert attribution(passage(SEOUL, "kr", title)) == ""


def test_words_of_one_document_under_the_title_of_another_are_not_fully_supported() -> None:
    (sentence,) = check_answer('Theo “Nhật Bản "tăng tốc"”: Seoul có ba quỹ mới. [1]', PASSAGES).sentences
    assert sentence.support is Support.PARTIAL


def test_a_list_that_is_asked_for_stands_on_lines_of_its_own() -> None:
    text = text_of("Hàn Quốc có những kế hoạch gì?", FIRST, SECOND)
    assert text == f"- {FIRST.text} [1]\n- {SECOND.text} [1]"
    checked = check_answer(text, PASSAGES)
    assert [sentence.text for sentence in checked.sentences] == [FIRST.text, SECOND.text]
    assert checked.text == f"- {FIRST.text} [1]\n- {SECOND.text} [2]"


def test_a_documents_own_list_keeps_its_announcement_and_its_numbers() -> None:
    text = "Hồ sơ gồm:\n1. Đơn xin học\n- Học bạ"
    spans = [(0, 10), (11, 25), (26, len(text))]
    task = Task(
        "Hồ sơ gồm những gì?",
        (passage(text, "a", "Nhập học"),),
        tuple(Evidence(0, start, end, text[start:end], 0.9) for start, end in spans),
    )
    assert "".join(quoted(task)) == "Hồ sơ gồm: [1]\n1. Đơn xin học [1]\n- Học bạ [1]"


def test_a_long_title_is_cut_at_a_word_and_still_names_its_document() -> None:
    long = passage(SEOUL, "kr", "Những điều cần biết về chính sách " * 5)
    assert len(named_title(long)) <= 81
    (sentence,) = check_answer(f"Theo “{named_title(long)}”: {FIRST.text} [1]", [long]).sentences
    assert sentence.support is Support.SUPPORTED
