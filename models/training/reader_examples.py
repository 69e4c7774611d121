"""Examples for the reader: a question, the numbered sentences of its prompt, and the span that answers, or none.

The sentences are chosen, pointed into and put in order as in use: as many as a quoting answer shows, the most promising
first, by the matcher and a pointer. The evidence model, which adds counted features to the matcher's logit, is left out
because its cosines cost more than all else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from answer_places import answer_span
from tokenizers import Tokenizer

from rag.config import RagConfig
from rag.evidence import WORTH_SHOWING
from rag.llm.span_decoding import CONTROL_TOKENS, ReaderToken, sentence_token
from rag.relevance.comparing import softmax
from rag.relevance.features import Candidate, candidates
from rag.relevance.matching import Matcher, strength_of
from rag.relevance.pointing import Pointer, promise
from rag.relevance.units import Looked
from rag.text import syllables
from rag.types import Chunk, ScoredChunk

MOST_TOKENS = 380
"""Of the sentences of a prompt, their number tokens included."""
MOST_QUESTION_TOKENS = 64
MOST_ANSWER_TOKENS = 48
_SHOWN = RagConfig().evidence.sentences
_READ = 5
"""Sentences of the passages that the matcher reads: those that share most with the question."""
_IDS = {token: place for place, token in enumerate(CONTROL_TOKENS)}


@dataclass(frozen=True)
class Told:
    """A sentence of a passage."""

    candidate: Candidate
    looked: Looked
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    """The characters of each token."""

    @property
    def text(self) -> str:
        """Its text."""
        return self.looked.text

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Its syllables."""
        return tuple(syllables(self.text))

    def places(self, start: int, end: int) -> range:
        """The tokens that overlap characters `start` to `end`."""
        found = [place for place, (first, last) in enumerate(self.spans) if first < end and last > start]
        return range(found[0], found[-1] + 1) if found else range(0)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question among sentences, each pointed into, and its answer.

    `pointed` has the places of a sentence's tokens that the evidence step points to, none for an empty range. The
    answer is (place of the sentence, tokens of the span), None if it is not there.
    """

    question: tuple[int, ...]
    sentences: tuple[Told, ...]
    pointed: tuple[range, ...]
    answer: tuple[int, tuple[int, ...]] | None

    def ids(self) -> list[int]:
        """The tokens of prompt and answer."""
        ids = [_IDS[ReaderToken.QUESTION], *self.question]
        for number, (told, places) in enumerate(zip(self.sentences, self.pointed, strict=True), start=1):
            ids.append(_IDS[sentence_token(number)])
            if not places:
                ids += told.ids
                continue
            ids += [*told.ids[: places.start], _IDS[ReaderToken.POINTED], *told.ids[places.start : places.stop]]
            ids += [_IDS[ReaderToken.POINTED_END], *told.ids[places.stop :]]
        ids.append(_IDS[ReaderToken.ANSWER])
        if self.answer is None:
            return [*ids, _IDS[ReaderToken.NOT_THERE]]
        place, span = self.answer
        return [*ids, _IDS[sentence_token(place + 1)], *span, _IDS[ReaderToken.END]]


class Reading:
    """Texts to sentences and prompts."""

    def __init__(self, tokenizer: Tokenizer, matcher: Matcher) -> None:
        """`tokenizer` must not make control tokens of text."""
        self._tokenizer = tokenizer
        self.matcher = matcher

    def sentences(self, passage: str, title: str = "") -> list[Told]:
        """The sentences of a passage that may bear an answer."""
        scored = ScoredChunk(Chunk("c", "c", passage, 0, len(passage)), 0.0, title, "c")
        found = candidates([scored])
        texts = [one.text for one in found]
        encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False) if texts else []
        return [
            Told(one, Looked(one.text, one.near, passage), tuple(cut.ids), tuple(cut.offsets))
            for one, cut in zip(found, encodings, strict=True)
        ]

    def question(self, text: str) -> tuple[int, ...]:
        """The tokens of a question, cut where it is too long."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids[:MOST_QUESTION_TOKENS])

    def prompt(
        self,
        question: str,
        sentences: Sequence[Told],
        gold: Told | None,
        span: tuple[int, int] | None,
        pointer: Pointer,
    ) -> Prompt | None:
        """The question before the best of the sentences; None when the answer is not among them, or does not fit.

        `gold` is the sentence that answers, `span` its characters; both None when nothing does.
        """
        asked = self.question(question)
        chosen = self.shown(question, sentences)
        if not asked or not chosen or (gold is not None and gold not in [told for told, _ in chosen]):
            return None
        found = pointer.point(self.matcher.analyse(question), [told.looked for told, _ in chosen])
        promises = [promise(share, place.strength) for (_, share), place in zip(chosen, found, strict=True)]
        order = sorted(range(len(chosen)), key=lambda place: -promises[place])
        shown = [chosen[place][0] for place in order]
        answer = None
        if gold is not None and span is not None:
            places = gold.places(*span)
            if not 0 < len(places) <= MOST_ANSWER_TOKENS:
                return None
            answer = (shown.index(gold), gold.ids[places.start : places.stop])
        # In use, too, the space before a word is pointed to with it.
        places_of = tuple(
            told.places(len(told.text[: found[place].start].rstrip()), found[place].end)
            for told, place in zip(shown, order, strict=True)
        )
        return Prompt(asked, tuple(shown), places_of, answer)

    def shown(self, question: str, sentences: Sequence[Told]) -> list[tuple[Told, float]]:
        """The sentences that a quoting answer would show, as far as they fit, with their shares, the best first."""
        asked = self.matcher.analyse(question)
        read = sorted(sentences, key=lambda one: -strength_of(asked, one.candidate))[:_READ]
        if not read:
            return []
        shares = softmax(np.array(self.matcher.read(asked, [told.looked for told in read]), dtype=np.float32), 0)
        order = [int(place) for place in np.argsort(-shares, kind="stable")[:_SHOWN]]
        kept: list[tuple[Told, float]] = []
        left = MOST_TOKENS
        for place in order:
            cost = len(read[place].ids) + 3
            if shares[place] >= WORTH_SHOWING * shares[order[0]] and cost <= left:
                kept.append((read[place], float(shares[place])))
                left -= cost
        return kept

    def gold(self, question: str, told: Sequence[Told], answers: Sequence[str]) -> tuple[Told, tuple[int, int]] | None:
        """The sentence with an answer that shares most with the question, and the answer's characters; None if none."""
        spans = {place: span for place, one in enumerate(told) if (span := answer_span(one.text, answers))}
        if not spans:
            return None
        asked = self.matcher.analyse(question)
        best = max(spans, key=lambda place: strength_of(asked, told[place].candidate))
        return told[best], spans[best]
