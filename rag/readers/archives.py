"""Zip archives: what is in one, within limits, without unpacking it to the disk."""

import io
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

from rag.errors import DocumentError, first_line

_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
"""What zipfile raises on damaged, encrypted and unknown contents."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive."""

    name: str
    """As the archive names it."""
    shown: str
    """The same in NFC, with letters that the archive's tool wrote without naming their encoding."""
    size: int
    """Bytes, unpacked."""


def members(path: Path, source: str, most_files: int, most_mb: int) -> list[Member]:
    """The files in an archive by name, hidden ones and folders left out.

    Raises:
        DocumentError: it is damaged, holds more than the limits allow, or a name that leads out of it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except _BROKEN as error:
        raise DocumentError(f"{source}: is a damaged archive ({first_line(error)}): make it again") from error
    if len(infos) > most_files:
        raise DocumentError(
            f"{source}: holds {len(infos)} files, over the limit of {most_files}: unpack it, or raise max_archive_files"
        )
    unpacked = sum(info.file_size for info in infos)
    if unpacked > most_mb * 1_000_000:
        raise DocumentError(
            f"{source}: unpacks to {unpacked / 1e6:.0f} MB, over the limit of {most_mb} MB: unpack it,"
            " or raise max_archive_mb"
        )
    found: list[Member] = []
    for info in infos:
        shown = _shown(info)
        parts = PurePosixPath(shown.replace("\\", "/")).parts
        if ".." in parts or shown.startswith(("/", "\\")) or ":" in parts[0]:
            raise DocumentError(f"{source}: holds the name {shown!r}, which leads out of it: make the archive again")
        if not any(part.startswith(".") or part == "__MACOSX" for part in parts):
            found.append(Member(info.filename, "/".join(parts), info.file_size))
    return sorted(found, key=lambda member: member.shown)


@contextmanager
def opened(path: Path, name: str, source: str) -> Iterator[io.BufferedIOBase]:
    """The bytes of a file in an archive, as a stream.

    Raises:
        DocumentError: it is damaged, needs a password, or its archive is gone; while reading, too.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
            yield cast("io.BufferedIOBase", stream)
    except KeyError as error:
        raise DocumentError(f"{source}: is no longer in its archive: index again") from error
    except _BROKEN as error:
        if "password" in str(error):
            raise DocumentError(f"{source}: needs a password: make the archive again without one") from error
        raise DocumentError(f"{source}: cannot be unpacked ({first_line(error)}): make the archive again") from error


def check_package(raw: bytes, source: str, most_mb: int) -> None:
    """Make sure that an Office document or a book unpacks to a size that can be held.

    Raises:
        DocumentError: it is damaged, encrypted, or its text unpacks to more than `most_mb`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            infos = package.infolist()
    except _BROKEN as error:
        raise DocumentError(f"{source}: is damaged ({first_line(error)}): open and save it again") from error
    if any(info.flag_bits & _ENCRYPTED for info in infos):
        raise DocumentError(f"{source}: is protected by a password: save it without one")
    texts = sum(info.file_size for info in infos if info.filename.lower().endswith(_TEXTS))
    if texts > most_mb * 1_000_000:
        raise DocumentError(
            f"{source}: unpacks to {texts / 1e6:.0f} MB of text, over the limit of {most_mb} MB: split it"
            " or raise max_file_mb"
        )


_TEXTS = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".vml", ".css", ".svg")


def _shown(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & 0x800:
        # Many tools write UTF-8 and do not say so; zipfile then reads the letters of DOS.
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = info.filename
    return unicodedata.normalize("NFC", name)
