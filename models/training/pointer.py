"""Trains models/pointer-vi: where in a sentence the answer to a question stands (rag/relevance/pointing.py).

    python models/training/pointer.py --corpus reader-work/corpus --out models/pointer-vi --work SCRATCH

The examples are made first (two processes, twenty minutes) and kept in the work folder; then it trains on one core,
nine minutes, and with `--start` it goes on from a network that was trained before. With `--without 0` and `--without 1`
it is trained without that half of the real questions: what these two say of the half that they have not seen is what
the reader's training is shown (reader_data.py). With `--left-out seminar-wiki seminar-reg` the figures of those sets
tell how well what it learns carries over to a set that it has not seen: choices are made by them, not by the measured
set.
"""

import argparse
import json
import pickle
import random
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from fitting import Fitting, mixed_batches, read_network, write_network
from matcher_network import Settings
from pointer_data import Pointed, all_pointed
from pointer_network import PointerNetwork, loss_of, measure

from rag.config import EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.relevance.company import CompanyVectors


@dataclass(frozen=True)
class PointerSettings(Settings):
    """All that decides the result, next to the data."""

    made: int = 200_000
    steps: int = 4_000
    batch: int = 64
    real_share: float = 0.6


def train(
    rows: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    examples: dict[str, list[Pointed]],
    settings: Settings,
    checkpoint: Path,
    start: Path | None = None,
) -> PointerNetwork:
    """A pointer trained for the settings' steps on "real" and "made"; the other parts are looked at on the way.

    It goes on from the network in the folder `start`, if there is one.
    """
    torch.manual_seed(settings.seed)
    network = PointerNetwork(rows, settings)
    if start is not None:
        read_network(start, network)
    fitting = Fitting(network, settings, checkpoint)
    rng = random.Random(settings.seed + fitting.done)
    source = mixed_batches(examples["real"], examples["made"], settings, rng, lambda one: len(one.ids))
    watched = {name: part for name, part in examples.items() if name not in ("real", "made")}
    began = time.monotonic()
    while fitting.done < settings.steps:
        fitting.take(loss_of(network, next(source), rng))
        if fitting.done % 1000 == 0 or fitting.done == settings.steps:
            figures = {name: measure(network, part) for name, part in watched.items()}
            line = {"step": fitting.done, "loss": round(fitting.loss, 3), **figures}
            print(json.dumps(line | {"seconds": round(time.monotonic() - began)}), flush=True)
    return network


def main() -> None:
    """Make the examples, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("reader-work/corpus"))
    parser.add_argument("--out", type=Path, default=Path("models/pointer-vi"))
    parser.add_argument("--work", type=Path, default=Path("pointer-work"), help="examples, and the folds' weights")
    parser.add_argument("--company", type=Path, default=Path("models/company-vi"))
    parser.add_argument("--steps", type=int, default=PointerSettings.steps)
    parser.add_argument("--width", type=int, default=PointerSettings.width)
    parser.add_argument("--made", type=int, default=PointerSettings.made)
    parser.add_argument("--start", type=Path, help="folder of a network to go on from")
    parser.add_argument("--rate", type=float, default=PointerSettings.learning_rate)
    parser.add_argument("--real-share", type=float, default=PointerSettings.real_share)
    parser.add_argument("--seed", type=int, default=PointerSettings.seed, help="of the training, not of the examples")
    parser.add_argument("--without", type=int, choices=(0, 1), help="leave out this half of the real questions")
    parser.add_argument("--left-out", nargs="*", default=[], help="question sets to watch instead of training on them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = replace(
        PointerSettings(), seed=options.seed, steps=options.steps, width=options.width, made=options.made,
        learning_rate=options.rate, real_share=options.real_share,
    )  # fmt: skip
    kept = options.work / "examples.pkl"
    if not kept.exists():
        options.work.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(all_pointed(options.corpus, settings.made, PointerSettings.seed, workers=2)))
    examples: dict[str, list[Pointed]] = pickle.loads(kept.read_bytes())
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    if options.without is not None:
        examples["real"] = [one for one in examples["real"] if one.fold != options.without]
    for name in options.left_out:
        examples[name] = [one for one in examples["real"] if one.source == name]
        examples["real"] = [one for one in examples["real"] if one.source != name]
    rows = CompanyVectors(options.company, embedder)(np.arange(embedder.size))
    network = train(rows, examples, settings, options.work / f"checkpoint-{options.out.name}.pt", options.start)
    about = {
        **asdict(settings),
        "start": str(options.start) if options.start is not None else None,
        "embedding": dict(embedder.identity),
        "examples": {name: len(part) for name, part in examples.items()},
        "figures": {name: measure(network, part) for name, part in examples.items() if name not in ("real", "made")},
    }
    write_network(options.out, network, about)


if __name__ == "__main__":
    main()
