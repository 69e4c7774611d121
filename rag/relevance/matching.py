"""Reads a question against a sentence word by word: a small attention network, trained here, run with NumPy.

What the counted features of features.py cannot see: that a word of the sentence stands where the question asks, that
"mất" answers "qua đời khi nào", that the asked number belongs to another thing. The units and their vectors are those
of the bundled embedding; the network compares every unit of the sentence with the question's (decomposable attention,
Parikh et al. 2016, arXiv:1606.01933, with convolutions before and after). models/training/matcher.py trains it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from threadpoolctl import ThreadpoolController

from rag.config import EmbeddingConfig, resolve
from rag.embedding import StaticEmbedder
from rag.errors import ModelError
from rag.language.asking import AnswerKind
from rag.relevance.features import AskedFor, Candidate, Rarity, analyse, candidates, covered, pairs_covered
from rag.relevance.units import (
    ASKED_FEATURES,
    SENTENCE_UNITS,
    IntVector,
    Looked,
    Units,
    cut,
    cut_question,
    keys_round,
    unit_features,
)
from rag.types import Embedder, FloatMatrix, ScoredChunk

KINDS = tuple(AnswerKind)
WEIGHTS_FILE, RARITY_FILE, TRAINING_FILE = "model.safetensors", "rarity.json", "training.json"
UNREAD = -6.0
"""The logit of a sentence that was not read; what is read is held to at least this and at most its opposite."""
_READ = 24
"""Sentences of a question that are read: those that share the most with it."""
_READ_OF_EACH = 2
"""Sentences of a passage that are read to rank it."""
_REMEMBERED = 8
"""Questions whose parts are remembered: the search and the evidence step look at the same sentences."""
_TOGETHER = 16
"""Sentences of like length that go through the network side by side."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network says of a sentence."""

    logit: float
    """Of bearing the answer, against 0 for "the sentences do not say"."""
    start: int
    end: int
    """The characters of the sentence that are the answer most probably; equal when the sentence has no unit."""


class Matcher:
    """The trained network over the bundled embedding's units."""

    def __init__(self, folder: str, embedder: StaticEmbedder) -> None:
        """Load the weights; `embedder` must be the one that they were trained with.

        Raises:
            ModelError: there is no matcher of this program in the folder, or it is for another embedding.
        """
        path = resolve(folder)
        try:
            stored = load_file(path / WEIGHTS_FILE)
            self._weights = {name: np.asarray(value, dtype=np.float32) for name, value in stored.items()}
            self._width = self._weights["attention"].shape[0]
            counted = json.loads((path / RARITY_FILE).read_text(encoding="utf-8"))
            self.rarity = Rarity(counted["counts"], int(counted["documents"]))
            trained_with = _trained_with(path)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is not a matcher ({error}): run models/training/matcher.py") from error
        if trained_with != dict(embedder.identity):
            raise ModelError(f"{path} was trained with another embedding: run models/training/matcher.py")
        self.embedder = embedder
        self._threads = ThreadpoolController()
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._remember)

    def analyse(self, question: str) -> AskedFor:
        """The question taken apart; what was asked last is remembered, with the texts that were compared with it."""
        return self._remembered(question)[0]

    def _remember(self, question: str) -> tuple[AskedFor, dict[Looked, Reading]]:
        return analyse(question, self.rarity), {}

    def match(
        self, asked: AskedFor, passages: Sequence[ScoredChunk], sentences: Sequence[Candidate]
    ) -> tuple[FloatMatrix, dict[int, Reading]]:
        """The logits of the sentences, shape (len(sentences),), and the readings of those that were read, by place."""
        strength = [strength_of(asked, sentence) for sentence in sentences]
        places = sorted(range(len(sentences)), key=lambda place: -strength[place])[:_READ]
        readings = self.read(asked, [_looked(sentences[place], passages) for place in places])
        logits = np.full(len(sentences), UNREAD, dtype=np.float32)
        logits[places] = np.clip([reading.logit for reading in readings], UNREAD, -UNREAD)
        return logits, dict(zip(places, readings, strict=True))

    def match_passages(self, asked: AskedFor, passages: Sequence[ScoredChunk]) -> FloatMatrix:
        """The logit of each passage's best sentence, shape (len(passages),), of the _READ_OF_EACH that share most."""
        sentences: list[Candidate] = []
        for place, scored in enumerate(passages):
            own = [replace(one, passage=place) for one in candidates([scored])]
            own.sort(key=lambda one: -strength_of(asked, one))
            sentences += own[:_READ_OF_EACH]
        readings = self.read(asked, [_looked(one, passages) for one in sentences])
        logits = np.full(len(passages), UNREAD, dtype=np.float32)
        for one, reading in zip(sentences, readings, strict=True):
            logits[one.passage] = max(logits[one.passage], min(reading.logit, -UNREAD))
        return logits

    def read(self, asked: AskedFor, sentences: Sequence[Looked]) -> list[Reading]:
        """What each sentence says on the question."""
        known = self._remembered(asked.text)[1]
        new = [one for one in dict.fromkeys(sentences) if one not in known]
        known |= dict(zip(new, self._read(asked, new), strict=True))
        return [known[one] for one in sentences]

    def _read(self, asked: AskedFor, sentences: Sequence[Looked]) -> list[Reading]:
        question = cut_question(asked, self.embedder)
        cuts = [cut(one.text, asked, self.embedder, SENTENCE_UNITS) for one in sentences]
        kind = KINDS.index(asked.kind)
        readings: dict[int, Reading] = {}
        order = sorted(range(len(cuts)), key=lambda place: len(cuts[place].ids))
        for at in range(0, len(order), _TOGETHER):
            places = order[at : at + _TOGETHER]
            told = [unit_features(asked, cuts[place], sentences[place].text, self.rarity) for place in places]
            of_asked = [question.against(*keys_round(asked, sentences[place])) for place in places]
            # These products are small: on a busy machine a second thread is waited for longer than it helps.
            with self._threads.limit(limits=1, user_api="blas"):
                logits, answer = self._logits(kind, question.units, [cuts[place] for place in places], told, of_asked)
            for row, place in enumerate(places):
                readings[place] = Reading(float(logits[row]), *_answer(cuts[place], answer[row]))
        return [readings[place] for place in range(len(cuts))]

    def _logits(
        self,
        kind: int,
        question: Units,
        texts: Sequence[Units],
        told: Sequence[FloatMatrix],
        of_asked: Sequence[FloatMatrix],
    ) -> tuple[FloatMatrix, FloatMatrix]:
        """Logits of the sentences, (n,), and of their units being the answer's, (n, units)."""
        w = self._weights
        size = max(1, *(len(text.ids) for text in texts))
        x = np.zeros((len(texts), size, self._width), dtype=np.float32)
        mask = np.zeros((len(texts), size, 1), dtype=np.float32)
        for row, (text, features) in enumerate(zip(texts, told, strict=True)):
            n = max(len(text.ids), 1)
            x[row, :n] = self._embedded(text.ids, features, "unit_features", kind, 0)
            mask[row, :n] = 1.0
        asked_size = max(len(question.ids), 1)
        base = self._embedded(
            question.ids, np.zeros((len(question.ids), len(ASKED_FEATURES)), np.float32), "asked_features", kind, 1
        )
        q = np.broadcast_to(base, (len(texts), asked_size, self._width)).copy()
        if len(question.ids):
            q += np.stack(of_asked) @ w["asked_features"]
        everything = np.ones((1, asked_size, 1), dtype=np.float32)
        for block in ("first", "second"):
            x, q = self._block(block, x, mask), self._block(block, q, everything)
        scores = (x @ w["attention"]) @ q.transpose(0, 2, 1) / np.sqrt(np.float32(self._width))
        to_asked = _softmax(scores, 2) @ q
        to_sentence = _softmax(np.where(mask > 0, scores, np.float32(-1e4)), 1).transpose(0, 2, 1) @ x
        x = self._block("last", self._compared(x, to_asked) * mask, mask)
        q = self._compared(q, to_sentence)
        answer = (x @ w["answer"] + w["answer_bias"])[..., 0]
        shares = _softmax(np.where(mask[..., 0] > 0, answer, np.float32(-1e4)), 1)
        weights = _softmax((q @ w["importance"])[..., 0], 1)
        pooled = np.concatenate(
            [
                np.where(mask > 0, x, np.float32(-1e4)).max(axis=1), x.sum(axis=1) / mask.sum(axis=1),
                (shares[:, None, :] @ x)[:, 0], q.max(axis=1), q.mean(axis=1), (weights[:, None, :] @ q)[:, 0],
            ],
            axis=1,
        )  # fmt: skip
        top = np.maximum(pooled @ w["out"] + w["out_bias"], 0.0)
        logits: FloatMatrix = (top @ w["logit"] + w["logit_bias"])[:, 0]
        return logits, np.where(mask[..., 0] > 0, answer, np.float32(-np.inf))

    def _embedded(self, ids: IntVector, features: FloatMatrix, name: str, kind: int, side: int) -> FloatMatrix:
        """The units' vectors, their features and the kind of the question; a text without a unit reads as unit 0."""
        w = self._weights
        known = len(ids) > 0
        vectors = self.embedder.unit_vectors(ids if known else np.zeros(1, dtype=np.int64)) @ w["unit"]
        result: FloatMatrix = vectors + w["kind"][kind] + w["side"][side]
        return result + features @ w[name] if known else result

    def _block(self, name: str, x: FloatMatrix, mask: FloatMatrix) -> FloatMatrix:
        w = self._weights
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

    def _compared(self, x: FloatMatrix, other: FloatMatrix) -> FloatMatrix:
        both = np.concatenate([x, other, x * other, np.abs(x - other)], axis=2)
        compared: FloatMatrix = np.maximum(both @ self._weights["compare"] + self._weights["compare_bias"], 0.0)
        return compared


def _looked(sentence: Candidate, passages: Sequence[ScoredChunk]) -> Looked:
    return Looked(sentence.text, sentence.near, passages[sentence.passage].chunk.text)


def load_matcher(folder: str, embedder: Embedder) -> Matcher:
    """The matcher in a folder, over `embedder` if that is the bundled one, whatever else the index uses if not.

    Raises:
        ModelError: there is no matcher of this program in the folder, or it is for another embedding.
    """
    try:
        is_bundled = _trained_with(resolve(folder)) == dict(embedder.identity)
    except (OSError, KeyError, ValueError):
        is_bundled = False  # Matcher says what is wrong with the folder
    if isinstance(embedder, StaticEmbedder) and is_bundled:
        return Matcher(folder, embedder)
    return Matcher(folder, StaticEmbedder(resolve(EmbeddingConfig().model)))


def _trained_with(folder: Path) -> dict[str, str | int]:
    """The identity of the embedding that a matcher was trained with."""
    identity: dict[str, str | int] = json.loads((folder / TRAINING_FILE).read_text(encoding="utf-8"))["embedding"]
    return identity


def strength_of(asked: AskedFor, sentence: Candidate) -> float:
    """How much a sentence and what stands near it share with a question: the order in which sentences are read."""
    keys = asked.keys_of(sentence.text)
    near = {*keys, *asked.keys_of(sentence.near)}
    return covered(asked, set(keys)) + 0.5 * covered(asked, near) + 0.5 * pairs_covered(asked, keys)


def _answer(units: Units, logits: FloatMatrix) -> tuple[int, int]:
    """The characters of the units round the likeliest one that are the answer's more probably than not."""
    if not len(units.ids):
        return 0, 0
    first = last = int(logits[: len(units.ids)].argmax())
    while first > 0 and logits[first - 1] > 0:
        first -= 1
    while last + 1 < len(units.ids) and logits[last + 1] > 0:
        last += 1
    return units.spans[first][0], units.spans[last][1]


def _softmax(scores: FloatMatrix, axis: int) -> FloatMatrix:
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    shares: FloatMatrix = powers / powers.sum(axis=axis, keepdims=True)
    return shares
