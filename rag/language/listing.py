"""Lists in a passage: the line that announces one, and its items."""

import re
from collections.abc import Sequence

LIST_ITEM = re.compile(r"(?:[-–—•*+▪◦]|\(?\d{1,3}[.)]|[a-zđ]\)|[IVX]{1,5}\.)\s")
"""How a line begins that is an item of a list."""
BULLET = re.compile(r"[-–—•*+▪◦]\s+")
"""A mark that says no more than "item"; a number or a letter says which."""
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_LONGEST = 20
"""Items. What is longer is a register, which nobody wants in an answer."""


def list_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The announcing line and the items of the list in `text` that the words from `start` to `end` belong to.

    Empty where they belong to none: a list has two items or more, and its announcement ends in a colon.
    """
    lines = [_trimmed(text, match.start(), match.end()) for match in _LINE.finditer(text)]
    here = next((place for place, (begin, close) in enumerate(lines) if begin <= start < close), None)
    if here is None:
        return []
    first = here if _is_item(text, lines[here]) else here + 1
    if first > here and not text[lines[here][0] : end].endswith(":"):
        return []
    while first > 0 and _is_item(text, lines[first - 1]):
        first -= 1
    last = first
    while last < len(lines) and _is_item(text, lines[last]):
        last += 1
    if not 2 <= last - first <= _LONGEST:
        return []
    return [*_announcement(text, lines, first), *lines[first:last]]


def _announcement(text: str, lines: Sequence[tuple[int, int]], first: int) -> list[tuple[int, int]]:
    """The last sentence of the line above the first item, where it ends in a colon."""
    if not first or text[lines[first - 1][1] - 1] != ":":
        return []
    start, end = lines[first - 1]
    cut = max(text.rfind(mark, start, end) for mark in (". ", "! ", "? "))
    return [(start if cut < 0 else cut + 2, end)]


def _is_item(text: str, line: tuple[int, int]) -> bool:
    return LIST_ITEM.match(text, *line) is not None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    line = text[start:end]
    return end - len(line.lstrip()), start + len(line.rstrip())
