"""Letters on a page, and the lines that they make.

Lengths are points; y grows downwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.language.listing import LIST_ITEM

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A ruled cell of a table; all are 0-based."""

    table: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters that stand together on one line, without a gap wide enough for a column or a cell between them."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    base: float
    """Of the letters' base line."""
    size: float
    bold: bool = False
    cell: Cell | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on a page; `number` is 1-based."""

    number: int
    width: float
    height: float
    pieces: tuple[Piece, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The pieces of one line within a column, from left to right."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """Its words; cells with a bar between them."""
        first, *rest = [piece.text for piece in self.pieces]
        # A bullet or a number stands apart from its words, as cells do.
        joint = " " if rest and (len(first) <= 4 or LIST_ITEM.fullmatch(f"{first} ")) else " | "
        return first + (joint if rest else "") + " | ".join(rest)

    @property
    def spaced(self) -> str:
        """Its words, cells with a space between them."""
        return " ".join(piece.text for piece in self.pieces)

    @property
    def is_cells(self) -> bool:
        """Whether it is a row of a table without rules."""
        return " | " in self.text

    @property
    def x0(self) -> float:
        """Where it begins."""
        return self.pieces[0].x0

    @property
    def x1(self) -> float:
        """Where it ends."""
        return self.pieces[-1].x1

    @property
    def base(self) -> float:
        """Its base line."""
        return self.pieces[0].base

    @property
    def size(self) -> float:
        """Of most of its letters."""
        return max(self.pieces, key=lambda piece: len(piece.text)).size

    @property
    def bold(self) -> bool:
        """Whether all of it is."""
        return all(piece.bold for piece in self.pieces)


def rows_of(pieces: Sequence[Piece]) -> list[Row]:
    """The lines of a region from top to bottom."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda one: one.base):
        # A raised or lowered letter belongs to the line that it stands in.
        if rows and piece.base - rows[-1][0].base <= 0.35 * max(piece.size, rows[-1][0].size):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [Row(tuple(sorted(row, key=lambda one: one.x0))) for row in rows]
