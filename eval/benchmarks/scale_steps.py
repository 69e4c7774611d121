"""What is measured of an index at one size, each part in a process of its own: its making, its answers, one change."""

import os
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
import numpy.typing as npt
from raw_rows import rows
from scale_corpus import settings
from scale_reader import reading

from rag.embedding import load_embedder
from rag.index import CATALOG, StoredIndex, open_index
from rag.indexing.progress import IndexProgress
from rag.indexing.updating import update_index
from rag.lexical import LexicalIndex
from rag.relevance.matching import load_matcher
from rag.relevance.ranking import load_ranker
from rag.retrieval import HybridRetriever
from rag.store.catalog import Catalog
from rag.text import normalize
from rag.types import FloatMatrix, ScoredChunk

QUESTION_SET = "viquad2-test"
_WARM_UP = 30
_RANKED = 40
"""Questions that the passage ranker is timed with: its work does not depend on the size."""
_EXACT = 20
"""Questions that are compared with every vector one by one, for the time of that."""
_DEPTH = 100
_SAVED_EVERY = 500
"""Files after which a run that is ended would not lose what it has timed."""

Hits = list[tuple[int, float]]


def index_step(index: Path, roots: Sequence[Path], spent: Callable[[float, float], None]) -> dict[str, Any]:
    """Bring the index up to the files of these roots; `spent` is told seconds and CPU seconds as they pass."""
    config = settings()
    embedder = load_embedder(config.embedding)
    began, began_cpu = time.perf_counter(), time.process_time()

    def show(progress: IndexProgress) -> None:
        if progress.files_done % _SAVED_EVERY == 0:
            spent(time.perf_counter() - began, time.process_time() - began_cpu)

    report = update_index(index, roots, embedder, config, progress=show)
    spent(time.perf_counter() - began, time.process_time() - began_cpu)
    return {
        "passages": report.chunks,
        "documents": report.documents,
        "embedded_in_this_process": report.embedded,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
        "dense": dict(report.dense),
        "mb": _sizes(index),
    }


def change_step(index: Path, roots: Sequence[Path], extra: Path, number: int) -> dict[str, Any]:
    """Add one file of three sentences to the index, and look at every other one; another process reads meanwhile."""
    extra.mkdir(exist_ok=True)
    text = f"Bản tin số {number}. Thị trấn thử nghiệm có {number + 7} nhà máy giấy. Nhà máy giấy cũ nhất xây năm 1907."
    (extra / f"{number}.txt").write_text(text, encoding="utf-8")
    config = settings()
    embedder = load_embedder(config.embedding)
    with reading(index) as meanwhile:
        began, began_cpu = time.perf_counter(), time.process_time()
        report = update_index(index, [*roots, extra], embedder, config)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "added": report.added,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
        "dense": dict(report.dense),
        "readers_meanwhile": meanwhile,
    }


def search_step(index: Path, data: Path, count: int, seed: int) -> dict[str, Any]:
    """Open the index and ask it; times, memory, and how much of an exact search's result is found."""
    config = settings()
    embedder = load_embedder(config.embedding)
    asked = [normalize(row["question"]) for row in rows(data / "qa" / f"{QUESTION_SET}.jsonl.gz")]
    questions = random.Random(seed).sample(asked, count + _WARM_UP)
    before = memory()
    began = time.perf_counter()
    stored = open_index(index, embedder, config)
    opened = time.perf_counter() - began
    after = memory()
    plain = HybridRetriever(stored, embedder, config.retrieval)
    for question in questions[:_WARM_UP]:
        plain.candidates(question, 8)
    questions = questions[_WARM_UP:]
    vectors = [embedder.embed_queries([question]) for question in questions]
    result: dict[str, Any] = {
        "open_seconds": round(opened, 3),
        "memory_mb": {"before": before, "opened": after},
        "load": round(os.getloadavg()[0], 1),
        "hybrid": timed(lambda place: plain.candidates(questions[place], 8), count),
        "of_which": {
            "embedding": timed(lambda place: embedder.embed_queries([questions[place]]), count),
            "dense": timed(lambda place: stored.search_dense(vectors[place], _DEPTH), count),
            "lexical": timed(lambda place: stored.search_lexical(questions[place], _DEPTH), count),
        },
    }
    result["memory_mb"]["searched"] = memory()
    matcher = load_matcher(config.evidence.matcher, embedder)
    ranked = HybridRetriever(stored, embedder, config.retrieval, load_ranker(config.retrieval.ranker, matcher))
    ranked.retrieve(questions[0], 8)
    result["with_the_ranker"] = timed(lambda place: ranked.retrieve(questions[place], 8), min(_RANKED, count))
    result |= compared(index, stored, plain, questions, vectors)
    stored.close()
    return result


def compared(
    index: Path, stored: StoredIndex, plain: HybridRetriever, questions: Sequence[str], vectors: Sequence[FloatMatrix]
) -> dict[str, Any]:
    """Recall against every vector in full precision, and every word looked up as in a small index."""
    numbers, matrix, lexical = everything(index)
    exact = faiss.IndexFlatIP(matrix.shape[1])
    exact.add(matrix)
    scores, places = exact.search(np.concatenate(vectors), min(_DEPTH, len(numbers)))
    truth = {
        vector.tobytes(): list(zip(numbers[found].tolist(), cosines.tolist(), strict=True))
        for vector, found, cosines in zip(vectors, places, scores, strict=True)
    }
    whole = HybridRetriever(
        cast(StoredIndex, _Exact(stored, truth, lexical)), cast(Any, plain)._embedder, settings().retrieval
    )
    dense_10, dense_100, hybrid, words = [], [], [], []
    for question, vector in zip(questions, vectors, strict=True):
        right = [row for row, _ in truth[vector.tobytes()]]
        found = [row for row, _ in stored.search_dense(vector, _DEPTH)]
        dense_10.append(overlap(found, right, 10))
        dense_100.append(overlap(found, right, _DEPTH))
        hybrid.append(overlap(_ids(plain, question), _ids(whole, question), 10))
        found, right = ([row for row, _ in side.search_lexical(question, _DEPTH)] for side in (stored, whole._index))
        words.append(overlap(found, right, 10))
    return {
        "recall": {
            "dense@10": round(float(np.mean(dense_10)), 4),
            "dense@100": round(float(np.mean(dense_100)), 4),
            "lexical@10": round(float(np.mean(words)), 4),
            "hybrid@10": round(float(np.mean(hybrid)), 4),
        },
        "every_vector": timed(lambda place: exact.search(vectors[place], _DEPTH), min(_EXACT, len(vectors))),
    }


@dataclass(frozen=True, slots=True)
class _Exact:
    """An index whose search is exact on both sides."""

    stored: StoredIndex
    dense: dict[bytes, Hits]
    lexical: LexicalIndex

    def search(self, question: str, vector: FloatMatrix, limit: int, _among: None) -> tuple[Hits, Hits]:
        return self.dense[vector.tobytes()][:limit], self.search_lexical(question, limit)

    def search_lexical(self, question: str, limit: int) -> Hits:
        return self.lexical.search(question, limit)

    def cosines(self, vector: FloatMatrix, wanted: Sequence[int]) -> list[float]:
        return self.stored.cosines(vector, wanted)

    def scored_chunks(self, hits: Sequence[tuple[int, float]]) -> list[ScoredChunk]:
        return self.stored.scored_chunks(hits)


def everything(index: Path) -> tuple[npt.NDArray[np.int64], FloatMatrix, LexicalIndex]:
    """The rows and vectors as the catalog has them, and the lexical view without its way for large indexes."""
    with closing(Catalog(index / CATALOG)) as catalog:
        manifest = catalog.manifest()
        count, dimension = manifest["contents"]["chunks"], manifest["embedding"]["dimension"]
        numbers, matrix = np.empty(count, dtype=np.int64), np.empty((count, dimension), dtype=np.float32)
        for place, (row, vector) in enumerate(_stored_vectors(catalog)):
            numbers[place], matrix[place] = row, np.frombuffer(vector, dtype="<f4")
        views = index / manifest["views"]["name"]
    return numbers, matrix, LexicalIndex(views / "lexical", narrowed_from=1 << 60)


def timed(work: Callable[[int], object], count: int) -> dict[str, float]:
    """Milliseconds of each of `count` calls: of the clock, and of the processor, which other programs do not change."""
    wall, cpu = [], []
    for place in range(count):
        began, began_cpu = time.perf_counter(), time.process_time()
        work(place)
        wall.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - began_cpu))
    shown = {"p50_ms": (wall, 50), "p99_ms": (wall, 99), "cpu_p50_ms": (cpu, 50), "cpu_p99_ms": (cpu, 99)}
    return {name: round(float(np.percentile(values, share)), 2) for name, (values, share) in shown.items()}


def memory() -> dict[str, int]:
    """Of this process in MB: all that is resident, and what of it is no page of a file."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        name: round(int(lines[field].split()[0]) / 1000) for name, field in (("all", "VmRSS"), ("anonymous", "RssAnon"))
    }


def overlap(found: Sequence[Any], right: Sequence[Any], depth: int) -> float:
    """The share of the first `right` that the first `found` hold."""
    return len(set(found[:depth]) & set(right[:depth])) / max(min(depth, len(right)), 1)


def _ids(retriever: HybridRetriever, question: str) -> list[str]:
    return [scored.chunk.chunk_id for scored in retriever.candidates(question, 10).passages]


def _stored_vectors(catalog: Catalog) -> Iterator[tuple[int, bytes]]:
    return catalog._database.execute("SELECT row, vector FROM chunks ORDER BY row")


def _sizes(index: Path) -> dict[str, int]:
    """MB by part; views of the generation before, kept for readers that are about to open it, are left out."""
    with closing(Catalog(index / CATALOG)) as catalog:
        views = index / catalog.manifest()["views"]["name"]
    files = [file for file in views.rglob("*") if file.is_file()]
    words = sum(file.stat().st_size for file in files if file.parent.name == "lexical")
    everything_else = sum(file.stat().st_size for file in files) - words
    sizes = {"catalog": (index / CATALOG).stat().st_size, "dense": everything_else, "lexical": words}
    return {name: round(size / 1e6) for name, size in sizes.items()}
