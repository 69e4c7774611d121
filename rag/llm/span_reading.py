"""A reader at work: a task's sentences to its prompt, and the span that it points to as an answer with its sentence."""

from collections.abc import Callable, Generator, Sequence

from rag.conversation import questions_in
from rag.llm.llama import LlamaRuntime
from rag.llm.span_decoding import EVIDENCE_ROLE, MOST_SENTENCES, ReaderIds, Reading, SpanWalk
from rag.llm.writing import Piece
from rag.prompting import REFUSAL
from rag.quoting import quoted
from rag.relevance.features import candidates
from rag.types import Evidence, Message, Notice, Task

ANSWER_TOKENS = 64
"""Longest span, about 50 syllables, with its citation and its end."""


class SpanReader:
    """A loaded GGUF that says of itself that it is a reader."""

    def __init__(self, llama: LlamaRuntime) -> None:
        """Look up its control tokens.

        Raises:
            ModelError: it lacks one of them.
        """
        self._llama = llama
        self._ids = ReaderIds.of(llama.control_tokens())
        self._names = set(llama.control_tokens().values())

    def stream(self, task: Task, stopped: Callable[[], bool]) -> Generator[Piece]:
        """The span as it is found, then the sentence that it stands in; the refusal when it is not there.

        What a span cannot answer is quoted: several questions at once, sentences that are longer than the window.

        Raises:
            RuntimeError: llama.cpp failed.
        """
        sentences = self.fitting(task.question, sentences_to_read(task))
        if not sentences or len(questions_in(task.question)) > 1:
            yield from quoted(task)
            return
        pieces = self.read(task.question, [one.text for one in sentences], stopped)
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
        least = self._llama.least_logprob
        if reading.sentence is None or (least is not None and reading.logprob < least):
            yield Notice(restarts=True)
            yield REFUSAL
            return
        cited = sentences[reading.sentence]
        sentence = " ".join(cited.text.split())
        is_whole = written.strip().rstrip(".") == sentence.rstrip(".")
        yield f" [{cited.passage + 1}]" if is_whole else f" [{cited.passage + 1}]\n{sentence} [{cited.passage + 1}]"

    def read(
        self, question: str, sentences: Sequence[str], stopped: Callable[[], bool], *, held: bool = True
    ) -> Generator[str, None, Reading | None]:
        """Pieces of the span; returns what was answered, None when it was stopped.

        Args:
            question: what is asked.
            sentences: at most MOST_SENTENCES that fit into the window.
            stopped: asked before each token.
            held: whether the span is held to the cited sentence; without it the most probable token is taken.
        """
        llama = self._llama
        prompt = llama.prompt([Message("user", question), *(Message(EVIDENCE_ROLE, text) for text in sentences)])
        walk = SpanWalk([llama.tokens(text) for text in sentences], self._ids, llama.token_bytes, held=held)
        pieces = llama.generate(prompt, ANSWER_TOKENS, stopped, walk.pick)
        yield from pieces
        return None if stopped() else walk.reading()

    def fitting(self, question: str, sentences: Sequence[Evidence]) -> list[Evidence]:
        """As many of the sentences, the best first, as the window holds; in the order of their passages."""
        left = self._llama.context_tokens - ANSWER_TOKENS - self._llama.count(question) - 2
        kept: list[Evidence] = []
        for one in sentences:
            cost = self._llama.count(one.text) + 1
            if cost <= left and len(kept) < MOST_SENTENCES:
                kept.append(one)
                left -= cost
        return sorted(kept, key=lambda one: (one.passage, one.start_char))


def sentences_to_read(task: Task) -> list[Evidence]:
    """The evidence of a task, the best first, then the sentences before and behind it; of a task without, all."""
    found = [
        Evidence(one.passage, one.start_char, one.end_char, one.text, 0.0) for one in candidates(task.passages)
    ]  # fmt: skip
    place = {(one.passage, one.start_char): at for at, one in enumerate(found)}
    if not task.evidence:
        return found
    chosen = sorted(task.evidence, key=lambda one: -one.score)
    taken = {(one.passage, one.start_char) for one in chosen}
    for one in list(chosen):
        at = place.get((one.passage, one.start_char))
        if at is None:
            continue
        for beside in found[max(at - 1, 0) : at + 2]:
            if beside.passage == one.passage and (beside.passage, beside.start_char) not in taken:
                taken.add((beside.passage, beside.start_char))
                chosen.append(beside)
    return chosen
