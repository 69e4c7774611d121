"""How the small networks are fitted, all alike: the batches, the steps, a checkpoint to go on from, the files."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from matcher_network import Comparison, Settings
from safetensors.numpy import load_file, save_file

from rag.relevance.comparing import TRAINING_FILE, WEIGHTS_FILE

_WARMUP_STEPS = 200
_LEAST_RATE = 0.02
"""Of the learning rate, at the end of the straight way down."""
_KEPT_EVERY = 180.0
"""Seconds between checkpoints."""
_LOSSES = 500
"""The last ones, of which the mean is told."""
_SORTED_TOGETHER = 8
"""Batches whose examples are sorted by length before they are cut, so that little padding is computed."""

_Example = TypeVar("_Example")


def mixed_batches(
    real: Sequence[_Example],
    made: Sequence[_Example],
    settings: Settings,
    rng: random.Random,
    length: Callable[[_Example], int],
) -> Iterator[list[_Example]]:
    """Endless batches of examples of like length, `real_share` of them real; ValueError if a kind that counts is empty.

    All examples of a kind are seen before one is seen again.
    """
    queues: tuple[list[_Example], list[_Example]] = ([], [])
    together = settings.batch * _SORTED_TOGETHER
    of_real = round(together * settings.real_share)
    sizes = (of_real, together - of_real)
    if any(size and not source for source, size in zip((real, made), sizes, strict=True)):
        raise ValueError(
            f"{len(real)} real and {len(made)} made examples, of which {settings.real_share} are to be real"
        )
    while True:
        drawn: list[_Example] = []
        for queue, source, size in zip(queues, (real, made), sizes, strict=True):
            while len(queue) < size:
                queue.extend(rng.sample(list(source), len(source)))
            drawn += [queue.pop() for _ in range(size)]
        drawn.sort(key=lambda one: length(one) + 3 * rng.random())
        parts = [drawn[at : at + settings.batch] for at in range(0, together, settings.batch)]
        rng.shuffle(parts)
        yield from parts


class Fitting:
    """AdamW with a warm-up and a straight way down; a run that was ended goes on from its checkpoint."""

    def __init__(self, network: Comparison, settings: Settings, checkpoint: Path) -> None:
        """`checkpoint` is renewed every few minutes and at the end; if it is there, it is gone on from."""
        self._network, self._settings, self._checkpoint = network, settings, checkpoint
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98)
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._share)
        self._losses: list[float] = []
        self._kept = time.monotonic()
        self.done = 0
        """Steps taken."""
        if checkpoint.exists():
            kept = torch.load(checkpoint, weights_only=True)
            network.load_state_dict(kept["network"])
            self._optimizer.load_state_dict(kept["optimizer"])
            self._schedule.load_state_dict(kept["schedule"])
            self.done = kept["step"]

    @property
    def loss(self) -> float:
        """The mean of the last losses."""
        return float(np.mean(self._losses[-_LOSSES:]))

    def take(self, loss: torch.Tensor) -> None:
        """One step down the slope of a loss."""
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._losses.append(loss.item())
        self.done += 1
        if time.monotonic() - self._kept > _KEPT_EVERY or self.done == self._settings.steps:
            self._keep()

    def _share(self, step: int) -> float:
        return min((step + 1) / _WARMUP_STEPS, max(_LEAST_RATE, 1 - step / self._settings.steps))

    def _keep(self) -> None:
        self._kept = time.monotonic()
        state = {
            "network": self._network.state_dict(), "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(), "step": self.done,
        }  # fmt: skip
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, self._checkpoint.with_suffix(".new"))
        self._checkpoint.with_suffix(".new").replace(self._checkpoint)


def read_network(folder: Path, network: Comparison) -> None:
    """Give a network the weights that `write_network` wrote, to go on from them."""
    with torch.no_grad():
        for name, value in load_file(str(folder / WEIGHTS_FILE)).items():
            network.weights[name].copy_(torch.from_numpy(value.astype(np.float32)))


def write_network(folder: Path, network: Comparison, about: Mapping[str, Any]) -> None:
    """The weights in half precision, beside what is said about the run."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().numpy().astype(np.float16) for name, value in network.weights.items()}
    save_file(weights, str(folder / WEIGHTS_FILE))
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors writes it for its owner alone
    (folder / TRAINING_FILE).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
