"""Trains models/pointer-vi: where in a sentence the answer to a question stands (rag/relevance/pointing.py).

    python models/training/pointer.py --corpus reader-work/corpus --out models/pointer-vi --work SCRATCH

The examples are made first (two processes, five minutes) and kept in the work folder; then it trains on one core, ten
minutes. With `--without 0` and `--without 1` it is trained without that half of the real questions: what these two say
of the half that they have not seen is what the reader's training is shown (reader_data.py).
"""

import argparse
import json
import pickle
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from matcher_network import Settings
from pointer_data import Pointed, all_pointed
from pointer_network import PointerNetwork, loss_of, measure
from reader_corpus import MEASURED_SET
from safetensors.numpy import save_file

from rag.config import EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.relevance.comparing import TRAINING_FILE, WEIGHTS_FILE

_SORTED_TOGETHER = 8
"""Batches whose examples are sorted by length before they are cut, so that little padding is computed."""
_WARMUP_STEPS = 200


@dataclass(frozen=True)
class PointerSettings(Settings):
    """All that decides the result, next to the data."""

    made: int = 240_000
    steps: int = 8_000
    batch: int = 64
    real_share: float = 0.4


def batches(
    real: Sequence[Pointed], made: Sequence[Pointed], settings: Settings, rng: random.Random
) -> Iterator[list[Pointed]]:
    """Endless batches of examples of like length, `real_share` of them real."""
    queues: tuple[list[Pointed], list[Pointed]] = ([], [])
    together = settings.batch * _SORTED_TOGETHER
    of_real = round(together * settings.real_share)
    while True:
        drawn: list[Pointed] = []
        for queue, source, size in zip(queues, (real, made), (of_real, together - of_real), strict=True):
            while len(queue) < size:
                queue.extend(rng.sample(list(source), len(source)))
            drawn += [queue.pop() for _ in range(size)]
        drawn.sort(key=lambda one: len(one.ids) + 3 * rng.random())
        parts = [drawn[at : at + settings.batch] for at in range(0, together, settings.batch)]
        rng.shuffle(parts)
        yield from parts


def train(
    rows: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    examples: dict[str, list[Pointed]],
    settings: Settings,
) -> PointerNetwork:
    """A pointer trained for the settings' steps on "real" and "made"; the other parts are looked at on the way."""
    torch.manual_seed(settings.seed)
    network = PointerNetwork(rows, settings)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / _WARMUP_STEPS, max(0.02, 1 - step / settings.steps))
    )
    source = batches(examples["real"], examples["made"], settings, random.Random(settings.seed))
    watched = {name: part for name, part in examples.items() if name not in ("real", "made")}
    began = time.monotonic()
    losses: list[float] = []
    for step in range(1, settings.steps + 1):
        loss = loss_of(network, next(source))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 1000 == 0 or step == settings.steps:
            figures = {name: measure(network, part) for name, part in watched.items()}
            line = {"step": step, "loss": round(float(np.mean(losses[-500:])), 3), **figures}
            print(json.dumps(line | {"seconds": round(time.monotonic() - began)}), flush=True)
    return network


def write(folder: Path, network: PointerNetwork, embedder: StaticEmbedder, examples: dict[str, list[Pointed]]) -> None:
    """The weights in half precision, with the settings and figures of the run."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().numpy().astype(np.float16) for name, value in network.weights.items()}
    save_file(weights, str(folder / WEIGHTS_FILE))
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors writes it for its owner alone
    about = {
        **asdict(network.settings),
        "embedding": dict(embedder.identity),
        "examples": {name: len(part) for name, part in examples.items()},
        "figures": {name: measure(network, examples[name]) for name in ("held_out", MEASURED_SET)},
    }
    (folder / TRAINING_FILE).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Make the examples, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("reader-work/corpus"))
    parser.add_argument("--out", type=Path, default=Path("models/pointer-vi"))
    parser.add_argument("--work", type=Path, default=Path("pointer-work"), help="examples, and the folds' weights")
    parser.add_argument("--steps", type=int, default=PointerSettings.steps)
    parser.add_argument("--width", type=int, default=PointerSettings.width)
    parser.add_argument("--made", type=int, default=PointerSettings.made)
    parser.add_argument("--without", type=int, choices=(0, 1), help="leave out this half of the real questions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = replace(PointerSettings(), steps=options.steps, width=options.width, made=options.made)
    kept = options.work / "examples.pkl"
    if not kept.exists():
        options.work.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(all_pointed(options.corpus, settings.made, settings.seed, workers=2)))
    examples: dict[str, list[Pointed]] = pickle.loads(kept.read_bytes())
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    if options.without is not None:
        examples["real"] = [one for one in examples["real"] if one.fold != options.without]
    network = train(embedder.unit_vectors(np.arange(embedder.size)), examples, settings)
    write(options.out, network, embedder, examples)


if __name__ == "__main__":
    main()
