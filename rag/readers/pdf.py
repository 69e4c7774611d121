"""PDF by pypdfium2, the engine of Chromium: letters with their places and fonts.

The cells of ruled tables are found by pdfplumber, on the pages that have rules; scans are read by tesseract.
"""

import ctypes
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rag.encodings import from_font
from rag.errors import DocumentError
from rag.readers import scan
from rag.readers.layout import Cell, Page, Piece, parts_of_pages
from rag.readers.reading import Part, Reading, title_of

_FEW_LETTERS = 25
"""Letters below which a page with a picture over it is a scan: its stamp or its page number may be text."""
_PDF_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")
_LEAST_RULES = 4
_MOST_PAGES = 20_000
_BOLD = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)


def read_pdf(raw: bytes, source: str) -> Reading:
    """The paragraphs of a PDF with their pages.

    Raises:
        DocumentError: it is encrypted or damaged, or a scan that cannot be read here.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error):
            raise DocumentError(
                f"{source}: is protected by a password: open it, and print or save it to a PDF without one"
            ) from error
        raise DocumentError(f"{source}: is damaged or no PDF ({error}): export it again") from error
    try:
        return _read(document, raw, source)
    finally:
        document.close()


def _read(document: Any, raw: bytes, source: str) -> Reading:
    tables = _Tables(raw)
    pages: list[Page] = []
    scanned: list[int] = []
    for number in range(1, min(len(document), _MOST_PAGES) + 1):
        page = document[number - 1]
        stated = document.get_page_label(number - 1)
        label = stated if stated and stated != str(number) else ""
        read = _page(page, number, label, tables)
        letters = sum(char.isalnum() for piece in read.pieces for char in piece.text)
        if letters < _FEW_LETTERS and _has_picture(page):
            scanned.append(number)
        pages.append(read)
        page.close()
    tables.close()
    known = document.get_metadata_dict(skip_empty=True)
    notes = {"author": known["Author"]} if known.get("Author") else {}
    recognised: dict[int, list[Part]] = {}
    if scanned:
        lacking = scan.missing()
        if not lacking:
            recognised = {number: _recognised(document, number, pages[number - 1].label, source) for number in scanned}
        elif len(scanned) == len(pages):
            raise DocumentError(f"{source}: is a scan (pictures of {len(pages)} pages, no text), and {lacking}")
        else:
            notes["unread_pages"] = ", ".join(map(str, scanned))
    parts = parts_of_pages([page for page in pages if page.number not in recognised])
    if recognised:
        parts = _in_page_order(parts, recognised)
    title = title_of(known.get("Title")) or _largest(parts)
    return Reading(tuple(parts), title, _date(known.get("CreationDate", "")), notes)


def _in_page_order(parts: list[Part], recognised: dict[int, list[Part]]) -> list[Part]:
    by_page: dict[int, list[Part]] = {number: list(found) for number, found in recognised.items()}
    for part in parts:
        by_page.setdefault(part.page or 0, []).append(part)
    return [part for number in sorted(by_page) for part in by_page[number]]


def _largest(parts: list[Part]) -> str:
    """The widest heading of the first page; empty when there is none, or several."""
    heads = [part for part in parts if part.level and part.page == 1]
    widest = min((part.level for part in heads), default=0)
    texts = [part.text for part in heads if part.level == widest]
    return texts[0] if len(texts) == 1 and widest < 5 else ""


def _page(page: Any, number: int, label: str, tables: "_Tables") -> Page:
    width, height = page.get_size()
    cells = tables.cells(number) if _has_rules(page) else []
    text_page = page.get_textpage()
    try:
        pieces = tuple(_pieces(text_page, height, cells))
    finally:
        text_page.close()
    return Page(number, width, height, pieces, label=label)


_Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class _Tables:
    """The ruled tables of a file, page by page as they are asked for."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._document: Any = None

    def cells(self, number: int) -> list[tuple[_Box, Cell]]:
        """The cells of the tables of a page, which have two rows and two columns at least."""
        import pdfplumber

        if self._document is None:
            self._document = pdfplumber.open(io.BytesIO(self._raw))
        page = self._document.pages[number - 1]
        found: list[tuple[_Box, Cell]] = []
        for place, table in enumerate(page.find_tables()):
            rows = [row.cells for row in table.rows]
            if len(rows) >= 2 and max(sum(cell is not None for cell in row) for row in rows) >= 2:
                found += [
                    (tuple(box), Cell(place, at, column))
                    for at, row in enumerate(rows)
                    for column, box in enumerate(row)
                    if box is not None
                ]
        page.close()
        return found

    def close(self) -> None:
        if self._document is not None:
            self._document.close()


class _Letters:
    """The letters of a piece as they come; a change of font is kept, for each font may have its own encoding."""

    def __init__(self, cell: Cell | None = None) -> None:
        self.cell = cell
        self.runs: list[tuple[str, str]] = []
        self.box = [0.0, 0.0, 0.0, 0.0]
        self.base = 0.0
        self.sizes: list[float] = []
        self.bold = 0

    def add(self, char: str, font: str, box: tuple[float, float, float, float], base: float) -> None:
        if not self.sizes:
            self.box, self.base = list(box), base
        if self.runs and self.runs[-1][1] == font:
            self.runs[-1] = (self.runs[-1][0] + char, font)
        else:
            self.runs.append((char, font))
        self.box = [
            min(self.box[0], box[0]),
            min(self.box[1], box[1]),
            max(self.box[2], box[2]),
            max(self.box[3], box[3]),
        ]
        self.sizes.append(box[3] - box[1])
        self.bold += _BOLD.search(font) is not None

    def space(self) -> None:
        if self.runs and not self.runs[-1][0].endswith(" "):
            self.runs[-1] = (self.runs[-1][0] + " ", self.runs[-1][1])

    def piece(self) -> Piece | None:
        # A letter in U+0002 or U+FFFE is a hyphen at the end of a line.
        text = "".join(from_font(words, font) for words, font in self.runs)
        text = " ".join(text.replace("\x02", "-").replace("\ufffe", "-").split())
        if not text:
            return None
        size = sorted(self.sizes)[len(self.sizes) // 2]
        x0, top, x1, bottom = self.box
        return Piece(text, x0, x1, top, bottom, self.base, size, self.bold > 0.6 * len(self.sizes), self.cell)


def _pieces(text_page: Any, height: float, cells: Sequence[tuple[_Box, Cell]]) -> Iterator[Piece]:
    """The pieces of a page in the order in which the file draws them; slanted letters (watermarks) are left out."""
    from pypdfium2 import raw

    rect = raw.FS_RECTF()
    x, y = ctypes.c_double(), ctypes.c_double()
    buffer, flags = ctypes.create_string_buffer(256), ctypes.c_int()
    current = _Letters()
    for index in range(text_page.count_chars()):
        code = raw.FPDFText_GetUnicode(text_page, index)
        if code in (0, 0x0A, 0x0D):
            continue
        if code in (0x20, 0xA0, 0x09):
            current.space()
            continue
        if abs((raw.FPDFText_GetCharAngle(text_page, index) + 0.1) % 6.2832 - 0.1) > 0.1:
            continue
        raw.FPDFText_GetLooseCharBox(text_page, index, rect)
        raw.FPDFText_GetCharOrigin(text_page, index, x, y)
        raw.FPDFText_GetFontInfo(text_page, index, buffer, 256, flags)
        font = buffer.value.decode("utf-8", "replace")
        box = (rect.left, height - rect.top, rect.right, height - rect.bottom)
        base = height - y.value
        cell = _cell_at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, cells)
        if not current.sizes:
            current.cell = cell
        else:
            size = max(current.sizes[-1], box[3] - box[1])
            gap = box[0] - current.box[2]
            if cell != current.cell or abs(base - current.base) > 0.35 * size or gap > 1.8 * size or gap < -1.5 * size:
                piece = current.piece()
                if piece is not None:
                    yield piece
                current = _Letters(cell)
            elif gap > 0.2 * size:
                current.space()
        current.add(chr(code), font, box, base)
    piece = current.piece()
    if piece is not None:
        yield piece


def _cell_at(x: float, y: float, cells: Sequence[tuple[_Box, Cell]]) -> Cell | None:
    return next((cell for (x0, top, x1, bottom), cell in cells if x0 <= x <= x1 and top <= y <= bottom), None)


def _has_rules(page: Any) -> bool:
    """Whether enough is drawn for a table: four lines, or boxes."""
    from pypdfium2 import raw

    paths = page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=3)
    return sum(1 for _ in islice(paths, _LEAST_RULES)) == _LEAST_RULES


def _has_picture(page: Any) -> bool:
    """Whether a picture covers half of the page."""
    from pypdfium2 import raw

    width, height = page.get_size()
    for found in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        left, bottom, right, top = found.get_bounds()
        if (right - left) * (top - bottom) >= 0.5 * width * height:
            return True
    return False


def _recognised(document: Any, number: int, label: str, source: str) -> list[Part]:
    page = document[number - 1]
    stream = io.BytesIO()
    try:
        page.render(scale=scan.DOTS_PER_INCH / 72, grayscale=True).to_pil().save(stream, "PNG")
    finally:
        page.close()
    return list(scan.parts_of_text(scan.recognise(stream.getvalue(), source, number), number, label))


def _date(stated: str) -> str:
    match = _PDF_DATE.match(stated)
    return f"{match[1]}-{match[2] or '01'}-{match[3] or '01'}" if match is not None else ""
