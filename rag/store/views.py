"""What searches read: a dense view and a tantivy folder, made from the catalog and named in it with their checksums.

Views are written once, under a name that no other views ever had, synced, and only then named in the catalog: the
transaction that names them brings text, vectors and words to a new generation together.
"""

import heapq
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.embedders.vectors import sha256_of
from rag.errors import IndexDamagedError, IndexWriteError, first_line, marked
from rag.lexical import LAYOUT, LexicalIndex, build_lexical, update_lexical
from rag.store.dense import EXACT, DenseIndex, DenseWriter, Probes, linked
from rag.types import FloatMatrix

_LEXICAL = "lexical"
_READ_AT_OPENING_BYTES = 16 << 20
"""Files up to this size are hashed when an index is opened, in 20 ms or so; of larger ones only the size is looked at,
`rag index` and `rag index --verify` hash them too."""

_SIDE_BY_SIDE_FROM = 50_000
"""Passages from which on a second thread saves more time than it costs."""

Hits = list[tuple[int, float]]
"""(row, score) of passages, the best first."""


class Views:
    """Both views of one generation, open for searching."""

    def __init__(self, folder: Path, record: Mapping[str, Any], side_by_side_from: int = _SIDE_BY_SIDE_FROM) -> None:
        """Open the views that a catalog names.

        Raises:
            IndexDamagedError: a file is missing or not as it was written.
        """
        for file, reason in damaged_files(folder, record, read_up_to=_READ_AT_OPENING_BYTES):
            raise _damaged(file, reason)
        try:
            self._dense = DenseIndex(folder / record["name"], dense_record(record))
        except (RuntimeError, ValueError, OSError) as error:
            raise _damaged(folder / record["name"], first_line(error)) from error
        file = folder / record["name"] / _LEXICAL
        try:
            self._lexical = LexicalIndex(file)
        except (ValueError, OSError) as error:
            raise _damaged(file, first_line(error)) from error
        large = self._lexical.passages >= side_by_side_from
        # One that stays, for a new thread costs a search 1 ms. It starts with the first search, and callers share it.
        self._beside = ThreadPoolExecutor(1, "dense-search") if large else None

    def close(self) -> None:
        """Let go of the second thread."""
        if self._beside is not None:
            self._beside.shutdown()

    def search_dense(self, vector: FloatMatrix, limit: int, among: Sequence[int] | None = None) -> Hits:
        """The (row, cosine) of the passages nearest to `vector`, shape (1, dimension), the best first.

        `among` are the rows that may be found, each compared, however the index is made; None is all.
        """
        if among is None or not vector.any():
            return self._dense.search(vector, limit)
        scored = zip(among, self.cosines(vector, among), strict=True)
        return heapq.nsmallest(limit, scored, key=lambda hit: (-hit[1], hit[0]))

    def search_lexical(self, question: str, limit: int, among: Sequence[int] | None = None) -> Hits:
        """The (row, BM25 score) of the passages that share the question's words, the best first; `among` as above."""
        return self._lexical.search(question, limit, among)

    def search(
        self, question: str, vector: FloatMatrix, limit: int, among: Sequence[int] | None = None
    ) -> tuple[Hits, Hits]:
        """What `search_dense` and `search_lexical` find; in a large index both look at the same time."""
        if self._beside is None:
            return self.search_dense(vector, limit, among), self.search_lexical(question, limit, among)
        dense = self._beside.submit(self.search_dense, vector, limit, among)
        lexical = self.search_lexical(question, limit, among)
        return dense.result(), lexical

    def cosines(self, vector: FloatMatrix, rows: Sequence[int]) -> list[float]:
        """The cosine of `vector`, shape (1, dimension), with each of the passages."""
        return self._dense.cosines(vector, rows)


@dataclass(frozen=True, slots=True)
class Base:
    """Whole views to start from, and what of them is not to be taken over."""

    record: Mapping[str, Any]
    gone: Sequence[int]
    """The rows of passages that are no longer there."""


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """How the views are to be made."""

    added: int
    """How many passages they are made of, or with a base how many come in addition."""
    dimension: int
    exact: bool
    """Whether every vector is compared."""
    probes: Probes


def build_views(
    folder: Path,
    generation: int,
    passages: Iterable[tuple[int, str, FloatMatrix]],
    settings: ViewSettings,
    base: Base | None = None,
) -> dict[str, Any]:
    """Write both views of (row, text, vector of shape (dimension,)) passages; what the catalog is to say of them.

    With `base` the passages come in addition to those of other views, whose files stay as they are.

    Raises:
        IndexWriteError: they cannot be written; what there is of them is removed.
    """
    views = folder / f"views-{generation:08d}-{secrets.token_hex(4)}"
    start = None if base is None else folder / base.record["name"]
    try:
        views.mkdir(parents=True)
        dense = DenseWriter(
            views, settings.dimension, settings.exact, (start, dense_record(base.record)) if base and start else None
        )
        with closing(dense):
            texts = _added(passages, dense)
            if base is None or start is None:
                build_lexical(views / _LEXICAL, texts, settings.added)
            else:
                shutil.copytree(
                    start / _LEXICAL, views / _LEXICAL, copy_function=linked, ignore=shutil.ignore_patterns("*.lock")
                )
                update_lexical(views / _LEXICAL, base.gone, texts, settings.added)
            found = dense.write(base.gone if base is not None else (), settings.probes)
        files = {name: _told(views, name, start, base) for name in _files(views)}
        for written in (*(views / name for name in files), views / _LEXICAL, views, folder):
            _sync(written)
    except (OSError, RuntimeError, ValueError) as error:
        # Full disks and missing rights reach us as OSError from Python, as the others from FAISS and tantivy.
        shutil.rmtree(views, ignore_errors=True)
        raise IndexWriteError(
            f"{views} cannot be written ({first_line(error)}): make room on the disk and run `rag index` again;"
            " the index is as it was"
        ) from error
    except BaseException:
        shutil.rmtree(views, ignore_errors=True)
        raise
    replaced = base.record["replaced"] + len(base.gone) if base is not None else 0
    return {"name": views.name, "files": files, "replaced": replaced, "dense": found, "lexical": LAYOUT}


def _added(passages: Iterable[tuple[int, str, FloatMatrix]], dense: DenseWriter) -> Iterator[tuple[int, str]]:
    """The rows and texts of the passages; their vectors go to the dense view on the way."""
    for row, text, vector in passages:
        dense.add(row, vector)
        yield row, text


def _told(views: Path, name: str, start: Path | None, base: Base | None) -> list[int | str]:
    """The size and the checksum of a file; a file of the base, which has just been checked, is not read again."""
    file = views / name
    if base is not None and start is not None and name in base.record["files"] and (start / name).samefile(file):
        known: list[int | str] = base.record["files"][name]
        return known
    return [file.stat().st_size, sha256_of(file)]


def dense_record(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a record of views says of the dense one; the first ones of this format said nothing, and were exact."""
    dense: Mapping[str, Any] = record.get("dense", {"kind": EXACT})
    return dense


def damaged_files(folder: Path, record: Mapping[str, Any], read_up_to: int | None = None) -> Iterator[tuple[Path, str]]:
    """The (file, reason) of each file that is not as the record says; those over `read_up_to` bytes are only sized."""
    if record.get("lexical", 1) != LAYOUT:
        yield folder / record["name"] / _LEXICAL, marked("another version of this program wrote it")
    for name, (size, digest) in sorted(record["files"].items()):
        file = folder / record["name"] / name
        try:
            there = file.stat().st_size
            if there != size:
                less = marked(f"{there} of {size} bytes")
                yield file, less if there < size else marked(f"{there} bytes, {size} were written")
            elif (read_up_to is None or size <= read_up_to) and sha256_of(file) != digest:
                yield file, marked("its checksum is not that of what was written")
        except OSError as error:
            yield file, first_line(error) if error.strerror is None else error.strerror


def remove_views(folder: Path, keep: Iterable[str]) -> None:
    """Remove all views but those of these names: earlier generations, and what killed runs have left."""
    kept = set(keep)
    for views in folder.glob("views-*"):
        if views.name not in kept:
            shutil.rmtree(views, ignore_errors=True)


def _files(views: Path) -> list[str]:
    """The files of views by their paths below it. Locks are no part of them: opening writes them anew."""
    files = (path for path in views.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path.relative_to(views).as_posix() for path in files)


def _sync(path: Path) -> None:
    """Put a file, or a folder's list of names, on the disk. Windows knows no sync of a folder, and needs none."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(file: Path, reason: str) -> IndexDamagedError:
    return IndexDamagedError(
        file, reason, "run `rag index`, which makes it again from the catalog without embedding anything"
    )
