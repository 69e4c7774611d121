"""Evidence to the text of an answer: quoting it, or by a local GGUF model through llama.cpp."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import LlmConfig
from rag.errors import GenerationError, ModelError
from rag.models import check_model
from rag.prompting import build_messages
from rag.quoting import quoted
from rag.types import Message, Task

if TYPE_CHECKING:
    from llama_cpp import Llama

_WAIT_S = 0.1
"""How often a waiting question looks whether it was cancelled."""
_CONTENT = re.compile(r"⟪(\d+)⟫")
_THOUGHTS = re.compile(r"<think>.*?(?:</think>\s*|$)", re.DOTALL)


class ExtractiveGenerator:
    """Quotes the chosen sentences, each with its [n]; needs no model and invents nothing."""

    name = "extractive"

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[str]:
        """The sentences one by one, in the order of the evidence."""
        for piece in quoted(task):
            if cancelled():
                return
            yield piece


class LlamaGenerator:
    """Any GGUF chat model through llama.cpp, with the file's own chat template; one answer at a time."""

    def __init__(self, path: Path, config: LlmConfig) -> None:
        """Load the model.

        Raises:
            ModelError: the file is not there, is not a GGUF of a chat model, or llama.cpp cannot run it.
        """
        self.name = path.name
        self._config = config
        self._lock = threading.Lock()
        self._llama = _load(path, config)
        self._template = _chat_template(self._llama, path)

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Pieces of the model's answer, its thoughts left out; waits while another answer is being written.

        An iterator that is not read to its end keeps the model busy until it is closed or let go of.

        Raises:
            GenerationError: the passages do not fit, or llama.cpp failed while writing.
        """
        budget = self._config.context_tokens - self._config.max_tokens
        messages, _ = build_messages(task, self._count_tokens, budget)
        while not self._lock.acquire(timeout=_WAIT_S):
            if cancelled():
                return
        try:
            prompt = self._rendered(messages)
            thinking = prompt.rstrip().endswith("<think>")
            yield from _without_thoughts(self._pieces(self._tokens(prompt, messages), cancelled), thinking)
        except (ValueError, RuntimeError) as error:
            raise GenerationError(f"{self.name} stopped while writing ({error}): try --llm none") from error
        finally:
            self._lock.release()

    def _rendered(self, messages: Sequence[Message]) -> str:
        """The chat template round the messages, with ⟪n⟫ in the place of the nth message's content."""
        spoken = [{"role": message.role, "content": f"⟪{place}⟫"} for place, message in enumerate(messages)]
        try:
            return self._template(spoken)
        except ValueError:  # how a template says that it knows no system role (Gemma 2)
            return self._template([{"role": "user", "content": "\n\n".join(one["content"] for one in spoken)}])

    def _tokens(self, prompt: str, messages: Sequence[Message]) -> list[int]:
        """What the model reads: only the template can set control tokens, whatever the passages hold."""
        tokens: list[int] = []
        for position, part in enumerate(_CONTENT.split(prompt)):
            text = messages[int(part)].content if position % 2 else part
            tokens += self._llama.tokenize(text.encode(), add_bos=False, special=not position % 2)
        return tokens

    def _pieces(self, prompt: list[int], cancelled: Callable[[], bool]) -> Iterator[str]:
        chunks: Any = self._llama.create_completion(
            prompt,
            max_tokens=self._config.max_tokens,
            temperature=self._config.temperature,
            seed=self._config.seed,
            repeat_penalty=1.05,
            stream=True,
        )
        for chunk in chunks:
            if cancelled():
                return
            piece = chunk["choices"][0]["text"]
            if piece:
                yield piece

    def _count_tokens(self, text: str) -> int:
        return len(self._llama.tokenize(text.encode(), add_bos=False, special=False))


def _load(path: Path, config: LlmConfig) -> "Llama":
    # Elsewhere first: a file that llama.cpp aborts on, or a library built for another CPU, would end this process.
    check_model(path, written_tokens=1)
    try:
        from jinja2 import TemplateError
        from llama_cpp import Llama, llama_supports_gpu_offload
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"llama-cpp-python is not usable ({error}): run `make clean chat`, or use --llm none"
        ) from error
    if config.gpu_layers and not llama_supports_gpu_offload():
        raise ModelError(
            f"llm.gpu_layers is {config.gpu_layers}, and llama-cpp-python is built for the CPU: build it for the GPU"
            " (`make llm CMAKE_ARGS=…`), or leave out --gpu-layers"
        )
    threads = config.threads or _physical_cores()
    try:
        return Llama(
            model_path=str(path),
            n_ctx=config.context_tokens,
            n_threads=threads,
            n_threads_batch=threads,
            n_gpu_layers=config.gpu_layers,
            seed=config.seed,
            verbose=False,
        )
    except (ValueError, RuntimeError, OSError, AssertionError, TemplateError) as error:
        raise ModelError(f"llama.cpp cannot load {path} ({error}): run `rag models check {path}`") from error


def _chat_template(llama: "Llama", path: Path) -> Callable[[list[dict[str, str]]], str]:
    """The file's chat template as a function of the messages, with the thinking of hybrid models switched off.

    Raises:
        ModelError: the file has none: a base model goes on with the prompt instead of answering it.
    """
    from jinja2 import TemplateError
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    source = llama.metadata.get("tokenizer.chat_template")
    if not source:
        raise ModelError(f"{path} has no chat template: choose a chat (instruct) model")
    bos, eos = (
        llama.detokenize([token], special=True).decode() if token >= 0 else ""
        for token in (llama.token_bos(), llama.token_eos())
    )
    formatter = Jinja2ChatFormatter(template=source, bos_token=bos, eos_token=eos)

    def render(messages: Any) -> str:
        try:
            prompt: str = formatter(messages=messages, enable_thinking=False).prompt
        except (TemplateError, TypeError, ArithmeticError, LookupError) as error:
            raise RuntimeError(f"its chat template fails: {error}") from error
        return prompt

    return render


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


def _without_thoughts(pieces: Iterator[str], thinking: bool) -> Iterator[str]:
    """The pieces without <think>…</think>, also when the tags come in parts; `thinking` tells that it has begun."""
    written = "<think>" if thinking else ""
    shown = ""
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
