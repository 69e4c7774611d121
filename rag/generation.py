"""Evidence to the text of an answer: quoting it, or by a local GGUF model through llama.cpp."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import LlmConfig
from rag.errors import GenerationError, ModelError
from rag.models import require_gguf
from rag.prompting import build_messages
from rag.types import Task

if TYPE_CHECKING:
    from llama_cpp import Llama

_THOUGHTS = re.compile(r"<think>.*?(?:</think>\s*|$)", re.DOTALL)


class ExtractiveGenerator:
    """Quotes the chosen sentences, each with its [n]; needs no model and invents nothing."""

    name = "extractive"

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[str]:
        """The sentences one by one, in the order of the evidence."""
        for position, found in enumerate(task.evidence):
            if cancelled():
                return
            yield f"{' ' if position else ''}{found.text} [{found.passage + 1}]"


class LlamaGenerator:
    """Any GGUF chat model through llama.cpp, with the file's own chat template; one answer at a time."""

    def __init__(self, path: Path, config: LlmConfig) -> None:
        """Load the model.

        Raises:
            ModelError: the file is not there, is not a GGUF, or llama.cpp cannot run it.
        """
        self._config = config
        self._lock = threading.Lock()
        self._llama = _load(path, config)
        self.name = path.name

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Pieces of the model's answer, its thoughts left out; waits while another answer is being written.

        Raises:
            GenerationError: the passages do not fit, or llama.cpp failed while writing.
        """
        budget = self._config.context_tokens - self._config.max_tokens
        messages, _ = build_messages(task, self._count_tokens, budget)
        with self._lock:
            try:
                yield from _without_thoughts(self._pieces(messages, cancelled))
            except (ValueError, RuntimeError) as error:
                raise GenerationError(f"{self.name} stopped while writing ({error}): try --llm none") from error

    def _pieces(self, messages: Any, cancelled: Callable[[], bool]) -> Iterator[str]:
        chunks: Any = self._llama.create_chat_completion(
            messages=[{"role": message.role, "content": message.content} for message in messages],
            max_tokens=self._config.max_tokens,
            temperature=self._config.temperature,
            seed=self._config.seed,
            repeat_penalty=1.05,
            stream=True,
        )
        for chunk in chunks:
            if cancelled():
                return
            piece = chunk["choices"][0]["delta"].get("content")
            if piece:
                yield piece

    def _count_tokens(self, text: str) -> int:
        return len(self._llama.tokenize(text.encode(), add_bos=False, special=False))


def _load(path: Path, config: LlmConfig) -> "Llama":
    require_gguf(path)
    try:
        from llama_cpp import Llama
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"llama-cpp-python is not usable ({error}): run `make clean chat`, or use --llm none"
        ) from error
    try:
        return Llama(
            model_path=str(path),
            n_ctx=config.context_tokens,
            n_threads=config.threads or _physical_cores(),
            n_gpu_layers=config.gpu_layers,
            seed=config.seed,
            verbose=False,
        )
    except (ValueError, RuntimeError, OSError, AssertionError) as error:
        raise ModelError(f"llama.cpp cannot load {path} ({error}): run `rag models check {path}`") from error


def _physical_cores() -> int:
    """Cores, not hyper-threads: two threads of one core share the unit that does the arithmetic."""
    try:
        pairs = {
            (entry / "physical_package_id").read_text() + (entry / "core_id").read_text()
            for entry in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology")
        }
    except OSError:
        pairs = set()
    return min(
        len(pairs) or os.cpu_count() or 1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 64
    )


def _without_thoughts(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces without <think>…</think>, also when the tags come in parts."""
    written = shown = ""
    for piece in pieces:
        written += piece
        visible = _THOUGHTS.sub("", written)
        # "<thi" may become a tag: it waits until it is clear what it is.
        opening = visible.rfind("<")
        if opening >= 0 and "<think>".startswith(visible[opening:]):
            visible = visible[:opening]
        if len(visible) > len(shown):
            yield visible[len(shown) :]
            shown = visible
    rest = _THOUGHTS.sub("", written)[len(shown) :]
    if rest:
        yield rest
