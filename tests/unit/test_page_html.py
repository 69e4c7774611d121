"""The page's HTML: what stands where, and that nothing from outside becomes markup."""

import re

import pytest

from rag.page.chat_html import (
    answer_section_html,
    empty_panel_html,
    error_html,
    found_section_html,
    header_html,
    message_html,
    panel_html,
    progress_html,
    question_html,
)
from rag.types import Answer, AnswerSentence, Chunk, Citation, ScoredChunk, Support

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'</div>"
TEXT = "SK Telecom ra mắt A.X.\n\nA.X 4.0 dựa trên Qwen 2.5. Hết."
QUOTE = "A.X 4.0 dựa trên Qwen 2.5."
START = 100 + TEXT.index(QUOTE)


def passage(
    text: str = TEXT, doc_id: str = "d", start: int = 100, title: str = "Tựa", page: int | None = None
) -> ScoredChunk:
    chunk = Chunk(f"{doc_id}:{start}", doc_id, text, start, start + len(text), page, "Mục")
    return ScoredChunk(chunk, 1.0, title, "tệp.txt", "2025-09-29")


def citation(number: int = 1, start: int = START, quote: str = QUOTE, title: str = "Tựa") -> Citation:
    return Citation(number, "d", title, "tệp.txt", None, start, start + len(quote), quote)


def answer(
    sentences: list[tuple[str, Support, tuple[int, ...]]],
    citations: list[Citation],
    retrieved: list[ScoredChunk],
    reason: str = "",
    generator: str = "extractive",
) -> Answer:
    told = tuple(AnswerSentence(*sentence) for sentence in sentences)
    text = " ".join(sentence.text for sentence in told) or "Không tìm thấy thông tin này trong tài liệu."
    return Answer(
        "Hỏi gì?", text, told, tuple(citations), tuple(retrieved), bool(reason), reason, generator, {"total": 1234.0}
    )


def test_every_sentence_carries_its_sign_in_shape_and_word() -> None:
    shown = message_html(
        answer(
            [("Một.", Support.SUPPORTED, (1,)), ("Hai.", Support.PARTIAL, (1,)), ("Ba.", Support.UNSUPPORTED, ())],
            [citation()],
            [passage()],
        ),
        turn=3,
    )
    assert re.findall(r'<i>(.)</i> ([\w ]+)</span>', shown) == [
        ("●", "có căn cứ"), ("◐", "có căn cứ một phần"), ("○", "chưa có căn cứ"),
    ]  # fmt: skip
    assert shown.count('href="#t3c1"') == 2
    assert "! 1/3 câu có căn cứ" in shown
    assert "1,2 giây · trích nguyên văn" in shown


def test_the_reader_that_ships_is_called_by_what_it_does() -> None:
    found = answer([("A.", Support.SUPPORTED, (1,))], [citation()], [passage()], generator="reader-vi.gguf")
    assert "trả lời ngắn, trích nguyên văn" in message_html(found, 1)


def test_a_wholly_supported_answer_is_ticked_and_names_its_writer() -> None:
    shown = message_html(answer([("A.", Support.SUPPORTED, (1,))], [citation()], [passage()], generator="m.gguf"), 1)
    assert "✓ 1/1 câu có căn cứ" in shown
    assert "viết bởi m.gguf" in shown
    assert 'title="Tựa — “A.X 4.0 dựa trên Qwen 2.5.”"' in shown


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("no_passage", "Không có đoạn nào liên quan đến câu hỏi."),
        ("low_evidence", "Các đoạn gần nhất không có câu nào trả lời được câu hỏi."),
        ("not_mentioned: Nhật Bản", "Tài liệu gần nhất không nhắc tới: Nhật Bản."),
        ("generator_refused", "Mô hình ngôn ngữ không thấy câu trả lời trong các đoạn."),
        ("cancelled", "Bạn đã dừng trước khi có câu trả lời."),
    ],
)
def test_a_refusal_says_why(reason: str, told: str) -> None:
    assert told in message_html(answer([], [], [passage()], reason), 1)


def test_the_panel_marks_the_exact_words_and_folds_the_other_passages() -> None:
    other = passage("Đoạn khác.", doc_id="e")
    section = answer_section_html(answer([("A.", Support.SUPPORTED, (1,))], [citation()], [other, passage()]), 7)
    assert f'<span id="t7c1"></span><mark class="c1">{QUOTE}</mark>' in section
    assert section.index("<article") < section.index("1 đoạn khác đã tìm thấy") < section.index("Đoạn khác.")
    assert "tệp.txt · 29/09/2025 · Mục" in section


def test_a_quotation_in_the_overlap_of_two_passages_is_marked_once() -> None:
    section = answer_section_html(
        answer([("A.", Support.SUPPORTED, (1,))], [citation()], [passage(), passage(TEXT[24:], start=124)]), 1
    )
    assert section.count("<mark") == 1


def test_page_numbers_are_told() -> None:
    assert "trang 12" in found_section_html("Hỏi?", [passage(page=12)], 1)


def test_only_the_newest_section_is_shown_first() -> None:
    shown = panel_html(["<i>a</i>", "<i>b</i>"])
    assert "<div hidden><i>a</i></div><div><i>b</i></div>" in shown


def test_everything_from_outside_is_escaped() -> None:
    evil = passage(EVIL, title=EVIL)
    quoted = Citation(1, "d", EVIL, EVIL, None, 100, 100 + len(EVIL), EVIL)
    given = answer([(EVIL, Support.SUPPORTED, (1,))], [quoted], [evil], generator=EVIL)
    shown = "".join([
        question_html(EVIL), progress_html("", EVIL, EVIL), error_html(EVIL, EVIL), message_html(given, 1, EVIL),
        answer_section_html(given, 1), found_section_html(EVIL, [evil], 1),
    ])  # fmt: skip
    assert "<script" not in shown
    assert "<img" not in shown
    assert 'title="&lt;script&gt;' in shown


def test_chat_blocks_hold_no_line_break_that_would_end_them() -> None:
    lines = "một\n\nhai\r\nba"
    given = answer([(lines, Support.SUPPORTED, (1,))], [citation(quote=lines, title=lines)], [passage()])
    for shown in (question_html(lines), progress_html("", lines, lines), message_html(given, 1), error_html(lines)):
        assert "\n" not in shown
    assert question_html("a\nb") == '<div class="question">a<br>b</div>'


def test_the_header_names_the_machine_that_documents_are_sent_to() -> None:
    assert "Mọi thứ chạy trên máy này." in header_html()
    told = header_html("api.example.com<b>")
    assert "Câu hỏi và các đoạn được gửi tới api.example.com&lt;b&gt;." in told
    assert "trên máy này" not in told


def test_notes_stand_under_an_answer_and_under_a_refusal():
    for abstained in (False, True):
        noted = Answer("Hỏi?", "Không.", (), (), (), abstained, "low_evidence" if abstained else "", "m.gguf", {},
                       ("left_out: 2", "server_down: <b>"))  # fmt: skip
        page = message_html(noted, 1)
        assert '<p class="lack">2 đoạn có căn cứ không vừa cửa sổ của mô hình' in page
        assert "(&lt;b&gt;)" in page


def test_the_empty_panel_explains_the_signs() -> None:
    assert all(sign in empty_panel_html() for sign in "●◐○")
