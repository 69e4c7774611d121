"""What a model writes to what is shown, with models whose pieces are given."""

from collections.abc import Iterator

import pytest

from rag.llm.writing import Piece, reviewed, says_nothing
from rag.types import Notice, Remark

VIETNAMESE = "Việt Nam đặt mục tiêu đến năm 2030 nằm trong nhóm ba nước dẫn đầu Đông Nam Á."
ENGLISH = "By then the country wants to be among the three leading nations of its region in this field."


def shown(*attempts: list[Piece]) -> list[Piece]:
    """All that comes of attempts, the second of which insists on Vietnamese."""

    def attempt(again: bool) -> Iterator[Piece]:
        yield from attempts[again]

    return list(reviewed(attempt))


def test_pieces_come_as_they_are():
    assert shown(["Hà", " Nội", " [1]."]) == ["Hà", " Nội", " [1]."]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["<think>a</think>\n\nXin"], "Xin"),
        (["<think>", "a", "</think>", "Xin", " chào"], "Xin chào"),
        (["<think>không bao giờ hết"], ""),
        (["Xin", "<|im_", "end|>", "chào"], "Xin"),
        (["Xin<|im_"], "Xin<|im_"),
        (["Xin\n", "=== ", "[2] Tin ==="], "Xin"),
        (["Xin\n", "=== hết"], "Xin\n=== hết"),
        (["Xin</", "s>chào"], "Xin"),
    ],
)
def test_thoughts_and_stop_sequences_are_not_shown(pieces, text):
    assert "".join(map(str, shown(pieces))) == text


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Một hai ba bốn. " * 9, "Một hai ba bốn. "),
        ("Đầu. " + "lặp lại mãi " * 9, "Đầu. lặp lại mãi"),
        ("a" * 99, "a"),
        ("Trong bảng có " + "." * 50 + " 7", "Trong bảng có " + "." * 50 + " 7"),
        ("Một. Một. Một.", "Một. Một. Một."),
    ],
)
def test_of_what_goes_round_in_circles_one_round_is_kept(written, kept):
    pieces = shown(list(written))
    last = pieces.index(Notice(restarts=True)) + 1 if Notice(restarts=True) in pieces else 0
    assert "".join(str(piece) for piece in pieces[last:] if isinstance(piece, str)) == kept
    assert (Notice(Remark.CUT_LOOP) in pieces) == (kept != written)


def test_another_language_is_written_again_once():
    assert shown([ENGLISH], [VIETNAMESE]) == [ENGLISH, Notice(restarts=True), VIETNAMESE]
    assert shown([ENGLISH], [ENGLISH]) == [ENGLISH, Notice(restarts=True), ENGLISH, Notice(Remark.OTHER_LANGUAGE)]


def test_what_is_cut_by_the_clock_is_not_written_again():
    cut = Notice(Remark.CUT_TIME, "9")
    assert shown(["This one is too short to tell", cut]) == [
        "This one is too short to tell",
        cut,
        Notice(Remark.OTHER_LANGUAGE),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "Theo tài liệu [1].",
        "theo tài liệu",
        "Dựa vào các đoạn [1], [2]:",
        "Theo đoạn số [3]",
        "[1]",
        "Đoạn 2.",
    ],
)
def test_a_lead_in_alone_says_nothing(text):
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["2030", "Theo tài liệu [1], 7 tỷ.", "Không.", "Tài liệu mật."])
def test_a_short_answer_says_something(text):
    assert not says_nothing(text)
