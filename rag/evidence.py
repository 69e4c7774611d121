"""Passages to the sentences that bear the answer, and the probability that there is an answer at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rag.config import EvidenceConfig, resolve
from rag.language.asking import AnswerKind, with_who
from rag.language.defining import definition, definition_strength, thing_asked
from rag.language.listing import list_spans
from rag.relevance.company import CompanyVectors
from rag.relevance.details import not_mentioned
from rag.relevance.features import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    AskedFor,
    candidates,
)
from rag.relevance.matching import Matcher, looked
from rag.relevance.measuring import Measurer
from rag.relevance.pointing import Place, Pointer, promise
from rag.relevance.verifying import Verifier
from rag.relevance.weights import read_weights
from rag.types import Evidence, FloatMatrix, ScoredChunk

_LISTED = frozenset({AnswerKind.LIST, AnswerKind.MANNER, AnswerKind.REASON})
"""What a list may answer, item by item."""
_SAID_STRENGTH = 10.0
"""Of what a sentence says that a thing is, where that is asked: as if it were pointed to as strongly as anything."""
WORTH_SHOWING = 0.15
"""Share of the best sentence's probability from which another one is told with it: on development questions 1.7
sentences an answer, and the gold answer among them in 79% instead of 66% of the answers."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the passages hold on a question."""

    asked: AskedFor | None
    """None when there was no sentence to look at."""
    evidence: tuple[Evidence, ...]
    """Every candidate sentence, the most probable first."""
    answerable: float
    """Probability, 0 to 1, that one of them answers."""
    listing: tuple[Evidence, ...] = ()
    """The list that the best sentence announces or stands in, its announcement first; empty when there is none."""
    not_mentioned: tuple[str, ...] = ()
    """Names, dates and numbers of the question, as written, that the best sentence's document does not hold."""


@dataclass(frozen=True, slots=True)
class Perceptron:
    """One hidden layer: w2 · tanh(w1 · (x - mean) / scale + b1) + b2."""

    mean: FloatMatrix
    scale: FloatMatrix
    w1: FloatMatrix
    b1: FloatMatrix
    w2: FloatMatrix
    b2: float

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Perceptron":
        """The perceptron of its JSON form, matrices as nested lists."""
        arrays = {name: np.asarray(stored[name], dtype=np.float32) for name in ("mean", "scale", "w1", "b1", "w2")}
        return cls(**arrays, b2=float(stored["b2"]))

    def __call__(self, features: FloatMatrix) -> FloatMatrix:
        """Logits, shape (n,), of features, shape (n, k)."""
        hidden = np.tanh((features - self.mean) / self.scale @ self.w1.T + self.b1)
        logits: FloatMatrix = (hidden @ self.w2 + self.b2).astype(np.float32)
        return logits


class EvidenceModel:
    """Ranks sentences and weighs them against "the corpus does not say".

    One softmax runs over the logits of all candidate sentences and of one null option, so that the probability of the
    null option falls as soon as any sentence bears the answer.
    """

    def __init__(self, config: EvidenceConfig, matcher: Matcher) -> None:
        """Load all weights; `matcher` must be the one that they were trained with.

        Raises:
            ModelError: there is no such file, or it is for other features.
        """
        features = {"sentence_features": SENTENCE_FEATURES, "question_features": QUESTION_FEATURES}
        stored = read_weights(resolve(config.model), features, "models/training/evidence.py")
        self._matcher = matcher
        vectors = CompanyVectors(resolve(config.company), matcher.embedder)
        self._measurer = Measurer(matcher, Verifier(config.verifier, matcher.rarity, vectors))
        self._pointer = Pointer(config.pointer, matcher.rarity, vectors)
        self._sentence = Perceptron.from_json(stored["sentence"])
        self._null = Perceptron.from_json(stored["null"])

    def find(self, question: str, passages: Sequence[ScoredChunk]) -> Finding:
        """What the passages, the best first, hold on the question."""
        measured = self._measurer.measured(question, passages)
        if measured is None:
            return Finding(None, (), 0.0)
        asked, sentences = measured.asked, measured.sentences
        by_sentence = self._sentence(measured.by_sentence)
        thing = thing_asked(question)
        by_sentence += [definition_strength(one.text, thing, one.start_char) for one in sentences]
        logits = np.append(by_sentence, self._null(measured.whole[None, :]))
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        evidence = [
            Evidence(sentence.passage, sentence.start_char, sentence.end_char, sentence.text, float(probability))
            for sentence, probability in zip(sentences, probabilities[:-1], strict=True)
        ]
        evidence.sort(key=lambda found: (-found.score, found.passage, found.start_char))
        best = passages[evidence[0].passage]
        told = _told_beside(best, passages)
        return Finding(
            asked,
            tuple(evidence),
            float(1.0 - probabilities[-1]),
            _listing(evidence[0], best, asked.kind),
            not_mentioned(asked, told, self._matcher.rarity),
        )

    def pointed(
        self, question: str, passages: Sequence[ScoredChunk], evidence: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The evidence with where in each sentence the answer stands most probably; a list's items stay as they are."""
        asked = self._matcher.analyse(with_who(question, (scored.chunk.text for scored in passages)))
        sentences = {(one.passage, one.start_char, one.end_char): one for one in candidates(passages)}
        found = [sentences.get((one.passage, one.start_char, one.end_char)) for one in evidence]
        places = iter(self._pointer.point(asked, [looked(one, passages) for one in found if one is not None]))
        thing = thing_asked(question)
        told = []
        for one, sentence in zip(evidence, found, strict=True):
            if sentence is not None:
                place = next(places)
                said = definition(one.text, thing, one.start_char)
                if said is not None and said.start < said.end:
                    place = Place(said.start, said.end, _SAID_STRENGTH)
                one = replace(one, pointed=(place.start, place.end), promise=promise(one.score, place.strength))
            told.append(one)
        return tuple(told)


def _listing(best: Evidence, passage: ScoredChunk, kind: AnswerKind) -> tuple[Evidence, ...]:
    """The list round a sentence. An item alone answers a plain question; an announcement alone answers nothing."""
    if kind not in _LISTED and not best.text.endswith(":"):
        return ()
    chunk = passage.chunk
    spans = list_spans(chunk.text, best.start_char - chunk.start_char, best.end_char - chunk.start_char)
    return tuple(
        replace(best, start_char=chunk.start_char + start, end_char=chunk.start_char + end, text=chunk.text[start:end])
        for start, end in spans
    )


def _told_beside(best: ScoredChunk, passages: Sequence[ScoredChunk]) -> str:
    """All that was retrieved of the document of the best sentence, with its title and headings."""
    same = [scored.chunk for scored in passages if scored.chunk.doc_id == best.chunk.doc_id]
    return "\n".join([best.title, best.date or "", *(f"{chunk.heading}\n{chunk.text}" for chunk in same)])


def choose(finding: Finding, limit: int) -> tuple[Evidence, ...]:
    """The sentences to answer with, at most `limit`, in the order of their documents.

    One where the model is sure; the next ones too where they are nearly as probable. A list that stands in the document
    as one comes whole, however long.
    """
    if not finding.evidence:
        return ()
    if finding.listing:
        return finding.listing
    best = finding.evidence[0]
    chosen = [one for one in finding.evidence[:limit] if one.score >= WORTH_SHOWING * best.score]
    order = {passage: place for place, passage in enumerate(dict.fromkeys(found.passage for found in chosen))}
    return tuple(sorted(chosen, key=lambda found: (order[found.passage], found.start_char)))
