"""Where in a sentence the answer stands most probably: the same kind of network as the matcher, trained for that alone.

models/training/pointer.py trains it. What it points to is no answer yet: it helps the reader (rag/llm/span_reading.py)
to find its place, and the page to show the words that matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError

from rag.config import resolve
from rag.embedding import StaticEmbedder
from rag.errors import ModelError
from rag.relevance.comparing import HIDDEN, Compared, Comparison, embedding_of, load_weights
from rag.relevance.features import AskedFor, Rarity
from rag.relevance.units import Looked
from rag.text import syllable_spans
from rag.types import FloatMatrix

BLOCKS = ("pointed", "ended")
MOST_UNITS = 30
"""Units of the longest answer."""
_WEIGHED = 32
"""Of the possible spans, the most probable ones are weighed against each other."""

_STRENGTH_WEIGHT = 0.3
"""Chosen on the held-out questions of the reader's training: of 0 to 2, the F1 of what is pointed to was best there."""


@dataclass(frozen=True, slots=True)
class Place:
    """The characters of a sentence that are the answer most probably."""

    start: int = 0
    end: int = 0
    """As `start` where there is nothing to point to."""
    strength: float = -20.0
    """The highest logits of both ends together, comparable between the sentences of a question."""


class Pointer:
    """The trained network over the bundled embedding's units."""

    def __init__(self, folder: str, rarity: Rarity, embedder: StaticEmbedder) -> None:
        """Load the weights; `rarity` and `embedder` must be those that they were trained with.

        Raises:
            ModelError: there is no pointer of this program in the folder, or it is for another embedding.
        """
        path = resolve(folder)
        try:
            self._weights = load_weights(path)
            self._comparison = Comparison(self._weights, rarity, embedder)
            trained_with = embedding_of(path)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is not a pointer ({error}): run models/training/pointer.py") from error
        if trained_with != dict(embedder.identity):
            raise ModelError(f"{path} was trained with another embedding: run models/training/pointer.py")

    def point(self, asked: AskedFor, sentences: Sequence[Looked]) -> list[Place]:
        """Where in each sentence the answer stands most probably, in whole words."""
        found = [Place()] * len(sentences)
        with self._comparison.one_thread():
            for group in self._comparison.compare(asked, sentences):
                for place, units, ends in zip(group.places, group.texts, self._ends(group), strict=True):
                    count = len(units.ids)
                    if count:
                        first, last = best_span(ends[:count, 0], ends[:count, 1])
                        start, end = units.spans[first][0], units.spans[last][1]
                        strength = float(ends[:count].max(axis=0).sum())
                        found[place] = Place(*whole_words(sentences[place].text, start, end), strength)
        return found

    def _ends(self, seen: Compared) -> FloatMatrix:
        """Logits of being the answer's first and last unit, shape (n, units, 2)."""
        x = seen.x
        for name in BLOCKS:
            x = self._comparison.block(name, x, seen.mask)
        ends: FloatMatrix = np.where(seen.mask > 0, x @ self._weights["ends"] + self._weights["ends_bias"], HIDDEN)
        return ends


def promise(share: float, strength: float) -> float:
    """Logit of a sentence that the evidence step gives a share, 0 to 1, and the pointer points into with a strength.

    Where the evidence step is in two minds, that an answer stands out in one of the sentences decides.
    """
    kept = min(max(share, 1e-6), 1 - 1e-6)
    return float(np.log(kept / (1 - kept))) + _STRENGTH_WEIGHT * strength


def best_span(first: FloatMatrix, last: FloatMatrix) -> tuple[int, int]:
    """First and last unit of the span with the highest expected F1, given the logits of both ends, each (units,).

    The most probable span may be a guess among many; the one that shares most with all that are probable is worth more.
    """
    units = len(first)
    scores = first[:, None] + last[None, :]
    allowed = np.triu(np.ones((units, units), dtype=bool)) & ~np.triu(np.ones((units, units), dtype=bool), MOST_UNITS)
    starts, stops = np.nonzero(allowed)
    of_span = scores[starts, stops]
    best = np.argsort(-of_span, kind="stable")[:_WEIGHED]
    starts, stops, of_span = starts[best], stops[best] + 1, of_span[best]
    shares = np.exp(of_span - of_span[0])
    both = np.minimum(stops[:, None], stops[None]) - np.maximum(starts[:, None], starts[None])
    lengths = stops - starts
    f1 = 2 * np.maximum(both, 0) / (lengths[:, None] + lengths[None])
    place = int((f1 @ shares).argmax())
    return int(starts[place]), int(stops[place]) - 1


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters widened to whole syllables and numbers, a % with them: a rare word is several units."""
    touched = [(begin, stop) for _, begin, stop in syllable_spans(text) if begin < end and stop > start]
    if not touched:
        return 0, 0
    begin, stop = touched[0][0], touched[-1][1]
    return begin, stop + text.startswith("%", stop)
