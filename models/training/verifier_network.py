"""The verifier in torch, as rag.relevance.verifying computes it: whether a sentence answers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matcher_network import Comparison, Settings, block_parameters, judging_parameters, weighted
from numpy.typing import NDArray
from pointer_network import span_logits, span_parameters
from verifier_examples import Verified

from rag.relevance.comparing import HIDDEN
from rag.relevance.pointing import BLOCKS, MOST_UNITS
from rag.relevance.units import ASKED_FEATURES, MARK_FEATURES, UNIT_FEATURES

_TOGETHER = 32
"""Sentences of like length that go through the network side by side."""


@dataclass(frozen=True)
class VerifierSettings(Settings):
    """All that decides the result, next to the data."""

    made: int = 64_000
    summaries: int = 32_000
    """Made questions from the summaries of news articles."""
    width: int = 128
    steps: int = 2800
    real_share: float = 0.65
    counted_dropout: bool = False
    branch_scale: float = 0.5
    span_weight: float = 0.5
    """Weight of "where does the answer stand" beside "which sentence answers"."""


class VerifierNetwork(Comparison):
    """Logits of the sentences; the training alone asks for those of the spans in them, too."""

    def __init__(self, rows: NDArray[np.float32], settings: VerifierSettings) -> None:
        super().__init__(rows, settings, len(UNIT_FEATURES) + len(MARK_FEATURES))
        d = settings.width
        for name in BLOCKS:
            self.weights.update(block_parameters(name, d, settings.branch_scale))
        self.weights.update({
            **span_parameters(d), **judging_parameters(d),
        })  # fmt: skip

    def forward(
        self,
        ids: torch.Tensor,
        features: torch.Tensor,
        asked_ids: torch.Tensor,
        of_asked: torch.Tensor,
        kinds: torch.Tensor,
        owner: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the sentences, (n,), and what their units are after all layers, (n, units, width); -1 is padding.

        Questions and kinds stand once for each example: those of sentence i at owner[i].
        """
        w = self.weights
        x, q = self.compared(ids, features, asked_ids, of_asked, kinds, owner)
        mask, asked_mask = (ids >= 0).float()[..., None], (asked_ids >= 0).float()[owner][..., None]
        y = x
        for name in BLOCKS:
            y = self.block(name, y, mask)
        ends = (y @ w["ends"] + w["ends_bias"]).float().sum(2)
        return self.judged(x, q, weighted(y, ends, mask), mask, asked_mask).float(), y


@dataclass(frozen=True, slots=True)
class Batch:
    """The sentences of several examples under each other; `owner[i]` is the example of sentence i."""

    ids: torch.Tensor
    features: torch.Tensor
    asked_ids: torch.Tensor
    of_asked: torch.Tensor
    kinds: torch.Tensor
    owner: torch.Tensor
    answers: tuple[tuple[tuple[int, int], ...], ...]
    """First and last unit of the answers in each sentence."""
    examples: int


def collate(examples: Sequence[Verified]) -> Batch:
    """Examples as padded tensors."""
    flat = [(owner, one) for owner, example in enumerate(examples) for one in example.sentences]
    units = max(len(one.ids) for _, one in flat)
    asked_units = max(len(example.asked_ids) for example in examples)
    ids = np.full((len(flat), units), -1, dtype=np.int64)
    features = np.zeros((len(flat), units, flat[0][1].features.shape[1]), dtype=np.float32)
    of_asked = np.zeros((len(flat), asked_units, len(ASKED_FEATURES)), dtype=np.float32)
    asked_ids = np.full((len(examples), asked_units), -1, dtype=np.int64)
    for row, example in enumerate(examples):
        asked_ids[row, : len(example.asked_ids)] = example.asked_ids
    for row, (_, one) in enumerate(flat):
        ids[row, : len(one.ids)] = one.ids
        features[row, : len(one.ids)] = one.features
        of_asked[row, : len(one.of_asked)] = one.of_asked
    return Batch(
        torch.from_numpy(ids), torch.from_numpy(features), torch.from_numpy(asked_ids), torch.from_numpy(of_asked),
        torch.tensor([example.kind for example in examples]), torch.tensor([owner for owner, _ in flat]),
        tuple(one.answers for _, one in flat), len(examples),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What the network says of a batch."""

    logits: torch.Tensor
    """Of the sentences, (n,)."""
    bearing: tuple[int, ...]
    """The sentences that answer."""
    spans: tuple[torch.Tensor, ...]
    """Logits of the spans of each of these, (units, units)."""


def run(network: VerifierNetwork, batch: Batch) -> Told:
    """The network on a batch; sentences of like length go together, so that little padding is computed."""
    lengths = (batch.ids >= 0).sum(1)
    order = torch.argsort(lengths)
    logits: list[torch.Tensor] = []
    spans: dict[int, torch.Tensor] = {}
    for part in order.split(_TOGETHER):  # type: ignore[no-untyped-call]
        ids = batch.ids[part, : int(lengths[part].max())]
        one, y = network(
            ids, batch.features[part, : ids.shape[1]], batch.asked_ids, batch.of_asked[part], batch.kinds,
            batch.owner[part],
        )  # fmt: skip
        logits.append(one)
        bearing = [place for place, row in enumerate(part.tolist()) if batch.answers[row]]
        if bearing:
            rows = part[bearing].tolist()
            spans |= dict(zip(rows, span_logits(network.weights, y[bearing], ids[bearing]), strict=True))
    told = sorted(spans)
    return Told(torch.cat(logits)[torch.argsort(order)], tuple(told), tuple(spans[row] for row in told))


def loss_of(network: VerifierNetwork, examples: Sequence[Verified], rng: random.Random) -> torch.Tensor:
    """Softmax over each example's sentences and "they do not say" (logit 0), and over the spans of those that answer.

    Of the annotated answers of a sentence one is taken by chance.
    """
    batch = collate(examples)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bool(torch.cpu._is_avx512_bf16_supported())):
        told = run(network, batch)
    gold = torch.tensor([bool(answers) for answers in batch.answers])
    bears = torch.zeros(batch.examples).index_add(0, batch.owner, gold.float()) > 0
    whole = log_sums(told.logits, batch.owner, batch.examples, with_null=True)
    gold_logits = told.logits.masked_fill(~gold, float(HIDDEN))
    wanted = torch.where(bears, log_sums(gold_logits, batch.owner, batch.examples, with_null=False), 0.0)
    loss = (whole - wanted).mean()
    if told.bearing:
        settings = network.settings
        assert isinstance(settings, VerifierSettings)
        chosen = [rng.choice(batch.answers[row]) for row in told.bearing]
        missed = [
            torch.logsumexp(logits.flatten(), 0) - logits[first, min(last, first + MOST_UNITS - 1)]
            for logits, (first, last) in zip(told.spans, chosen, strict=True)
        ]
        loss = loss + settings.span_weight * torch.stack(missed).mean()
    return loss


def log_sums(logits: torch.Tensor, owner: torch.Tensor, examples: int, *, with_null: bool) -> torch.Tensor:
    """The logarithm of the sum of the powers of each example's logits, (examples,); `with_null` with 1 added to it."""
    highest = torch.full((examples,), 0.0 if with_null else float(HIDDEN))
    highest = highest.scatter_reduce(0, owner, logits.detach(), "amax")
    sums = torch.exp(-highest) if with_null else torch.zeros(examples)
    sums = sums.index_add(0, owner, torch.exp(logits - highest[owner]))
    return torch.log(sums.clamp(min=1e-30)) + highest
