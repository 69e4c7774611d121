"""The list of a collection's documents: what is known of each, and how it stands to its file."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from rag.config import RagConfig
from rag.documents import SourceFile
from rag.indexing.updating import root_path
from rag.readers.archives import members
from rag.readers.reading import PAGES
from rag.store.catalog import ListedDocument, ListedFile


class DocumentState(StrEnum):
    """How a document stands to its file."""

    READY = "ready"
    PARTLY = "partly"
    """Some of its pages could not be read; `DocumentRow.problem` names them."""
    CHANGED = "changed"
    """The file has changed since it was read."""
    MISSING = "missing"
    """There is no such file any more; the document is answered from until the folder is read again."""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A line of the list of documents."""

    doc_id: str
    title: str
    source: str
    kind: str
    """The ending of its file, without the dot: "pdf"; "" where it has none."""
    pages: int | None
    """Of the file; in an index that did not note them yet, up to where its last passage begins. None: it has none."""
    passages: int
    date: str | None
    state: DocumentState
    problem: str
    """What of it could not be read; mostly empty."""
    uploaded: bool
    """Whether all its files were handed in here: removing it deletes them."""
    other_sources: tuple[str, ...]


def document_row(document: ListedDocument, folder: Path, uploads: str) -> DocumentRow:
    """The line of a document of the index at `folder`; `uploads` is the root of the files that were handed in."""
    first, *others = document.files
    problem = document.metadata.get("unread", "")
    state = _state(first, folder)
    if state is DocumentState.READY and problem:
        state = DocumentState.PARTLY
    return DocumentRow(
        document.doc_id, document.title, first.source, Path(first.source).suffix.lower().removeprefix("."),
        int(document.metadata.get(PAGES, 0)) or document.last_page, document.chunks, document.date, state, problem,
        all(one.root == uploads for one in document.files), tuple(one.source for one in others),
    )  # fmt: skip


def file_of(file: ListedFile, folder: Path) -> Path | None:
    """The file on the disk, or the archive that it stands in; None when it is gone."""
    root = _root(file.root, folder)
    if root.is_file():
        return root
    path = root / file.file
    while path != root and path.is_relative_to(root):
        if path.is_file():
            return path
        path = path.parent
    return None


def source_of(file: ListedFile, folder: Path, config: RagConfig) -> SourceFile | None:
    """The file as it can be read, also out of its archive; None when it is gone.

    Raises:
        DocumentError: its archive cannot be opened.
    """
    path = file_of(file, folder)
    if path is None:
        return None
    _, archive, inner = file.file.partition(f"{path.name}/")
    if not archive:
        return SourceFile(path, file.source)
    there = members(path, file.source, config.max_archive_files, config.max_archive_mb)
    one = next((one for one in there if one.shown == inner), None)
    return SourceFile(path, file.source, one.name, one.size) if one is not None else None


def _state(file: ListedFile, folder: Path) -> DocumentState:
    path = file_of(file, folder)
    if path is None:
        return DocumentState.MISSING
    status = path.stat()
    is_same = status.st_size == file.size and file.mtime_ns in (0, status.st_mtime_ns)
    return DocumentState.READY if is_same else DocumentState.CHANGED


@lru_cache(maxsize=64)
def _root(name: str, folder: Path) -> Path:
    return root_path(name, folder)  # which asks the file system about every part of it
