"""Trains models/ranker-vi: the linear ranker over the best fused passages.

    python models/training/ranker.py --data ../shared/data --out models/ranker-vi

Only questions about passages that the embedding's training held out are used: on the others its cosines are better than
they will ever be in use, and the ranker would lean on them. viquad2-test and educoqa are measured on.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from training_sets import held_out, question_rows

from rag.batch.metrics import ndcg_at_k
from rag.config import RagConfig
from rag.documents import make_document
from rag.embedding import load_embedder
from rag.errors import DocumentError
from rag.index import open_index
from rag.indexing.updating import index_documents
from rag.relevance.matching import load_matcher
from rag.relevance.ranking import PASSAGE_FEATURES, measure_passages
from rag.retrieval import HybridRetriever
from rag.text import normalize
from rag.types import Document, FloatMatrix

TRAINING_SETS = ("vinewsqa", "virhe4qa", "vire4mrc")
MEASURING_SETS = ("viquad2-test", "educoqa")
QUESTIONS = 1000
EPOCHS, BATCH, RATE = 25, 32, 3e-3


@dataclass(frozen=True)
class Listing:
    """The best fused passages of a question: their features and which of them is the gold document."""

    features: FloatMatrix
    sources: tuple[str, ...]
    gold: str

    @property
    def hits(self) -> torch.Tensor:
        """True for each passage of the gold document, shape (passages,)."""
        return torch.tensor([source == self.gold for source in self.sources])


def main() -> None:
    """Make the listings, fit, measure, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("models/ranker-vi"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    sets = (*TRAINING_SETS, *MEASURING_SETS)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        read = pool.map(read_listings, *zip(*((options.data, name, options.seed) for name in sets), strict=True))
        listings = dict(zip(sets, read, strict=True))
    training = [one for name in TRAINING_SETS for one in listings[name]]
    first = [one for one in training if random.Random(one.gold).random() < 0.5]
    second = [one for one in training if random.Random(one.gold).random() >= 0.5]
    final = fit(training, options.seed)
    figures = {
        name: {"fused": ndcg(listings[name], None), "ranked": ndcg(listings[name], final)} for name in MEASURING_SETS
    }
    # Each half of the training passages is ranked by what the other one taught.
    taught = [(first, fit(second, options.seed)), (second, fit(first, options.seed))]
    for name in TRAINING_SETS:
        parts = [([one for one in half if one.gold.startswith(f"{name}/")], weights) for half, weights in taught]
        total = sum(ndcg(part, weights) * len(part) for part, weights in parts)
        figures[name] = {"fused": ndcg(listings[name], None), "ranked": round(total / len(listings[name]), 4)}
    print(json.dumps(figures, indent=2))
    options.out.mkdir(parents=True, exist_ok=True)
    stored = {
        "seed": options.seed,
        "embedding": dict(load_embedder(RagConfig().embedding).identity),
        "listings": len(training),
        "ndcg@10": figures,
        "features": PASSAGE_FEATURES,
        **{name: np.round(values, 6).tolist() for name, values in final.items()},
    }
    (options.out / "model.json").write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


def read_listings(data: Path, name: str, seed: int) -> list[Listing]:
    """A seeded sample of a set's questions with the best fused passages out of all contexts of the set.

    Runs in a process of its own.
    """
    config = RagConfig()
    embedder = load_embedder(config.embedding)
    matcher = load_matcher(config.evidence.matcher, embedder)
    documents: dict[str, Document] = {}
    asked: list[tuple[str, str]] = []
    for row in question_rows(data, name):
        context = row["context"]
        if not row["answerable"]:
            continue
        if context not in documents:
            try:
                documents[context] = make_document(context, f"context-{len(documents):05d}")
            except DocumentError:
                continue
        if name in MEASURING_SETS or held_out(context):
            asked.append((normalize(row["question"]), documents[context].source))
    asked = random.Random(seed).sample(asked, min(QUESTIONS, len(asked)))
    with tempfile.TemporaryDirectory() as folder:
        index_documents(Path(folder), "contexts", list(documents.values()), embedder, config)
        index = open_index(Path(folder), embedder, config)
        retriever = HybridRetriever(index, embedder, config.retrieval)
        made = []
        for question, gold in asked:
            found = retriever.candidates(question)
            parted = matcher.analyse(question)
            matches = matcher.match_passages(parted, found.passages)
            features = measure_passages(parted, found.passages, found.cosines, found.lexical, matches)
            made.append(Listing(features, tuple(f"{name}/{p.source}" for p in found.passages), f"{name}/{gold}"))
        index.close()
    return made


def fit(listings: Sequence[Listing], seed: int) -> dict[str, FloatMatrix]:
    """Mean and scale of the features, and the weights under which the gold passages are most probable."""
    useful = [one for one in listings if one.hits.any()]
    everything = np.concatenate([one.features for one in useful])
    mean, scale = everything.mean(axis=0), everything.std(axis=0) + 1e-6
    torch.manual_seed(seed)
    linear = torch.nn.Linear(len(PASSAGE_FEATURES), 1)
    optimizer = torch.optim.AdamW(linear.parameters(), lr=RATE, weight_decay=1e-2)
    batches = [(torch.from_numpy((one.features - mean) / scale), one.hits) for one in useful]
    shuffler = random.Random(seed)
    for _ in range(EPOCHS):
        shuffler.shuffle(batches)
        for start in range(0, len(batches), BATCH):
            losses = [
                -torch.logsumexp(torch.log_softmax(linear(features)[:, 0], 0)[hits], 0)
                for features, hits in batches[start : start + BATCH]
            ]
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return {"mean": mean, "scale": scale, "weights": linear.weight.detach().numpy()[0]}


def ndcg(listings: Sequence[Listing], weights: dict[str, Any] | None) -> float:
    """nDCG@10 by document, of the fused order where `weights` is None."""
    values = []
    for one in listings:
        scores = -np.arange(len(one.sources), dtype=np.float32)
        if weights is not None:
            scores = (one.features - weights["mean"]) / weights["scale"] @ weights["weights"]
        ranked = [one.sources[place] for place in np.argsort(-scores, kind="stable")]
        values.append(ndcg_at_k({one.gold}, list(dict.fromkeys(ranked)), 10))
    return round(float(np.mean(values)), 4)


if __name__ == "__main__":
    main()
