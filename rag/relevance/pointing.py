"""Where in a sentence the answer stands most probably: the same kind of network as the matcher, trained for that alone.

models/training/pointer.py trains it. What it points to is no answer yet: it helps the reader (rag/llm/span_reading.py)
to find its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from rag.config import resolve
from rag.errors import ModelError
from rag.odds import log_odds
from rag.relevance.company import CompanyVectors
from rag.relevance.comparing import HIDDEN, WEIGHTS_FILE, Comparison, Group, embedding_of, load_weights
from rag.relevance.features import AskedFor, Rarity
from rag.relevance.units import Looked
from rag.text import syllable_spans
from rag.types import FloatMatrix

BLOCKS = ("pointed", "ended")
MOST_UNITS = 30
"""Units of the longest answer."""
_WEIGHED = 32
"""Of the possible spans, the most probable ones are weighed against each other."""
_EVENED = 0.7
"""What the logits of spans are multiplied by before they are weighed: the network is surer than it is right. Of 0.5 to
2 the F1 was best there, on question sets that it was not trained on."""

_STRENGTH_WEIGHT = 0.3
"""Chosen on the held-out questions of the reader's training: of 0 to 2, the F1 of what is pointed to was best there."""

_CHOICES = ("hay", "hoặc", "hoac")
"""Words of a question between answers to choose from."""


@dataclass(frozen=True, slots=True)
class Place:
    """The characters of a sentence that are the answer most probably."""

    start: int = 0
    end: int = 0
    """As `start` where there is nothing to point to."""
    strength: float = -20.0
    """The highest logit of a span that may be the answer, comparable between the sentences of a question."""


class SpanNetwork:
    """One trained network over the bundled embedding's units, with a second vector of each (company.py)."""

    def __init__(self, folder: Path, rarity: Rarity, vectors: CompanyVectors) -> None:
        """Load the weights; `rarity` and `vectors` must be those that they were trained with.

        Raises:
            ModelError: there is no pointer of this program in the folder, or it is for another embedding.
        """
        try:
            self._weights = load_weights(folder)
            self.comparison = Comparison(self._weights, rarity, vectors.embedder, marks=True, vectors=vectors)
            self._pair_width = self._weights["pair_first"].shape[1]
            trained_with = embedding_of(folder)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(f"{folder} is not a pointer ({error}): run models/training/pointer.py") from error
        if trained_with != dict(vectors.embedder.identity):
            raise ModelError(f"{folder} was trained with another embedding: run models/training/pointer.py")

    def spans(self, group: Group) -> FloatMatrix:
        """Logits of the spans from each unit to each, shape (n, units, units); HIDDEN for what is no span."""
        w = self._weights
        seen = self.comparison.compared(group)
        x = seen.x
        for name in BLOCKS:
            x = self.comparison.block(name, x, seen.mask)
        ends = x @ w["ends"] + w["ends_bias"]
        pairs = (x @ w["pair_first"]) @ (x @ w["pair_last"]).transpose(0, 2, 1)
        lengths = np.arange(x.shape[1])[None, :] - np.arange(x.shape[1])[:, None]
        logits: FloatMatrix = (
            ends[:, :, None, 0] + ends[:, None, :, 1] + pairs / np.sqrt(np.float32(self._pair_width))
            + w["length"][lengths.clip(0, MOST_UNITS - 1)]
        )  # fmt: skip
        allowed = (lengths >= 0) & (lengths < MOST_UNITS) & (seen.mask @ seen.mask.transpose(0, 2, 1) > 0)
        return np.where(allowed, logits, HIDDEN)


class Pointer:
    """Networks of one training that began with different numbers: their mean is right where one alone slips."""

    def __init__(self, folder: str, rarity: Rarity, vectors: CompanyVectors) -> None:
        """Load the network in the folder or, where there is none, those in the folders inside it.

        Raises:
            ModelError: there is no pointer of this program in the folder, or it is for another embedding.
        """
        path = resolve(folder)
        inside = sorted(weights.parent for weights in path.glob(f"*/{WEIGHTS_FILE}"))
        alone = (path / WEIGHTS_FILE).exists() or not inside
        self._networks = [SpanNetwork(one, rarity, vectors) for one in ([path] if alone else inside)]

    def point(self, asked: AskedFor, sentences: Sequence[Looked]) -> list[Place]:
        """Where in each sentence the answer stands most probably, in whole words."""
        found = [Place()] * len(sentences)
        comparison = self._networks[0].comparison
        with comparison.one_thread():
            for group in comparison.groups(asked, sentences):
                for place, units, logits in zip(group.places, group.texts, self._spans(group), strict=True):
                    count = len(units.ids)
                    if count:
                        own = telling(logits[:count, :count], asked, sentences[place].text, units.spans)
                        first, last = best_span(own)
                        start, end = units.spans[first][0], units.spans[last][1]
                        found[place] = Place(*whole_words(sentences[place].text, start, end), float(own.max()))
        return found

    def _spans(self, group: Group) -> FloatMatrix:
        """The mean of the networks' logits, shape (n, units, units)."""
        mean: FloatMatrix = np.mean([network.spans(group) for network in self._networks], axis=0)
        return mean


def promise(share: float, strength: float) -> float:
    """Logit of a sentence that the evidence step gives a share, 0 to 1, and the pointer points into with a strength.

    Where the evidence step is in two minds, that an answer stands out in one of the sentences decides.
    """
    return log_odds(share) + _STRENGTH_WEIGHT * strength


def best_span(logits: FloatMatrix) -> tuple[int, int]:
    """First and last unit of the span with the highest expected F1, given the logits of all spans, (units, units).

    The most probable span may be a guess among many; the one that shares most with all that are probable is worth more.
    """
    order = np.argsort(-logits, axis=None, kind="stable")[:_WEIGHED]
    starts, stops = np.unravel_index(order, logits.shape)
    told = logits[starts, stops]
    starts, stops, told = starts[told > HIDDEN], stops[told > HIDDEN] + 1, told[told > HIDDEN]
    shares = np.exp(_EVENED * (told - told[0]))
    both = np.minimum(stops[:, None], stops[None]) - np.maximum(starts[:, None], starts[None])
    lengths = stops - starts
    f1 = 2 * np.maximum(both, 0) / (lengths[:, None] + lengths[None])
    place = int((f1 @ shares).argmax())
    return int(starts[place]), int(stops[place]) - 1


def telling(logits: FloatMatrix, asked: AskedFor, text: str, units: Sequence[tuple[int, int]]) -> FloatMatrix:
    """The logits of a sentence's spans, (units, units), without those that say a part of the question over again.

    As they are where nothing else is left, and where the question has its answers to choose from. `units` are the
    characters of the sentence's units, first and last + 1.
    """
    question = f" {' '.join(asked.keys)} "
    if any(f" {word} " in question for word in _CHOICES):
        return logits
    left = logits.copy()
    for first, (start, _) in enumerate(units):
        for last in range(first, len(units)):
            begin, stop = whole_words(text, start, units[last][1])
            if f" {' '.join(asked.keys_of(text[begin:stop]))} " not in question:
                break  # nor is what goes on with it
            left[first, last] = HIDDEN
    return left if left.max() > HIDDEN else logits


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters widened to whole syllables and numbers, a % with them: a rare word is several units."""
    touched = [(begin, stop) for _, begin, stop in syllable_spans(text) if begin < end and stop > start]
    if not touched:
        return 0, 0
    begin, stop = touched[0][0], touched[-1][1]
    return begin, stop + text.startswith("%", stop)
