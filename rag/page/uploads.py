"""Files that people hand in, put into a folder under names that lead nowhere else."""

import filecmp
import re
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from rag.config import RagConfig
from rag.errors import CollectionError, DocumentError, marked
from rag.readers.kinds import ARCHIVE_SUFFIX, KINDS, TEXT_SUFFIXES

UPLOAD_SUFFIXES = tuple(sorted({*KINDS, *TEXT_SUFFIXES, ARCHIVE_SUFFIX} - {""}))
"""The kinds of files that can be handed in, for a page's file chooser."""
_NAME_BYTES = 180
"""Of a file's name; file systems hold 255, and a number or a part's ending may be added."""
_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_COLLECTION = re.compile(r"[^\W_][\w .-]{0,59}")


def safe_name(name: str) -> str:
    """A file's name without its folders and without what a file system, a shell or a list could take amiss.

    Raises:
        DocumentError: nothing is left of it.
    """
    # Half a character, which a browser can send, fits into no file's name.
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    text = "".join("" if unicodedata.category(char) in ("Cc", "Cf") else char for char in re.split(r"[/\\]", text)[-1])
    text = _UNSAFE.sub("_", text).strip().lstrip(".~").rstrip(". ")
    if not text:
        raise DocumentError(f"{name!r} is no name for a file: rename it")
    if _RESERVED.fullmatch(text):
        text = f"_{text}"
    stem, suffix = Path(text).stem, Path(text).suffix
    return _cut(stem, _NAME_BYTES - len(suffix.encode())) + suffix if len(suffix) <= 12 else _cut(text, _NAME_BYTES)


def collection_name(name: str) -> str:
    """The name of a collection, which is also its folder's: NFC, one line, nothing that leads to another folder.

    Raises:
        CollectionError: it is empty, too long, or has other characters than letters, digits, spaces and - _ .
    """
    text = " ".join(unicodedata.normalize("NFC", name).split())
    if not _COLLECTION.fullmatch(text) or text.endswith(".") or _RESERVED.fullmatch(text):
        raise CollectionError(
            f"{name!r} is no name for a collection: begin with a letter or digit, then at most 59 letters, digits,"
            " spaces, - _ ."
        )
    return text


def take_in(files: Sequence[Path], folder: Path, config: RagConfig) -> tuple[list[str], list[tuple[str, str]]]:
    """Copy files into a folder; the names that they got, and (name, reason) of those that were refused.

    A file that is there already, byte by byte, is not copied again; another one of its name gets a number.
    """
    names: list[str] = []
    refused: list[tuple[str, str]] = []
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        try:
            names.append(_taken_in(file, folder, config))
        except DocumentError as error:
            refused.append((file.name, str(error)))
        except OSError as error:
            refused.append((file.name, marked(f"{file.name}: cannot be copied ({error.strerror}): try it again")))
    return names, refused


def _taken_in(file: Path, folder: Path, config: RagConfig) -> str:
    name = safe_name(file.name)
    suffix = Path(name).suffix.lower()
    if suffix not in UPLOAD_SUFFIXES:
        raise DocumentError(f"{name}: files of this kind are not read: save it as one of {', '.join(UPLOAD_SUFFIXES)}")
    limit = config.max_archive_mb if suffix == ARCHIVE_SUFFIX else config.max_file_mb
    size = file.stat().st_size
    if size > limit * 1_000_000:
        raise DocumentError(f"{name}: {size / 1e6:.0f} MB is over the limit of {limit} MB: split it")
    target, number = folder / name, 1
    while target.exists():
        if filecmp.cmp(file, target, shallow=False):
            return target.name
        number += 1
        target = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
    partial = folder / f".{target.name}.part"  # hidden files are not indexed
    try:
        shutil.copyfile(file, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target.name


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode("utf-8", "ignore").rstrip()
