"""A page of a PDF as a picture, the words of a quote framed."""

import base64
import io
from pathlib import Path
from typing import Any

from rag.errors import DocumentError

_SCALE = 1.7
"""Pixels for each of the 72 points of an inch: sharp enough for small print, some 300 KB a page."""
_FRAME = (11, 110, 95)
_MOST_PIXELS = 12_000_000
"""A page that would be larger is drawn smaller: sizes in a file are anybody's word."""


def page_picture(file: Path | bytes, page: int, quote: str) -> str:
    """The page, 1-based, as a `data:` address of a PNG; the quote is framed where its letters stand on this page.

    `file` is where a PDF stands, or what is in it.

    Raises:
        DocumentError: the file is gone, is no PDF any more, needs a password, or has no such page.
    """
    import pypdfium2

    name = file.name if isinstance(file, Path) else "the PDF"
    try:
        document = pypdfium2.PdfDocument(file)
        try:
            if not 1 <= page <= len(document):
                raise DocumentError(f"{name} has no page {page}: index it again")
            picture = _drawn(document[page - 1], quote)
        finally:
            document.close()
    except (pypdfium2.PdfiumError, OSError, ValueError) as error:
        raise DocumentError(f"{name} cannot be drawn ({error}): open it in another program") from error
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def _drawn(page: Any, quote: str) -> bytes:
    from PIL import ImageDraw

    width, height = page.get_size()
    scale = min(_SCALE, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    image = page.render(scale=scale).to_pil().convert("RGB")
    draw = ImageDraw.Draw(image)
    for left, bottom, right, top in _places(page, quote):
        box = (left * scale - 3, (height - top) * scale - 2, right * scale + 3, (height - bottom) * scale + 2)
        draw.rectangle(box, outline=_FRAME, width=2)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _places(page: Any, quote: str) -> list[tuple[float, float, float, float]]:
    """The lines of the quote as (left, bottom, right, top) in points; none where the page does not hold it as it is."""
    letters = page.get_textpage()
    # White space, breaks and hyphens stand otherwise in what was indexed than in the file.
    told = [(at, char) for at, char in enumerate(letters.get_text_range()) if char.isalnum()]
    wanted = "".join(char for char in quote if char.isalnum())
    start = "".join(char for _, char in told).find(wanted) if wanted else -1
    if start < 0:
        return []
    first, last = told[start][0], told[start + len(wanted) - 1][0]
    count = letters.count_rects(first, last - first + 1)
    return [letters.get_rect(at) for at in range(count)]
