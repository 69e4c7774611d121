"""Pages of real PDF files as pictures."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from rag.errors import DocumentError
from rag.readers.page_picture import page_picture
from tests.pdf_files import new_pdf

FRAME = (11, 110, 95)
WORDS = "Con mèo của bà Lan tên là Mướp, năm nay bốn tuổi, thích ăn cá rô phi và ngủ trên mái nhà cả ngày dài."


@pytest.fixture
def file(tmp_path):
    pdf = new_pdf()
    for text in ("Trang đầu không nói gì.", f"Lời mở đầu. {WORDS} Hết chuyện."):
        pdf.add_page()
        pdf.multi_cell(0, text=text)
    pdf.output(str(tmp_path / "meo.pdf"))
    return tmp_path / "meo.pdf"


def drawn(file: Path, page: int, quote: str) -> Image.Image:
    address = page_picture(file, page, quote)
    assert address.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")


def framed_rows(image: Image.Image) -> list[int]:
    """The heights, in pixels, at which there is a frame."""
    width, height = image.size
    return [y for y in range(height) if any(image.getpixel((x, y)) == FRAME for x in range(0, width, 3))]


def test_the_words_are_framed_where_they_stand_over_two_lines(file):
    image = drawn(file, 2, WORDS)
    rows = framed_rows(image)
    assert rows
    assert max(rows) < image.size[1] / 4  # the text is at the top of the page
    assert max(rows) - min(rows) > 30  # two lines of 11 points


def test_words_that_the_page_does_not_hold_leave_it_unframed(file):
    assert framed_rows(drawn(file, 1, WORDS)) == []
    assert framed_rows(drawn(file, 2, "")) == []


def test_what_is_no_page_is_told(file, tmp_path):
    with pytest.raises(DocumentError, match="has no page 3"):
        page_picture(file, 3, WORDS)
    (tmp_path / "no.pdf").write_bytes(b"no pdf")
    with pytest.raises(DocumentError, match="cannot be drawn"):
        page_picture(tmp_path / "no.pdf", 1, WORDS)
    with pytest.raises(DocumentError, match="cannot be drawn"):
        page_picture(tmp_path / "gone.pdf", 1, WORDS)
