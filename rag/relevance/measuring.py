"""All that the evidence model is told of a question and its passages: the same in training and in use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.language.asking import with_who
from rag.relevance.features import AskedFor, Candidate, candidates, measure
from rag.relevance.matching import Matcher
from rag.relevance.verifying import Verifier
from rag.types import FloatMatrix, ScoredChunk

_REMEMBERED_VECTORS = 8192
"""Sentences and passages whose vectors are kept, 1.5 KB each."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A question and the sentences of its passages with their features."""

    asked: AskedFor
    sentences: tuple[Candidate, ...]
    by_sentence: FloatMatrix
    """(len(sentences), len(SENTENCE_FEATURES))"""
    whole: FloatMatrix
    """(len(QUESTION_FEATURES),)"""


class Measurer:
    """The networks that read, the embedding that compares, and what was compared last."""

    def __init__(self, matcher: Matcher, verifier: Verifier) -> None:
        self._matcher, self._verifier = matcher, verifier
        self._vectors: dict[str, FloatMatrix] = {}

    def measured(self, question: str, passages: Sequence[ScoredChunk]) -> Measured | None:
        """What there is to know of the passages, the best first; None where they hold no sentence."""
        sentences = candidates(passages)
        if not sentences:
            return None
        question = with_who(question, (scored.chunk.text for scored in passages))
        asked = self._matcher.analyse(question)
        cosines = self.cosines(question, passages, sentences)
        matches = self._matcher.match(asked, passages, sentences)
        verified = self._verifier.verify(asked, passages, sentences, matches)
        by_sentence, whole = measure(asked, passages, sentences, *cosines, matches, verified)
        return Measured(asked, tuple(sentences), by_sentence, whole)

    def cosines(
        self, question: str, passages: Sequence[ScoredChunk], sentences: Sequence[Candidate]
    ) -> tuple[FloatMatrix, FloatMatrix]:
        """The cosines of the question with the sentences, shape (len(sentences),), and with the passages, (k,)."""
        asked = self._matcher.embedder.embed_queries([question])[0]
        texts = [*(sentence.text for sentence in sentences), *(scored.chunk.text for scored in passages)]
        cosines: FloatMatrix = self._vectors_of(texts) @ asked
        return cosines[: len(sentences)], cosines[len(sentences) :]

    def _vectors_of(self, texts: Sequence[str]) -> FloatMatrix:
        """The vectors of texts, shape (len(texts), dimension); those of passages that come up again are remembered."""
        known = self._vectors
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if len(known) + len(new) > _REMEMBERED_VECTORS:
            # A new dictionary, as another question may be reading this one.
            new = list(dict.fromkeys(texts))
            known = self._vectors = {}
        known |= dict(zip(new, self._matcher.embedder.embed_passages(new), strict=True))
        return np.stack([known[text] for text in texts])
