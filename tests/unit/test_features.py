"""What a question asks for, and what a sentence has of it."""

import numpy as np
import pytest

from rag.language.asking import AnswerKind, answer_kind
from rag.relevance.features import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    Rarity,
    analyse,
    candidates,
    measure,
)
from rag.types import Chunk, ScoredChunk

RARITY = Rarity({"và": 99, "hàn": 9, "quốc": 19, "nam": 49, "năm": 49}, 99)


def passage(text: str, doc_id: str = "d", start: int = 0) -> ScoredChunk:
    return ScoredChunk(Chunk("c", doc_id, text, start, start + len(text)), 1.0, "Tin", "a.txt")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Ai là Bộ trưởng?", AnswerKind.PERSON),
        ("Hội thảo diễn ra ở đâu?", AnswerKind.PLACE),
        ("Naver ra mắt HyperCLOVA năm nào?", AnswerKind.TIME),
        ("hoi thao dien ra khi nao", AnswerKind.TIME),
        ("Hàn Quốc chi bao nhiêu?", AnswerKind.NUMBER),
        ("Vì sao LG không chạy theo quy mô?", AnswerKind.REASON),
        ("Upstage phát triển mô hình như thế nào?", AnswerKind.MANNER),
        ("Năm tổ chức được chọn gồm những gì?", AnswerKind.LIST),
        ("A.X 4.0 dựa trên mô hình nào?", AnswerKind.OTHER),
    ],
)
def test_question_words_tell_the_kind_of_answer(question: str, kind: AnswerKind) -> None:
    assert answer_kind(question) is kind


def test_rarity_is_the_logarithm_of_the_inverse_frequency() -> None:
    assert RARITY.weight("hàn", folded=False) == pytest.approx(np.log(10))
    assert RARITY.weight("và", folded=False) == pytest.approx(0.0)
    assert RARITY.weight("upstage", folded=False) == pytest.approx(np.log(100))


def test_folded_counts_add_up() -> None:
    assert RARITY.weight("nam", folded=True) == pytest.approx(np.log(100 / 99))


def test_question_words_carry_no_weight_and_names_are_claims() -> None:
    asked = analyse("Chính phủ Hàn Quốc chi bao nhiêu năm 2024?", RARITY)
    assert set(asked.weights) == {"chính", "phủ", "hàn", "quốc", "chi", "năm", "2024"}
    assert ("hàn", "quốc") in asked.claims
    assert ("2024",) in asked.claims


def test_an_unaccented_question_is_compared_without_marks() -> None:
    asked = analyse("han quoc chi bao nhieu", RARITY)
    assert asked.keys_of("Hàn Quốc") == ("han", "quoc")


def test_candidates_are_sentences_once_each_with_document_offsets() -> None:
    first = passage("Câu một nói điều này. Câu hai nói điều kia.", start=10)
    overlapping = passage("Câu hai nói điều kia. Ảnh: Một Hai Ba Bốn", start=32)
    found = candidates([first, overlapping])
    assert [(item.passage, item.start_char, item.text) for item in found] == [
        (0, 10, "Câu một nói điều này."),
        (0, 32, "Câu hai nói điều kia."),
    ]


def test_a_sentence_with_the_question_words_measures_higher() -> None:
    passages = [passage("Hàn Quốc đầu tư 94,6 tỷ won. Trời hôm nay rất đẹp và nắng.")]
    asked = analyse("Hàn Quốc đầu tư bao nhiêu?", RARITY)
    cosines = np.array([0.9, 0.1], dtype=np.float32)
    by_sentence, whole = measure(asked, passages, candidates(passages), cosines, cosines[:1], 4 * cosines, 2 * cosines)
    assert by_sentence.shape == (2, len(SENTENCE_FEATURES))
    assert whole.shape == (len(QUESTION_FEATURES),)
    first, second = (dict(zip(SENTENCE_FEATURES, row, strict=True)) for row in by_sentence)
    assert (first["words"], second["words"]) == (1.0, 0.0)
    assert (first["match"], second["match"]) == pytest.approx((3.6, 0.4))
    assert (first["verified"], second["verified"]) == pytest.approx((1.8, 0.2))
    told = dict(zip(QUESTION_FEATURES, whole, strict=True))
    assert (told["verified"], told["verified_second"]) == pytest.approx((1.8, 0.2))
    assert (first["has_kind"], second["lacks_kind"]) == (1.0, 1.0)
    assert (first["names_missing"], second["names_missing"]) == (0.0, 1.0)
