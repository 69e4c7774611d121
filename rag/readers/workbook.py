"""Excel workbooks (.xlsx) by openpyxl: a line a row, below the name of its sheet."""

import io
from datetime import date, datetime, time
from typing import Any

from rag.language.encodings import from_font
from rag.readers.reading import Part, Reading, date_of, title_of
from rag.readers.table import sheet_parts

_MOST_ROWS = 200_000
"""Rows read of a sheet; more is a database, and its last rows are empty ones that were formatted."""


def read_workbook(raw: bytes) -> Reading:
    """The rows of every sheet that is not hidden, with the values that Excel last worked out."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
    try:
        parts: list[Part] = []
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            # The size that a file states may be a million empty rows.
            sheet.reset_dimensions()
            rows = [[_shown(cell) for cell in row] for row in sheet.iter_rows(max_row=_MOST_ROWS)]
            lines = sheet_parts(rows)
            if lines:
                parts += [Part(sheet.title, level=1), *lines]
        known = book.properties
        notes = {"author": known.creator} if known.creator and known.creator != "openpyxl" else {}
        return Reading(tuple(parts), title_of(known.title), date_of(known.modified), notes)
    finally:
        book.close()


def _shown(cell: Any) -> str:
    """A cell as a Vietnamese reads it: 94.6 as "94,6", a day as "29/09/2025", the letters of an old font in Unicode."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Đúng" if value else "Sai"
    if isinstance(value, float):
        return f"{value:.10g}".replace(".", ",") if abs(value) < 1e15 else f"{value:g}"
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y}" if value.time() == time() else f"{value:%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    text = str(value)
    return text if text.isascii() else from_font(text, (cell.font and cell.font.name) or "")
