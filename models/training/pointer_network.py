"""The pointer in torch: where in a sentence the answer begins and ends, as rag.relevance.pointing computes it."""

from collections.abc import Sequence

import numpy as np
import torch
from matcher_network import Comparison, Settings, block_parameters
from numpy.typing import NDArray
from pointer_data import Pointed
from torch.nn import functional

from rag.relevance.pointing import BLOCKS, best_span
from rag.relevance.units import ASKED_FEATURES, UNIT_FEATURES

Collated = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""What Comparison.compared takes: ids, features, asked ids, asked features, kinds."""


class PointerNetwork(Comparison):
    """Logits of each unit of a sentence being the answer's first and its last one."""

    def __init__(self, rows: NDArray[np.float32], settings: Settings) -> None:
        super().__init__(rows, settings)
        for name in BLOCKS:
            self.weights.update(block_parameters(name, settings.width))
        self.weights.update({
            "ends": torch.nn.Parameter(torch.randn(settings.width, 2) / settings.width**0.5),
            "ends_bias": torch.nn.Parameter(torch.zeros(2)),
        })  # fmt: skip

    def forward(
        self,
        ids: torch.Tensor,
        features: torch.Tensor,
        asked_ids: torch.Tensor,
        of_asked: torch.Tensor,
        kinds: torch.Tensor,
    ) -> torch.Tensor:
        """Log-probabilities of the first and the last unit, shape (n, 2, units); id -1 is padding."""
        x, _ = self.compared(ids, features, asked_ids, of_asked, kinds)
        mask = (ids >= 0).float()[..., None]
        for name in BLOCKS:
            x = self.block(name, x, mask)
        logits = (x @ self.weights["ends"] + self.weights["ends_bias"]).masked_fill(mask == 0, -1e4)
        return torch.log_softmax(logits.transpose(1, 2), dim=2)


def collate(examples: Sequence[Pointed]) -> Collated:
    """Examples as padded tensors."""
    size = max(len(one.ids) for one in examples)
    asked_size = max(len(one.asked_ids) for one in examples)
    ids = np.full((len(examples), size), -1, dtype=np.int64)
    features = np.zeros((len(examples), size, len(UNIT_FEATURES)), dtype=np.float32)
    asked_ids = np.full((len(examples), asked_size), -1, dtype=np.int64)
    of_asked = np.zeros((len(examples), asked_size, len(ASKED_FEATURES)), dtype=np.float32)
    for row, one in enumerate(examples):
        ids[row, : len(one.ids)] = one.ids
        features[row, : len(one.ids)] = one.features
        asked_ids[row, : len(one.asked_ids)] = one.asked_ids
        of_asked[row, : len(one.asked_ids)] = one.asked_features
    kinds = torch.tensor([one.kind for one in examples])
    return (
        torch.from_numpy(ids), torch.from_numpy(features), torch.from_numpy(asked_ids), torch.from_numpy(of_asked),
        kinds,
    )  # fmt: skip


def loss_of(network: PointerNetwork, examples: Sequence[Pointed]) -> torch.Tensor:
    """The mean of both ends' losses."""
    ends = network(*collate(examples))
    first = functional.nll_loss(ends[:, 0], torch.tensor([one.first for one in examples]))
    last = functional.nll_loss(ends[:, 1], torch.tensor([one.last for one in examples]))
    return first + last


def measure(network: PointerNetwork, examples: Sequence[Pointed]) -> dict[str, float]:
    """Percentages over units: answers found exactly, F1, and the F1 of the whole sentence for comparison."""
    network.eval()
    found: list[tuple[float, float, float]] = []
    with torch.no_grad():
        for at in range(0, len(examples), 64):
            part = examples[at : at + 64]
            for one, ends in zip(part, network(*collate(part)).numpy(), strict=True):
                units = len(one.ids)
                first, last = best_span(ends[0, :units], ends[1, :units])
                exact = float((first, last) == (one.first, one.last))
                found.append((exact, _f1(one, first, last), _f1(one, 0, units - 1)))
    network.train()
    exact, f1, whole = np.mean(np.array(found), axis=0)
    return {name: round(100 * float(value), 1) for name, value in (("exact", exact), ("f1", f1), ("whole", whole))}


def _f1(one: Pointed, first: int, last: int) -> float:
    shared = min(last, one.last) - max(first, one.first) + 1
    return max(0.0, 2 * shared / (last - first + 1 + one.last - one.first + 1))
