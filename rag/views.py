"""What searches read: a FAISS file and a tantivy folder, made from the catalog and named in it with their checksums.

Views are written once, under a name that no other views ever had, synced, and only then named in the catalog: the
transaction that names them brings text, vectors and words to a new generation together.
"""

import heapq
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from rag.errors import IndexDamagedError, IndexWriteError, first_line
from rag.lexical import LexicalIndex, build_lexical, update_lexical
from rag.types import FloatMatrix
from rag.vectors import sha256_of

_DENSE = "vectors.faiss"
_LEXICAL = "lexical"
_READ_AT_OPENING_BYTES = 16 << 20
"""Files up to this size are hashed when an index is opened, in 20 ms or so; of larger ones only the size is looked at,
`rag index` and `rag index --verify` hash them too."""

_ROWS_AT_ONCE = 8192
"""Vectors copied out of the index at a time: 12 MB of 384 numbers each."""


class Views:
    """Both views of one generation, open for searching."""

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Open the views that a catalog names.

        Raises:
            IndexDamagedError: a file is missing or not as it was written.
        """
        for file, reason in damaged_files(folder, record, read_up_to=_READ_AT_OPENING_BYTES):
            raise _damaged(file, reason)
        file = folder / record["name"] / _DENSE
        try:
            self._dense = faiss.read_index(str(file))
        except RuntimeError as error:
            raise _damaged(file, first_line(error)) from error
        file = folder / record["name"] / _LEXICAL
        try:
            self._lexical = LexicalIndex(file)
        except (ValueError, OSError) as error:
            raise _damaged(file, first_line(error)) from error

    def search_dense(
        self, vector: FloatMatrix, limit: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The (row, cosine) of the passages nearest to `vector`, shape (1, dimension), the best first.

        `among` are the rows that may be found, each compared, however the index is made; None is all.
        """
        if self._dense.ntotal == 0 or not vector.any():
            return []
        if among is not None:
            scored = zip(among, self.cosines(vector, among), strict=True)
            return heapq.nsmallest(limit, scored, key=lambda hit: (-hit[1], hit[0]))
        scores, rows = self._dense.search(vector, min(limit, self._dense.ntotal))
        return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]

    def search_lexical(self, question: str, limit: int, among: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The (row, BM25 score) of the passages that share the question's words, the best first; `among` as above."""
        return self._lexical.search(question, limit, among)

    def cosines(self, vector: FloatMatrix, rows: Sequence[int]) -> list[float]:
        """The cosine of `vector`, shape (1, dimension), with each of the passages."""
        cosines: list[float] = []
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = np.array(rows[start : start + _ROWS_AT_ONCE], dtype=np.int64)
            cosines += map(float, self._dense.reconstruct_batch(part) @ vector[0])
        return cosines


@dataclass(frozen=True, slots=True)
class Base:
    """Whole views to start from, and what of them is not to be taken over."""

    record: Mapping[str, Any]
    gone: Sequence[int]
    """The rows of passages that are no longer there."""


def build_views(
    folder: Path,
    generation: int,
    passages: Iterable[tuple[int, str, FloatMatrix]],
    dimension: int,
    base: Base | None = None,
) -> dict[str, Any]:
    """Write both views of (row, text, vector of shape (dimension,)) passages; what the catalog is to say of them.

    With `base` the passages come in addition to those of other views, whose files stay as they are.

    Raises:
        IndexWriteError: they cannot be written; what there is of them is removed.
    """
    views = folder / f"views-{generation:08d}-{secrets.token_hex(4)}"
    rows: list[int] = []
    vectors: list[FloatMatrix] = []

    def texts() -> Iterator[tuple[int, str]]:
        for row, text, vector in passages:
            rows.append(row)
            vectors.append(vector)
            yield row, text

    try:
        if base is None:
            build_lexical(views / _LEXICAL, texts())
            dense: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        else:
            start = folder / base.record["name"]
            shutil.copytree(
                start / _LEXICAL, views / _LEXICAL, copy_function=_linked, ignore=shutil.ignore_patterns("*.lock")
            )
            update_lexical(views / _LEXICAL, base.gone, texts())
            dense = faiss.read_index(str(start / _DENSE))
            dense.remove_ids(np.array(base.gone, dtype=np.int64))
        matrix = np.stack(vectors) if vectors else np.zeros((0, dimension), dtype=np.float32)
        dense.add_with_ids(matrix, np.array(rows, dtype=np.int64))
        faiss.write_index(dense, str(views / _DENSE))
        files = {name: [(views / name).stat().st_size, sha256_of(views / name)] for name in _files(views)}
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
    return {"name": views.name, "files": files, "replaced": replaced}


def damaged_files(folder: Path, record: Mapping[str, Any], read_up_to: int | None = None) -> Iterator[tuple[Path, str]]:
    """The (file, reason) of each file that is not as the record says; those over `read_up_to` bytes are only sized."""
    for name, (size, digest) in sorted(record["files"].items()):
        file = folder / record["name"] / name
        try:
            there = file.stat().st_size
            if there != size:
                yield file, f"{there} of {size} bytes" if there < size else f"{there} bytes, {size} were written"
            elif (read_up_to is None or size <= read_up_to) and sha256_of(file) != digest:
                yield file, "its checksum is not that of what was written"
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


def _linked(source: str, target: str) -> None:
    """One file under two names, where the file system can; tantivy writes its files once and never again."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


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
    way_out = "run `rag index`, which makes it again from the catalog without embedding anything"
    return IndexDamagedError(file, reason, way_out)
