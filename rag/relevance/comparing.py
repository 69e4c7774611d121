"""A sentence read beside a question, unit by unit: the small attention network that matcher and pointer stand on.

The units and their vectors are those of the bundled embedding; the network compares every unit of the sentence with the
question's (decomposable attention, Parikh et al. 2016, arXiv:1606.01933, with convolutions before and after).
models/training/matcher_network.py is the same in torch.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from threadpoolctl import ThreadpoolController

from rag.embedding import StaticEmbedder
from rag.language.asking import AnswerKind
from rag.relevance.features import AskedFor, Rarity
from rag.relevance.units import (
    SENTENCE_UNITS,
    IntVector,
    Looked,
    Units,
    cut,
    cut_question,
    keys_round,
    mark_features,
    unit_features,
)
from rag.types import FloatMatrix

KINDS = tuple(AnswerKind)
WEIGHTS_FILE, RARITY_FILE, TRAINING_FILE = "model.safetensors", "rarity.json", "training.json"
HIDDEN = np.float32(-1e4)
"""The logit of what is padding."""
_TOGETHER = 16
"""Sentences of like length that go through the network side by side."""
UnitVectors = Callable[[IntVector], FloatMatrix]
"""Ids of units to their vectors, (units, dimension)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some sentences of like length and a question, as any of the networks is given them."""

    places: tuple[int, ...]
    """Which of the given sentences they are."""
    kind: int
    """Place of the question's kind among KINDS."""
    asked: Units
    texts: tuple[Units, ...]
    told: tuple[FloatMatrix, ...]
    """What is counted of each sentence's units, shapes (units, k)."""
    of_asked: FloatMatrix
    """What is counted of the question's units against each sentence, shape (n, question units, k)."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Some sentences beside one question, as the network's last layers see them."""

    places: tuple[int, ...]
    """Which of the given sentences they are."""
    texts: tuple[Units, ...]
    x: FloatMatrix
    """The sentences' units, shape (n, units, width)."""
    q: FloatMatrix
    """The question's units beside each sentence, shape (n, question units, width)."""
    mask: FloatMatrix
    """1 for a unit of a sentence, 0 for padding, shape (n, units, 1)."""


class Comparison:
    """Trained weights over the bundled embedding's units."""

    def __init__(
        self,
        weights: Mapping[str, FloatMatrix],
        rarity: Rarity,
        embedder: StaticEmbedder,
        *,
        marks: bool = False,
        vectors: UnitVectors | None = None,
    ) -> None:
        """`marks` where the weights read the marks between units, too; `vectors` None takes the embedding's."""
        self.weights, self.rarity, self.embedder = weights, rarity, embedder
        self._marks = marks
        self._vectors = vectors if vectors is not None else embedder.unit_vectors
        self._width = weights["attention"].shape[0]
        self._threads = ThreadpoolController()

    def one_thread(self) -> AbstractContextManager[object]:
        """In it the products take one thread: on a busy machine a second is waited for longer than it helps."""
        limited: AbstractContextManager[object] = self._threads.limit(limits=1, user_api="blas")
        return limited

    def compare(self, asked: AskedFor, sentences: Sequence[Looked]) -> list[Compared]:
        """Every sentence beside the question, in groups of like length."""
        return [self.compared(group) for group in self.groups(asked, sentences)]

    def groups(self, asked: AskedFor, sentences: Sequence[Looked]) -> list[Group]:
        """The sentences and the question taken apart; the same for all networks that read the same marks."""
        question = cut_question(asked, self.embedder)
        cuts = [cut(one.text, asked, self.embedder, SENTENCE_UNITS) for one in sentences]
        order = sorted(range(len(cuts)), key=lambda place: len(cuts[place].ids))
        groups = []
        for at in range(0, len(order), _TOGETHER):
            places = tuple(order[at : at + _TOGETHER])
            told = tuple(self._features(asked, cuts[place], sentences[place].text) for place in places)
            of_asked = np.stack([question.against(*keys_round(asked, sentences[place])) for place in places])
            texts = tuple(cuts[place] for place in places)
            groups.append(Group(places, KINDS.index(asked.kind), question.units, texts, told, of_asked))
        return groups

    def block(self, name: str, x: FloatMatrix, mask: FloatMatrix) -> FloatMatrix:
        """A convolution over three units with a way round it, of shape (n, units, width) as `x`."""
        w = self.weights
        around = np.zeros((*x.shape[:2], 3 * x.shape[2]), dtype=np.float32)
        width = x.shape[2]
        around[:, 1:, :width] = x[:, :-1]
        around[:, :, width : 2 * width] = x
        around[:, :-1, 2 * width :] = x[:, 1:]
        wide = np.maximum(around @ w[f"{name}_wide"] + w[f"{name}_wide_bias"], 0.0)
        x = x + wide @ w[f"{name}_narrow"] + w[f"{name}_narrow_bias"]
        x = x - x.mean(axis=2, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=2, keepdims=True) + np.float32(1e-5))
        normed: FloatMatrix = (x * w[f"{name}_gain"] + w[f"{name}_shift"]) * mask
        return normed

    def judged(self, seen: Compared, likely: FloatMatrix) -> FloatMatrix:
        """Logits of the sentences, shape (n,); `likely` is what each says where its answer may stand, (n, width)."""
        w = self.weights
        x, q, mask = seen.x, seen.q, seen.mask
        weights = softmax((q @ w["importance"])[..., 0], 1)
        pooled = np.concatenate(
            [
                np.where(mask > 0, x, HIDDEN).max(axis=1), x.sum(axis=1) / mask.sum(axis=1), likely,
                q.max(axis=1), q.mean(axis=1), (weights[:, None, :] @ q)[:, 0],
            ],
            axis=1,
        )  # fmt: skip
        top = np.maximum(pooled @ w["out"] + w["out_bias"], 0.0)
        logits: FloatMatrix = (top @ w["logit"] + w["logit_bias"])[:, 0]
        return logits

    def _features(self, asked: AskedFor, units: Units, text: str) -> FloatMatrix:
        counted = unit_features(asked, units, text, self.rarity)
        return np.concatenate([counted, mark_features(units, text)], axis=1) if self._marks else counted

    def compared(self, group: Group) -> Compared:
        """A group as this network's last layers see it."""
        w = self.weights
        x, mask = self._embedded(group.texts)
        told = np.zeros((*mask.shape[:2], w["unit_features"].shape[0]), dtype=np.float32)
        for row, features in enumerate(group.told):
            told[row, : len(features)] = features
        x = (x + told @ w["unit_features"] + (w["kind"][group.kind] + w["side"][0])) * mask
        (asked,), everything = self._embedded((group.asked,))
        asked = asked + w["kind"][group.kind] + w["side"][1]
        q = np.broadcast_to(asked, (len(group.texts), *asked.shape)).copy()
        if len(group.asked.ids):
            q += group.of_asked @ w["asked_features"]
        for name in ("first", "second"):
            x, q = self.block(name, x, mask), self.block(name, q, everything)
        scores = (x @ w["attention"]) @ q.transpose(0, 2, 1) / np.sqrt(np.float32(self._width))
        to_asked = softmax(scores, 2) @ q
        to_sentence = softmax(np.where(mask > 0, scores, HIDDEN), 1).transpose(0, 2, 1) @ x
        x = self.block("last", self._beside(x, to_asked) * mask, mask)
        return Compared(group.places, group.texts, x, self._beside(q, to_sentence), mask)

    def _embedded(self, texts: Sequence[Units]) -> tuple[FloatMatrix, FloatMatrix]:
        """The units' vectors, (n, units, width), and 1 where there is a unit; a text without one reads as unit 0."""
        ids = [text.ids if len(text.ids) else np.zeros(1, dtype=np.int64) for text in texts]
        mask = np.zeros((len(ids), max(map(len, ids)), 1), dtype=np.float32)
        for row, own in enumerate(ids):
            mask[row, : len(own)] = 1.0
        x = np.zeros((*mask.shape[:2], self._width), dtype=np.float32)
        x[mask[..., 0] > 0] = self._vectors(np.concatenate(ids)) @ self.weights["unit"]
        return x, mask

    def _beside(self, x: FloatMatrix, other: FloatMatrix) -> FloatMatrix:
        both = np.concatenate([x, other, x * other, np.abs(x - other)], axis=2)
        compared: FloatMatrix = np.maximum(both @ self.weights["compare"] + self.weights["compare_bias"], 0.0)
        return compared


def load_weights(path: Path) -> dict[str, FloatMatrix]:
    """The weights in a folder, in single precision.

    Raises:
        OSError: there are none.
        SafetensorError: they are damaged.
    """
    return {name: np.asarray(value, dtype=np.float32) for name, value in load_file(path / WEIGHTS_FILE).items()}


def load_rarity(path: Path) -> Rarity:
    """How common the syllables are, as counted when the matcher in a folder was made.

    Raises:
        OSError: the file is not there.
        KeyError, ValueError: it is damaged.
    """
    counted = json.loads((path / RARITY_FILE).read_text(encoding="utf-8"))
    return Rarity(counted["counts"], int(counted["documents"]))


def embedding_of(path: Path) -> dict[str, str | int]:
    """The identity of the embedding that the weights in a folder were trained with.

    Raises:
        OSError: the file is not there.
        KeyError, ValueError: it is damaged.
    """
    identity: dict[str, str | int] = json.loads((path / TRAINING_FILE).read_text(encoding="utf-8"))["embedding"]
    return identity


def weighted(x: FloatMatrix, scores: FloatMatrix, mask: FloatMatrix) -> FloatMatrix:
    """Units of sentences, (n, units, width), added up by the softmax of their scores, (n, units): (n, width)."""
    shares = softmax(np.where(mask[..., 0] > 0, scores, HIDDEN), 1)
    added: FloatMatrix = (shares[:, None, :] @ x)[:, 0]
    return added


def softmax(scores: FloatMatrix, axis: int) -> FloatMatrix:
    """Shares that add up to 1 along an axis."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    shares: FloatMatrix = powers / powers.sum(axis=axis, keepdims=True)
    return shares
