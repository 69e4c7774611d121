"""Examples for the verifier as arrays: a question, some sentences, and where in them the answer stands, if it does."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from answer_places import answer_span
from numpy.typing import NDArray

from rag.config import PROJECT_DIR, EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.relevance.comparing import KINDS, load_rarity
from rag.relevance.features import AskedFor, Rarity, analyse, candidates, covered
from rag.relevance.matching import looked, strength_of
from rag.relevance.units import (
    SENTENCE_UNITS,
    AskedUnits,
    Looked,
    cut,
    cut_question,
    keys_round,
    mark_features,
    unit_features,
)
from rag.types import ScoredChunk

KEPT = 6
"""Sentences of an example."""
_HARD = 4
"""Of those that do not answer, how many are taken for what they share with the question; the others by chance."""


@dataclass(frozen=True, slots=True)
class ReadSentence:
    """One sentence beside its question."""

    of_asked: NDArray[np.float16]
    """(question units, len(ASKED_FEATURES))"""
    ids: NDArray[np.int32]
    features: NDArray[np.float16]
    """What is counted of each unit, and the marks round it, (units, k)."""
    answers: tuple[tuple[int, int], ...]
    """First and last unit of each annotated answer in it; empty where it does not answer."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A question and the sentences that are read for it; none of them answers where it cannot be answered."""

    kind: int
    asked_ids: NDArray[np.int32]
    sentences: tuple[ReadSentence, ...]
    form: str = ""
    source: str = ""
    """The question set; "made" for a made question."""
    out: bool = False
    """Whether its passage is kept from the training."""


class Encoder:
    """Questions and passages to examples."""

    def __init__(self, rarity: Rarity, embedder: StaticEmbedder) -> None:
        self._rarity, self.embedder = rarity, embedder

    def example(
        self,
        question: str,
        passages: Sequence[ScoredChunk],
        rng: random.Random,
        *,
        gold: Collection[str] = (),
        answers: Sequence[str] = (),
        without: bool = False,
    ) -> Verified | None:
        """The sentences that answer, two at the most, and the hardest of the others; None where that cannot be.

        `gold` are the sources of the document with the `answers`, if there is one; `without` leaves its sentences
        that hold one out, so that what stays is of the same document and does not answer.
        """
        asked = analyse(question, self._rarity)
        told = cut_question(asked, self.embedder)
        found = candidates(passages)
        spans = {
            place: own
            for place, one in enumerate(found)
            if answers and passages[one.passage].source in gold
            and (own := [span for answer in answers if (span := answer_span(one.text, [answer])) is not None])
        }  # fmt: skip
        if not len(told.units.ids) or bool(answers) != bool(spans):
            return None
        places = list(range(len(found)))
        if without:
            places, spans = [place for place in places if place not in spans], {}
        strength = [strength_of(asked, one) for one in found]
        places.sort(key=lambda place: -strength[place])
        best = max((strength[place] for place in spans), default=0.0)
        bearing = [place for place in places if place in spans and strength[place] >= 0.7 * best][:2]
        others = [place for place in places if place not in spans]
        hard, rest = others[:_HARD], others[_HARD:]
        chosen = [*bearing, *hard, *rng.sample(rest, min(len(rest), max(KEPT - len(hard) - len(bearing), 0)))]
        read = [self._read(asked, told, looked(found[place], passages), spans.get(place, ())) for place in chosen]
        kept = tuple(one for one in read if one is not None)
        if not kept or len(kept) < len(read):
            return None
        return Verified(KINDS.index(asked.kind), told.units.ids.astype(np.int32), kept)

    def telling(self, question: str, answer: str, passages: Sequence[ScoredChunk], share: float) -> list[ScoredChunk]:
        """The passages with a sentence that holds the answer and, with its company, a share of the question's words."""
        asked = analyse(question, self._rarity)
        return [
            passage
            for passage in passages
            if any(
                covered(asked, {*asked.keys_of(one.text), *asked.keys_of(one.near)}) >= share
                and answer_span(one.text, [answer]) is not None
                for one in candidates([passage])
            )
        ]

    def _read(
        self, asked: AskedFor, told: AskedUnits, seen: Looked, spans: Sequence[tuple[int, int]]
    ) -> ReadSentence | None:
        """A sentence with its answers' characters, first and last + 1; None if all answers are past what is read."""
        units = cut(seen.text, asked, self.embedder, SENTENCE_UNITS)
        answers = [
            (inside[0], inside[-1])
            for start, end in spans
            if (inside := [place for place, (begin, stop) in enumerate(units.spans) if begin < end and stop > start])
        ]
        if not len(units.ids) or (spans and not answers):
            return None
        counted = unit_features(asked, units, seen.text, self._rarity)
        return ReadSentence(
            told.against(*keys_round(asked, seen)).astype(np.float16),
            units.ids.astype(np.int32),
            np.concatenate([counted, mark_features(units, seen.text)], axis=1).astype(np.float16),
            tuple(dict.fromkeys(answers)),
        )


def encoder() -> Encoder:
    """The encoder of the bundled models."""
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    return Encoder(load_rarity(PROJECT_DIR / "models" / "matcher-vi"), embedder)
