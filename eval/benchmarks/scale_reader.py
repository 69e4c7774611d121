"""A reader at work beside a change of the index, in a process of its own."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scale_corpus import settings

from rag.embedding import load_embedder
from rag.index import open_index
from rag.retrieval import HybridRetriever

_QUESTION = "Thành phố nào của Việt Nam có nhiều di tích lịch sử nhất?"


@contextmanager
def reading(index: Path) -> Iterator[dict[str, float]]:
    """A reader at work in a process of its own; how long it had to wait is told at the end."""
    context = multiprocessing.get_context("spawn")
    begun, done, told = context.Event(), context.Event(), context.SimpleQueue()
    reader = context.Process(target=_read, args=(index, begun, done, told))
    reader.start()
    begun.wait()
    waited: dict[str, float] = {}
    try:
        yield waited
    finally:
        done.set()
        waited |= told.get()
        reader.join()


def _read(index: Path, begun: Any, done: Any, told: Any) -> None:
    """Ask an open index and open it anew, again and again."""
    config = settings()
    embedder = load_embedder(config.embedding)
    searches, openings = list[float](), list[float]()
    with closing(open_index(index, embedder, config)) as stored:
        retriever = HybridRetriever(stored, embedder, config.retrieval)
        retriever.candidates(_QUESTION, 8)
        begun.set()
        while not done.is_set():
            for times, work in (
                (searches, lambda: retriever.candidates(_QUESTION, 8)),
                (openings, lambda: open_index(index, embedder, config).close()),
            ):
                began = time.perf_counter()
                work()
                times.append(1000 * (time.perf_counter() - began))
    lasted = {"search": searches, "opening": openings}
    longest = {f"longest_{name}_ms": round(max(times, default=0.0), 1) for name, times in lasted.items()}
    median = {f"{name}_p50_ms": round(float(np.median(times)), 1) for name, times in lasted.items()}
    told.put({"times": len(searches), **median, **longest})
