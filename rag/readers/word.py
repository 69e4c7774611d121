"""Word documents (.docx) by python-docx: numbered paragraphs, headings by style, tables, old fonts converted."""

import io
import re
from collections.abc import Iterator
from typing import Any

from rag.language.encodings import from_font
from rag.readers.numbering import Numbering
from rag.readers.reading import LINE, PARAGRAPH, Part, Reading, date_of, table_parts, title_of

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_GONE = frozenset({f"{_W}del", f"{_W}moveFrom", _FALLBACK, f"{_W}txbxContent"})
_HEADING_STYLE = re.compile(r"(?:heading|tiêu đề|đầu đề) ?([1-9])", re.IGNORECASE)
_CONTENTS_STYLE = re.compile(r"(?:toc|mục lục)\b", re.IGNORECASE)


def read_word(raw: bytes) -> Reading:
    """The paragraphs and tables of a document in order; tracked deletions and the table of contents are left out."""
    from docx import Document

    document: Any = Document(io.BytesIO(raw))
    reader = _Reader(document)
    parts = tuple(reader.parts(document.element.body))
    known = document.core_properties
    notes = {"author": known.author} if known.author and known.author != "python-docx" else {}
    titles = [text for text, style in reader.styled if style == "Title"]
    title = title_of(known.title) or (titles[0] if len(titles) == 1 else "")
    return Reading(parts, title, date_of(known.modified or known.created), notes)


class _Reader:
    def __init__(self, document: Any) -> None:
        self.styled: list[tuple[str, str]] = []
        """(text, style) of the paragraphs with the style of a title."""
        self._numbering = Numbering(document)
        self._styles = {style.style_id: style for style in document.styles if style.style_id}
        default = document.styles.element.find(f"{_W}docDefaults/{_W}rPrDefault/{_W}rPr/{_W}rFonts")
        self._default_font = _font(default)
        plain = next((one for one in self._styles.values() if one.element.get(f"{_W}default") == "1"), None)
        self._plain = plain.style_id if plain is not None else ""

    def parts(self, body: Any) -> Iterator[Part]:
        """The parts of a body, a content control or a text box."""
        in_list = False
        for element in _blocks(body):
            if element.tag == f"{_W}tbl":
                yield from table_parts([[self._cell(cell) for cell in row] for row in _rows(element)])
                in_list = False
                continue
            style = self._style(element)
            name = style.name if style is not None and style.name else ""
            text = self._text(element, style)
            if text and not _CONTENTS_STYLE.match(name):
                mark = self._numbering.mark(element)
                level = self._level(element, style, name)
                if name == "Title":
                    self.styled.append((text, name))
                is_item = mark == "- " or (bool(mark) and not level and not mark.startswith("Điều"))
                yield Part(mark + text, level, LINE if is_item and in_list else PARAGRAPH)
                in_list = is_item
            for box in element.iter(f"{_W}txbxContent"):
                if not any(parent.tag == _FALLBACK for parent in box.iterancestors()):
                    yield from self.parts(box)

    def _cell(self, cell: Any) -> str:
        said = (
            self._text(element, self._style(element))
            if element.tag == f"{_W}p"
            else " ".join(self._cell(inner) for row in _rows(element) for inner in row)
            for element in _blocks(cell)
        )
        return " ".join(text for text in said if text)

    def _text(self, paragraph: Any, style: Any) -> str:
        """The words of a paragraph; runs of one font are converted together, for words go on from one to the next."""
        runs: list[tuple[str, str]] = []
        for run in _runs(paragraph):
            words = _words(run)
            font = (
                _font(run.find(f"{_W}rPr/{_W}rFonts"))
                or self._font_of(self._styles.get(_style_of_run(run)))
                or self._font_of(style)
                or self._default_font
            )
            if runs and (runs[-1][1] == font or not words.strip()):
                runs[-1] = (runs[-1][0] + words, runs[-1][1])
            elif words:
                runs.append((words, font))
        text = "".join(from_font(words, font) for words, font in runs)
        return "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line)

    def _style(self, paragraph: Any) -> Any:
        named = paragraph.find(f"{_W}pPr/{_W}pStyle")
        return self._styles.get(named.get(f"{_W}val") if named is not None else self._plain)

    def _font_of(self, style: Any) -> str:
        for _ in range(20):
            if style is None:
                break
            font = _font(style.element.find(f"{_W}rPr/{_W}rFonts"))
            if font:
                return font
            style = getattr(style, "base_style", None)
        return ""

    @staticmethod
    def _level(paragraph: Any, style: Any, name: str) -> int:
        """The level of a heading by its style or outline; 0 for other paragraphs."""
        if name == "Title":
            return 1
        match = _HEADING_STYLE.match(name)
        if match is not None:
            return int(match[1])
        outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
        if outline is None and style is not None:
            outline = style.element.find(f"{_W}pPr/{_W}outlineLvl")
        level = int(outline.get(f"{_W}val", 9)) if outline is not None else 9
        return level + 1 if level < 9 else 0


def _blocks(body: Any) -> Iterator[Any]:
    """Paragraphs and tables, those within content controls and custom XML too."""
    for element in body:
        if element.tag in {f"{_W}p", f"{_W}tbl"}:
            yield element
        elif element.tag == f"{_W}sdt":
            for content in element.iterfind(f"{_W}sdtContent"):
                yield from _blocks(content)
        elif element.tag in {f"{_W}customXml", f"{_W}ins", f"{_W}moveTo", f"{_W}smartTag"}:
            yield from _blocks(element)


def _rows(table: Any) -> Iterator[list[Any]]:
    """The cells of each row; one that goes on from the row above is left out of the lower."""
    for row in table.iter(f"{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl")) is not table:
            continue
        cells = [cell for cell in row.iter(f"{_W}tc") if next(cell.iterancestors(f"{_W}tr")) is row]
        kept: list[Any] = []
        for cell in cells:
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            merged = cell.find(f"{_W}tcPr/{_W}vMerge")
            goes_on = merged is not None and merged.get(f"{_W}val", "continue") == "continue"
            kept.append(() if goes_on else cell)
            kept += [()] * (int(span.get(f"{_W}val", 1)) - 1 if span is not None else 0)
        yield kept


def _runs(paragraph: Any) -> Iterator[Any]:
    for element in paragraph:
        if element.tag in _GONE:
            continue
        if element.tag == f"{_W}r":
            yield element
        else:
            yield from _runs(element)


def _words(run: Any) -> str:
    said: list[str] = []
    for element in run:
        if element.tag == f"{_W}t":
            said.append(element.text or "")
        elif element.tag == f"{_W}tab":
            said.append(" ")
        elif element.tag == f"{_W}noBreakHyphen":
            said.append("-")
        elif element.tag in {f"{_W}br", f"{_W}cr"}:
            said.append("\n" if element.get(f"{_W}type") is None else " ")
    return "".join(said)


def _style_of_run(run: Any) -> str:
    style = run.find(f"{_W}rPr/{_W}rStyle")
    return style.get(f"{_W}val", "") if style is not None else ""


def _font(fonts: Any) -> str:
    """The name of the font that draws the letters; empty for none and for one of the theme."""
    if fonts is None:
        return ""
    return str(fonts.get(f"{_W}ascii") or fonts.get(f"{_W}hAnsi") or "")
