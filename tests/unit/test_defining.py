"""Questions for what a thing is, and the sentences that say it."""

import time

import pytest

from rag.language.defining import OPENING, SAID, definition, definition_strength, thing_asked

LATER = 5000
"""A character behind which no document begins."""


@pytest.mark.parametrize(
    ("question", "thing"),
    [
        ("Đậu phụ là gì?", "dau phu"),
        ("dau phu la gi", "dau phu"),
        ("Albert Einstein là ai?", "albert einstein"),
        ("Ai là tổng thống Mỹ?", "tong thong my"),
        ("Thế nào là vi mạch?", "vi mach"),
        ("Cho tôi biết AI là gì vậy?", "ai"),
        ("Định nghĩa của tiền tệ là gì?", "tien te"),
        ("Tiền tệ nghĩa là gì?", "tien te"),
        ("Thủ đô của Pháp là gì?", "thu do cua phap"),
        ("Mật độ là gì?", "mat do"),
        ("Nó là gì?", ""),
        ("Điều đó là gì?", ""),
        ("Người này là ai?", ""),
        ("Vì sao trời xanh?", ""),
        ("Luật có hiệu lực từ khi nào?", ""),
        ("", ""),
        ("Điều mà ba mươi hai đại biểu Quốc hội nói với báo chí là gì?", ""),
    ],
)
def test_what_a_question_asks_the_meaning_of(question: str, thing: str) -> None:
    assert thing_asked(question) == tuple(thing.split())


@pytest.mark.parametrize(
    ("question", "sentence", "said"),
    [
        ("Đậu phụ là gì?", "Đậu phụ (tiếng Trung: [dòufu] (nghe)) là một món ăn.", "một món ăn"),
        ("Vi mạch là gì?", "Vi mạch, hay mạch tích hợp (IC), là tập các mạch điện, rất nhỏ.", "tập các mạch điện"),
        (
            "Tiền tệ là gì?",
            "Theo quy định này, tiền tệ được hiểu là phương tiện (mọi loại) thanh toán; không gì khác.",
            "phương tiện (mọi loại) thanh toán",
        ),
        ("Internet là gì?", "Internet, còn được viết là in-tơ-nét, là một hệ thống.", "một hệ thống"),
        ("Naver là gì?", "Hãng Naver - một công ty Internet - ra mắt mô hình ấy.", "một công ty Internet"),
        ("Thủ đô của Pháp là gì?", "Paris là thủ đô của Pháp.", "Paris"),
        ("Ai là vua của nước Pháp?", "Louis XIV là một vua của nước Pháp.", "Louis XIV"),
    ],
)
def test_a_sentence_that_says_it(question: str, sentence: str, said: str) -> None:
    found = definition(sentence, thing_asked(question), LATER)
    assert found is not None
    assert (found.strength, sentence[found.start : found.end]) == (SAID, said)
    assert definition_strength(sentence, thing_asked(question), LATER) == SAID
    assert definition_strength(sentence, thing_asked(question), 0) == OPENING or sentence.startswith(said)


@pytest.mark.parametrize(
    "sentence",
    [
        "Họ bán đậu phụ.",
        "Đậu phụ còn gọi là tàu hũ.",
        "Đậu phụ ngon.",
        "Màu của đậu phụ là màu trắng.",
        "Đậu phụ là gì?",
        "Đây là đậu phụ.",
        "Đậu hũ là một món ăn.",
        "(((",
        "",
    ],
)
def test_a_sentence_that_only_speaks_of_it(sentence: str) -> None:
    assert definition(sentence, thing_asked("Đậu phụ là gì?"), 0) is None
    assert definition_strength(sentence, (), 0) == 0.0


def test_where_a_document_begins_it_counts_more_and_more_may_stand_before_it() -> None:
    opening = "Lý Hải, tên thật Nguyễn Văn Hải, sinh năm 1968 tại Mỹ Tho, là một ca sĩ."
    thing = thing_asked("Lý Hải là ai?")
    found = definition(opening, thing, 0)
    assert found is not None
    assert found.strength == OPENING > SAID
    assert opening[found.start : found.end] == "một ca sĩ"
    assert definition(opening, thing, LATER) is None


def test_a_long_question_is_looked_at_in_no_time() -> None:
    began = time.perf_counter()
    assert thing_asked("thế nào là " * 400) == ()
    assert time.perf_counter() - began < 0.5
