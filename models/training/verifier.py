"""Trains models/verifier-vi: whether a sentence answers a question (rag/relevance/verifying.py).

    python models/training/verifier.py --work verifier-work --out models/verifier-vi/7

After company_vectors.py and verifier_data.py. One core; a run that was ended goes on from its checkpoint. Choices are
made by the passages and sets that are kept from the training, never by the measured set.
"""

import argparse
import json
import pickle
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from fitting import Fitting, mixed_batches, read_network, write_network
from training_sets import HELD_OUT_SETS, LEFT_OUT_SETS
from verifier_data import EXAMPLES, MADE
from verifier_examples import Verified
from verifier_network import VerifierNetwork, VerifierSettings, collate, loss_of, run

from rag.batch.metrics import auroc
from rag.config import EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.relevance.company import CompanyVectors
from rag.relevance.pointing import best_span

WATCHED = (*LEFT_OUT_SETS, *HELD_OUT_SETS)
"""Sets of which passages are kept from the training."""
_WATCHED_EXAMPLES = 700
_WATCHED_AT_ONCE = 48


def measure(network: VerifierNetwork, examples: Sequence[Verified]) -> dict[str, float]:
    """Percentages: the first sentence answers, F1 of the span where one does, AUROC against each wrong form."""
    network.eval()
    first: list[bool] = []
    shared: list[float] = []
    scores: dict[str, list[float]] = {}
    with torch.no_grad():
        for at in range(0, len(examples), _WATCHED_AT_ONCE):
            part = examples[at : at + _WATCHED_AT_ONCE]
            batch = collate(part)
            told = run(network, batch)
            for place, example in enumerate(part):
                own = told.logits[batch.owner == place]
                scores.setdefault(example.form, []).append(float(torch.logsumexp(own, 0)))
                if example.form == "answerable":
                    first.append(bool(example.sentences[int(own.argmax())].answers))
            for row, logits in zip(told.bearing, told.spans, strict=True):
                units = int((batch.ids[row] >= 0).sum())
                shared.append(_f1(batch.answers[row], *best_span(logits[:units, :units].numpy())))
    network.train()
    figures = {"first": float(np.mean(first)), "span_f1": float(np.mean(shared))}
    right = scores.pop("answerable")
    for form, wrong in sorted(scores.items()):
        figures[form] = auroc([*right, *wrong], [True] * len(right) + [False] * len(wrong))
    return {name: round(100 * value, 1) for name, value in figures.items()}


def _f1(answers: Sequence[tuple[int, int]], first: int, last: int) -> float:
    """The F1 of a span against the answer that it shares most with."""
    shares = []
    for begins, ends in answers:
        shared = max(0, min(last, ends) - max(first, begins) + 1)
        shares.append(2 * shared / (last - first + 1 + ends - begins + 1))
    return max(shares)


def train(
    network: VerifierNetwork,
    examples: Sequence[Verified],
    watched: Mapping[str, Sequence[Verified]],
    settings: VerifierSettings,
    checkpoint: Path,
) -> None:
    """Train for the settings' steps, from the checkpoint if there is one."""
    fitting = Fitting(network, settings, checkpoint)
    rng = random.Random(settings.seed + fitting.done)
    real = [one for one in examples if one.source != MADE]
    made = [one for one in examples if one.source == MADE]
    source = mixed_batches(real, made, settings, rng, lambda one: len(one.asked_ids))
    began = time.monotonic()
    network.train()
    while fitting.done < settings.steps:
        fitting.take(loss_of(network, next(source), rng))
        if fitting.done % 250 == 0:
            looked_at = fitting.done % 1000 == 0
            figures = {name: measure(network, part) for name, part in watched.items()} if looked_at else {}
            told = {"step": fitting.done, "loss": round(fitting.loss, 3), "seconds": round(time.monotonic() - began)}
            print(json.dumps(told | figures), flush=True)


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("verifier-work"))
    parser.add_argument("--company", type=Path, default=Path("models/company-vi"))
    parser.add_argument("--out", type=Path, default=Path("models/verifier-vi/7"))
    parser.add_argument("--seed", type=int, default=VerifierSettings.seed)
    parser.add_argument("--steps", type=int, default=VerifierSettings.steps)
    parser.add_argument("--start", type=Path, help="folder of a network to go on from")
    parser.add_argument("--rate", type=float, default=VerifierSettings.learning_rate)
    parser.add_argument("--real-share", type=float, default=VerifierSettings.real_share)
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = replace(
        VerifierSettings(), seed=options.seed, steps=options.steps, learning_rate=options.rate,
        real_share=options.real_share,
    )  # fmt: skip
    torch.manual_seed(settings.seed)
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    examples: list[Verified] = pickle.loads((options.work / EXAMPLES).read_bytes())
    kept = [one for one in examples if not one.out]
    held = {name: [one for one in examples if one.out and one.source == name] for name in WATCHED}
    watched = {
        name: random.Random(1).sample(part, min(len(part), _WATCHED_EXAMPLES)) for name, part in held.items()
    }  # fmt: skip
    network = VerifierNetwork(CompanyVectors(options.company, embedder)(np.arange(embedder.size)), settings)
    if options.start is not None:
        read_network(options.start, network)
    train(
        network, kept, watched, settings, options.work / f"checkpoint-{options.out.parent.name}-{options.out.name}.pt"
    )
    about = {
        **asdict(settings),
        "start": str(options.start) if options.start is not None else None,
        "embedding": dict(embedder.identity),
        "examples": len(kept),
        "figures": {name: measure(network, part) for name, part in held.items()},
    }
    write_network(options.out, network, about)


if __name__ == "__main__":
    main()
