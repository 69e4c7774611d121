"""Reads a question against a sentence word by word: a small attention network, trained here, run with NumPy.

What the counted features of features.py cannot see: that a word of the sentence stands where the question asks, that
"mất" answers "qua đời khi nào", that the asked number belongs to another thing. comparing.py holds the layers that
read; models/training/matcher.py trains them.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from safetensors import SafetensorError

from rag.config import EmbeddingConfig, resolve
from rag.embedding import StaticEmbedder
from rag.errors import ModelError
from rag.relevance.comparing import (
    Compared,
    Comparison,
    embedding_of,
    load_rarity,
    load_weights,
    weighted,
)
from rag.relevance.features import AskedFor, Candidate, analyse, candidates, covered, pairs_covered
from rag.relevance.units import Looked
from rag.types import Embedder, FloatMatrix, ScoredChunk

UNREAD = -6.0
"""The logit of a sentence that was not read; what is read is held to at least this and at most its opposite."""
_READ = 24
"""Sentences of a question that are read: those that share the most with it."""
_READ_OF_EACH = 2
"""Sentences of a passage that are read to rank it."""
_REMEMBERED = 8
"""Questions whose parts are remembered: the search and the evidence step look at the same sentences."""


class Matcher:
    """The trained network over the bundled embedding's units."""

    def __init__(self, folder: str, embedder: StaticEmbedder) -> None:
        """Load the weights; `embedder` must be the one that they were trained with.

        Raises:
            ModelError: there is no matcher of this program in the folder, or it is for another embedding.
        """
        path = resolve(folder)
        try:
            self._weights = load_weights(path)
            self.rarity = load_rarity(path)
            self._comparison = Comparison(self._weights, self.rarity, embedder)
            trained_with = embedding_of(path)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is not a matcher ({error}): run models/training/matcher.py") from error
        if trained_with != dict(embedder.identity):
            raise ModelError(f"{path} was trained with another embedding: run models/training/matcher.py")
        self.embedder = embedder
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._remember)

    def analyse(self, question: str) -> AskedFor:
        """The question taken apart; what was asked last is remembered, with the texts that were compared with it."""
        return self._remembered(question)[0]

    def _remember(self, question: str) -> tuple[AskedFor, dict[Looked, float]]:
        return analyse(question, self.rarity), {}

    def match(self, asked: AskedFor, passages: Sequence[ScoredChunk], sentences: Sequence[Candidate]) -> FloatMatrix:
        """The logits of the sentences, shape (len(sentences),); UNREAD where they share little with the question."""
        strength = [strength_of(asked, sentence) for sentence in sentences]
        places = sorted(range(len(sentences)), key=lambda place: -strength[place])[:_READ]
        read = self.read(asked, [looked(sentences[place], passages) for place in places])
        logits = np.full(len(sentences), UNREAD, dtype=np.float32)
        logits[places] = np.clip(read, UNREAD, -UNREAD)
        return logits

    def match_passages(self, asked: AskedFor, passages: Sequence[ScoredChunk]) -> FloatMatrix:
        """The logit of each passage's best sentence, shape (len(passages),), of the _READ_OF_EACH that share most."""
        sentences: list[Candidate] = []
        for place, scored in enumerate(passages):
            own = [replace(one, passage=place) for one in candidates([scored])]
            own.sort(key=lambda one: -strength_of(asked, one))
            sentences += own[:_READ_OF_EACH]
        read = self.read(asked, [looked(one, passages) for one in sentences])
        logits = np.full(len(passages), UNREAD, dtype=np.float32)
        for one, logit in zip(sentences, read, strict=True):
            logits[one.passage] = max(logits[one.passage], min(logit, -UNREAD))
        return logits

    def read(self, asked: AskedFor, sentences: Sequence[Looked]) -> list[float]:
        """The logit of each sentence to bear the answer, against 0 for "the sentences do not say"."""
        known = self._remembered(asked.text)[1]
        new = [one for one in dict.fromkeys(sentences) if one not in known]
        with self._comparison.one_thread():
            for group in self._comparison.compare(asked, new):
                logits = self._logits(group)
                known |= {new[place]: float(logit) for place, logit in zip(group.places, logits, strict=True)}
        return [known[one] for one in sentences]

    def _logits(self, seen: Compared) -> FloatMatrix:
        """Logits of the sentences, shape (n,)."""
        w = self._weights
        answer = (seen.x @ w["answer"] + w["answer_bias"])[..., 0]
        return self._comparison.judged(seen, weighted(seen.x, answer, seen.mask))


def looked(sentence: Candidate, passages: Sequence[ScoredChunk]) -> Looked:
    """A candidate as the networks see it."""
    return Looked(sentence.text, sentence.near, passages[sentence.passage].chunk.text)


def load_matcher(folder: str, embedder: Embedder) -> Matcher:
    """The matcher in a folder, over `embedder` if that is the bundled one, whatever else the index uses if not.

    Raises:
        ModelError: there is no matcher of this program in the folder, or it is for another embedding.
    """
    try:
        is_bundled = embedding_of(resolve(folder)) == dict(embedder.identity)
    except (OSError, KeyError, ValueError):
        is_bundled = False  # Matcher says what is wrong with the folder
    if isinstance(embedder, StaticEmbedder) and is_bundled:
        return Matcher(folder, embedder)
    return Matcher(folder, StaticEmbedder(resolve(EmbeddingConfig().model)))


def strength_of(asked: AskedFor, sentence: Candidate) -> float:
    """How much a sentence and what stands near it share with a question: the order in which sentences are read."""
    keys = asked.keys_of(sentence.text)
    near = {*keys, *asked.keys_of(sentence.near)}
    return covered(asked, set(keys)) + 0.5 * covered(asked, near) + 0.5 * pairs_covered(asked, keys)
