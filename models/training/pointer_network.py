"""The pointer in torch: how probable each span of a sentence is the answer, as rag.relevance.pointing computes it."""

import math
import random
from collections.abc import Sequence

import numpy as np
import torch
from matcher_network import Comparison, Settings, block_parameters, weight, zero
from numpy.typing import NDArray
from pointer_data import Pointed

from rag.relevance.comparing import HIDDEN
from rag.relevance.pointing import BLOCKS, MOST_UNITS, best_span
from rag.relevance.units import ASKED_FEATURES, MARK_FEATURES, UNIT_FEATURES

Collated = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""What Comparison.compared takes: ids, features, asked ids, asked features, kinds."""
_PAIR_WIDTH = 32


class PointerNetwork(Comparison):
    """Logits of the spans of a sentence: of the first unit, of the last one, of both together, and of the length."""

    def __init__(self, rows: NDArray[np.float32], settings: Settings) -> None:
        super().__init__(rows, settings, len(UNIT_FEATURES) + len(MARK_FEATURES))
        d = settings.width
        for name in BLOCKS:
            self.weights.update(block_parameters(name, d, settings.branch_scale))
        self.weights.update(span_parameters(d))

    def forward(
        self,
        ids: torch.Tensor,
        features: torch.Tensor,
        asked_ids: torch.Tensor,
        of_asked: torch.Tensor,
        kinds: torch.Tensor,
    ) -> torch.Tensor:
        """Logits of the spans from each unit to each, (n, units, units), HIDDEN for what is none; id -1 is padding."""
        x, _ = self.compared(ids, features, asked_ids, of_asked, kinds)
        mask = (ids >= 0).float()[..., None]
        for name in BLOCKS:
            x = self.block(name, x, mask)
        return span_logits(self.weights, x, ids)


def span_parameters(d: int) -> dict[str, torch.nn.Parameter]:
    """The weights that tell spans, as they start."""
    return {
        "ends": weight(d, 2), "ends_bias": zero(2),
        "pair_first": weight(d, _PAIR_WIDTH), "pair_last": weight(d, _PAIR_WIDTH), "length": zero(MOST_UNITS),
    }  # fmt: skip


def span_logits(weights: torch.nn.ParameterDict, x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Logits of the spans from each unit to each, (n, units, units), of the units after all blocks, (n, units, width).

    HIDDEN for what is none; id -1 is padding.
    """
    ends = x @ weights["ends"] + weights["ends_bias"]
    pairs = (x @ weights["pair_first"]) @ (x @ weights["pair_last"]).transpose(1, 2) / math.sqrt(_PAIR_WIDTH)
    places = torch.arange(ids.shape[1])
    lengths = places[None, :] - places[:, None]
    logits: torch.Tensor = (
        ends[:, :, None, 0] + ends[:, None, :, 1] + pairs + weights["length"][lengths.clamp(0, MOST_UNITS - 1)]
    )
    mask = (ids >= 0).float()[..., None]
    allowed = (lengths >= 0) & (lengths < MOST_UNITS) & (mask @ mask.transpose(1, 2) > 0)
    return logits.float().masked_fill(~allowed, float(HIDDEN))


def collate(examples: Sequence[Pointed]) -> Collated:
    """Examples as padded tensors."""
    size = max(len(one.ids) for one in examples)
    asked_size = max(len(one.asked_ids) for one in examples)
    ids = np.full((len(examples), size), -1, dtype=np.int64)
    features = np.zeros((len(examples), size, examples[0].features.shape[1]), dtype=np.float32)
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


def loss_of(network: PointerNetwork, examples: Sequence[Pointed], rng: random.Random) -> torch.Tensor:
    """The mean loss of the answers, one of each example's by chance, among all spans."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bool(torch.cpu._is_avx512_bf16_supported())):
        logits = network(*collate(examples))
    count, units, _ = logits.shape
    chosen = [rng.choice(one.answers) for one in examples]
    wanted = [first * units + min(last, first + MOST_UNITS - 1) for first, last in chosen]
    probable = torch.log_softmax(logits.view(count, -1), dim=1)
    return -probable[torch.arange(count), torch.tensor(wanted)].mean()


def measure(network: PointerNetwork, examples: Sequence[Pointed]) -> dict[str, float]:
    """Percentages over units: answers found exactly, F1, and the F1 of the whole sentence for comparison."""
    network.eval()
    found: list[tuple[float, float, float]] = []
    with torch.no_grad():
        for at in range(0, len(examples), 64):
            part = examples[at : at + 64]
            for one, logits in zip(part, network(*collate(part)).numpy(), strict=True):
                units = len(one.ids)
                span = best_span(logits[:units, :units])
                found.append((float(span in one.answers), _f1(one, *span), _f1(one, 0, units - 1)))
    network.train()
    exact, f1, whole = np.mean(np.array(found), axis=0)
    return {name: round(100 * float(value), 1) for name, value in (("exact", exact), ("f1", f1), ("whole", whole))}


def _f1(one: Pointed, first: int, last: int) -> float:
    """The F1 of a span against the answer that it shares most with."""
    shares = []
    for begins, ends in one.answers:
        shared = min(last, ends) - max(first, begins) + 1
        shares.append(max(0.0, 2 * shared / (last - first + 1 + ends - begins + 1)))
    return max(shares)
