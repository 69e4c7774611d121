"""What every reader returns, and what several of them need."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

PARAGRAPH = "\n\n"
LINE = "\n"
SAME_LINE = " "

_MACHINE_TITLE = re.compile(
    r"(?:Microsoft (?:Word|PowerPoint|Excel)\s*-.*|untitled|không tên|tài liệu\s*\d*|document\s*\d*|slide\s*\d+"
    r"|(?:powerpoint )?presentation\s*\d*|bài (?:trình bày|thuyết trình)(?: powerpoint)?\s*\d*|word document"
    r"|.*\.(?:docx?|pdf|pptx?|xlsx?|html?|indd|tmp|rtf|odt))",
    re.IGNORECASE,
)
_TEMPLATE_DAYS = frozenset({"2013-12-23", "2013-01-27"})
"""What python-docx and python-pptx leave in every file that they make."""
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
PAGES = "pages"
"""The note of how many pages or slides there are, also those without words."""


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph, heading, list item or row of a table, as a person reads it."""

    text: str
    level: int = 0
    """1 for the widest heading, 2 for the next; 0 for what is no heading."""
    joint: str = PARAGRAPH
    """What stands between it and the part before: an empty line, a line break, or a space within one sentence."""
    page: int | None = None
    """1-based physical page or slide."""
    label: str = ""
    """As `Place.label`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a file, and what the file says about itself; empty where it says nothing."""

    parts: tuple[Part, ...]
    title: str = ""
    date: str = ""
    """ISO 8601."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """For the document's metadata: "author", "origin", `PAGES`; "unread", what was left out and how to have it read."""


def title_of(stated: str | None) -> str:
    """A title that a person gave; empty for what programs put there ("Microsoft Word - baocao.doc")."""
    title = " ".join((stated or "").split())
    return "" if _MACHINE_TITLE.fullmatch(title) or not any(char.isalpha() for char in title) else title


def date_of(stated: datetime | str | None) -> str:
    """A day in ISO 8601, from a property; empty for none and for what is no date."""
    if isinstance(stated, datetime):
        day = stated.date().isoformat()
        return "" if day in _TEMPLATE_DAYS else day
    match = _ISO_DATE.match((stated or "").strip())
    if match is None:
        return ""
    try:
        return datetime(*map(int, match.groups())).date().isoformat()  # type: ignore[arg-type] # noqa: DTZ001 - a day
    except ValueError:
        return ""


def table_parts(rows: Sequence[Sequence[str]], page: int | None = None, labels: Sequence[str] = ()) -> Iterator[Part]:
    """A table as lines: "Tên: An; Điểm: 9" below a row of names, "An | 9" in a table without one.

    A row stands by itself in a passage and in a citation, so it says what its cells are. `labels`, when given, has one
    for each row.
    """
    kept = [(place, [" ".join(cell.split()) for cell in row]) for place, row in enumerate(rows)]
    kept = [(place, row) for place, row in kept if any(row)]
    names = header_of([row for _, row in kept])
    for count, (place, row) in enumerate(kept):
        label = labels[place] if labels else ""
        text = " | ".join(cell for cell in row if cell)
        if names and count:
            text = labelled(names, row)
        yield Part(text, joint=LINE if count else PARAGRAPH, page=page, label=label)


def header_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of a table's columns; empty when its first row is no row of names."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return []
    first = list(rows[0])
    is_named = all(
        cell and len(cell) <= 60 and any(char.isalpha() for char in cell) and not cell.endswith((".", ";", ":"))
        for cell in first
    )
    is_filled = any(sum(bool(cell) for cell in row) >= 2 for row in rows[1:])
    return first if is_named and is_filled and len(set(first)) == len(first) else []


def labelled(names: Sequence[str], row: Sequence[str]) -> str:
    """The cells of a row that hold something, each after the name of its column."""
    cells = [f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell]
    return "; ".join([*cells, *(cell for cell in row[len(names) :] if cell)])
