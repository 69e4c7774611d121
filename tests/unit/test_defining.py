"""Questions for what a thing is, and the sentences that say it."""

import pytest

from rag.language.defining import OPENING, SAID, defines, thing_asked


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
        ("Vì sao trời xanh?", ""),
        ("Luật có hiệu lực từ khi nào?", ""),
        ("", ""),
        ("Điều mà ba mươi hai đại biểu Quốc hội nói với báo chí là gì?", ""),
    ],
)
def test_what_a_question_asks_the_meaning_of(question: str, thing: str) -> None:
    assert thing_asked(question) == tuple(thing.split())


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Đậu phụ là gì?", "Đậu phụ (tiếng Trung: [dòufu] (nghe)) là một món ăn."),
        ("Vi mạch là gì?", "Vi mạch, hay mạch tích hợp (IC), là tập các mạch điện."),
        ("Tiền tệ là gì?", "Theo quy định này, tiền tệ được hiểu là phương tiện thanh toán."),
        ("Thủ đô của Pháp là gì?", "Paris là thủ đô của Pháp."),
        ("Ai là thủ đô của Pháp?", "Paris là một thủ đô của Pháp."),
    ],
)
def test_a_sentence_that_says_it(question: str, sentence: str) -> None:
    assert defines(sentence, thing_asked(question), opens=False) == SAID
    assert SAID < OPENING


@pytest.mark.parametrize(
    "sentence",
    ["Họ bán đậu phụ.", "Đậu phụ ngon.", "Đậu phụ là gì?", "Đây là đậu phụ.", "Đậu hũ là một món ăn.", ""],
)
def test_a_sentence_that_only_speaks_of_it(sentence: str) -> None:
    assert defines(sentence, thing_asked("Đậu phụ là gì?"), opens=True) == 0.0


def test_where_a_document_begins_more_may_stand_before_it_says_so() -> None:
    opening = "Lý Hải, tên thật Nguyễn Văn Hải, sinh năm 1968 tại Mỹ Tho, là một ca sĩ."
    thing = thing_asked("Lý Hải là ai?")
    assert defines(opening, thing, opens=True) == OPENING
    assert defines(opening, thing, opens=False) == 0.0
