"""The numbers that Word draws before paragraphs and keeps out of their text: "Điều 5.", "1.", "a)"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PLACEHOLDER = re.compile(r"%([1-9])")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    kind: str
    pattern: str


class Numbering:
    """The lists of a document; `mark` counts, so paragraphs are asked for in their order."""

    def __init__(self, document: Any) -> None:
        self._lists: dict[str, str] = {}
        self._levels: dict[str, dict[int, _Level]] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._styles = {style.style_id: style.element for style in document.styles if style.style_id}
        # The property makes an empty part when there is none.
        relations = document.part.rels.values()
        part = next((one.target_part for one in relations if one.reltype.endswith("/numbering")), None)
        if part is not None:
            self._read(part.element)

    def mark(self, paragraph: Any) -> str:
        """What stands before a paragraph, with a space after it: "Điều 5. ", "- "; empty for none."""
        found = next((one for one in self._properties(paragraph) if one[0]), None)
        if found is None:
            return ""
        number, depth = found
        abstract = self._lists.get(number, "")
        levels = self._levels.get(abstract, {})
        if depth not in levels:
            return ""
        counts = self._counts.setdefault(abstract, {})
        for level, start in self._restarts.pop(number, {}).items():
            counts[level] = start - 1
        counts[depth] = counts.get(depth, levels[depth].start - 1) + 1
        for deeper in [level for level in counts if level > depth]:
            del counts[deeper]
        if levels[depth].kind == "bullet":
            return "- "
        if levels[depth].kind == "none":
            return ""

        def shown(match: re.Match[str]) -> str:
            level = int(match[1]) - 1
            here = levels.get(level, levels[depth])
            return _written(counts.get(level, here.start), here.kind)

        text = _PLACEHOLDER.sub(shown, levels[depth].pattern).strip()
        return f"{text} " if text else ""

    def _properties(self, paragraph: Any) -> Iterator[tuple[str, int]]:
        """The (list, depth) that the paragraph or a style of it names; "0" takes a style's list away."""
        element: Any = paragraph
        style = ""
        for _ in range(20):
            if element is None:
                return
            number = element.find("{*}pPr/{*}numPr")
            if number is not None:
                name = _value(number.find("{*}numId"))
                if name == "0":
                    return
                yield name, int(_value(number.find("{*}ilvl")) or 0)
            mark = element.find("{*}basedOn") if style else element.find("{*}pPr/{*}pStyle")
            style = _value(mark) if mark is not None else ""
            element = self._styles.get(style)

    def _read(self, root: Any) -> None:
        for abstract in root.iterfind("{*}abstractNum"):
            name = abstract.get(_name(abstract, "abstractNumId"), "")
            self._levels[name] = {
                int(level.get(_name(level, "ilvl"), 0)): _Level(
                    int(_value(level.find("{*}start")) or 1),
                    _value(level.find("{*}numFmt")) or "decimal",
                    _value(level.find("{*}lvlText")),
                )
                for level in abstract.iterfind("{*}lvl")
            }
        for number in root.iterfind("{*}num"):
            name = number.get(_name(number, "numId"), "")
            self._lists[name] = _value(number.find("{*}abstractNumId"))
            self._restarts[name] = {
                int(one.get(_name(one, "ilvl"), 0)): int(_value(one.find("{*}startOverride")))
                for one in number.iterfind("{*}lvlOverride")
                if one.find("{*}startOverride") is not None
            }


def _name(element: Any, attribute: str) -> str:
    return str(element.tag).partition("}")[0] + "}" + attribute


def _value(element: Any) -> str:
    return str(element.get(_name(element, "val"), "")) if element is not None else ""


def _written(number: int, kind: str) -> str:
    if kind in {"lowerLetter", "upperLetter"}:
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1) if number > 0 else "0"
        return letters.upper() if kind == "upperLetter" else letters
    if kind in {"lowerRoman", "upperRoman"}:
        left, roman = number, ""
        for value, letters in _ROMAN:
            roman += letters * (left // value)
            left %= value
        return roman.upper() if kind == "upperRoman" else roman
    return f"{number:02d}" if kind == "decimalZero" else str(number)
