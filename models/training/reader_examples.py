"""Examples for the reader: a question, the numbered sentences of its prompt, and the span that answers, or none.

The sentences are chosen as in use: whole passages, or those that share most with the question, by the rarity of the
shared words and by shared pairs of neighbours. That is the order in which rag/relevance/matching.py reads sentences;
the networks behind it (matcher, evidence model) are left out because they cost a hundred times as much.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from answer_places import answer_span
from tokenizers import Tokenizer

from rag.llm.span_decoding import CONTROL_TOKENS, MOST_SENTENCES, ReaderToken, sentence_token
from rag.relevance.features import Rarity
from rag.text import passage_sentence_spans, syllables

MOST_TOKENS = 380
"""Of the sentences of a prompt, their number tokens included."""
MOST_QUESTION_TOKENS = 64
MOST_ANSWER_TOKENS = 48
_COUNTS = (1, 2, 3, 3, 4, 5, 7)
_FEW = (1, 1, 1, 2, 2, 3)
"""How many sentences a prompt has, each as often as it stands here."""
_IDS = {token: place for place, token in enumerate(CONTROL_TOKENS)}


@dataclass(frozen=True)
class Told:
    """A sentence of a passage."""

    text: str
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    """The characters of each token."""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Its syllables."""
        return tuple(syllables(self.text))

    @cached_property
    def key_set(self) -> frozenset[str]:
        """Its distinct syllables."""
        return frozenset(self.keys)

    def tokens(self, start: int, end: int) -> tuple[int, ...]:
        """The tokens that overlap characters `start` to `end`."""
        return tuple(
            token for token, (first, last) in zip(self.ids, self.spans, strict=True) if first < end > start < last
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question among sentences, and its answer: (place of the sentence, tokens of the span), None if not there."""

    question: tuple[int, ...]
    sentences: tuple[Told, ...]
    answer: tuple[int, tuple[int, ...]] | None

    def ids(self) -> list[int]:
        """The tokens of prompt and answer."""
        ids = [_IDS[ReaderToken.QUESTION], *self.question]
        for number, told in enumerate(self.sentences, start=1):
            ids += [_IDS[sentence_token(number)], *told.ids]
        ids.append(_IDS[ReaderToken.ANSWER])
        if self.answer is None:
            return [*ids, _IDS[ReaderToken.NOT_THERE]]
        place, span = self.answer
        return [*ids, _IDS[sentence_token(place + 1)], *span, _IDS[ReaderToken.END]]


class Reading:
    """Texts to sentences and prompts."""

    def __init__(self, tokenizer: Tokenizer, rarity: Rarity, few: float = 0.0) -> None:
        """`tokenizer` must not make control tokens of text; `few` is the share of prompts of one to three sentences."""
        self._tokenizer = tokenizer
        self._few = few
        self._rarity = rarity
        self._weights: dict[str, float] = {}

    def sentences(self, passage: str) -> list[Told]:
        """The sentences of a passage, those that are too short to tell anything left out."""
        texts = [passage[start:end] for start, end in passage_sentence_spans(passage)]
        texts = [text for text in texts if len(text.split()) >= 3]
        encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False) if texts else []
        return [
            Told(text, tuple(one.ids), tuple(one.offsets)) for text, one in zip(texts, encodings, strict=True)
        ]  # fmt: skip

    def question(self, text: str) -> tuple[int, ...]:
        """The tokens of a question, cut where it is too long."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids[:MOST_QUESTION_TOKENS])

    def strengths(self, question: str, sentences: Sequence[Told]) -> list[float]:
        """How much each sentence shares with the question."""
        keys = syllables(question)
        weights = {key: self._weight(key) for key in keys}
        pairs = set(pairwise(keys))
        whole = sum(weights.values()) or 1.0
        found = []
        for told in sentences:
            shared = sum(weight for key, weight in weights.items() if key in told.key_set)
            both = len(pairs & set(pairwise(told.keys))) if shared else 0
            found.append(shared / whole + 0.5 * both / max(len(pairs), 1))
        return found

    def _weight(self, key: str) -> float:
        if key not in self._weights:
            self._weights[key] = self._rarity.weight(key, folded=False)
        return self._weights[key]

    def prompt(
        self,
        question: str,
        passages: Sequence[Sequence[Told]],
        gold: tuple[int, int] | None,
        span: tuple[int, int] | None,
        rng: random.Random,
    ) -> Prompt | None:
        """The question among sentences of the passages; None when the answer does not fit.

        `gold` is the passage and sentence that answers, `span` its characters; both None when nothing does.
        """
        is_short = rng.random() < self._few
        if not is_short and rng.random() < 0.45:
            kept = _window(passages[0], gold[1] if gold else None, rng)
        else:
            if rng.random() < 0.6:  # the passage that answers is not always the first one found
                shuffled = rng.sample(range(len(passages)), len(passages))
                passages = [passages[place] for place in shuffled]
                gold = (shuffled.index(gold[0]), gold[1]) if gold is not None else None
            order = [(passage, place) for passage, told in enumerate(passages) for place in range(len(told))]
            strengths = self.strengths(question, [passages[p][s] for p, s in order])
            kept = chosen(order, strengths, rng.choice(_FEW if is_short else _COUNTS), gold)
        kept = _fitting(kept, passages, gold)
        answer = None
        if gold is not None and span is not None:
            told = passages[gold[0]][gold[1]]
            tokens = told.tokens(*span)
            if gold not in kept or not 0 < len(tokens) <= MOST_ANSWER_TOKENS:
                return None
            answer = (kept.index(gold), tokens)
        asked = self.question(question)
        return Prompt(asked, tuple(passages[p][s] for p, s in kept), answer) if kept and asked else None

    def whole_prompt(self, question: str, passage: str) -> Prompt | None:
        """The question before as much of its passage as fits, the sentences that share most with it first."""
        told = self.sentences(passage)
        strengths = self.strengths(question, told)
        ranked = sorted(range(len(told)), key=lambda place: -strengths[place])
        kept = _fitting([(0, place) for place in ranked], [told], None)
        return Prompt(self.question(question), tuple(told[place] for _, place in kept), None) if kept else None

    def gold(self, question: str, told: Sequence[Told], answers: Sequence[str]) -> tuple[int, tuple[int, int]] | None:
        """The sentence with an answer that shares most with the question, and the answer's characters; None if none."""
        spans = {place: span for place, one in enumerate(told) if (span := answer_span(one.text, answers))}
        if not spans:
            return None
        strengths = self.strengths(question, told)
        best = max(spans, key=lambda place: strengths[place])
        return best, spans[best]


def chosen(
    order: Sequence[tuple[int, int]], strengths: Sequence[float], count: int, gold: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """The `count` strongest places, the gold one always among them, in the order of the text."""
    ranked = [order[at] for at in sorted(range(len(order)), key=lambda at: -strengths[at])][:count]
    if gold is not None and gold not in ranked:
        ranked[-1:] = [gold]
    return sorted(ranked)


def _window(told: Sequence[Told], gold: int | None, rng: random.Random) -> list[tuple[int, int]]:
    """Consecutive sentences of the first passage, the gold one among them."""
    size = rng.randint(2, MOST_SENTENCES)
    at = gold if gold is not None else rng.randrange(max(len(told), 1))
    begin = max(0, at - rng.randint(0, size - 1))
    return [(0, place) for place in range(begin, min(len(told), begin + size))]


def _fitting(
    kept: Sequence[tuple[int, int]], passages: Sequence[Sequence[Told]], gold: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """As many of the places, in their order in the text, as a prompt holds; the gold one before the others."""
    left, taken = MOST_TOKENS, list[tuple[int, int]]()
    for place in sorted(kept, key=lambda one: one != gold):
        cost = len(passages[place[0]][place[1]].ids) + 1
        if cost <= left and len(taken) < MOST_SENTENCES:
            taken.append(place)
            left -= cost
    return sorted(taken)
