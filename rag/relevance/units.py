"""Texts cut into the embedding's units, and what each unit tells of a question: what the matcher reads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rag.embedding import StaticEmbedder
from rag.relevance.features import AskedFor, Rarity
from rag.text import fold, syllable_spans
from rag.types import FloatMatrix

SENTENCE_UNITS = 48
"""Units of a sentence that are read: about 70 syllables; what follows is left out."""
QUESTION_UNITS = 32
UNIT_FEATURES = ("shared", "shared_rarity", "rarity", "shared_pair", "number", "capital", "place")
_MARKS = {
    "comma": ",", "colon": ";:", "opened": "([{", "closed": ")]}", "quote": "\"“”'‘’«»", "dash": "-–—/",
    "stop": ".?!…", "sign": "%‰°$€",
}  # fmt: skip
MARK_FEATURES = tuple(f"{name}_{side}" for side in ("before", "after") for name in (*_MARKS, "glued"))
"""Which marks stand right before and right after a unit, and whether no space does."""
ASKED_FEATURES = ("rarity", "empty", "in_sentence", "near", "in_passage", "claim", "place")
_UP_TO_WORD = re.compile(r"[\W_]*")
_OF_SENTENCE = tuple(ASKED_FEATURES.index(name) for name in ("in_sentence", "near", "in_passage"))
IntVector = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Units:
    """A text cut into the embedding's units: their ids, where each stands, and the keys of the syllables in it.

    A rare word is cut into pieces; each of them has the whole word as its key.
    """

    ids: IntVector
    spans: tuple[tuple[int, int], ...]
    keys: tuple[tuple[str, ...], ...]


class Looked(NamedTuple):
    """A sentence, its titles with the sentence before it, and its passage."""

    text: str
    near: str
    passage: str


@dataclass(frozen=True, slots=True)
class AskedUnits:
    """A question cut into units, with what does not depend on the sentence it is compared with."""

    units: Units
    features: FloatMatrix
    """The ASKED_FEATURES, zero where they depend on a sentence, shape (units, k)."""
    keys: tuple[str, ...]
    """Of all units, one after the other."""
    owners: IntVector
    """The unit of each key."""

    def against(self, sentence: set[str], near: set[str], passage: set[str]) -> FloatMatrix:
        """The ASKED_FEATURES against the keys of one sentence, shape (units, k)."""
        features = self.features.copy()
        sizes = np.maximum(np.bincount(self.owners, minlength=len(features)), 1)
        for column, held in zip(_OF_SENTENCE, (sentence, near, passage), strict=True):
            found = np.fromiter((key in held for key in self.keys), dtype=np.float64, count=len(self.keys))
            features[:, column] = np.bincount(self.owners, weights=found, minlength=len(features)) / sizes
        return features


def cut(text: str, asked: AskedFor, embedder: StaticEmbedder, limit: int) -> Units:
    """The first `limit` units of a text."""
    ids, spans = embedder.units(text)
    ids, spans = ids[:limit], spans[:limit]
    keys = _keys_by_unit(text, spans, folded=asked.unaccented)
    return Units(np.asarray(ids, dtype=np.int64), tuple(spans), tuple(keys))


def cut_question(asked: AskedFor, embedder: StaticEmbedder) -> AskedUnits:
    """The question's units."""
    units = cut(asked.text, asked, embedder, QUESTION_UNITS)
    claimed = {key for claim in asked.claims for key in claim}
    features = np.zeros((len(units.ids), len(ASKED_FEATURES)), dtype=np.float32)
    for place, keys in enumerate(units.keys):
        features[place, 0] = max((asked.weights.get(key, 0.0) for key in keys), default=0.0) / 10
        features[place, 1] = not any(key in asked.weights for key in keys)
        features[place, 5] = any(key in claimed for key in keys)
        features[place, 6] = place / QUESTION_UNITS
    owners = [place for place, keys in enumerate(units.keys) for _ in keys]
    flat = tuple(key for keys in units.keys for key in keys)
    return AskedUnits(units, features, flat, np.asarray(owners, dtype=np.int64))


def keys_round(asked: AskedFor, looked: Looked) -> tuple[set[str], set[str], set[str]]:
    """The keys of a sentence, of what stands near it and of its passage, in the question's spelling."""
    return set(asked.keys_of(looked.text)), set(asked.keys_of(looked.near)), set(asked.keys_of(looked.passage))


def unit_features(asked: AskedFor, units: Units, text: str, rarity: Rarity) -> FloatMatrix:
    """The UNIT_FEATURES of a sentence's units, shape (units, k)."""
    pairs = set(pairwise(asked.keys))
    flat = [key for keys in units.keys for key in keys]
    paired = [False, *(pair in pairs for pair in pairwise(flat)), False]
    rows = []
    at = 0
    for place, ((start, end), keys) in enumerate(zip(units.spans, units.keys, strict=True)):
        size = len(keys)
        weights = [asked.weights[key] for key in keys if key in asked.weights]
        rows.append((
            len(weights) / max(size, 1),
            max(weights) / 10 if weights else 0.0,
            max([rarity.weight(key, asked.unaccented) for key in keys]) / 10 if keys else 0.0,
            # The pairs inside the unit, and those that it makes with its neighbours.
            any(paired[at : at + size + 1]),
            any(not key.isalpha() for key in keys),
            text[start:end].lstrip()[:1].isupper(),
            place / SENTENCE_UNITS,
        ))  # fmt: skip
        at += size
    return np.array(rows, dtype=np.float32).reshape(-1, len(UNIT_FEATURES))


def mark_features(units: Units, text: str) -> FloatMatrix:
    """The MARK_FEATURES of a sentence's units, shape (units, k): units hold no marks, and answers end at them."""
    if not units.spans:
        return np.zeros((0, len(MARK_FEATURES)), dtype=np.float32)
    # A unit's span begins with the space before it, if there is one.
    begins = [start + len(text[start:end]) - len(text[start:end].lstrip()) for start, end in units.spans]
    between = [text[end:begin] for (_, end), begin in zip(units.spans, begins[1:], strict=False)]
    behind = _UP_TO_WORD.match(text, units.spans[-1][1])
    gaps = [text[: begins[0]], *between, behind[0] if behind else ""]
    rows = np.array([[any(mark in gap for mark in marks) for marks in _MARKS.values()] for gap in gaps])
    glued = np.array([False, *(not any(char.isspace() for char in gap) for gap in between), False])
    told = np.column_stack([rows, glued]).astype(np.float32)
    return np.concatenate([told[:-1], told[1:]], axis=1)


def _keys_by_unit(text: str, spans: Sequence[tuple[int, int]], *, folded: bool) -> list[tuple[str, ...]]:
    """The keys of the syllables that each of the spans, which are in order, has a part in."""
    keys: list[tuple[str, ...]] = []
    told = syllable_spans(text)
    at = 0
    for start, end in spans:
        while at < len(told) and told[at][2] <= start:
            at += 1
        own = []
        for key, begins, _ in told[at:]:
            if begins >= end:
                break
            own.append(fold(key) if folded else key)
        keys.append(tuple(own))
    return keys
