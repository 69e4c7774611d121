"""Vietnamese text: one form, one key, sentences where a reader sees them."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text import fold, is_unaccented, is_vietnamese, normalize, sentence_spans, syllable_key, syllables


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (unicodedata.normalize("NFD", "Trí tuệ nhân tạo"), "Trí tuệ nhân tạo"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("Việt\u00a0Nam", "Việt Nam"),
        ("\ufeffHà\u200b Nội\u00ad", "Hà Nội"),
        ("\u00d0à Nẵng", "Đà Nẵng"),
        ("tab\tstays", "tab\tstays"),
        ("bell\x07 gone", "bell gone"),
    ],
)
def test_text_enters_in_one_form(raw: str, clean: str) -> None:
    assert normalize(raw) == clean


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hoà", "hòa"),
        ("thuỷ", "thủy"),
        ("Khoẻ", "khỏe"),
        ("quí", "quý"),
        ("lí", "lý"),
        ("TỈ", "tỷ"),
        ("Mĩ", "mỹ"),
        ("sĩ", "sỹ"),
    ],
)
def test_spellings_of_a_syllable_share_a_key(one: str, other: str) -> None:
    assert syllable_key(one) == syllable_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("hóa", "hoa"), ("quý", "quy"), ("tím", "týp"), ("toán", "tóan"), ("bi", "by")]
)
def test_different_syllables_keep_different_keys(one: str, other: str) -> None:
    assert syllable_key(one) != syllable_key(other)


def test_the_u_of_qu_takes_no_tone_mark() -> None:
    assert syllable_key("quý") == "quý"
    assert syllable_key("quỳ") == "quỳ"


def test_keys_hold_numbers_as_written_and_split_dates() -> None:
    assert syllables("94,6 tỷ · 50.000 · 28/10/2024 · KH&CN · A.X 4.0 · GPT-4o") == [
        "94,6", "tỷ", "50.000", "28", "10", "2024", "kh", "cn", "a", "x", "4.0", "gpt", "4o",
    ]  # fmt: skip


def test_a_misread_al_is_ai() -> None:
    assert syllables("Al bao trùm") == syllables("AI bao trùm")


def test_fold_takes_every_mark_off() -> None:
    assert fold("Đường thuỷ ở Huế: ữ ự ẵ ậ ỵ") == "Duong thuy o Hue: u u a a y"


@pytest.mark.parametrize(
    ("text", "expected"), [("tri tue nhan tao", True), ("trí tue", False), ("2024?", False), ("đi", False)]
)
def test_unaccented_text_is_recognised(text: str, expected: bool) -> None:
    assert is_unaccented(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "GS.TS. Trần Văn A. và TP. HCM có 94,6 tỷ won. PGS. TS. Nguyễn B đến.",
            ["GS.TS. Trần Văn A. và TP. HCM có 94,6 tỷ won.", "PGS. TS. Nguyễn B đến."],
        ),
        ("Ông nói: “Vâng.” Rồi ông đi.", ["Ông nói: “Vâng.”", "Rồi ông đi."]),
        ("Giá 50.000 đồng! Thật à? Vâng.", ["Giá 50.000 đồng!", "Thật à?", "Vâng."]),
        ("startup... sẽ giúp. Ngày 28/10/2024.", ["startup... sẽ giúp.", "Ngày 28/10/2024."]),
        ("startup... đã lớn", ["startup... đã lớn"]),
        ("George W. Bush đến. Dùng vitamin C. Các bạn.", ["George W. Bush đến.", "Dùng vitamin C.", "Các bạn."]),
        ("trợ lý AI cá nhân A. (A-dot) ra mắt.", ["trợ lý AI cá nhân A. (A-dot) ra mắt."]),
        ("1. Điều này đúng. 2. Điều kia sai.", ["1. Điều này đúng.", "2. Điều kia sai."]),
        ("Dòng một\nDòng hai", ["Dòng một", "Dòng hai"]),
        ("", []),
        (" \n ", []),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.sampled_from('aĐ. ?!\n"”…1,TP)('), max_size=80))
def test_sentences_are_in_order_and_lose_no_word(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    kept = "".join(text[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("Việt Nam đặt mục tiêu đến năm 2030 nằm trong nhóm dẫn đầu [1].", True),
        ("A.X 4.0 dựa trên Qwen 2.5 của Alibaba Cloud.", True),
        ("SK Telecom, LG AI Research, Naver Cloud, NC AI, Upstage.", True),
        ("72 tỷ", True),
        ("Yes.", True),
        ("", True),
        ("The model is based on an open source model.", False),
        ("A.X 4.0 duoc phat trien dua tren mo hinh nguon mo.", False),
        ("Le modèle a été développé à partir d'un modèle ouvert par une grande entreprise.", False),
        ("该模型基于阿里云的开源模型开发，包括两个版本。", False),
        ("Модель основана на открытой модели", False),
        ("Mô hình này dựa trên 通义千问 của Alibaba.", True),
    ],
)
def test_vietnamese_is_told_from_other_languages(text, is_it):
    assert is_vietnamese(text) is is_it
