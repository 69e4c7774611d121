"""Reads the likeliest sentences again, more thoroughly: whether they answer or only speak of the same thing.

The matcher's kind of network, wider, and with a second vector of each unit (company.py). It is read on few sentences,
since it costs several times as much. models/training/verifier.py trains it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from rag.config import resolve
from rag.errors import ModelError
from rag.relevance.company import CompanyVectors
from rag.relevance.comparing import WEIGHTS_FILE, Comparison, Group, embedding_of, load_weights, weighted
from rag.relevance.features import AskedFor, Candidate, Rarity
from rag.relevance.matching import UNREAD, looked
from rag.relevance.pointing import BLOCKS
from rag.relevance.units import Looked
from rag.types import FloatMatrix, ScoredChunk

_READ = 8
"""Sentences of a question that are read."""


class VerifierNetwork:
    """One trained network."""

    def __init__(self, folder: Path, rarity: Rarity, vectors: CompanyVectors) -> None:
        """Load the weights; `rarity` and `vectors` must be those that they were trained with.

        Raises:
            OSError, SafetensorError, KeyError, ValueError: there is no verifier of this program in the folder.
        """
        self._weights = load_weights(folder)
        self.comparison = Comparison(self._weights, rarity, vectors.embedder, marks=True, vectors=vectors)
        self.trained_with = embedding_of(folder)

    def logits(self, group: Group) -> FloatMatrix:
        """The logits of the sentences of a group, shape (n,)."""
        w = self._weights
        seen = self.comparison.compared(group)
        y = seen.x
        for name in BLOCKS:
            y = self.comparison.block(name, y, seen.mask)
        ends = (y @ w["ends"] + w["ends_bias"]).sum(axis=2)
        return self.comparison.judged(seen, weighted(y, ends, seen.mask))


class Verifier:
    """Networks of one training that began with different numbers; their mean counts."""

    def __init__(self, folder: str, rarity: Rarity, vectors: CompanyVectors) -> None:
        """Load the networks in the folders inside; `rarity` and `vectors` must be those that they were trained with.

        Raises:
            ModelError: there is no verifier of this program in the folder, or it is for another embedding.
        """
        path = resolve(folder)
        try:
            inside = sorted(weights.parent for weights in path.glob(f"*/{WEIGHTS_FILE}"))
            self._networks = [VerifierNetwork(one, rarity, vectors) for one in inside]
            if not self._networks:
                raise ValueError("no network in it")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is not a verifier ({error}): run models/training/verifier.py") from error
        if any(one.trained_with != dict(vectors.embedder.identity) for one in self._networks):
            raise ModelError(f"{path} was trained with another embedding: run models/training/verifier.py")

    def verify(
        self, asked: AskedFor, passages: Sequence[ScoredChunk], sentences: Sequence[Candidate], matches: FloatMatrix
    ) -> FloatMatrix:
        """The logits of the sentences, shape (len(sentences),); UNREAD but for those that the matcher finds likeliest.

        `matches` are the matcher's logits, of the same shape.
        """
        places = np.argsort(-matches, kind="stable")[:_READ]
        logits = np.full(len(sentences), UNREAD, dtype=np.float32)
        read = self.read(asked, [looked(sentences[place], passages) for place in places])
        logits[places] = np.clip(read, UNREAD, -UNREAD)
        return logits

    def read(self, asked: AskedFor, sentences: Sequence[Looked]) -> FloatMatrix:
        """The logit of each sentence to answer, shape (len(sentences),), against 0 for "they do not say"."""
        found = np.zeros(len(sentences), dtype=np.float32)
        comparison = self._networks[0].comparison
        with comparison.one_thread():
            for group in comparison.groups(asked, sentences):
                found[list(group.places)] = np.mean([network.logits(group) for network in self._networks], axis=0)
        return found
