"""The matcher in torch: how an example is encoded, and the same arithmetic as rag.relevance.matching with dropout."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matcher_data import Example
from numpy.typing import NDArray
from torch.nn import functional

from rag.embedding import StaticEmbedder
from rag.relevance.comparing import KINDS
from rag.relevance.features import Rarity, analyse
from rag.relevance.units import (
    ASKED_FEATURES,
    SENTENCE_UNITS,
    UNIT_FEATURES,
    Looked,
    cut,
    cut_question,
    keys_round,
    unit_features,
)

_TOGETHER = 64
"""Sentences of like length that go through the network side by side."""


@dataclass(frozen=True)
class Settings:
    """All that decides the result, next to the data."""

    seed: int = 7
    made: int = 70_000
    width: int = 96
    steps: int = 7000
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.15
    unit_dropout: float = 0.08
    """Share of the unit vectors set to zero: what the counted features say must do for a word that is not known."""
    token_weight: float = 0.3
    """Weight of "does this unit belong to the answer" beside "does this sentence answer"."""
    real_share: float = 0.5
    """Of the examples of a batch."""
    counted_dropout: bool = True
    """Whether dropout falls on what is counted of each unit, too, and not on the vectors alone."""
    branch_scale: float = 1.0
    """How loud the blocks are against the way round them, as they start."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example as arrays. S sentences of up to SENTENCE_UNITS units, padded to the longest."""

    kind: int
    asked_ids: NDArray[np.int32]
    asked_features: NDArray[np.float16]
    """(S, question units, len(ASKED_FEATURES))"""
    ids: list[NDArray[np.int32]]
    features: list[NDArray[np.float16]]
    answers: list[tuple[int, int] | None]
    """First and last + 1 unit of the answer in each sentence."""


def encode(example: Example, rarity: Rarity, embedder: StaticEmbedder) -> Encoded:
    """An example as the network reads it."""
    asked = analyse(example.question, rarity)
    question = cut_question(asked, embedder)
    ids, features, of_asked, answers = [], [], [], []
    for seen in example.seen:
        units = cut(seen.text, asked, embedder, SENTENCE_UNITS)
        ids.append(units.ids.astype(np.int32))
        features.append(unit_features(asked, units, seen.text, rarity).astype(np.float16))
        sets = keys_round(asked, Looked(seen.text, seen.near, seen.passage))
        of_asked.append(question.against(*sets).astype(np.float16))
        inside = [
            place
            for place, (start, end) in enumerate(units.spans)
            if seen.answer is not None and start < seen.answer[1] and end > seen.answer[0]
        ]
        answers.append((inside[0], inside[-1] + 1) if inside else ((0, 0) if seen.answer is not None else None))
    kind = KINDS.index(asked.kind)
    return Encoded(kind, question.units.ids.astype(np.int32), np.stack(of_asked), ids, features, answers)


class Comparison(torch.nn.Module):
    """The same arithmetic as rag.relevance.comparing.Comparison, with dropout: a sentence read beside a question."""

    def __init__(self, rows: NDArray[np.float32], settings: Settings, told: int = len(UNIT_FEATURES)) -> None:
        """`rows` are the vectors of the units, `told` is how many features each unit of a sentence has."""
        super().__init__()
        d = settings.width
        self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
        self.rows: torch.Tensor
        self.settings = settings
        parameters = {
            "unit": weight(rows.shape[1], d), "unit_features": weight(told, d),
            "asked_features": weight(len(ASKED_FEATURES), d), "kind": weight(len(KINDS), d), "side": zero(2, d),
            "attention": weight(d, d), "compare": weight(4 * d, d), "compare_bias": zero(d),
        }  # fmt: skip
        for name in ("first", "second", "last"):
            parameters |= block_parameters(name, d, settings.branch_scale)
        self.weights = torch.nn.ParameterDict(parameters)

    def compared(
        self,
        ids: torch.Tensor,
        features: torch.Tensor,
        asked_ids: torch.Tensor,
        of_asked: torch.Tensor,
        kinds: torch.Tensor,
        owner: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The units of the sentences, (n, units, width), and of the question beside each, (n, question units, width).

        Id -1 is padding. With `owner`, (n,), questions and kinds are fewer than sentences: those of sentence i stand
        at owner[i].
        """
        w = self.weights
        mask, asked_mask = (ids >= 0).float()[..., None], (asked_ids >= 0).float()[..., None]
        x, q = self._embedded(ids), self._embedded(asked_ids)
        if owner is not None:
            q, asked_mask, kinds = q[owner], asked_mask[owner], kinds[owner]
        kind = w["kind"][kinds][:, None, :]
        if not self.settings.counted_dropout:
            x, q = self._drop(x), self._drop(q)
        x = x + features @ w["unit_features"] + kind + w["side"][0]
        q = q + of_asked @ w["asked_features"] + kind + w["side"][1]
        if self.settings.counted_dropout:
            x, q = self._drop(x), self._drop(q)
        x, q = x * mask, q * asked_mask
        for name in ("first", "second"):
            x, q = self.block(name, x, mask), self.block(name, q, asked_mask)
        scores = (x @ w["attention"]) @ q.transpose(1, 2) / math.sqrt(self.settings.width)
        to_asked = torch.softmax(scores.masked_fill(asked_mask.transpose(1, 2) == 0, -1e4), dim=2) @ q
        to_sentence = torch.softmax(scores.masked_fill(mask == 0, -1e4), dim=1).transpose(1, 2) @ x
        x = self.block("last", self._beside(x, to_asked) * mask, mask)
        return x, self._beside(q, to_sentence) * asked_mask

    def judged(
        self, x: torch.Tensor, q: torch.Tensor, likely: torch.Tensor, mask: torch.Tensor, asked_mask: torch.Tensor
    ) -> torch.Tensor:
        """Logits of the sentences, (n,), from what `compared` gives and what each says where its answer may stand."""
        w = self.weights
        pooled = torch.cat(
            [
                x.masked_fill(mask == 0, -1e4).amax(1), x.sum(1) / mask.sum(1), likely,
                q.masked_fill(asked_mask == 0, -1e4).amax(1), q.sum(1) / asked_mask.sum(1),
                weighted(q, (q @ w["importance"])[..., 0], asked_mask),
            ],
            dim=1,
        )  # fmt: skip
        top = torch.relu(self._drop(pooled) @ w["out"] + w["out_bias"])
        logits: torch.Tensor = (top @ w["logit"] + w["logit_bias"])[:, 0]
        return logits

    def _embedded(self, ids: torch.Tensor) -> torch.Tensor:
        vectors = self.rows[ids.clamp(min=0)]
        if self.training:
            vectors = vectors * (torch.rand(ids.shape) >= self.settings.unit_dropout).float()[..., None]
        result: torch.Tensor = vectors @ self.weights["unit"]
        return result

    def block(self, name: str, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """A convolution over three units with a way round it, of shape (n, units, width) as `x`."""
        w = self.weights
        around = torch.cat([functional.pad(x, (0, 0, 1, 0))[:, :-1], x, functional.pad(x, (0, 0, 0, 1))[:, 1:]], dim=2)
        wide = torch.relu(around @ w[f"{name}_wide"] + w[f"{name}_wide_bias"])
        x = x + self._drop(wide @ w[f"{name}_narrow"] + w[f"{name}_narrow_bias"])
        return functional.layer_norm(x, (x.shape[-1],), w[f"{name}_gain"], w[f"{name}_shift"]) * mask

    def _beside(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        w = self.weights
        both = torch.cat([x, other, x * other, (x - other).abs()], dim=2)
        return torch.relu(self._drop(both) @ w["compare"] + w["compare_bias"])

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        # The same features of all units of a text: far fewer random numbers, and neighbours cannot fill the gap.
        kept = torch.rand(x.shape[0], *([1] * (x.dim() - 2)), x.shape[-1]) >= self.settings.dropout
        return x * (kept.float() / (1 - self.settings.dropout))


class Network(Comparison):
    """The same arithmetic as rag.relevance.matching.Matcher, with dropout."""

    def __init__(self, rows: NDArray[np.float32], settings: Settings) -> None:
        super().__init__(rows, settings)
        d = settings.width
        self.weights.update({
            "answer": weight(d, 1), "answer_bias": zero(1), **judging_parameters(d),
        })  # fmt: skip

    def forward(
        self,
        ids: torch.Tensor,
        features: torch.Tensor,
        asked_ids: torch.Tensor,
        of_asked: torch.Tensor,
        kinds: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the sentences, (n,), and of their units being the answer's, (n, units); id -1 is padding."""
        w = self.weights
        x, q = self.compared(ids, features, asked_ids, of_asked, kinds)
        mask, asked_mask = (ids >= 0).float()[..., None], (asked_ids >= 0).float()[..., None]
        answer = (x @ w["answer"] + w["answer_bias"])[..., 0]
        return self.judged(x, q, weighted(x, answer, mask), mask, asked_mask), answer


def weight(*shape: int) -> torch.nn.Parameter:
    """Weights as they start: of a deviation that keeps what they are multiplied with at its size."""
    return torch.nn.Parameter(torch.randn(*shape) / math.sqrt(shape[0]))


def zero(*shape: int) -> torch.nn.Parameter:
    """Weights that start at zero."""
    return torch.nn.Parameter(torch.zeros(*shape))


def judging_parameters(d: int) -> dict[str, torch.nn.Parameter]:
    """The weights that judge a sentence, as they start."""
    return {
        "importance": weight(d, 1), "out": weight(6 * d, d), "out_bias": zero(d), "logit": weight(d, 1),
        "logit_bias": zero(1),
    }  # fmt: skip


def weighted(x: torch.Tensor, scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Units, (n, units, width), added up by the softmax of their scores, (n, units): (n, width)."""
    shares = torch.softmax(scores.masked_fill(mask[..., 0] == 0, -1e4), dim=1).to(x.dtype)
    return (shares[:, None, :] @ x)[:, 0]


def block_parameters(name: str, d: int, scale: float) -> dict[str, torch.nn.Parameter]:
    """The weights of a block, as they start."""
    narrow = torch.nn.Parameter(scale * weight(d, d).detach())
    return {
        f"{name}_wide": weight(3 * d, d), f"{name}_wide_bias": zero(d), f"{name}_narrow": narrow,
        f"{name}_narrow_bias": zero(d), f"{name}_gain": torch.nn.Parameter(torch.ones(d)), f"{name}_shift": zero(d),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """The sentences of several examples under each other; `owner[i]` is the example of sentence i."""

    ids: torch.Tensor
    features: torch.Tensor
    asked_ids: torch.Tensor
    of_asked: torch.Tensor
    kinds: torch.Tensor
    owner: torch.Tensor
    gold: torch.Tensor
    tokens: torch.Tensor
    """1 for a unit of the answer, 0 for another one of a bearing sentence, -1 where it is not asked."""
    examples: int


def collate(examples: Sequence[Encoded]) -> Batch:
    """Examples as padded tensors."""
    flat = [(owner, one, place) for owner, one in enumerate(examples) for place in range(len(one.ids))]
    units = max(1, *(len(one.ids[place]) for _, one, place in flat))
    asked_units = max(len(one.asked_ids) for one in examples)
    ids = np.full((len(flat), units), -1, dtype=np.int64)
    features = np.zeros((len(flat), units, len(UNIT_FEATURES)), dtype=np.float32)
    asked_ids = np.full((len(flat), asked_units), -1, dtype=np.int64)
    of_asked = np.zeros((len(flat), asked_units, len(ASKED_FEATURES)), dtype=np.float32)
    tokens = np.full((len(flat), units), -1.0, dtype=np.float32)
    for row, (_, one, place) in enumerate(flat):
        size, asked_size = len(one.ids[place]), len(one.asked_ids)
        ids[row, :size] = one.ids[place]
        features[row, :size] = one.features[place]
        asked_ids[row, :asked_size] = one.asked_ids
        of_asked[row, :asked_size] = one.asked_features[place]
        answer = one.answers[place]
        if answer is not None and answer != (0, 0):
            tokens[row, :size] = 0.0
            tokens[row, answer[0] : answer[1]] = 1.0
    # A text without a known unit still has a row to attend to.
    ids[ids[:, 0] < 0, 0] = 0
    asked_ids[asked_ids[:, 0] < 0, 0] = 0
    return Batch(
        torch.from_numpy(ids), torch.from_numpy(features), torch.from_numpy(asked_ids), torch.from_numpy(of_asked),
        torch.tensor([one.kind for _, one, _ in flat]), torch.tensor([owner for owner, _, _ in flat]),
        torch.tensor([one.answers[place] is not None for _, one, place in flat]), torch.from_numpy(tokens),
        len(examples),
    )  # fmt: skip


def run(network: Network, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """What the network says of a batch; sentences of like length go together, so that little padding is computed."""
    lengths = (batch.ids >= 0).sum(1)
    order = torch.argsort(lengths)
    logits, answers = [], []
    for part in order.split(_TOGETHER):  # type: ignore[no-untyped-call]
        size = int(lengths[part].max())
        one, units = network(
            batch.ids[part, :size], batch.features[part, :size], batch.asked_ids[part], batch.of_asked[part],
            batch.kinds[part],
        )  # fmt: skip
        logits.append(one)
        answers.append(functional.pad(units, (0, batch.ids.shape[1] - size)))
    back = torch.argsort(order)
    return torch.cat(logits)[back], torch.cat(answers)[back]
