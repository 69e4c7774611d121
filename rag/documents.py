"""Files to Documents: joined lines, furniture off, title and date from where the file says them."""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.errors import DocumentError
from rag.language.encodings import convert, decode, repair
from rag.language.listing import LIST_ITEM
from rag.language.structure import PATH_MARK, decree_title, is_legal_heading, issued
from rag.readers.archives import opened
from rag.readers.kinds import read
from rag.readers.reading import Part, Reading
from rag.text import normalize, sentence_spans
from rag.types import Document, Place

TITLE_CHARS = 90
_PATH_HEADING_CHARS = 160
"""Of a heading in the path above a passage: a whole paragraph in a heading's style is no name."""

_DATE_LINE = re.compile(r"\s*date (\d{4}-\d{2}-\d{2})\s+")
_PAGE_MARK = re.compile(r"(?:trang|page)\s*\d+(?:\s*(?:/|trên|of)\s*\d+)?|[-–—]\s*\d+\s*[-–—]", re.IGNORECASE)
_EMPTY_CAPTION = re.compile(
    r"[(\[]?(?:ảnh|hình|hình ảnh|tranh)(?: (?:minh h[oọ][aạ]|tư liệu|internet))[.)\]]*", re.IGNORECASE
)
_CAPTION = re.compile(r"(?:ảnh|hình|quang cảnh|toàn cảnh|biểu đồ|bảng) |.*\bẢnh: ", re.IGNORECASE)
_ORIGIN = re.compile(r"(?:theo )?nguồn\s*:\s*(.+?)\.?", re.IGNORECASE)
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*")
_SENTENCE_CLOSED = re.compile(r"[.!?…:;][\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be read: where it is, and its name relative to the indexed folder."""

    path: Path
    source: str
    member: str = ""
    """The name within the archive at `path`; empty for a file of its own."""
    member_size: int = 0
    """Bytes, unpacked."""
    problem: str = ""
    """Why it cannot be read, where that is known before: an archive over the limits."""

    @contextmanager
    def open(self) -> Iterator[io.BufferedIOBase]:
        """Its bytes, as a stream.

        Raises:
            OSError: the file cannot be opened.
            DocumentError: the archive cannot be unpacked.
        """
        if self.member:
            with opened(self.path, self.member, self.source) as stream:
                yield stream
        else:
            with self.path.open("rb") as file:
                yield file

    def size(self) -> int:
        """Bytes.

        Raises:
            OSError: there is no such file any more.
        """
        return self.member_size if self.member else self.path.stat().st_size


def read_document(file: SourceFile, max_file_mb: int) -> Document:
    """The Document in a file.

    Raises:
        DocumentError: the file cannot be read, is too large, of a kind that is not known, damaged, or holds no words.
    """
    if file.problem:
        raise DocumentError(file.problem)
    try:
        size = file.size()
        if size > max_file_mb * 1_000_000:
            raise DocumentError(
                f"{file.source}: {size / 1e6:.0f} MB is over the limit of {max_file_mb} MB:"
                " split it or raise max_file_mb"
            )
        with file.open() as stream:
            raw = stream.read()
    except OSError as error:
        raise DocumentError(f"{file.source}: cannot be read ({error.strerror}): check its permissions") from error
    reading = read(raw, file.source, max_file_mb)
    if reading is not None:
        return document_of(reading, file.source)
    text, encoding = decode(raw, file.source)
    return make_document(text, file.source, notes={"encoding": encoding} if not encoding.startswith("utf") else {})


def make_document(raw_text: str, source: str, title: str = "", notes: Mapping[str, str] | None = None) -> Document:
    """A Document of text that is already decoded; an empty `title` is taken from the text.

    `notes` go into the document's metadata.

    Raises:
        DocumentError: there are no words in the text.
    """
    text = normalize(raw_text)
    date = _DATE_LINE.match(text)
    if date is not None:
        text = text[date.end() :]
    paragraphs = _paragraphs(text)
    stated = date[1] if date is not None else ""
    return _document(paragraphs, "\n\n".join(paragraphs), source, title, stated, dict(notes or {}))


def document_of(reading: Reading, source: str) -> Document:
    """A Document of what a reader found, with the places of its pages, headings and rows.

    Raises:
        DocumentError: there are no words in it.
    """
    title = " ".join(normalize(reading.title).split())
    date = reading.date
    body = ""
    places: list[Place] = []
    path: dict[int, str] = {}
    notes = dict(reading.notes)
    # Letters of an old font whose name the file does not tell, as in the cells of a sheet or a page of the web.
    encoding = repair("\n".join(part.text for part in reading.parts))[1]
    if encoding is not None:
        notes["encoding"] = encoding.value
        title = convert(title, encoding)
    for part in reading.parts:
        text = _cleaned(part.text if encoding is None else convert(part.text, encoding))
        stated = _DATE_LINE.match(f"{text} ") if not body else None
        if stated is not None:
            date, text = stated[1], text[stated.end() :]
        if not text:
            continue
        body += part.joint if body else ""
        if part.level:
            path = {level: heading for level, heading in path.items() if level < part.level}
            # The title stands above every passage already.
            path[part.level] = "" if text == title else text[:_PATH_HEADING_CHARS]
        place = _place(len(body), part, path)
        if not places or (place.heading, place.page, place.label) != (
            places[-1].heading, places[-1].page, places[-1].label,
        ):  # fmt: skip
            places.append(place)
        body += text
    if all(not place.heading and place.page is None and not place.label for place in places):
        places = []
    paragraphs = body.split("\n\n")
    return _document(paragraphs, body, source, title, date, notes, tuple(places))


def _place(start: int, part: Part, path: Mapping[int, str]) -> Place:
    heading = PATH_MARK.join(path[level] for level in sorted(path) if path[level])
    return Place(start, heading, part.page, part.label)


def _cleaned(text: str) -> str:
    """The lines of a part without what no one sees; an empty line within it would be a new paragraph."""
    lines = (" ".join(line.split()) for line in normalize(text).split("\n"))
    return "\n".join(line for line in lines if line and _EMPTY_CAPTION.fullmatch(line) is None)


def _document(
    paragraphs: Sequence[str],
    body: str,
    source: str,
    title: str,
    date: str,
    metadata: dict[str, str],
    places: tuple[Place, ...] = (),
) -> Document:
    if not any(char.isalnum() for char in body):
        raise DocumentError(f"{source}: there is no text in it: remove it or give it content")
    origin = _ORIGIN.fullmatch(paragraphs[-1])
    if origin is not None:
        metadata["origin"] = origin[1]
    if not title:
        title = decree_title(paragraphs)
        metadata["title_from"] = "decree"
    if not title:
        title, metadata["title_from"] = _title(paragraphs)
    digest = hashlib.sha256(f"{source}\0{body}".encode()).hexdigest()
    return Document(digest[:16], title, body, source, issued(paragraphs) or date or None, metadata, places)


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph names what follows it: short, one line, not closed like a sentence, not a caption."""
    return (
        len(paragraph) <= 120
        and "\n" not in paragraph
        and not _SENTENCE_CLOSED.search(paragraph)
        and not LIST_ITEM.match(paragraph)
        and not _CAPTION.match(paragraph)
        and _ORIGIN.fullmatch(paragraph) is None
        and any(char.isalpha() for char in paragraph)
    )


def heading_text(paragraph: str) -> str:
    """A heading without Markdown's number signs."""
    marked = _MARKDOWN_HEADING.fullmatch(paragraph)
    return marked[1] if marked is not None else paragraph


def _paragraphs(text: str) -> list[str]:
    """Paragraphs with the lines that an export broke joined again, and without page marks."""
    lines = [" ".join(line.split()) for line in text.split("\n")]
    width = _wrap_width(lines)
    paragraphs: list[list[str]] = []
    before = ""
    after_blank = True
    for line in lines:
        if not line or _PAGE_MARK.fullmatch(line) or _EMPTY_CAPTION.fullmatch(line):
            after_blank = True
            continue
        if before and _continues(before, line, after_blank, width):
            paragraphs[-1][-1] += " " + line
        elif before and not after_blank:
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
        before, after_blank = line, False
    return ["\n".join(paragraph) for paragraph in paragraphs]


def _wrap_width(lines: Sequence[str]) -> int:
    """The width at which an export broke its lines; 0 when the lines are whole paragraphs."""
    lengths = sorted(len(line) for line in lines if line)
    if len(lengths) < 4:
        return 0
    width = lengths[int(len(lengths) * 0.9)]
    full = sum(1 for length in lengths if 0.8 * width <= length <= 1.15 * width)
    return width if 40 <= width <= 200 and full >= len(lengths) / 3 else 0


def _continues(before: str, line: str, after_blank: bool, width: int) -> bool:
    """Whether `line` goes on with the sentence or paragraph of the line `before` it."""
    if LIST_ITEM.match(line) or _MARKDOWN_HEADING.fullmatch(before) or is_legal_heading(line):
        return False
    if line[0].islower() and not _SENTENCE_CLOSED.search(before):
        return True
    return not after_blank and width > 0 and len(before) >= 0.75 * width


def _title(paragraphs: Sequence[str]) -> tuple[str, str]:
    if is_heading(paragraphs[0]) and len(paragraphs) > 1:
        return heading_text(paragraphs[0]), "first line"
    start, end = sentence_spans(paragraphs[0])[0]
    sentence = heading_text(paragraphs[0][start:end])
    if len(sentence) <= TITLE_CHARS:
        return sentence, "first sentence"
    return sentence[:TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,;:-–") + "…", "first sentence"
