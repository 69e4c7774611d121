"""The benchmark's question variants, each a small, exact change, and which distractors copy a context."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "eval" / "benchmarks"))

from question_sets import near_copies, shingles
from question_variants import (
    QUESTION_VARIANTS,
    doubled,
    dropped,
    replaced,
    retoned,
    transposed,
    typing_slip,
)

QUESTION = "Hoà Bình ký hiệp ước năm nào?"


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("clean", "Hoà Bình ký hiệp ước năm nào?"),
        ("unaccented", "Hoa Binh ky hiep uoc nam nao?"),
        ("other-tone-style", "Hòa Bình ký hiệp ước năm nào?"),
        ("capitals", "HOÀ BÌNH KÝ HIỆP ƯỚC NĂM NÀO?"),
    ],
)
def test_variant_is_the_question_as_another_hand_types_it(variant: str, expected: str) -> None:
    assert QUESTION_VARIANTS[variant](QUESTION, 22) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hoà", "hòa"),
        ("Thuỷ", "Thủy"),
        ("KHOẺ", "KHỎE"),
        ("khoẻ mạnh, thuý", "khỏe mạnh, thúy"),
        ("quý", "quý"),
        ("QUỲ", "QUỲ"),
        ("hoàn", "hoàn"),
        ("tuỳ", "tùy"),
        ("hoa", "hoa"),
    ],
)
def test_tone_style_is_swapped_both_ways(one: str, other: str) -> None:
    assert QUESTION_VARIANTS["other-tone-style"](one, 0) == other
    assert QUESTION_VARIANTS["other-tone-style"](other, 0) == one


def test_each_kind_of_slip_lists_every_word_it_can_make() -> None:
    assert transposed("Nămm") == ["ăNmm", "Nmăm"]
    assert dropped("năm") == ["ăm", "nm", "nă"]
    assert doubled("năm") == ["nnăm", "năăm", "nămm"]
    assert replaced("Aă")[:3] == ["Bă", "Că", "Dă"]
    assert len(replaced("Aă")) == 25 + 26
    assert retoned("nào") == ["nao", "náo", "não", "nảo", "nạo"]
    assert retoned("năm") == []


def test_slip_changes_one_word_of_three_letters_or_more() -> None:
    for seed in range(200):
        before, after = QUESTION.split(), typing_slip(QUESTION, seed).split()
        changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
        assert len(changed) == 1
        assert changed[0][0] != "ký"


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (1, "Hoà Bình ký hiệp ước năm nàz?"),
        (2, "oHà Bình ký hiệp ước năm nào?"),
        (3, "Hoa Bình ký hiệp ước năm nào?"),
        (4, "Hoà Bình ký hip ước năm nào?"),
        (9, "Hoà Bình ký hiệp ước năăm nào?"),
    ],
)
def test_slip_is_the_same_for_the_same_seed(seed: int, expected: str) -> None:
    assert typing_slip(QUESTION, seed) == expected


def test_question_of_short_words_has_no_slip() -> None:
    assert typing_slip("Ai là ai?", 1) == "Ai là ai?"


def test_distractor_with_half_of_the_shingles_of_the_shorter_text_is_a_copy() -> None:
    words = [f"từ{number}" for number in range(40)]
    original = " ".join(words[:20])  # 13 runs of eight
    half = " ".join(words[7:27])  # shares 6 of 13
    more = " ".join(words[6:26])  # shares 7 of 13
    inside = "Mở đầu. " + " ".join(words[2:14])  # 12 of 14 words
    passages = [half, more, inside, "hoàn toàn khác", original.upper()]
    assert len(shingles(original)) == 13
    assert near_copies([shingles(text) for text in passages], [shingles(original)]) == {1, 2, 4}
