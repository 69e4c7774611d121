"""A reader at work: a task's sentences to its prompt, and the span that it writes as an answer before the quotation."""

import re
from collections.abc import Callable, Generator, Sequence

from rag.conversation import questions_in
from rag.language.asking import AnswerKind, answer_kind
from rag.llm.llama import LlamaRuntime
from rag.llm.span_decoding import (
    EVIDENCE_ROLE,
    MOST_SENTENCES,
    POINTED_ROLE,
    REST_ROLE,
    ReaderIds,
    Reading,
    SpanWalk,
)
from rag.llm.writing import Piece
from rag.prompting import REFUSAL
from rag.quoting import quoted
from rag.text import syllables
from rag.types import Evidence, Message, Notice, Task

ANSWER_TOKENS = 64
"""Longest span, about 50 syllables, with its citation and its end."""
MOST_SYLLABLES = 30
"""Of a short answer."""
# "530" is no answer where the sentence says "530 tỷ won".
_UNIT = r"%|(?: (?:trăm|nghìn|ngàn|vạn|triệu|tỷ|tỉ))+(?: (?:đồng|won|đô la|usd|euro|yên|nhân dân tệ))?(?!\w)"
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("‘", "’"), ("«", "»"))


class SpanReader:
    """A loaded GGUF that says of itself that it is a reader."""

    def __init__(self, llama: LlamaRuntime) -> None:
        """Look up its control tokens.

        Raises:
            ModelError: it lacks one of them.
        """
        self._llama = llama
        self._ids = ReaderIds.of(llama.control_tokens())

    def stream(self, task: Task, stopped: Callable[[], bool]) -> Generator[Piece]:
        """The span as it is found, then the evidence as a quoting answer tells it; the refusal when it is not there.

        What a span cannot answer is quoted alone: several questions at once, lists, sentences longer than the window;
        and a span that is not short is taken back.

        Raises:
            RuntimeError: llama.cpp failed.
        """
        sentences = self.fitting(task)
        if not sentences or not has_short_answer(task.question):
            yield from quoted(task)
            return
        pieces = self.read(task, sentences, stopped)
        written = ""
        reading: Reading | None = None
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                reading = end.value
                break
            yield piece if written else piece.lstrip()
            written += piece
        if reading is None:  # stopped
            return
        if reading.sentence is None:
            yield REFUSAL
            return
        if not reading.is_whole or len(syllables(written)) > MOST_SYLLABLES:
            yield Notice(restarts=True)
            yield from quoted(task)
            return
        cited = sentences[reading.sentence]
        yield f"{completion(written.strip(), cited.text)} [{cited.passage + 1}]"
        if len(task.evidence) > 1 or written.strip().rstrip(".") != " ".join(cited.text.split()).rstrip("."):
            yield "\n"
            yield from quoted(task)

    def read(
        self, task: Task, sentences: Sequence[Evidence], stopped: Callable[[], bool], *, held: bool = True
    ) -> Generator[str, None, Reading | None]:
        """Pieces of the span; returns what was answered, None when it was stopped.

        Args:
            task: what is asked, and how sure the evidence step is of an answer.
            sentences: of its evidence, at most MOST_SENTENCES that fit into the window, the most promising first.
            stopped: asked before each token.
            held: whether the span is held to the cited sentence; without it the most probable token is taken.
        """
        llama = self._llama
        prompt = llama.prompt(messages(task.question, sentences))
        walk = SpanWalk(
            [llama.tokens(one.text) for one in sentences],
            self._ids,
            llama.token_bytes,
            pointed=[self._pointed(one) for one in sentences],
            margin=task.margin,
            held=held,
        )
        pieces = llama.generate(prompt, ANSWER_TOKENS, stopped, walk.pick)
        yield from pieces
        return None if stopped() else walk.reading()

    def _pointed(self, one: Evidence) -> range:
        """The places of a sentence's tokens that the evidence step points to."""
        before, words, _ = parts(one)
        begin = self._llama.count(before)
        return range(begin, begin + self._llama.count(words))

    def fitting(self, task: Task) -> list[Evidence]:
        """As many sentences of the evidence, the most promising first, as the window holds; none of a list."""
        if any(one.pointed is None for one in task.evidence):
            return []
        left = self._llama.context_tokens - ANSWER_TOKENS - self._llama.count(task.question) - 2
        kept: list[Evidence] = []
        for one in sorted(task.evidence, key=lambda one: -one.promise)[:MOST_SENTENCES]:
            cost = self._llama.count(one.text) + 3
            if cost <= left:
                kept.append(one)
                left -= cost
        return kept


def has_short_answer(question: str) -> bool:
    """Whether one span can be the answer: not of several questions, and not of one that asks for a list."""
    return len(questions_in(question)) == 1 and answer_kind(question) is not AnswerKind.LIST


def messages(question: str, sentences: Sequence[Evidence]) -> list[Message]:
    """The question and each sentence, in three parts where the evidence step points into it."""
    told = [Message("user", question)]
    for one in sentences:
        before, words, rest = parts(one)
        told.append(Message(EVIDENCE_ROLE, before))
        if words:
            told += [Message(POINTED_ROLE, words), Message(REST_ROLE, rest)]
    return told


def completion(written: str, sentence: str) -> str:
    """What belongs to a span and follows in its sentence: size and unit of a number, or what closes a bracket."""
    if written[-1:].isdigit():
        unit = re.search(rf"(?<![\w.,]){re.escape(written)}({_UNIT})", sentence, re.IGNORECASE)
        return unit[1] if unit is not None else ""
    for opening, closing in _PAIRS:
        if written.count(opening) > written.count(closing) and written + closing in sentence:
            return closing
    return ""


def parts(one: Evidence) -> tuple[str, str, str]:
    """A sentence up to where the evidence step points, what it points to, and the rest; all of it where it does not."""
    start, end = one.pointed or (0, 0)
    if start == end:
        return one.text, "", ""
    before = one.text[:start].rstrip()  # a token begins with the space before its word
    return before, one.text[len(before) : end], one.text[end:]
