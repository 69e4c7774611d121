"""Files to Documents: decoding, joined lines, furniture off, title and date from where the file says them."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import DocumentError
from rag.listing import LIST_ITEM
from rag.text import normalize, sentence_spans
from rag.types import Document

TEXT_SUFFIXES = frozenset({".txt", ".md", ".markdown", ""})
TITLE_CHARS = 90

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


def read_document(file: SourceFile, max_file_mb: int) -> Document:
    """The Document in a file.

    Raises:
        DocumentError: the file cannot be read, is too large, is not UTF-8 or UTF-16 text, or holds no words.
    """
    if file.path.suffix.lower() not in TEXT_SUFFIXES:
        raise DocumentError(f"{file.source}: files of kind {file.path.suffix} are not read: save it as .txt or .md")
    try:
        size = file.path.stat().st_size
        if size > max_file_mb * 1_000_000:
            raise DocumentError(
                f"{file.source}: {size / 1e6:.0f} MB is over the limit of {max_file_mb} MB:"
                " split it or raise max_file_mb"
            )
        raw = file.path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{file.source}: cannot be read ({error.strerror}): check its permissions") from error
    return make_document(_decoded(raw, file.source), file.source)


def make_document(raw_text: str, source: str, title: str = "") -> Document:
    """A Document of text that is already decoded; an empty `title` is taken from the text.

    Raises:
        DocumentError: there are no words in the text.
    """
    text = normalize(raw_text)
    date = _DATE_LINE.match(text)
    if date is not None:
        text = text[date.end() :]
    paragraphs = _paragraphs(text)
    body = "\n\n".join(paragraphs)
    if not any(char.isalnum() for char in body):
        raise DocumentError(f"{source}: there is no text in it: remove it or give it content")
    metadata: dict[str, str] = {}
    origin = _ORIGIN.fullmatch(paragraphs[-1])
    if origin is not None:
        metadata["origin"] = origin[1]
    if not title:
        title, metadata["title_from"] = _title(paragraphs)
    digest = hashlib.sha256(f"{source}\0{body}".encode()).hexdigest()
    return Document(digest[:16], title, body, source, date[1] if date is not None else None, metadata)


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


def _decoded(raw: bytes, source: str) -> str:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{source}: is not text in UTF-8 or UTF-16: save it as UTF-8") from error
    if "\0" in text:
        raise DocumentError(f"{source}: is not a text file (it holds zero bytes): save it as UTF-8 text")
    return text


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
    if LIST_ITEM.match(line) or _MARKDOWN_HEADING.fullmatch(before):
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
