"""The short answer held to its evidence: after a citation only tokens that go on with a span of the cited sentence.

A reader is a small model trained for one thing (models/training/reader.py): a question and numbered sentences to the
number of one of them and a span of it, or to "it is not there". What its tokens mean stands here, for training and use.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rag.odds import log_odds
from rag.types import FloatMatrix

READER_KEY = "rag.reader"
"""True in the metadata of a GGUF that is a reader."""
MOST_SENTENCES = 8
EVIDENCE_ROLE, POINTED_ROLE, REST_ROLE = "evidence", "pointed", "rest"
"""Roles of the messages after the question's: each sentence up to where the evidence step points, what it points to,
and the rest."""

# Tuned on written questions over passages that no training has seen, then lowered until few enough answers were lost on
# viquad2-test (eval/LOG.md).
_LEAST_MARGIN, _DOUBT = 0.7, 0.2
"""An answer is none where the evidence step's log-odds above those of its threshold, less so much of the reader's for
"not there", are below the first: at the threshold that ships, 0.28, where what is left is below 0.44."""
_ENDS, _ENDS_INSIDE, _ENDS_BEHIND = float(np.log(0.5)), float(np.log(0.999)), float(np.log(0.03))
"""From which a span ends: anywhere, inside what the evidence step points to, and where that ends."""
_MARKED = 12.0
"""Added to the logit of the token where that begins."""


class ReaderToken(StrEnum):
    """The control tokens of a reader beside `sentence_token`; text can never make them."""

    PADDING = "<|padding|>"
    QUESTION = "<|question|>"
    ANSWER = "<|answer|>"
    NOT_THERE = "<|not_there|>"
    END = "<|end|>"
    POINTED = "<|pointed|>"
    POINTED_END = "<|pointed_end|>"


READER_TEMPLATE = (
    "{% set sentences = namespace(count=0) %}{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|question|>{{ message['content'] }}"
    "{% elif message['role'] == 'evidence' %}{% set sentences.count = sentences.count + 1 %}"
    "<|{{ sentences.count }}|>{{ message['content'] }}"
    "{% elif message['role'] == 'pointed' %}<|pointed|>{{ message['content'] }}<|pointed_end|>"
    "{% elif message['role'] == 'rest' %}{{ message['content'] }}{% endif %}{% endfor %}<|answer|>"
)


def sentence_token(number: int) -> str:
    """The token before the nth sentence of a prompt, which cites it in the answer; 1-based."""
    return f"<|{number}|>"


CONTROL_TOKENS = (*ReaderToken, *map(sentence_token, range(1, MOST_SENTENCES + 1)))
"""All of them; a reader's vocabulary begins with them, so that their ids are their places here."""


@dataclass(frozen=True, slots=True)
class ReaderIds:
    """The ids of a reader's control tokens."""

    not_there: int
    end: int
    sentences: tuple[int, ...]

    @classmethod
    def of(cls, tokens: Mapping[str, int]) -> "ReaderIds":
        """The ids in a vocabulary.

        Raises:
            KeyError: one of them is not in it.
        """
        numbers = range(1, MOST_SENTENCES + 1)
        sentences = tuple(tokens[sentence_token(number)] for number in numbers)
        return cls(tokens[ReaderToken.NOT_THERE], tokens[ReaderToken.END], sentences)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader answered."""

    sentence: int | None
    """0-based place of the sentence that it cites; None when it says that the answer is not there."""
    tokens: tuple[int, ...]
    """The span, without citation and end."""
    logprob: float
    """Mean natural log-probability of the tokens that it wrote, citation and end included."""
    doubt: float
    """Log-odds that it gave to "not there" before it cited."""
    is_whole: bool = True
    """Whether it came to an end of its own."""


class SpanWalk:
    """Which tokens may follow: a citation or "not there", then a span of the cited sentence, then the end.

    A walk over all places of the sentence at which what was written so far could stand. Spans begin and end where
    words and numbers do, so that no number is cut in two; rather where the evidence step points to than elsewhere.
    """

    def __init__(
        self,
        sentences: Sequence[Sequence[int]],
        ids: ReaderIds,
        text_of: Callable[[int], bytes],
        *,
        pointed: Sequence[range] = (),
        margin: float = _LEAST_MARGIN,
        held: bool = True,
    ) -> None:
        """`sentences` are the tokens of the prompt's sentences, `text_of` gives the bytes of a token.

        `pointed` has the places of each sentence's tokens that the evidence step points to, if it does, and `margin` is
        `Task.margin`, without which the reader decides alone. Not `held`, any token may follow the citation: to measure
        what holding is worth.
        """
        self._margin = margin
        self._pointed = pointed
        self._sentences = sentences
        self._ids = ids
        self._text_of = text_of
        self._held = held
        self._places: list[int] = []
        """Where in the cited sentence the next token could stand."""
        self._breaks: list[bool] = []
        """Whether a span may begin, or the one before end, at each place of the cited sentence and behind it."""
        self._logprobs: list[float] = []
        self._doubt = 0.0
        self.cited: int | None = None
        self.span: list[int] = []
        self.ended = False

    def allowed(self) -> list[int]:
        """The tokens that may come next; [] once it has ended."""
        if self.ended:
            return []
        if self.cited is None:
            return [self._ids.not_there, *self._ids.sentences[: len(self._sentences)]]
        told = self._sentences[self.cited]
        following = {told[place] for place in self._places if place < len(told)}
        if self.span and any(self._breaks[place] for place in self._places):
            following.add(self._ids.end)
        return sorted(following)

    def take(self, token: int) -> None:
        """Go on with one of the allowed tokens.

        Raises:
            ValueError: it is not allowed.
        """
        if token not in self.allowed():
            raise ValueError(f"token {token} does not go on with the cited sentence")
        if token in (self._ids.end, self._ids.not_there):
            self.ended = True
        elif self.cited is None:
            self.cited = self._ids.sentences.index(token)
            told = self._sentences[self.cited]
            self._breaks = word_breaks(told, self._text_of)
            self._places = [place for place in range(len(told)) if self._breaks[place]]
            self.ended = not told
        else:
            told = self._sentences[self.cited]
            self._places = [place + 1 for place in self._places if place < len(told) and told[place] == token]
            self.span.append(token)

    def pick(self, logits: FloatMatrix) -> int | None:
        """The most probable allowed token, taken; None once it has ended. `logits` has shape (vocabulary,)."""
        allowed = self.allowed()
        if self.ended:
            return None
        is_free = self.cited is not None and not self._held
        highest = float(logits.max())
        whole = highest + float(np.log(np.exp(logits - highest).sum()))
        if self.cited is None:
            self._doubt = log_odds(float(np.exp(logits[self._ids.not_there] - whole)))
        best = int(logits.argmax()) if is_free else self._best(allowed, logits, whole)
        self._logprobs.append(float(logits[best]) - whole)
        if not is_free:
            self.take(best)
        elif best == self._ids.end or best in self._ids.sentences:
            self.ended = True
        else:
            self.span.append(best)
        return best

    def _best(self, allowed: Sequence[int], logits: FloatMatrix, whole: float) -> int:
        """The most probable of the allowed tokens; the end, or "not there", only where that is likely enough.

        A small reader is surer that a span goes on than of how: what it gives to tokens that may not follow is for
        going on, too, and the sentence says how.
        """
        if self.cited is None:
            others = allowed[1:]
            if not others or is_none(self._doubt, self._margin):
                return self._ids.not_there
            return others[int(logits[others].argmax())]
        stop = self._ids.end
        others = [token for token in allowed if token != stop]
        marked = self._marked()
        if not others or (stop in allowed and logits[stop] - whole > self._sure(marked)):
            return stop
        scores = logits[others]
        if marked and not self.span:
            scores = scores + _MARKED * (np.array(others) == marked[0])
        return others[int(scores.argmax())]

    def _sure(self, marked: Sequence[int]) -> float:
        """The log-probability from which the end is taken, given the tokens that are pointed to."""
        if not marked or self.span != marked[: len(self.span)]:
            return _ENDS
        return _ENDS_BEHIND if self.span == marked else _ENDS_INSIDE

    def _marked(self) -> list[int]:
        """The tokens that are pointed to in the cited sentence, without a space before them."""
        if self.cited is None or not self._pointed:
            return []
        tokens = [self._sentences[self.cited][place] for place in self._pointed[self.cited]]
        while tokens and self._text_of(tokens[0]).isspace():
            tokens = tokens[1:]
        return tokens

    def reading(self) -> Reading:
        """What was written so far."""
        mean = float(np.mean(self._logprobs)) if self._logprobs else 0.0
        return Reading(self.cited if self.span else None, tuple(self.span), mean, self._doubt, self.ended)


def is_none(doubt: float, margin: float) -> bool:
    """Whether there is no answer, from the reader's doubt and by how much the evidence step is above its threshold.

    Both are log-odds, of there being none and of there being one.
    """
    return margin - _DOUBT * doubt < _LEAST_MARGIN


def word_breaks(tokens: Sequence[int], text_of: Callable[[int], bytes]) -> list[bool]:
    """Whether a word or number begins or ends before each token of a sentence, and behind its last one.

    Shape (len(tokens) + 1,). A decimal point or comma between two digits is inside its number.
    """
    pieces = [text_of(token) for token in tokens]
    text = b"".join(pieces).decode(errors="replace")
    place_of = {0: 0}
    at = 0
    for place, char in enumerate(text, start=1):
        at += len(char.encode())
        place_of[at] = place
    breaks = []
    at = 0
    for piece in [*pieces, b""]:
        reached = place_of.get(at)  # None inside a letter
        breaks.append(reached is not None and not _inside_word(text, reached))
        at += len(piece)
    return breaks


def _inside_word(text: str, place: int) -> bool:
    before, after = text[max(place - 2, 0) : place], text[place : place + 2]
    if not before or not after:
        return False
    inside = after[0] in ".," and before[-1].isdigit() and after[1:].isdigit()
    inside |= before[-1] in ".," and after[0].isdigit() and before[:-1].isdigit()
    return inside or (before[-1].isalnum() and after[0].isalnum())
