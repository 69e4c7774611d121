"""Which files there are under a folder, and whether one is still the file that was read before."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rag.config import RagConfig
from rag.documents import SourceFile
from rag.errors import DocumentError, marked
from rag.readers.archives import members
from rag.readers.kinds import ARCHIVE_SUFFIX

Read = TypeVar("Read")

_SETTLED_NS = 2_000_000_000
"""Age of a file's last change after which its time stamps tell it from any later version. File systems count time in
steps of up to two seconds (FAT); two writes within one step leave the same stamps."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What stands under a folder."""

    files: list[SourceFile]
    """Every file, in the order of the names."""
    unread: list[tuple[str, str]] = field(default_factory=list)
    """(source, reason) of each folder that cannot be listed and of each link that leads to no file."""

    def may_hold(self, source: str) -> bool:
        """Whether the file could stand in a folder that could not be listed: it is not known to be gone."""
        return any(source == name or source.startswith(f"{name}/") or name == "." for name, _ in self.unread)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells a file from its earlier versions without reading it: bytes, and times in nanoseconds.

    The time of the last status change is in it because the time of modification alone can be set to any value, as
    `cp -p`, `rsync -t` and archives do.
    """

    size: int
    mtime_ns: int
    ctime_ns: int


def scan(root: Path, config: RagConfig | None = None, leave_out: Path | None = None) -> Scan:
    """The files under `root`; hidden ones are passed over, and the folder `leave_out`. A file is its own list.

    Links to files are read, links to folders are not followed: so a loop of links has no effect. The files of an
    archive stand in its place, "archive.zip/inner.docx"; `config` has the limits, None takes the defaults. An archive
    that cannot be opened is listed itself, with its problem.

    Raises:
        DocumentError: there is nothing at `root`, or no file in it.
    """
    limits = config if config is not None else RagConfig()
    if root.is_file():
        return Scan(_expanded(SourceFile(root, _name(root, root.parent)), limits))
    if not root.is_dir():
        raise DocumentError(f"no such file or folder: {root}: name a folder of documents")
    found = Scan([])

    def unlisted(error: OSError) -> None:
        folder = Path(error.filename)
        name = _name(folder, root)
        reason = marked(f"{name}: the folder cannot be listed ({error.strerror}): check its permissions")
        found.unread.append((name, reason))

    outside = leave_out.resolve() if leave_out is not None else None
    for place, folders, names in os.walk(root, onerror=unlisted):
        shown = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in shown if Path(place, name).is_symlink()]
        for name in links:
            source = _name(Path(place, name), root)
            reason = marked(f"{source}: links to folders are not followed: name that folder itself")
            found.unread.append((source, reason))
        folders[:] = [name for name in shown if name not in links and Path(place, name).resolve() != outside]
        for name in names:
            # "~$baocao.docx" is what Word keeps beside a document that is open.
            if not name.startswith((".", "~$")):
                _add_file(found, Path(place, name), root, limits)
    if not found.files:
        reason = found.unread[0][1] if found.unread else marked("put documents (.pdf, .docx, .txt, …) into it")
        raise DocumentError(f"the folder {root} has no files: {reason}")
    found.files.sort(key=lambda file: file.source)
    return found


def stamp(file: SourceFile) -> Stamp:
    """The file's stamp.

    Raises:
        DocumentError: there is no such file any more, or it may not be looked at.
    """
    try:
        status = file.path.stat()
    except OSError as error:
        raise DocumentError(f"{file.source}: cannot be read ({error.strerror}): check its permissions") from error
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def content_key(file: SourceFile) -> str:
    """What two files have in common that are read alike: the sha256 of their bytes, and the ending of their names.

    Raises:
        DocumentError: the file cannot be read.
    """
    try:
        with file.open() as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DocumentError(f"{file.source}: cannot be read ({error.strerror}): check its permissions") from error
    return f"{digest}{Path(file.source).suffix.lower()}"


def read_still(file: SourceFile, read: Callable[[], Read]) -> tuple[Stamp, Read]:
    """The stamp that the file had before and after, and what `read` makes of it; one that moves is read once more.

    A stamp so young that a later change might leave it as it is comes with times of 0, which no file has.

    Raises:
        DocumentError: the file changed during both readings, or `read` raised it.
    """
    for _ in range(2):
        now = time.time_ns()
        before = stamp(file)
        result = read()
        if stamp(file) == before:
            settled = now - max(before.mtime_ns, before.ctime_ns) > _SETTLED_NS
            return before if settled else Stamp(before.size, 0, 0), result
    raise DocumentError(f"{file.source}: it changes while it is read: run `rag index` again when it is written")


def _add_file(found: Scan, path: Path, root: Path, limits: RagConfig) -> None:
    if path.is_file():
        found.files.extend(_expanded(SourceFile(path, _name(path, root)), limits))
    elif path.is_symlink():
        name = _name(path, root)
        found.unread.append((name, marked(f"{name}: the link leads to no file: mend or remove it")))


def _expanded(file: SourceFile, limits: RagConfig) -> list[SourceFile]:
    """The files in an archive; any other file alone."""
    if file.path.suffix.lower() != ARCHIVE_SUFFIX:
        return [file]
    try:
        found = members(file.path, file.source, limits.max_archive_files, limits.max_archive_mb)
    except DocumentError as error:
        return [SourceFile(file.path, file.source, problem=str(error))]
    if not found:
        return [SourceFile(file.path, file.source, problem=marked(f"{file.source}: the archive is empty: remove it"))]
    return [
        SourceFile(
            file.path, f"{file.source}/{one.shown}", one.name, one.size,
            _nested(f"{file.source}/{one.shown}") if one.shown.lower().endswith(ARCHIVE_SUFFIX) else "",
        )
        for one in found
    ]  # fmt: skip


def _nested(source: str) -> str:
    return marked(f"{source}: an archive in an archive is not read: unpack it")


def _name(path: Path, root: Path) -> str:
    """The path below `root` as text; bytes of a name that are not UTF-8 are written out in hexadecimal."""
    name = path.relative_to(root).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")
