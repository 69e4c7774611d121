"""What a page shows beside its text: running heads and feet, page numbers, tables of contents."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from rag.readers.rows import Page, Row, rows_of

_PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(?:trang|page|tr\.)?\s*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|trên|of)\s*\d{1,4})?[-–—|\s.]*", re.IGNORECASE
)
_CONTENTS_LINE = re.compile(r".*(?:[.…·]\s?){4,}\s*(?:\d+|[ivxlc]+)")
"""A line of a table of contents: it repeats a heading, and would be taken for it."""
_MARGIN = 0.12
"""Of a page's height: where running heads, feet and page numbers stand."""


def without_furniture(pages: Sequence[Page]) -> list[Page]:
    """Pages without the heads and feet that stand on several of them, and without page numbers."""
    seen: dict[str, set[int]] = defaultdict(set)
    for page in pages:
        for row in _marginal(page):
            seen[_furniture_key(row)].add(page.number)
    least = 2 if len(pages) < 4 else 3
    repeated = {key for key, numbers in seen.items() if len(numbers) >= least}
    kept: list[Page] = []
    for page in pages:
        rows = _marginal(page)
        off = {
            piece
            for row in rows
            if _furniture_key(row) in repeated or _PAGE_NUMBER.fullmatch(row.text)
            for piece in row.pieces
        }
        off |= {piece for row in rows_of(page.pieces) if _CONTENTS_LINE.fullmatch(row.text) for piece in row.pieces}
        kept.append(replace(page, pieces=tuple(piece for piece in page.pieces if piece not in off)))
    return kept


def _marginal(page: Page) -> list[Row]:
    """The rows in a page's margins that a gap keeps apart from its text; three at the top and at the bottom at most."""
    rows = rows_of([piece for piece in page.pieces if piece.cell is None])
    leading = median([after.base - before.base for before, after in pairwise(rows)]) if len(rows) > 1 else 0.0
    top = _apart([row for row in rows if row.base <= _MARGIN * page.height], rows, leading)
    bottom = _apart([row for row in reversed(rows) if row.base >= (1 - _MARGIN) * page.height], rows[::-1], leading)
    return [*top, *(row for row in bottom if row not in top)]


def _apart(marginal: Sequence[Row], rows: Sequence[Row], leading: float) -> list[Row]:
    """The outermost rows up to the last gap within the margin; `rows` are all of the page's, from that side."""
    apart = 0
    for place in range(min(len(marginal), 3)):
        inner = rows[place + 1] if place + 1 < len(rows) else None
        if inner is None or abs(inner.base - rows[place].base) > 1.25 * leading:
            apart = place + 1
    return list(marginal[:apart])


def _furniture_key(row: Row) -> str:
    side = "odd" if row.base < 200 else "even"
    return side + re.sub(r"\d+|\b[ivxlc]+\b", "#", row.text.lower())
