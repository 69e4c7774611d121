"""A question's particulars: what a text must speak of before it can answer."""

import pytest

from rag.relevance.details import holds_asked_kind, not_mentioned
from rag.relevance.features import Rarity, analyse

WORDS = "chi bao nhiêu năm trung quốc nhật bản hàn kiện ngày họp đầu tư tháng tỷ won có ở đâu"
RARITY = Rarity(dict.fromkeys(WORDS.split(), 60_000), 120_000)
TOLD = "Hàn Quốc chi 94,6 tỷ won từ năm 2024. Sự kiện họp ngày 28/10/2024 tại trung tâm quốc gia."


def missing(question: str) -> tuple[str, ...]:
    return not_mentioned(analyse(question, RARITY), TOLD, RARITY)


@pytest.mark.parametrize(
    "question",
    [
        "Hàn Quốc chi bao nhiêu?",
        "han quoc chi bao nhieu",
        "HÀN QUỐC CHI BAO NHIÊU?",
        "Hàn Quốc chi 94.6 tỉ won năm nào?",
        "Họp ngày 28 tháng 10 năm 2024 ở đâu?",
        "Có 1 ngày họp chi bao nhiêu?",
    ],
)
def test_what_the_text_speaks_of_is_not_missing(question: str) -> None:
    assert missing(question) == ()


@pytest.mark.parametrize(
    ("question", "details"),
    [
        ("Nhật Bản chi bao nhiêu?", ("Nhật Bản",)),
        ("Trung Quốc chi bao nhiêu?", ("Trung Quốc",)),
        ("Hàn Quốc chi bao nhiêu năm 2031?", ("2031",)),
        ("Hàn Quốc chi 95 tỷ năm nào?", ("95 tỷ",)),
        ("kakao chi bao nhiêu?", ("kakao",)),
        ("Samsung chi bao nhiêu?", ("samsung",)),
    ],
)
def test_another_country_year_number_or_company_is_named(question: str, details: tuple[str, ...]) -> None:
    assert missing(question) == details


def test_a_slip_of_the_keyboard_is_forgiven() -> None:
    assert missing("Sự kiệ họp ngày nào?") == ()


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        ("Bà Emily Hamblin sinh năm nào?", "Bà Emily Hamblin phát biểu tại hội thảo.", False),
        ("ba Emily sinh nam nao", "Bà Emily sinh năm 1970.", True),
        ("Hàn Quốc chi bao nhiêu?", "Hàn Quốc chi cho AI.", False),
        ("Hàn Quốc chi bao nhiêu?", "Hàn Quốc chi 94,6 tỷ won.", True),
        ("A.X có bao nhiêu phiên bản?", "A.X gồm hai phiên bản.", True),
        ("Ai phát biểu?", "Trời đẹp.", True),
    ],
)
def test_a_year_or_an_amount_is_answered_by_one(question: str, sentence: str, expected: bool) -> None:
    assert holds_asked_kind(analyse(question, RARITY), [sentence]) is expected
