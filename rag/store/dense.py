"""The dense view: every vector compared while that is fast; past that an index of lists, its finds scored again.

FAISS's inverted lists with 4-bit product quantization (André et al., 2017, arXiv:1704.07355) tell which passages are
near; each of these is scored by its vector in half precision, read where it lies in a mapped file. What comes after the
lists were made is compared exactly beside them, until it is so much that they are made anew.
"""

import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np
import numpy.typing as npt

from rag.types import FloatMatrix

EXACT, APPROXIMATE = "exact", "approximate"

_FLAT, _LISTS, _HALVES, _ROWS, _GONE = "vectors.faiss", "lists.faiss", "vectors.f16", "rows.npy", "gone.npy"
_BASE_FILES = (_LISTS, _HALVES, _ROWS)
_LEAST_RECALL = 0.99
"""Of the ten nearest, on the sample, for which as few lists as possible are looked through; 0.98 is promised, and real
questions are somewhat farther from the passages than the sample's."""
_RECALL_AT = 10
_RESCORED = (4, 8, 16, 32)
"""Passages that are scored again for each that is wanted: 4-bit codes alone put 3 of 4 of the nearest hundred first.
The least of these that loses half as much as may be lost, when all lists are looked through."""
_TRAINED_A_LIST = 64
"""Vectors for each list, from which its middle is learned."""
_BLOCK = 65_536
"""Vectors taken at once, so that a million of them never stand in memory together."""
_MOST_CHANGED = 0.1
"""Share of the lists' passages that may be new or gone before they are made anew; comparing the new ones costs time."""

Probes = Callable[[], FloatMatrix]
"""Makes vectors like those of questions, shape (n, dimension), to measure the recall with."""
Rows = npt.NDArray[np.int64]


class DenseIndex:
    """A dense view that was written by `DenseWriter`."""

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Open it; `record` is what `DenseWriter.write` returned.

        Raises:
            RuntimeError, ValueError, OSError: a file is not what was written.
        """
        self._flat: Any = faiss.read_index(str(folder / _FLAT))
        self._lists = _Lists(folder, record) if record["kind"] == APPROXIMATE else None

    def search(self, vector: FloatMatrix, limit: int) -> list[tuple[int, float]]:
        """The (row, cosine) of the passages nearest to `vector`, shape (1, dimension), the best first."""
        if not vector.any():
            return []
        hits: list[tuple[int, float]] = []
        with _one_thread():
            if self._flat.ntotal:
                scores, rows = self._flat.search(vector, min(limit, self._flat.ntotal))
                hits = [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]
            if self._lists is None:
                return hits
            hits += self._lists.search(vector, limit)
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:limit]

    def cosines(self, vector: FloatMatrix, rows: Sequence[int]) -> list[float]:
        """The cosine of `vector`, shape (1, dimension), with each of the passages."""
        found = self._lists.cosines(vector, rows) if self._lists is not None and rows else {}
        exact = [row for row in rows if row not in found]
        for start in range(0, len(exact), _BLOCK):
            part = exact[start : start + _BLOCK]
            vectors = self._flat.reconstruct_batch(np.array(part, dtype=np.int64))
            found |= dict(zip(part, map(float, vectors @ vector[0]), strict=True))
        return [found[row] for row in rows]


class _Lists:
    """The approximate part: lists of codes, and the vectors in half precision in the order in which they came."""

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        index: Any = faiss.read_index(str(folder / _LISTS))
        index.nprobe = record["probes"]
        self._index = index
        self._rescored = record["rescored"]
        self._rows: Rows = np.load(folder / _ROWS)
        self._gone: Rows = np.load(folder / _GONE)
        self._order = np.argsort(self._rows)
        self._halves = _mapped(folder / _HALVES, len(self._rows), self._index.d)

    def search(self, vector: FloatMatrix, limit: int) -> list[tuple[int, float]]:
        wanted = min(self._rescored * limit, self._index.ntotal)
        _, found = self._index.search(vector, wanted)
        places = found[0][found[0] >= 0]
        rows = self._rows[places]
        kept = ~np.isin(rows, self._gone)
        rows, scores = rows[kept], _scores(vector, self._halves[places[kept]])
        best = np.lexsort((rows, -scores))[:limit]
        return list(zip(rows[best].tolist(), scores[best].tolist(), strict=True))

    def cosines(self, vector: FloatMatrix, rows: Sequence[int]) -> dict[int, float]:
        """By row, for those that stand in the lists."""
        wanted = np.array(rows, dtype=np.int64)
        at = np.searchsorted(self._rows, wanted, sorter=self._order)
        places = self._order[np.minimum(at, len(self._order) - 1)]
        there = self._rows[places] == wanted
        scores = _scores(vector, self._halves[places[there]])
        return dict(zip(wanted[there].tolist(), scores.tolist(), strict=True))


class DenseWriter:
    """Writes a dense view into a folder: `add` for each new vector, then `write`."""

    def __init__(
        self, folder: Path, dimension: int, exact: bool, base: tuple[Path, Mapping[str, Any]] | None = None
    ) -> None:
        """Begin a view, from nothing or from another one, given by its folder and record; that one stays as it is.

        `exact` says whether every vector is to be compared; a base that is approximate can only become another such.
        """
        self._folder = folder
        self._dimension = dimension
        self._exact = exact
        self._base = base
        self._flat: Any = faiss.read_index(str(base[0] / _FLAT)) if base else _flat_index(dimension)
        self._rows: list[int] = []
        self._vectors: list[FloatMatrix] = []
        self._halves: BinaryIO | None = None
        """Where new vectors go that are too many to stand in memory together, and too many to stand beside lists."""

    def add(self, row: int, vector: FloatMatrix) -> None:
        """A new passage's vector, shape (dimension,)."""
        self._rows.append(row)
        self._vectors.append(vector)
        if not self._exact and len(self._vectors) == _BLOCK:
            self._spill()

    def write(self, gone: Sequence[int], probes: Probes) -> dict[str, Any]:
        """Write the view without the rows `gone` of its base; what must be known to open it, and how well it finds."""
        away = np.array(gone, dtype=np.int64)
        self._flat.remove_ids(away)
        rows = np.array(self._rows, dtype=np.int64)
        if self._halves is None:
            new = np.stack(self._vectors) if self._vectors else np.zeros((0, self._dimension), dtype=np.float32)
            self._flat.add_with_ids(new, rows)
            if self._exact:
                return self._write_flat({"kind": EXACT, "passages": self._flat.ntotal})
            if self._base is not None and self._base[1]["kind"] == APPROXIMATE:
                record = self._beside(self._base[0], self._base[1], away)
                if record is not None:
                    return record
            rows = rows[:0]
        else:
            self._spill()
        rows = np.concatenate([rows, *self._joined(away)])
        self._flat = _flat_index(self._dimension)
        return self._write_lists(rows, probes)

    def close(self) -> None:
        """Let go of what was begun and not written."""
        if self._halves is not None:
            self._halves.close()

    def _beside(self, start: Path, record: Mapping[str, Any], away: Rows) -> dict[str, Any] | None:
        """The view with the base's lists as they are; None when too much has changed since they were made."""
        listed: Rows = np.load(start / _ROWS)
        gone = np.union1d(np.load(start / _GONE), np.intersect1d(away, listed))
        if len(gone) + self._flat.ntotal > _MOST_CHANGED * len(listed):
            return None
        for name in _BASE_FILES:
            linked(str(start / name), str(self._folder / name))
        np.save(self._folder / _GONE, gone)
        changed = {"added": self._flat.ntotal, "gone": len(gone)}
        return self._write_flat({**record, **changed})

    def _joined(self, away: Rows) -> Iterator[Rows]:
        """Write, behind what was spilled, the vectors in the base's lists and those beside them; their rows."""
        if self._base is not None and self._base[1]["kind"] == APPROXIMATE:
            start = self._base[0]
            listed, gone = np.load(start / _ROWS), np.union1d(np.load(start / _GONE), away)
            for begin, block in _blocks(_mapped(start / _HALVES, len(listed), self._dimension)):
                rows = listed[begin : begin + len(block)]
                kept = ~np.isin(rows, gone)
                self._append(block[kept])
                yield rows[kept]
        if self._flat.ntotal:
            for begin in range(0, self._flat.ntotal, _BLOCK):
                self._append(self._flat.index.reconstruct_n(begin, min(_BLOCK, self._flat.ntotal - begin)))
            yield faiss.vector_to_array(self._flat.id_map)
        self.close()

    def _spill(self) -> None:
        if self._vectors:
            self._append(np.stack(self._vectors))
            self._vectors.clear()

    def _append(self, vectors: npt.NDArray[Any]) -> None:
        if self._halves is None:
            self._halves = (self._folder / _HALVES).open("wb")
        self._halves.write(vectors.astype("<f2").tobytes())

    def _write_lists(self, rows: Rows, probes: Probes) -> dict[str, Any]:
        halves = _mapped(self._folder / _HALVES, len(rows), self._dimension)
        index, name = _trained(halves)
        for _, block in _blocks(halves):
            index.add(block.astype(np.float32))
        record = {"kind": APPROXIMATE, "passages": len(rows), "index": name}
        record |= _tuned(index, halves, probes())
        faiss.write_index(index, str(self._folder / _LISTS))
        np.save(self._folder / _ROWS, rows)
        np.save(self._folder / _GONE, np.zeros(0, dtype=np.int64))
        return self._write_flat({**record, "added": 0, "gone": 0})

    def _write_flat(self, record: dict[str, Any]) -> dict[str, Any]:
        faiss.write_index(self._flat, str(self._folder / _FLAT))
        return record


@contextmanager
def _one_thread() -> Iterator[None]:
    """FAISS with one thread: a question is answered sooner than a second one wakes up on a busy machine.

    Beside nine busy programs on two cores, a search of 10,000 vectors took 19 ms with two threads, 1.3 ms with one.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def linked(source: str, target: str) -> None:
    """One file under two names, where the file system can; for files that are written once and never again."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _trained(halves: npt.NDArray[np.float16]) -> tuple[Any, str]:
    """An empty index of lists for these vectors, and its name in FAISS's words; the same for the same vectors."""
    count, dimension = halves.shape
    lists = 2 ** max(2, round(math.log2(math.sqrt(count))))
    parts = next(parts for parts in range(max(dimension // 2, 1), 0, -1) if dimension % parts == 0)
    name = f"IVF{lists},PQ{parts}x4fs"
    index = faiss.index_factory(dimension, name, faiss.METRIC_INNER_PRODUCT)
    sample = np.linspace(0, count - 1, min(count, lists * _TRAINED_A_LIST)).astype(np.int64)
    index.train(halves[sample].astype(np.float32))
    return index, name


def _tuned(index: Any, halves: npt.NDArray[np.float16], probes: FloatMatrix) -> dict[str, Any]:
    """How many lists to look through and how many finds to score again, and the recall of that on `probes`."""
    best = _best_scores(halves, probes)

    def recall(lists: int, rescored: int) -> float:
        index.nprobe = lists
        _, found = index.search(probes, min(rescored * _RECALL_AT, index.ntotal))
        return _recall(halves, probes, found, best)

    enough = (1 + _LEAST_RECALL) / 2
    rescored = next((one for one in _RESCORED if recall(index.nlist, one) >= enough), _RESCORED[-1])
    lists = min(4, index.nlist)
    while (found := recall(lists, rescored)) < _LEAST_RECALL and lists < index.nlist:
        lists = min(lists + max(lists // 4, 1), index.nlist)
    told = {"lists": index.nlist, "probes": lists, "rescored": rescored}
    return {**told, f"recall@{_RECALL_AT}": round(found, 4), "sample": len(probes)}


def _best_scores(halves: npt.NDArray[np.float16], probes: FloatMatrix) -> FloatMatrix:
    """The exact scores of each probe's nearest vectors, shape (n, _RECALL_AT or all that there are)."""
    best = np.zeros((len(probes), 0), dtype=np.float32)
    for _, block in _blocks(halves):
        here, _ = faiss.knn(probes, block.astype(np.float32), min(_RECALL_AT, len(block)), faiss.METRIC_INNER_PRODUCT)
        best = -np.sort(-np.concatenate([best, here], axis=1), axis=1)[:, :_RECALL_AT]
    return best


def _recall(
    halves: npt.NDArray[np.float16], probes: FloatMatrix, found: npt.NDArray[np.int64], best: FloatMatrix
) -> float:
    """The share of the nearest that are found; a vector as near as the last of them counts as it."""
    hits = 0
    for vector, places, scores in zip(probes, found, best, strict=True):
        told = -np.sort(-_scores(vector[None], halves[places[places >= 0]]))[: len(scores)]
        hits += int((told >= scores[-1] - 1e-5).sum())
    return hits / max(best.size, 1)


def _scores(vector: FloatMatrix, halves: npt.NDArray[np.float16]) -> FloatMatrix:
    scores: FloatMatrix = halves.astype(np.float32) @ vector[0]
    return scores


def _blocks(halves: npt.NDArray[np.float16]) -> Iterator[tuple[int, npt.NDArray[np.float16]]]:
    """(where it begins, the vectors) of each block."""
    return ((begin, halves[begin : begin + _BLOCK]) for begin in range(0, len(halves), _BLOCK))


def _flat_index(dimension: int) -> Any:
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))


def _mapped(file: Path, count: int, dimension: int) -> npt.NDArray[np.float16]:
    """The vectors in a file, shape (count, dimension), read when they are looked at."""
    return np.memmap(file, dtype="<f2", mode="r", shape=(count, dimension))
