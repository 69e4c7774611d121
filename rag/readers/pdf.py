"""PDF by pypdfium2, the engine of Chromium: letters with their places and fonts.

The cells of ruled tables are found by pdfplumber, on the pages that have rules; scans are read by tesseract.
"""

import io
import math
import re
from itertools import islice
from typing import Any

from rag.errors import DocumentError, marked
from rag.readers import scan
from rag.readers.layout import parts_of_pages
from rag.readers.letters import letters, pieces, quarter_turns
from rag.readers.reading import PAGES, Part, Reading, title_of
from rag.readers.rows import Box, Cell, Page

_FEW_LETTERS = 25
"""Letters below which a page with a picture over it is a scan: its stamp or its page number may be text."""
_PDF_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")
_LEAST_RULES = 4
_MOST_PIXELS = 50_000_000
"""Of a scanned page: A2 at 300 dots an inch. A page may state a size of kilometres."""
_MOST_RULES = 3000
_MOST_PAGES = 20_000


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
    notes = {PAGES: str(len(document))} | ({"author": known["Author"]} if known.get("Author") else {})
    recognised: dict[int, list[Part]] = {}
    if scanned:
        lacking = scan.missing()
        if not lacking:
            recognised = {number: _recognised(document, number, pages[number - 1].label, source) for number in scanned}
        elif len(scanned) == len(pages):
            raise DocumentError(f"{source}: is a scan (pictures of {len(pages)} pages, no text), and {lacking}")
        else:
            pages_named = ", ".join(map(str, scanned))
            notes["unread"] = marked(f"pages {pages_named} are pictures and were left out: {lacking} with --rebuild")
    if len(document) > _MOST_PAGES:
        notes["unread"] = marked(f"the pages after {_MOST_PAGES} were left out: split it")
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
    if page.get_rotation() in (90, 270):
        width, height = height, width
    text_page = page.get_textpage()
    try:
        turns = quarter_turns(text_page)
        # The places of cells are those of a page that stands upright.
        cells = tables.cells(number) if not turns and not page.get_rotation() and _has_rules(page) else []
        found = tuple(pieces(letters(text_page, width, height, turns), cells))
    finally:
        text_page.close()
    return Page(number, height if turns % 2 else width, width if turns % 2 else height, found, label=label)


class _Tables:
    """The ruled tables of a file, page by page as they are asked for."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._document: Any = None

    def cells(self, number: int) -> list[tuple[Box, Cell]]:
        """The cells of the tables of a page, which have two rows and two columns at least."""
        import pdfplumber

        try:
            if self._document is None:
                self._document = pdfplumber.open(io.BytesIO(self._raw))
            return self._cells(self._document.pages[number - 1])
        except Exception:  # noqa: BLE001 - pdfminer raises anything on a damaged page, whose letters are read all the same
            return []

    @staticmethod
    def _cells(page: Any) -> list[tuple[Box, Cell]]:
        found: list[tuple[Box, Cell]] = []
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


def _has_rules(page: Any) -> bool:
    """Whether what is drawn may be a table: four lines or boxes, and not the thousands of a map."""
    from pypdfium2 import raw

    paths = page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=3)
    return _LEAST_RULES <= sum(1 for _ in islice(paths, _MOST_RULES + 1)) <= _MOST_RULES


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
        width, height = page.get_size()
        scale = min(scan.DOTS_PER_INCH / 72, math.sqrt(_MOST_PIXELS / max(width * height, 1)))
        page.render(scale=scale, grayscale=True).to_pil().save(stream, "PNG")
    finally:
        page.close()
    return list(scan.parts_of_text(scan.recognise(stream.getvalue(), source, number), number, label))


def _date(stated: str) -> str:
    match = _PDF_DATE.match(stated)
    return f"{match[1]}-{match[2] or '01'}-{match[3] or '01'}" if match is not None else ""
