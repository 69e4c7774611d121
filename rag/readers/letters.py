"""The letters of a PDF page as pypdfium2 gives them, put together to pieces of lines."""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rag.language.encodings import from_font
from rag.readers.rows import Box, Cell, Piece

_BOLD = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)
_SLANT = 0.1
"""Radians up to which letters stand upright; more is a watermark."""
_LINE_ENDS = frozenset({0, 0x0A, 0x0D})
_SPACES = frozenset({0x20, 0xA0, 0x09})


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter on an upright page; a space has no box."""

    char: str
    box: Box = (0.0, 0.0, 0.0, 0.0)
    base: float = 0.0
    font: str = ""

    @property
    def size(self) -> float:
        """The height of its box, which follows the font's size."""
        return self.box[3] - self.box[1]


def quarter_turns(text_page: Any) -> int:
    """By how many quarters, 0 to 3, most letters of a page are turned: a table that lies on its side is turned too."""
    from pypdfium2 import raw

    angles = (raw.FPDFText_GetCharAngle(text_page, index) for index in range(text_page.count_chars()))
    turns = Counter(round(angle / (math.pi / 2)) % 4 for angle in angles if angle >= 0)
    return turns.most_common(1)[0][0] if turns else 0


def letters(text_page: Any, width: float, height: float, turns: int) -> Iterator[Letter]:
    """The letters in the order in which the file draws them, turned upright; slanted ones are left out.

    `width` and `height` are those of the page before it is turned.
    """
    from pypdfium2 import raw

    rect = raw.FS_RECTF()
    x, y = ctypes.c_double(), ctypes.c_double()
    buffer, flags = ctypes.create_string_buffer(256), ctypes.c_int()
    for index in range(text_page.count_chars()):
        code = raw.FPDFText_GetUnicode(text_page, index)
        if code in _LINE_ENDS:
            continue
        if code in _SPACES:
            yield Letter(" ")
            continue
        angle = raw.FPDFText_GetCharAngle(text_page, index) - turns * math.pi / 2
        if abs(math.remainder(angle, 2 * math.pi)) > _SLANT:
            continue
        raw.FPDFText_GetLooseCharBox(text_page, index, rect)
        raw.FPDFText_GetCharOrigin(text_page, index, x, y)
        raw.FPDFText_GetFontInfo(text_page, index, buffer, 256, flags)
        left, top = _turned(rect.left, rect.top, width, height, turns)
        right, bottom = _turned(rect.right, rect.bottom, width, height, turns)
        box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        base = _turned(x.value, y.value, width, height, turns)[1]
        yield Letter(chr(code), box, base, buffer.value.decode("utf-8", "replace"))


def pieces(found: Iterator[Letter], cells: Sequence[tuple[Box, Cell]]) -> Iterator[Piece]:
    """Letters that stand together on a line, within one cell where there is a ruled table."""
    current = _Run()
    for letter in found:
        if letter.char == " ":
            current.space()
            continue
        left, top, right, bottom = letter.box
        cell = _cell_at((left + right) / 2, (top + bottom) / 2, cells)
        if not current.sizes:
            current.cell = cell
        elif current.ends_before(letter, cell):
            yield from current.pieces()
            current = _Run(cell)
        elif left - current.box[2] > 0.2 * letter.size:
            current.space()
        current.add(letter)
    yield from current.pieces()


class _Run:
    """The letters of a piece as they come; a change of font is kept, for each font may have its own encoding."""

    def __init__(self, cell: Cell | None = None) -> None:
        self.cell = cell
        self.runs: list[tuple[str, str]] = []
        self.box = [0.0, 0.0, 0.0, 0.0]
        self.base = 0.0
        self.sizes: list[float] = []
        self.bold = 0

    def add(self, letter: Letter) -> None:
        if not self.sizes:
            self.box, self.base = list(letter.box), letter.base
        if self.runs and self.runs[-1][1] == letter.font:
            self.runs[-1] = (self.runs[-1][0] + letter.char, letter.font)
        else:
            self.runs.append((letter.char, letter.font))
        low, high = map(min, self.box[:2], letter.box[:2]), map(max, self.box[2:], letter.box[2:])
        self.box = [*low, *high]
        self.sizes.append(letter.size)
        self.bold += _BOLD.search(letter.font) is not None

    def ends_before(self, letter: Letter, cell: Cell | None) -> bool:
        """Whether a letter is too far away for this piece, on another line, or in another cell."""
        size = max(self.sizes[-1], letter.size)
        gap = letter.box[0] - self.box[2]
        is_far = gap > 1.8 * size or gap < -1.5 * size
        return cell != self.cell or abs(letter.base - self.base) > 0.35 * size or is_far

    def space(self) -> None:
        if self.runs and not self.runs[-1][0].endswith(" "):
            self.runs[-1] = (self.runs[-1][0] + " ", self.runs[-1][1])

    def pieces(self) -> Iterator[Piece]:
        """The piece, where it has letters."""
        # A letter in U+0002 or U+FFFE is a hyphen at the end of a line.
        text = "".join(from_font(words, font) for words, font in self.runs)
        text = " ".join(text.replace("\x02", "-").replace("\ufffe", "-").split())
        if not text:
            return
        size = sorted(self.sizes)[len(self.sizes) // 2]
        x0, top, x1, bottom = self.box
        yield Piece(text, x0, x1, top, bottom, self.base, size, self.bold > 0.6 * len(self.sizes), self.cell)


def _cell_at(x: float, y: float, cells: Sequence[tuple[Box, Cell]]) -> Cell | None:
    return next((cell for (x0, top, x1, bottom), cell in cells if x0 <= x <= x1 and top <= y <= bottom), None)


def _turned(x: float, y: float, width: float, height: float, turns: int) -> tuple[float, float]:
    """A point with y upwards as one with y downwards on the page turned upright."""
    return ((x, height - y), (height - y, width - x), (width - x, y), (y, x))[turns]
