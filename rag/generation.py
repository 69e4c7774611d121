"""Evidence to the text of an answer: quoting it, or by a local GGUF model through llama.cpp."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from rag.config import LlmConfig
from rag.errors import GenerationError
from rag.llm.llama import LlamaRuntime
from rag.llm.span_reading import SpanReader
from rag.llm.writing import THINKING, Piece, reviewed
from rag.prompting import INSTRUCTIONS, answer_tokens, build_messages, fitting
from rag.quoting import quoted
from rag.types import Message, Notice, Remark, Task

_WAIT_S = 0.1
"""How often a waiting question looks whether it was cancelled."""
_THOUGHT_TOKENS = 1024
"""Room for the thoughts of a model that cannot answer without them, at most a third of the window."""


class ExtractiveGenerator:
    """Quotes the chosen sentences, each with its [n]; needs no model and invents nothing."""

    name = "extractive"

    def fitted(self, task: Task) -> Task:
        """The task as it is: quoting has no window."""
        return task

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[str]:
        """The sentences one by one, in the order of the evidence."""
        for piece in quoted(task):
            if cancelled():
                return
            yield piece


class LlamaGenerator:
    """Any GGUF chat model through llama.cpp, with the file's own chat template; one answer at a time, in turn."""

    def __init__(self, path: Path, config: LlmConfig) -> None:
        """Load the model.

        Raises:
            ModelError: the file is not there, is not a GGUF of a chat model, or llama.cpp cannot run it.
        """
        self.name = path.name
        self._config = config
        self._queue = _Queue()
        self._llama = LlamaRuntime(path, config)
        self._reader = SpanReader(self._llama) if self._llama.is_reader else None
        self._frame: tuple[int, int] | None = None

    @property
    def is_reader(self) -> bool:
        """Whether the file is a reader, which points to spans of the evidence instead of writing."""
        return self._reader is not None

    def fitted(self, task: Task) -> Task:
        """The task with the passages that the window holds beside the answer, counted in the model's own tokens.

        Raises:
            GenerationError: the best passage does not fit, or the chat template fails.
        """
        if self._reader is not None:
            return task  # it is sent sentences, not passages
        frame, thoughts = self._framing()
        window = self._llama.context_tokens - self._most_tokens(task) - thoughts - frame
        return fitting(task, self._llama.count, window)

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """Pieces of the model's answer, its thoughts left out; waits while other answers are being written.

        An iterator that is not read to its end keeps the model busy until it is closed or let go of.

        Raises:
            GenerationError: the passages do not fit, the time was over before the first word, or llama.cpp failed.
        """
        task = self.fitted(task)
        with self._queue.turn(cancelled) as is_ours:
            if is_ours:
                deadline = time.monotonic() + self._config.time_limit_s
                try:
                    if self._reader is not None:
                        yield from self._reader.stream(task, lambda: cancelled() or time.monotonic() > deadline)
                    else:
                        yield from reviewed(lambda again: self._attempt(task, again, deadline, cancelled))
                except (ValueError, RuntimeError) as error:
                    raise GenerationError(f"{self.name} stopped while writing ({error}): try --llm none") from error

    def _attempt(self, task: Task, again: bool, deadline: float, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        prompt = self._llama.prompt(build_messages(task, again=again))
        thoughts = self._framing()[1]
        self._llama.begin(self._beginning(), cancelled)
        if thoughts:
            yield THINKING
        pieces = self._llama.generate(
            prompt, self._most_tokens(task) + thoughts, lambda: cancelled() or time.monotonic() > deadline
        )
        is_silent = True
        ended = False
        while not ended:
            try:
                yield next(pieces)
                is_silent = False
            except StopIteration as end:
                ended = end.value
                break
        if ended or cancelled():
            return
        if time.monotonic() <= deadline:
            yield Notice(Remark.CUT_TOKENS, str(self._most_tokens(task)))
        elif is_silent:
            raise GenerationError(
                f"{self.name} did not get to its first word in {self._config.time_limit_s} s: raise llm.time_limit_s,"
                " lower retrieval.passages or take a smaller model"
            )
        else:
            yield Notice(Remark.CUT_TIME, str(self._config.time_limit_s))

    def _most_tokens(self, task: Task) -> int:
        return answer_tokens(task, self._config.max_tokens, self._llama.context_tokens)

    def _beginning(self) -> list[int]:
        """The tokens that the prompt of every question begins with."""
        told = (self._llama.prompt([Message("system", INSTRUCTIONS), Message("user", text)]) for text in ("1", "2"))
        return [one for one, other in takewhile(lambda pair: pair[0] == pair[1], zip(*told, strict=False))]

    def _framing(self) -> tuple[int, int]:
        """Tokens that the template puts round the messages, and those to keep for thoughts that it begins."""
        if self._frame is None:
            try:
                around = self._llama.prompt([Message("system", ""), Message("user", "")])
            except (ValueError, RuntimeError) as error:
                raise GenerationError(f"{self.name} stopped while writing ({error}): try --llm none") from error
            thinks = self._llama.text(around).rstrip().endswith(THINKING)
            self._frame = len(around), min(_THOUGHT_TOKENS, self._llama.context_tokens // 3) if thinks else 0
        return self._frame


class _Queue:
    """Turns in the order of arrival: `threading.Lock` may let the last one in first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: deque[object] = deque()

    @contextmanager
    def turn(self, cancelled: Callable[[], bool]) -> Iterator[bool]:
        """Whether it is one's turn, which lasts as long as the context; False once cancelled."""
        ticket = object()
        with self._changed:
            self._tickets.append(ticket)
        try:
            is_ours = False
            while not is_ours:
                with self._changed:
                    is_ours = self._changed.wait_for(lambda: self._tickets[0] is ticket, _WAIT_S)
                if not is_ours and cancelled():
                    break
            yield is_ours
        finally:
            with self._changed:
                self._tickets.remove(ticket)
                self._changed.notify_all()
