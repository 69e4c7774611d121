"""Files to documents: what the shipped articles show, and what is not a document."""

from pathlib import Path

import pytest

from rag.documents import SourceFile, is_heading, make_document, read_document
from rag.errors import DocumentError
from rag.store.scanning import scan
from tests.conftest import SEEDS


def write(folder: Path, name: str, content: bytes | str) -> SourceFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return SourceFile(path, name)


def test_a_leading_date_line_becomes_the_date() -> None:
    document = make_document(" date 2025-09-29 Tháng trước, chính phủ khởi động.", "a.txt")
    assert (document.date, document.text) == ("2025-09-29", "Tháng trước, chính phủ khởi động.")


def test_lines_that_an_export_broke_are_joined() -> None:
    lines = ["Với sự hỗ trợ của Bộ Khoa học và Công nghệ thông tin, chính phủ nước này đầu tư tổng cộng 94,6 tỷ ",
             "won (tương đương 68,2 triệu USD) vào Phòng thí nghiệm AI quốc gia từ nay đến năm 2028. Mục tiêu của ",
             "Dự án là xây dựng nền móng để Hàn Quốc trở thành một trung tâm nghiên cứu AI toàn cầu, đồng thời phát ",
             "triển nhân tài."]  # fmt: skip
    document = make_document("\n".join(lines), "a.txt")
    assert document.text == "".join(lines)


def test_a_sentence_over_a_page_break_is_joined() -> None:
    assert make_document("Hàn Quốc khai \n\ntrương phòng thí nghiệm \n\nNgày mai họp.", "a.txt").text == (
        "Hàn Quốc khai trương phòng thí nghiệm\n\nNgày mai họp."
    )


def test_list_items_stay_lines_of_their_own() -> None:
    text = "Cần có:\n- hạ tầng\n- dữ liệu\n1. con người"
    assert make_document(text, "a.txt").text == text


@pytest.mark.parametrize("furniture", ["Trang 3/10", "- 4 -", "Ảnh minh họa", "Page 2 of 9"])
def test_page_furniture_is_left_out(furniture: str) -> None:
    assert make_document(f"Câu một.\n\n{furniture}\n\nCâu hai.", "a.txt").text == "Câu một.\n\nCâu hai."


def test_the_closing_source_line_is_kept_and_known() -> None:
    document = make_document("Câu một.\n\nNguồn: Cục Thông tin.", "a.txt")
    assert document.metadata["origin"] == "Cục Thông tin"
    assert document.text.endswith("Nguồn: Cục Thông tin.")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Tin hội thảo\n\nHội thảo diễn ra hôm qua.", "Tin hội thảo"),
        ("# Quy chế\n\nĐiều 1 nói thế.", "Quy chế"),
        ("Hội thảo diễn ra hôm qua. Rồi xong.", "Hội thảo diễn ra hôm qua."),
    ],
)
def test_the_title_is_the_first_line_or_sentence(text: str, title: str) -> None:
    assert make_document(text, "a.txt").title == title


def test_a_long_first_sentence_is_shortened_to_a_title() -> None:
    title = make_document("Từ " + "rất " * 60 + "dài.", "a.txt").title
    assert title.endswith("rất…")
    assert len(title) <= 91


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("LG AI Research: Exaone", True),
        ("Tầm nhìn và mục tiêu của Hàn Quốc", True),
        ("Toàn cảnh buổi tọa đàm", False),
        ("Bộ trưởng phát biểu. Ảnh: Hải Danh", False),
        ("Một câu trọn vẹn.", False),
        ("- một mục", False),
        ("Nguồn: Cục Thông tin", False),
        ("12/2024", False),
    ],
)
def test_headings_are_short_open_lines(paragraph: str, expected: bool) -> None:
    assert is_heading(paragraph) is expected


def test_the_shipped_corpus_is_read_as_its_articles_say() -> None:
    documents = {file.source[:3]: read_document(file, 50) for file in scan(SEEDS).files}
    assert [documents[key].date for key in sorted(documents)] == [None, None, "2025-09-29", None, "2025-10-28"]
    assert documents["000"].title.endswith("khai trương Phòng thí nghiệm AI quốc gia")
    assert documents["003"].title == 'Hội thảo "Sử dụng trí tuệ nhân tạo có trách nhiệm"'
    assert "94,6 tỷ won (tương đương 68,2 triệu USD)" in documents["000"].text
    assert "Ảnh minh họa" not in documents["002"].text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Xin chào các bạn.".encode("utf-16"), "Xin chào các bạn."),
        ("\ufeffXin chào.".encode(), "Xin chào."),
        (b"Xin ch\xc3\xa0o.\r\n", "Xin chào."),
    ],
)
def test_unicode_text_is_decoded(tmp_path: Path, content: bytes, expected: str) -> None:
    assert read_document(write(tmp_path, "a.txt", content), 1).text == expected


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\x00\xff", "not text in UTF-8"),
        ("a.txt", b"abc\x00def", "zero bytes"),
        ("a.txt", b"", "no text"),
        ("a.txt", b" \n\n*** \n", "no text"),
        ("a.exe", b"MZ", "files of kind .exe are not read"),
        ("a.txt", b"x" * 1_000_001, "over the limit of 1 MB"),
    ],
)
def test_what_is_no_document_is_refused_by_name(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        read_document(write(tmp_path, name, content), 1)
    assert str(caught.value).startswith(name)
