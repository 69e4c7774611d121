"""PowerPoint presentations (.pptx) by python-pptx: each slide is a page, its title a heading."""

import io
from collections.abc import Iterator
from typing import Any

from rag.language.encodings import from_font
from rag.readers.reading import LINE, PAGES, PARAGRAPH, Part, Reading, date_of, table_parts, title_of


def read_slides(raw: bytes) -> Reading:
    """The words of every slide from top to bottom, its tables, and the speaker's notes after them."""
    from pptx import Presentation

    deck = Presentation(io.BytesIO(raw))
    parts: list[Part] = []
    for number, slide in enumerate(deck.slides, 1):
        heading = slide.shapes.title
        title = " ".join(_said(heading.text_frame.paragraphs)) if heading is not None else ""
        if title:
            parts.append(Part(title, level=1, page=number))
        for shape in _in_order(slide.shapes):
            if heading is not None and shape.shape_id == heading.shape_id:
                continue
            parts.extend(_of_shape(shape, number))
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            said = _said(slide.notes_slide.notes_text_frame.paragraphs)
            parts.extend(Part(text, joint=PARAGRAPH, page=number) for text in said)
    known = deck.core_properties
    notes = {PAGES: str(len(deck.slides))} | ({"author": known.author} if known.author else {})
    return Reading(tuple(parts), title_of(known.title), date_of(known.modified or known.created), notes)


def _in_order(shapes: Any) -> Iterator[Any]:
    """Shapes from top to bottom and from left to right, those of a group in its place."""
    for shape in sorted(shapes, key=lambda one: (one.top or 0, one.left or 0)):
        if hasattr(shape, "shapes"):
            yield from _in_order(shape.shapes)
        else:
            yield shape


def _of_shape(shape: Any, page: int) -> Iterator[Part]:
    if getattr(shape, "has_table", False):
        rows = [[" ".join(_said(cell.text_frame.paragraphs)) for cell in row.cells] for row in shape.table.rows]
        yield from table_parts(rows, page)
    elif shape.has_text_frame:
        for place, text in enumerate(_said(shape.text_frame.paragraphs)):
            yield Part(text, joint=LINE if place else PARAGRAPH, page=page)


def _said(paragraphs: Any) -> list[str]:
    said = ("".join(from_font(run.text, run.font.name or "") for run in one.runs) for one in paragraphs)
    return [text for text in (" ".join(one.split()) for one in said) if text]
