"""CSV by the standard library: a line a row, with the names of its columns."""

import csv
import io
from itertools import islice

from rag.errors import DocumentError
from rag.readers.reading import Part, Reading, header_of, labelled

_SAMPLE_CHARS = 20_000
_LONGEST_CELL = 1_000_000


def read_csv(text: str, source: str, delimiter: str = "") -> Reading:
    """The rows of a table; the separator is found among comma, semicolon, tab and bar unless it is given.

    Raises:
        DocumentError: a cell is endless.
    """
    first = text.splitlines()[0] if text.strip() else ""
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        # What Excel writes above its rows.
        delimiter, text = first.strip()[4], text.partition("\n")[2]
    csv.field_size_limit(_LONGEST_CELL)
    delimiter = delimiter or _delimiter(text)
    try:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error:
            # A quotation mark that is never closed is an inch, or a quotation: the lines are the rows.
            rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        raise DocumentError(f"{source}: is not a table of comma-separated values ({error}): save it again") from error
    return Reading(tuple(sheet_parts(rows)))


def sheet_parts(rows: list[list[str]], first_row: int = 1) -> list[Part]:
    """The rows of a sheet that hold something; the rows above the one with the names are lines of their own."""
    kept = [(number, [" ".join(cell.split()) for cell in row]) for number, row in enumerate(rows, first_row)]
    kept = [(number, row) for number, row in kept if any(row)]
    names: list[str] = []
    parts: list[Part] = []
    for place, (number, row) in enumerate(kept):
        text = " | ".join(cell for cell in row if cell)
        # Names may stand below a title: within the first rows, as soon as one is filled like the rows below it.
        if names:
            text = labelled(names, row)
        elif place < 10:
            width = max(
                (index + 1 for _, other in islice(kept, place, place + 5) for index, cell in enumerate(other) if cell),
                default=0,
            )
            names = header_of([one[:width] for _, one in kept[place : place + 5]])
        joint = "\n" if parts else "\n\n"
        parts.append(Part(text, joint=joint, label=f"hàng {number}"))
    return parts


def _delimiter(text: str) -> str:
    sample = text[:_SAMPLE_CHARS]
    try:
        return csv.Sniffer().sniff(sample, delimiters=",;\t|").delimiter
    except csv.Error:
        first = sample.split("\n", 1)[0]
        return max(",;\t|", key=first.count)
