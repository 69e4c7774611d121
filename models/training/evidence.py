"""Trains models/evidence-vi: which sentence bears the answer, and whether any does.

    python models/training/evidence.py --data ../shared/data --out models/evidence-vi

The questions that the matcher was not trained on are asked of the project's own retrieval; the unanswerable ones are
made by code: the gold document taken out, a name or number of the question swapped, a question of another set.
viquad2-test is only measured on. Two small perceptrons share one softmax over the candidate sentences and a null
option.
"""

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evidence_samples import TRAINING_SETS, Sample, set_samples
from training_sets import MEASURED_SET

from rag.batch.metrics import auroc
from rag.config import EmbeddingConfig
from rag.embedding import load_embedder
from rag.relevance.features import QUESTION_FEATURES, SENTENCE_FEATURES
from rag.types import FloatMatrix

ROUNDS = 2
"""How often each question is asked for training: each time of another part of the corpus, and in another wrong form."""
FLOORS = (0.2, 0.35, 0.5)
"""Shares of the first sentence's probability from which a second one might be shown."""
HIDDEN = 24


def main() -> None:
    """Make the samples, train, measure, write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("models/evidence-vi"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--unmeasured", action="store_true", help=f"leave out the figures on {MEASURED_SET}")
    options = parser.parse_args()
    measured_sets = () if options.unmeasured else (MEASURED_SET,)
    jobs = [
        *((name, 0) for name in measured_sets),
        *((name, number) for number in range(ROUNDS) for name in TRAINING_SETS),
    ]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        made = list(pool.map(set_samples, *zip(*((options.data, *job, options.seed) for job in jobs), strict=True)))
    samples = [sample for part in made[len(measured_sets) :] for sample in part]
    print(f"{len(samples)} samples: {Counter(sample.kind for sample in samples)}")
    model = train([sample for sample in samples if not sample.dev], options.seed)
    figures = {"dev": figures_of(model, [sample for sample in samples if sample.dev])}
    figures |= {name: figures_of(model, part) for name, part in zip(measured_sets, made, strict=False)}
    print(json.dumps(figures, indent=2))
    options.out.mkdir(parents=True, exist_ok=True)
    stored = {
        "format": 1,
        "seed": options.seed,
        "embedding": dict(load_embedder(EmbeddingConfig()).identity),
        "figures": figures,
        "sentence_features": SENTENCE_FEATURES,
        "question_features": QUESTION_FEATURES,
        **model.as_json(),
    }
    (options.out / "model.json").write_text(json.dumps(stored, ensure_ascii=False) + "\n", encoding="utf-8")


class Ranker(torch.nn.Module):
    """The two perceptrons, on features made to mean 0 and deviation 1."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        super().__init__()
        self.scales = {
            "sentence": _scale(np.concatenate([sample.sentences for sample in samples])),
            "null": _scale(np.stack([sample.whole for sample in samples])),
        }
        self.sentence = _perceptron(len(SENTENCE_FEATURES))
        self.null = _perceptron(len(QUESTION_FEATURES))

    def log_probabilities(self, sample: Sample) -> torch.Tensor:
        """Log-probabilities of the sentences and, last, of the null option."""
        return torch.log_softmax(torch.cat([self._sentence(sample), self._null(sample)]), dim=0)

    def _sentence(self, sample: Sample) -> torch.Tensor:
        mean, scale = self.scales["sentence"]
        logits: torch.Tensor = self.sentence(torch.from_numpy((sample.sentences - mean) / scale))[:, 0]
        return logits

    def _null(self, sample: Sample) -> torch.Tensor:
        mean, scale = self.scales["null"]
        logits: torch.Tensor = self.null(torch.from_numpy((sample.whole - mean) / scale)[None, :])[:, 0]
        return logits

    def as_json(self) -> dict[str, Any]:
        """Both perceptrons in the form that rag.evidence reads."""
        return {name: _stored(getattr(self, name), *self.scales[name]) for name in ("sentence", "null")}


def train(samples: list[Sample], seed: int, epochs: int = 12, batch: int = 64) -> Ranker:
    """A ranker fitted by the log-probability of the gold sentences, or of the null option where there are none."""
    torch.manual_seed(seed)
    model = Ranker(samples)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=5e-3, total_steps=epochs * math.ceil(len(samples) / batch)
    )
    order = list(range(len(samples)))
    shuffler = random.Random(seed)
    for epoch in range(epochs):
        shuffler.shuffle(order)
        total = 0.0
        for start in range(0, len(order), batch):
            loss = -torch.stack([_gold_log_probability(model, samples[i]) for i in order[start : start + batch]]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / math.ceil(len(order) / batch):.4f}", flush=True)
    return model.eval()


def _gold_log_probability(model: Ranker, sample: Sample) -> torch.Tensor:
    log_probabilities = model.log_probabilities(sample)
    wanted = list(sample.gold) or [len(sample.sentences)]
    return torch.logsumexp(log_probabilities[wanted], dim=0)


def figures_of(model: Ranker, samples: Sequence[Sample]) -> dict[str, Any]:
    """How often the first sentence is gold, and how well the null probability parts the kinds."""
    answerable: list[float] = []
    by_kind: dict[str, list[float]] = {}
    first: list[bool] = []
    shown: dict[float, list[tuple[bool, bool]]] = {floor: [] for floor in FLOORS}
    with torch.no_grad():
        for sample in samples:
            probabilities = model.log_probabilities(sample).exp().numpy()
            score = 1.0 - float(probabilities[-1])
            if sample.kind == "answerable":
                first.append(int(probabilities[:-1].argmax()) in sample.gold)
                for floor, seen in shown.items():
                    seen.append(_shown(probabilities[:-1], sample.gold, floor))
                answerable.append(score)
            else:
                by_kind.setdefault(sample.kind, []).append(score)
    figures: dict[str, Any] = {"n": len(samples), "first_sentence_gold": round(float(np.mean(first)), 4)}
    for floor, seen in shown.items():
        figures[f"gold_in_two@{floor}"] = round(float(np.mean([gold for gold, _ in seen])), 4)
        figures[f"second_shown@{floor}"] = round(float(np.mean([second for _, second in seen])), 4)
    for threshold in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6):
        figures[f"false_refusals@{threshold}"] = round(float(np.mean(np.array(answerable) < threshold)), 4)
        for kind, scores in sorted(by_kind.items()):
            figures[f"refused_{kind}@{threshold}"] = round(float(np.mean(np.array(scores) < threshold)), 4)
    figures["auroc"] = {
        kind: round(auroc([*answerable, *scores], [True] * len(answerable) + [False] * len(scores)), 4)
        for kind, scores in sorted(by_kind.items())
    }
    return figures


def _shown(probabilities: FloatMatrix, gold: Sequence[int], floor: float) -> tuple[bool, bool]:
    """Whether a gold sentence is shown, and whether a second one is: from `floor` of the first one's probability."""
    best = np.argsort(-probabilities)[:2]
    two = len(best) > 1 and probabilities[best[1]] >= floor * probabilities[best[0]]
    return any(int(place) in gold for place in best[: 1 + two]), bool(two)


def _scale(features: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    scale = features.std(axis=0)
    return features.mean(axis=0), np.where(scale > 1e-6, scale, 1.0).astype(np.float32)


def _perceptron(size: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Linear(size, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1))


def _stored(layers: torch.nn.Sequential, mean: FloatMatrix, scale: FloatMatrix) -> dict[str, Any]:
    first, _, second = layers
    assert isinstance(first, torch.nn.Linear)
    assert isinstance(second, torch.nn.Linear)
    arrays = {"w1": first.weight, "b1": first.bias, "w2": second.weight[0]}
    rounded = {name: np.round(value.detach().numpy(), 5).tolist() for name, value in arrays.items()}
    return {
        **rounded,
        "b2": round(float(second.bias.detach()[0]), 5),
        "mean": np.round(mean, 6).tolist(),
        "scale": np.round(scale, 6).tolist(),
    }


if __name__ == "__main__":
    main()
