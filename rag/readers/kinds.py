"""Which reader reads which file: by the ending of its name, checked against its first bytes."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from rag.errors import DocumentError, first_line
from rag.language.encodings import decode
from rag.readers.archives import check_package
from rag.readers.book import read_book
from rag.readers.markdown import read_markdown
from rag.readers.pdf import read_pdf
from rag.readers.reading import Reading
from rag.readers.slides import read_slides
from rag.readers.table import read_csv
from rag.readers.web import read_html
from rag.readers.word import read_word
from rag.readers.workbook import read_workbook

TEXT_SUFFIXES = frozenset({".txt", ".text", ""})
ARCHIVE_SUFFIX = ".zip"
_UNPACKED_TIMES = 4
"""How much larger the text of an Office document may be than the limit for files: XML repeats itself."""
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OLD_OFFICE = {".doc": ".docx", ".dot": ".docx", ".xls": ".xlsx", ".ppt": ".pptx", ".rtf": ".docx", ".odt": ".docx",
               ".ods": ".xlsx", ".odp": ".pptx", ".docm": ".docx", ".pptm": ".pptx", ".wps": ".docx",
               ".pages": ".docx"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A format that is read."""

    name: str
    read: Callable[[bytes, str], Reading]
    """Bytes and the file's name, for errors, to what is in it."""
    packed_as: str = ""
    """A file that every zip package of this kind holds; empty for other kinds."""


_MARKDOWN = Kind("Markdown", lambda raw, source: read_markdown(decode(raw, source)[0]))
_HTML = Kind("HTML", read_html)
_PDF = Kind("PDF", read_pdf)
_WORD = Kind("Word", lambda raw, _: read_word(raw), "word/document.xml")
_SLIDES = Kind("PowerPoint", lambda raw, _: read_slides(raw), "ppt/presentation.xml")
_WORKBOOK = Kind("Excel", lambda raw, source: _named(read_workbook(raw), source), "xl/workbook.xml")
_BOOK = Kind("EPUB", read_book, "META-INF/container.xml")
_CSV = Kind("CSV", lambda raw, source: _named(read_csv(decode(raw, source)[0], source), source))
_TSV = Kind("TSV", lambda raw, source: _named(read_csv(decode(raw, source)[0], source, "\t"), source))

KINDS: Mapping[str, Kind] = {
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".pdf": _PDF,
    ".docx": _WORD,
    ".pptx": _SLIDES,
    ".xlsx": _WORKBOOK,
    ".xlsm": _WORKBOOK,
    ".csv": _CSV,
    ".tsv": _TSV,
    ".epub": _BOOK,
}


def read(raw: bytes, source: str, max_file_mb: int) -> Reading | None:
    """What is in a file that is not plain text; None for plain text.

    Raises:
        DocumentError: the file is of a kind that is not read, is damaged, encrypted, or unpacks to too much.
    """
    suffix = PurePosixPath(source).suffix.lower()
    kind = _kind(raw, suffix, source)
    if kind is None:
        return None
    if kind.packed_as:
        check_package(raw, source, _UNPACKED_TIMES * max_file_mb)
        if kind.packed_as not in _names(raw):
            raise DocumentError(f"{source}: is not a document of {kind.name}: open it there and save it again")
    try:
        return kind.read(raw, source)
    except DocumentError:
        raise
    except Exception as error:
        # A damaged file makes a parser raise anything, and must harm no other file.
        raise DocumentError(
            f"{source}: cannot be read as {kind.name} ({type(error).__name__}: {first_line(error)}):"
            " open it and save it again"
        ) from error


def _kind(raw: bytes, suffix: str, source: str) -> Kind | None:
    """By what the bytes say where they say it, else by the name; None for plain text."""
    if raw.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in raw:
            raise DocumentError(f"{source}: is protected by a password: save it without one")
        newer = _OLD_OFFICE.get(suffix, suffix or ".docx")
        raise DocumentError(f"{source}: is in the format of Office 97-2003: open it and save it as {newer}")
    if b"%PDF-" in raw[:1024]:
        return _PDF
    if raw.startswith(b"PK\x03\x04"):
        names = _names(raw)
        packed = next((kind for kind in (_WORD, _SLIDES, _WORKBOOK, _BOOK) if kind.packed_as in names), None)
        if packed is not None:
            return packed
    if suffix in KINDS:
        return KINDS[suffix]
    if suffix in TEXT_SUFFIXES:
        return None
    start = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        # What many systems export as .doc and .xls.
        return _HTML
    if suffix in _OLD_OFFICE:
        raise DocumentError(f"{source}: files of kind {suffix} are not read: save it as {_OLD_OFFICE[suffix]}")
    known = ", ".join(sorted({*KINDS, ".txt", ARCHIVE_SUFFIX}))
    raise DocumentError(f"{source}: files of kind {suffix} are not read: save it as one of {known}")


def _named(reading: Reading, source: str) -> Reading:
    """The same with the file's name for a title, where it has none: the first row of a table names its columns."""
    return reading if reading.title else replace(reading, title=PurePosixPath(source).stem)


def _names(raw: bytes) -> set[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            return set(package.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return set()
