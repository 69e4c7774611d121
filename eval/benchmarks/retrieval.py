"""Retrieval quality of the bundled embedding on Vietnamese question sets: dense, BM25, and the two fused.

The protocol is ViRE's (EACL 2026): up to 1,000 questions of a set against the set's distinct passages, nDCG@10. Of the
sets whose other passages were trained on, only questions about held-out passages are asked; all passages are searched.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "models" / "training"))

from embedding_pairs import HELD_OUT_SETS, held_out, rows  # noqa: E402
from embedding_tokenizer import runs  # noqa: E402

SETS = ("viquad2-test", "vinewsqa", "virhe4qa", "vire4mrc", "educoqa")
METRICS = {
    "ndcg@10": ir_measures.nDCG @ 10,
    "recall@1": ir_measures.R @ 1,
    "recall@5": ir_measures.R @ 5,
    "recall@10": ir_measures.R @ 10,
    "mrr@10": ir_measures.RR @ 10,
}
ALPHAS = (0.1, 0.2, 0.3, 0.4, 0.5)
DEPTH = 100  # a fused score looks at the best DEPTH of each side, as an index would give them


@dataclass(frozen=True)
class RetrievalSet:
    """`gold[i]` is the place in `passages` of the passage that answers `questions[i]`."""

    questions: list[str]
    passages: list[str]
    gold: list[int]


def load_set(data: Path, name: str, limit: int, seed: int) -> RetrievalSet:
    """A seeded sample of at most `limit` answerable questions of a set, and all of its distinct passages."""
    places: dict[str, int] = {}
    asked: list[tuple[str, int]] = []
    for row in rows(data / "qa" / f"{name}.jsonl.gz"):
        place = places.setdefault(row["context"], len(places))
        if row["answerable"] and (name not in HELD_OUT_SETS or held_out(row["context"])):
            asked.append((row["question"], place))
    if len(asked) > limit:
        asked = random.Random(seed).sample(asked, limit)
    return RetrievalSet([q for q, _ in asked], list(places), [p for _, p in asked])


class BM25:
    """BM25 (k1 1.5, b 0.75; Robertson and Zaragoza 2009) over syllables and pairs of neighbouring syllables."""

    def __init__(self, passages: Sequence[str], k1: float = 1.5, b: float = 0.75) -> None:
        self._terms: dict[str, int] = {}
        counts = self._count(passages, grow=True)
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        document_frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        idf = np.log(1 + (len(passages) - document_frequency + 0.5) / (document_frequency + 0.5))
        norm = np.repeat(k1 * (1 - b + b * lengths / lengths.mean()), np.diff(counts.indptr))
        counts.data = counts.data * (k1 + 1) / (counts.data + norm) * idf[counts.indices]
        self._weights = counts

    def scores(self, questions: Sequence[str]) -> NDArray[np.float64]:
        """Scores, questions x passages."""
        asked = self._count(questions, grow=False)
        result: NDArray[np.float64] = (asked @ self._weights.T).toarray()
        return result

    def _count(self, texts: Sequence[str], grow: bool) -> sp.csr_matrix:
        columns: list[int] = []
        starts = [0]
        for text in texts:
            for run in runs([text]):
                for term in [*run, *(f"{a} {b}" for a, b in itertools.pairwise(run))]:
                    place = self._terms.setdefault(term, len(self._terms)) if grow else self._terms.get(term)
                    if place is not None:
                        columns.append(place)
            starts.append(len(columns))
        shape = (len(texts), len(self._terms))
        counts = sp.csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)
        counts.sum_duplicates()
        return counts


def fuse(dense: NDArray[np.float64], lexical: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """The sum of alpha x dense and (1 - alpha) x lexical, each scaled to 0..1 a question over its DEPTH best."""
    return alpha * _scaled(dense) + (1 - alpha) * _scaled(lexical)


def _scaled(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    depth = min(DEPTH, scores.shape[1])
    best = np.partition(scores, -depth, axis=1)[:, -depth:]
    low, high = best.min(axis=1, keepdims=True), best.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = np.clip((scores - low) / np.maximum(high - low, 1e-9), 0.0, None)
    return result


def measure(scores: NDArray[np.float64], gold: Sequence[int], seed: int) -> dict[str, Any]:
    """The METRICS in percent, with the 95% bootstrap interval of nDCG@10 over the questions."""
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    qrels = {str(i): {f"p{g}": 1} for i, g in enumerate(gold)}
    # Ranks, not scores, are handed on: ties must fall as they fell above.
    run = {str(i): {f"p{p}": float(10 - rank) for rank, p in enumerate(row)} for i, row in enumerate(top)}
    values: dict[str, list[float]] = {name: [] for name in METRICS}
    for metric in ir_measures.iter_calc(list(METRICS.values()), qrels, run):
        values[next(name for name, measure in METRICS.items() if measure == metric.measure)].append(metric.value)
    result: dict[str, Any] = {name: round(100 * float(np.mean(values[name])), 2) for name in METRICS}
    ndcg = np.asarray(values["ndcg@10"])
    rng = np.random.default_rng(seed)
    means = [ndcg[rng.integers(0, len(ndcg), len(ndcg))].mean() for _ in range(1000)]
    result["ndcg@10_95%"] = [round(100 * float(x), 2) for x in np.percentile(means, [2.5, 97.5])]
    return result


def dense_scores(
    model: Any, questions: Sequence[str], passages: Sequence[str], window: int | None = None
) -> NDArray[np.float64]:
    """Cosines, questions x passages; with `window`, that of a passage's best window of so many syllables."""
    cuts = [_windows(passage, window) if window else [passage] for passage in passages]
    first = np.cumsum([0] + [len(cut) for cut in cuts[:-1]])
    asked = np.asarray(model.encode(list(questions), normalize_embeddings=True))
    told = np.asarray(model.encode([text for cut in cuts for text in cut], normalize_embeddings=True))
    result: NDArray[np.float64] = np.maximum.reduceat((asked @ told.T).astype(np.float64), first, axis=1)
    return result


def _windows(text: str, size: int) -> list[str]:
    """Windows of `size` syllables that overlap by a third."""
    syllables = text.split()
    step = size - size // 3
    return [" ".join(syllables[i : i + size]) for i in range(0, max(1, len(syllables) - size // 3), step)]


def main() -> None:
    """Measure, print one table, write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--model", default=str(PROJECT / "models" / "embedding-vi"))
    parser.add_argument("--limit", type=int, default=1000, help="questions a set")
    parser.add_argument("--window", type=int, default=60, help="syllables a window, besides whole passages")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "retrieval-embedding-vi.json")
    arguments = parser.parse_args()
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(arguments.model, device="cpu")
    report: dict[str, Any] = {
        "model": Path(arguments.model).name,
        "limit": arguments.limit,
        "seed": arguments.seed,
        "window_syllables": arguments.window,
        "held_out_sets": HELD_OUT_SETS,
        "fusion": f"weighted sum, min-max over the best {DEPTH} a question; alpha weighs the dense side",
        "sets": {},
    }
    for name in SETS:
        chosen = load_set(arguments.data, name, arguments.limit, arguments.seed)
        lexical = BM25(chosen.passages).scores(chosen.questions)
        systems = {"bm25": lexical}
        for label, size in (("whole", None), (f"window {arguments.window}", arguments.window)):
            dense = dense_scores(model, chosen.questions, chosen.passages, size)
            systems[f"dense, {label}"] = dense
            systems |= {f"fused {alpha}, {label}": fuse(dense, lexical, alpha) for alpha in ALPHAS}
        figures = {system: measure(scores, chosen.gold, arguments.seed) for system, scores in systems.items()}
        report["sets"][name] = {"questions": len(chosen.gold), "passages": len(chosen.passages), "systems": figures}
        print(f"\n{name}: {len(chosen.gold)} questions, {len(chosen.passages)} passages")
        print(f"{'':21s}" + "".join(f"{m:>11s}" for m in METRICS) + "     nDCG@10 95%")
        for system, values in figures.items():
            low, high = values["ndcg@10_95%"]
            print(f"{system:21s}" + "".join(f"{values[m]:11.1f}" for m in METRICS) + f"     {low:.1f} to {high:.1f}")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
