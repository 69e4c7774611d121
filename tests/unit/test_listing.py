"""Lists in a passage."""

import pytest

from rag.language.listing import list_spans

POLICY = (
    "Chính sách mới có hiệu lực từ tháng 7. Nhà nước ưu tiên các lĩnh vực sau:\n- Y tế\n- Giáo dục phổ thông\n"
    "- Giao thông đô thị.\nNgân sách do Quốc hội quyết định."
)
NUMBERED = "Hồ sơ gồm:\n\n1. Đơn xin học\n\n2. Bản sao học bạ\n\n3. Giấy khai sinh"


def told(text: str, words: str) -> list[str]:
    start = text.index(words)
    return [text[begin:end] for begin, end in list_spans(text, start, start + len(words))]


@pytest.mark.parametrize("words", ["- Y tế", "- Giáo dục phổ thông", "Nhà nước ưu tiên các lĩnh vực sau:"])
def test_a_list_is_found_from_its_announcement_and_from_each_item(words: str) -> None:
    assert told(POLICY, words) == [
        "Nhà nước ưu tiên các lĩnh vực sau:",
        "- Y tế",
        "- Giáo dục phổ thông",
        "- Giao thông đô thị.",
    ]


def test_empty_lines_may_stand_between_numbered_items() -> None:
    assert told(NUMBERED, "2. Bản sao học bạ")[0] == "Hồ sơ gồm:"
    assert len(told(NUMBERED, "Hồ sơ gồm:")) == 4


@pytest.mark.parametrize("words", ["Ngân sách do Quốc hội quyết định.", "Chính sách mới có hiệu lực từ tháng 7."])
def test_a_sentence_beside_a_list_is_no_part_of_it(words: str) -> None:
    assert told(POLICY, words) == []


def test_one_item_is_no_list_and_neither_is_a_register() -> None:
    assert told("Chỉ có:\n- Một mục\nHết.", "- Một mục") == []
    register = "\n".join(f"- Mục {number}" for number in range(30))
    assert told(register, "- Mục 3\n") == []


def test_a_list_without_announcement_is_its_items() -> None:
    assert told("Mở đầu không báo trước.\n- Một\n- Hai", "- Hai") == ["- Một", "- Hai"]
