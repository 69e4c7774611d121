"""Letters on pages to paragraphs: reading order, joined lines, running heads off.

Lengths are points; y grows downwards.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from rag.language.listing import LIST_ITEM
from rag.language.structure import is_legal_heading
from rag.readers.furniture import without_furniture
from rag.readers.reading import LINE, PARAGRAPH, SAME_LINE, Part, table_parts
from rag.readers.rows import Page, Piece, Row, rows_of

_CLOSED = re.compile(r"[.!?…:;][\"'”’»)\]]*$")
_BULLET = re.compile(r"[-–—•*+▪◦●○■□✓➢❖\uf0b7\uf0a7\uf0d8\uf02d·]")


@dataclass(frozen=True, slots=True)
class _Column:
    """Rows that are read one after the other, from top to bottom."""

    rows: tuple[Row, ...]

    @property
    def left(self) -> float:
        return min(row.x0 for row in self.rows)

    @property
    def right(self) -> float:
        return max(row.x1 for row in self.rows)


def parts_of_pages(pages: Sequence[Page]) -> list[Part]:
    """The paragraphs of a document in reading order; one that runs over a page or a column is two parts on one line."""
    pages = without_furniture(pages)
    body = _body_size(pages)
    sizes = sorted({_rounded(piece.size) for page in pages for piece in page.pieces} - {0.0}, reverse=True)
    levels = {size: min(place + 1, 4) for place, size in enumerate(size for size in sizes if size >= 1.12 * body)}
    bold_letters = sum(len(piece.text) for page in pages for piece in page.pieces if piece.bold)
    letters = sum(len(piece.text) for page in pages for piece in page.pieces) or 1
    bold_level = 5 if bold_letters < 0.35 * letters else 0
    parts: list[Part] = []
    open_end = full_end = False
    for page in pages:
        for block in _blocks(page):
            if not isinstance(block, _Column):
                parts.extend(replace(part, label=page.label) for part in table_parts(block, page.number))
                open_end = False
                continue
            for place, (rows, joint) in enumerate(_paragraphs(block)):
                text = joined([row.text for row in rows])
                level = _level(rows, text, levels, bold_level)
                goes_on = open_end and (full_end or text[:1].islower()) and not rows[0].is_cells
                is_rest = place == 0 and goes_on and not level and not LIST_ITEM.match(text)
                before = SAME_LINE if is_rest else PARAGRAPH if level else joint
                parts.append(Part(text, level, before, page.number, page.label))
                open_end = not level and not rows[-1].is_cells and _CLOSED.search(text) is None
                full_end = rows[-1].x1 >= block.right - 0.06 * (block.right - block.left)
    return parts


def joined(lines: Sequence[str]) -> str:
    """The lines of a paragraph as one; a word that was broken at a line's end is whole again."""
    text = ""
    for line in lines:
        if not text:
            text = line
        elif text.endswith("\u00ad") or (re.search(r"[a-z]-$", text) and re.match(r"[a-z]", line)):
            text = text[:-1] + line
        elif re.search(r"\w[-–]$", text) and line[:1].isalnum():
            text += line
        else:
            text += " " + line
    return text.replace("\u00ad", "")


def _table(pieces: Sequence[Piece]) -> list[list[str]]:
    """The cells of a ruled table, each with its lines as one."""
    cells: dict[tuple[int, int], list[Piece]] = defaultdict(list)
    for piece in pieces:
        if piece.cell is not None:
            cells[piece.cell.row, piece.cell.column].append(piece)
    width = 1 + max(column for _, column in cells)
    said = {place: joined([row.spaced for row in rows_of(held)]) for place, held in cells.items()}
    return [[said.get((row, column), "") for column in range(width)] for row in sorted({row for row, _ in cells})]


def _body_size(pages: Sequence[Page]) -> float:
    counts: Counter[float] = Counter()
    for page in pages:
        for piece in page.pieces:
            counts[_rounded(piece.size)] += len(piece.text)
    return counts.most_common(1)[0][0] if counts else 0.0


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _level(rows: Sequence[Row], text: str, levels: dict[float, int], bold_level: int) -> int:
    """The level of a heading by its size, or that of a bold line; 0 for other paragraphs."""
    if len(rows) > 3 or len(text) > 200 or rows[0].is_cells or not any(char.isalpha() for char in text):
        return 0
    level = levels.get(_rounded(rows[0].size), 0)
    if level and not text.endswith((";", ",")):
        return level
    is_short = len(rows) <= 2 and len(text) <= 140 and _CLOSED.search(text) is None and not text.endswith(",")
    return bold_level if is_short and all(row.bold for row in rows) else 0


def _blocks(page: Page) -> Iterator[_Column | list[list[str]]]:
    """Columns and ruled tables in reading order: a table stands between what is above and below it."""
    tables: dict[int, list[Piece]] = defaultdict(list)
    for piece in page.pieces:
        if piece.cell is not None:
            tables[piece.cell.table].append(piece)
    rest = [piece for piece in page.pieces if piece.cell is None]
    for table in sorted(tables.values(), key=lambda held: min(piece.base for piece in held)):
        top = min(piece.base for piece in table)
        yield from _columns([piece for piece in rest if piece.base <= top], page.width)
        rest = [piece for piece in rest if piece.base > top]
        yield _table(table)
    yield from _columns(rest, page.width)


def _columns(pieces: Sequence[Piece], width: float, depth: int = 0) -> Iterator[_Column]:
    """The columns of a region: those beside each other from left to right, what runs across them in its place."""
    if not pieces:
        return
    gutter = _gutter(pieces, width) if depth < 3 else None
    if gutter is None:
        yield _Column(tuple(rows_of(pieces)))
        return
    ordinary: list[Piece] = []
    for band, is_columns in _bands(pieces, gutter, width):
        if not is_columns:
            ordinary.extend(band)
            continue
        if ordinary:
            yield _Column(tuple(rows_of(ordinary)))
            ordinary = []
        yield from _columns([piece for piece in band if piece.x1 <= gutter], width, depth + 1)
        yield from _columns([piece for piece in band if piece.x0 >= gutter], width, depth + 1)
    if ordinary:
        yield _Column(tuple(rows_of(ordinary)))


def _gutter(pieces: Sequence[Piece], width: float) -> float | None:
    """An x between two columns of prose; None when there is one column, or a table."""
    lefts = Counter(round(piece.x0) for piece in pieces)
    leftmost = min(piece.x0 for piece in pieces)
    best, most = None, 0
    for left, count in lefts.items():
        if count < 3 or left < leftmost + 0.15 * width:
            continue
        gutter = left - 1.5
        held = sum(len(band) for band, is_columns in _bands(pieces, gutter, width) if is_columns)
        if held > most:
            best, most = gutter, held
    return best


def _bands(pieces: Sequence[Piece], gutter: float, width: float) -> list[tuple[list[Piece], bool]]:
    """The region cut at the pieces that cross the gutter; each band with whether it holds two columns of prose."""
    bands: list[tuple[list[Piece], bool]] = []
    run: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: (one.base, one.x0)):
        if piece.x0 < gutter < piece.x1:
            if run:
                bands.append((run, _are_columns(run, gutter, width)))
                run = []
            bands.append(([piece], False))
        else:
            run.append(piece)
    if run:
        bands.append((run, _are_columns(run, gutter, width)))
    return bands


def _are_columns(pieces: Sequence[Piece], gutter: float, width: float) -> bool:
    for side in ([one for one in pieces if one.x1 <= gutter], [one for one in pieces if one.x0 >= gutter]):
        if len(side) < 3:
            return False
        left, right = min(one.x0 for one in side), max(one.x1 for one in side)
        # Lines of prose fill their column; cells do not.
        if right - left < 0.15 * width or median((one.x1 - one.x0) / (right - left) for one in side) < 0.7:
            return False
    return True


def _paragraphs(column: _Column) -> Iterator[tuple[list[Row], str]]:
    """The rows of each paragraph, and what stands before it."""
    steps = [after.base - before.base for before, after in pairwise(column.rows)]
    leading = median(steps) if steps else 0.0
    paragraph: list[Row] = []
    joint = PARAGRAPH
    for row in column.rows:
        following = _joint(paragraph, row, column, leading) if paragraph else PARAGRAPH
        if paragraph and following != SAME_LINE:
            yield paragraph, joint
            paragraph = []
        if not paragraph:
            joint = following
        paragraph.append(row)
    if paragraph:
        yield paragraph, joint


def _joint(paragraph: Sequence[Row], row: Row, column: _Column, leading: float) -> str:
    """What stands between a paragraph and the next row: a space when the row goes on with it."""
    before = paragraph[-1]
    step = row.base - before.base
    # Two lines far apart are no paragraph, though they be a page's only ones.
    is_near = step <= 1.35 * max(min(leading, 2.2 * row.size), row.size)
    if row.is_cells or before.is_cells:
        return LINE if row.is_cells and before.is_cells and step <= 2.5 * row.size else PARAGRAPH
    ratio = row.size / before.size if before.size else 1.0
    if not is_near or not 0.89 <= ratio <= 1.12 or row.bold != before.bold:
        # A list goes on over a wider step.
        return LINE if LIST_ITEM.match(row.text) and LIST_ITEM.match(paragraph[0].text) else PARAGRAPH
    if is_legal_heading(row.text):
        return PARAGRAPH
    if LIST_ITEM.match(row.text) or _BULLET.match(row.text):
        return LINE
    if row.x0 - before.x0 > 0.8 * row.size and len(paragraph) >= 1 and not _hangs(paragraph, row):
        is_centred = abs((row.x0 + row.x1) - (before.x0 + before.x1)) < 2 * row.size
        is_alike = row.bold and row.text.isupper() == before.text.isupper()
        return SAME_LINE if is_centred and is_alike else PARAGRAPH
    room = column.right - before.x1
    first_word = row.pieces[0].text.split(" ", 1)[0]
    # A line is broken where the next word no longer fits.
    needed = 0.55 * row.size * (len(first_word) + 1)
    is_full = room < max(needed, 0.06 * (column.right - column.left))
    if is_full or (row.text[:1].islower() and _CLOSED.search(before.text) is None):
        return SAME_LINE
    is_title = row.bold and before.bold and row.text.isupper() == before.text.isupper()
    return SAME_LINE if is_title and _CLOSED.search(before.text) is None else PARAGRAPH


def _hangs(paragraph: Sequence[Row], row: Row) -> bool:
    """Whether a row goes on below the words of a list item, to the right of its mark."""
    first = paragraph[0]
    return bool(LIST_ITEM.match(first.text) or _BULLET.match(first.text)) and row.x0 - first.x0 < 6 * row.size
