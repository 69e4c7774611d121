"""Trains models/matcher-vi: reads a question against a sentence (rag/relevance/matching.py).

    python models/training/matcher.py --data ../shared/data --out models/matcher-vi --work /somewhere

The examples are made first and kept in the work folder, as are checkpoints: a run that was ended goes on where it was.
"""

import argparse
import json
import pickle
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fitting import Fitting, mixed_batches, write_network
from matcher_data import Example, made_examples, real_examples
from matcher_network import Batch, Encoded, Network, Settings, collate, encode, run
from rarity import count_rarity
from torch.nn import functional
from training_sets import MEASURED_SET, QUESTION_SETS

from rag.batch.metrics import auroc
from rag.config import EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.relevance.comparing import RARITY_FILE


def loss_of(network: Network, batch: Batch, token_weight: float) -> torch.Tensor:
    """Softmax over each example's sentences and the null option (logit 0), plus the units' part."""
    logits, answer = run(network, batch)
    whole = _log_sums(logits, batch.owner, batch.examples, with_null=True)
    gold_logits = logits.masked_fill(~batch.gold, -1e4)
    bears = torch.zeros(batch.examples).index_add(0, batch.owner, batch.gold.float()) > 0
    told = torch.where(bears, _log_sums(gold_logits, batch.owner, batch.examples, with_null=False), 0.0)
    loss = (whole - told).mean()
    known = batch.tokens >= 0
    if known.any():
        units = functional.binary_cross_entropy_with_logits(answer[known], batch.tokens[known])
        loss = loss + token_weight * units
    return loss


def _log_sums(logits: torch.Tensor, owner: torch.Tensor, examples: int, *, with_null: bool) -> torch.Tensor:
    highest = torch.full((examples,), 0.0 if with_null else -1e4)
    highest = highest.scatter_reduce(0, owner, logits.detach(), "amax")
    sums = torch.exp(-highest) if with_null else torch.zeros(examples)
    sums = sums.index_add(0, owner, torch.exp(logits - highest[owner]))
    return torch.log(sums.clamp(min=1e-30)) + highest


def measure(network: Network, examples: Sequence[Encoded], kinds: Sequence[str]) -> dict[str, float]:
    """How often the first sentence bears the answer, and the AUROC of "answerable" against each other kind."""
    network.eval()
    first: list[bool] = []
    best: dict[str, list[float]] = {}
    with torch.no_grad():
        for at in range(0, len(examples), 64):
            part = examples[at : at + 64]
            batch = collate(part)
            logits, _ = run(network, batch)
            for place, kind in enumerate(kinds[at : at + 64]):
                own = logits[batch.owner == place]
                best.setdefault(kind, []).append(float(own.max()))
                if kind == "answerable":
                    first.append(bool(batch.gold[batch.owner == place][own.argmax()]))
    network.train()
    figures = {"first_sentence": round(float(np.mean(first)), 4)}
    for kind, values in best.items():
        if kind != "answerable":
            labels = [True] * len(best["answerable"]) + [False] * len(values)
            figures[f"auroc_{kind}"] = round(auroc([*best["answerable"], *values], labels), 4)
    return figures


def train(
    network: Network,
    real: Sequence[Encoded],
    made: Sequence[Encoded],
    settings: Settings,
    work: Path,
    watch: tuple[Sequence[Encoded], Sequence[str]],
) -> None:
    """Train for the settings' steps, from the checkpoint in `work` if there is one."""
    fitting = Fitting(network, settings, work / "checkpoint.pt")
    rng = random.Random(settings.seed + fitting.done)
    source = mixed_batches(real, made, settings, rng, lambda one: len(one.asked_ids))
    started = time.monotonic()
    network.train()
    while fitting.done < settings.steps:
        fitting.take(loss_of(network, collate(next(source)), settings.token_weight))
        if fitting.done % 100 == 0:
            seconds = time.monotonic() - started
            print(f"step {fitting.done}/{settings.steps} loss {fitting.loss:.4f} {seconds:.0f} s", flush=True)
        if fitting.done % 500 == 0:
            print(json.dumps(measure(network, *watch)), flush=True)


def cached(file: Path, make: Any) -> Any:
    """What `file` holds; made and kept there first when there is none."""
    if not file.exists():
        made = make()
        with file.with_suffix(".new").open("wb") as stream:
            pickle.dump(made, stream)
        file.with_suffix(".new").replace(file)
    with file.open("rb") as stream:
        return pickle.load(stream)


def main() -> None:
    """Make the examples, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("models/matcher-vi"))
    parser.add_argument("--work", type=Path, default=Path("matcher-work"), help="examples and checkpoints")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    options = parser.parse_args()
    settings = Settings(steps=options.steps)
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    rarity = cached(options.work / "rarity.pkl", lambda: count_rarity(options.data))

    def examples_of(part: str) -> list[tuple[Example, bool]]:
        rng = random.Random(f"{settings.seed} {part}")
        if part == "made":
            return [(one, False) for one in made_examples(options.data, settings.made, rarity, rng)]
        names = QUESTION_SETS if part == "real" else (MEASURED_SET,)
        return [one for name in names for one in real_examples(options.data, name, embedder, rarity, rng)]

    def encoded(part: str) -> list[tuple[Encoded, str, bool]]:
        pairs = cached(options.work / f"{part}.pkl", lambda: examples_of(part))
        return [(encode(one, rarity, embedder), one.kind, out) for one, out in pairs]

    parts = {
        part: cached(options.work / f"{part}-encoded.pkl", lambda part=part: encoded(part))
        for part in ("real", "made", "measured")
    }
    real = [one for one, _, out in parts["real"] if not out]
    made = [one for one, _, _ in parts["made"]]
    held = [(one, kind) for one, kind, out in parts["real"] if out]
    print(f"{len(real)} real, {len(made)} made, {len(held)} held out", flush=True)
    rows = embedder.unit_vectors(np.arange(embedder.size))
    network = Network(rows, settings)
    print(f"{sum(p.numel() for p in network.parameters())} weights, {settings.steps} steps", flush=True)
    watch = random.Random(1).sample(held, min(len(held), 1500))
    train(network, real, made, settings, options.work, ([e for e, _ in watch], [k for _, k in watch]))
    figures = {
        "held_out": measure(network, [e for e, _ in held], [k for _, k in held]),
        MEASURED_SET: measure(network, [e for e, _, _ in parts["measured"]], [k for _, k, _ in parts["measured"]]),
    }
    print(json.dumps(figures, indent=2))
    write_network(
        options.out,
        network,
        {
            **asdict(settings),
            "embedding": dict(embedder.identity),
            "examples": {"real": len(real), "made": len(made)},
            "figures": figures,
        },
    )
    counted = {"documents": rarity.documents, "counts": rarity.counts}
    (options.out / RARITY_FILE).write_text(json.dumps(counted, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
