"""llama.cpp: a GGUF file to prompts in its own template and to text, one token after the other.

Straight on llama.cpp's own functions: the class `Llama` of llama-cpp-python looks at every token's text again for each
new one, cannot be stopped while it reads a prompt, and reads it in parts that depend on what was asked before.
"""

import codecs
import ctypes
import logging
import re
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rag.config import LlmConfig, resolve
from rag.errors import ModelError
from rag.llm.loaded import BATCH_TOKENS, abort_flag, freed, library, loaded, sampler, states_kept_for
from rag.llm.span_decoding import CONTROL_TOKENS, READER_KEY
from rag.models import require_runs
from rag.types import FloatMatrix, Message

_LOOK_S = 0.1
"""How often it is looked whether the prompt that is being read was cancelled."""
_ABORTED = 2
"""What llama_decode gives when it was told to stop."""
_TILE_TOKENS = 8
"""Batches begin at multiples of it. llama.cpp multiplies four rows at once, and those left over in another way: so a
token gets the same numbers, to the last bit, however the prompt was cut and whatever was in memory before."""
WORTH_KEEPING_S = 0.3
"""From so long a time for reading the text that every prompt begins with, what comes of it is kept on disk."""
_THOUGHT_MARKS = (b"<think>", b"</think>")
_CONTENT = re.compile(r"⟪(\d+)⟫")

_log = logging.getLogger(__name__)


class LlamaRuntime:
    """A loaded GGUF chat model. `count` may be called from any thread, `generate` by one at a time."""

    def __init__(self, path: Path, config: LlmConfig) -> None:
        """Load the model.

        Raises:
            ModelError: the file is not there, is not a GGUF of a chat model, or llama.cpp cannot run it.
        """
        # Elsewhere first: a file that llama.cpp aborts on, or a library built for another CPU, would end this process.
        require_runs(path, resolve(config.cache) if config.cache else None)
        self._cpp = cpp = library()
        self._model, self._context = loaded(cpp, path, config)
        self._sampler = sampler(cpp, config)
        self._abort = abort_flag(cpp, self._context)
        weakref.finalize(self, freed, cpp, self._model, self._context, self._sampler, self._abort)
        self._vocabulary = cpp.llama_model_get_vocab(self._model)
        self._memory = cpp.llama_get_memory(self._context)
        self.context_tokens: int = cpp.llama_n_ctx(self._context)
        self._template = self._chat_template(path)
        self._kept = states_kept_for(cpp, path, config)
        self._read: list[int] = []
        """The prompt tokens whose keys and values stand in the context's memory, from its first position on."""
        self.tokens_read = 0
        """Tokens of prompts that were computed so far, those found in memory not counted."""
        self.is_reader = self._metadata(READER_KEY) == "true"
        """Whether the file says that it reads instead of chatting (rag/llm/span_decoding.py)."""

    def count(self, text: str) -> int:
        """Tokens of a text in which nothing is a control token."""
        return len(self._tokens(text, special=False))

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text in which nothing is a control token."""
        return self._tokens(text, special=False)

    def token_bytes(self, token: int) -> bytes:
        """What a token stands for; a control token for its name."""
        return self._bytes(token)

    def control_tokens(self) -> dict[str, int]:
        """The ids of a reader's control tokens.

        Raises:
            ModelError: one of them is missing.
        """
        found = {name: self._tokens(name, special=True) for name in CONTROL_TOKENS}
        missing = [name for name, tokens in found.items() if len(tokens) != 1]
        if missing:
            raise ModelError(
                f"the reader lacks {', '.join(missing)}: make it again with models/training/reader_export.py"
            )
        return {name: tokens[0] for name, tokens in found.items()}

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of the messages in the file's template; only the template can set control tokens.

        Raises:
            RuntimeError: the template fails.
        """
        spoken = [{"role": message.role, "content": f"⟪{place}⟫"} for place, message in enumerate(messages)]
        try:
            rendered = self._template(spoken)
        except ValueError:  # how a template says that it knows no system role (Gemma 2)
            rendered = self._template([{"role": "user", "content": "\n\n".join(one["content"] for one in spoken)}])
        tokens: list[int] = []
        for position, part in enumerate(_CONTENT.split(rendered)):
            text = messages[int(part)].content if position % 2 else part
            tokens += self._tokens(text, special=not position % 2)
        first = self._cpp.llama_vocab_bos(self._vocabulary)
        if self._cpp.llama_vocab_get_add_bos(self._vocabulary) and tokens[:1] != [first]:
            tokens.insert(0, first)
        return tokens

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, control tokens spelled out."""
        return b"".join(map(self._bytes, tokens)).decode(errors="ignore")

    def generate(
        self,
        prompt: Sequence[int],
        limit: int,
        stopped: Callable[[], bool],
        pick: Callable[[FloatMatrix], int | None] | None = None,
    ) -> Generator[str, None, bool]:
        """Pieces of whole characters that go on with the prompt, at most `limit` tokens.

        `pick` chooses each token by the logits of all, shape (vocabulary,), and ends the text with None; control tokens
        that it chooses are taken in and not shown. `stopped` is asked before every token and while the prompt is being
        read. What the prompt has in common with the one before it, from the beginning on, is not read again. Returns
        whether the model ended by itself.

        Raises:
            ValueError: the prompt is empty or leaves no room in the window.
            RuntimeError: llama.cpp failed.
        """
        if not 0 < len(prompt) < self.context_tokens:
            raise ValueError(f"a prompt of {len(prompt)} tokens in a window of {self.context_tokens}")
        if not self._take_in(list(prompt), stopped):
            return False
        cpp, vocabulary = self._cpp, self._vocabulary
        characters = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        cpp.llama_sampler_reset(self._sampler)
        token: int | None = None
        for _ in range(min(limit, self.context_tokens - len(prompt))):
            if stopped():
                return False
            if token is not None:
                self._decode([token])
            if pick is not None:
                token = pick(self._logits())
                if token is None:
                    return True
                if cpp.llama_vocab_is_control(vocabulary, token):
                    continue
                if piece := characters.decode(self._bytes(token)):
                    yield piece
                continue
            token = cpp.llama_sampler_sample(self._sampler, self._context, -1)
            # Other control tokens begin a turn or a tool's call: the answer is over.
            spelled = self._bytes(token)
            ends_turn = cpp.llama_vocab_is_control(vocabulary, token) and spelled not in _THOUGHT_MARKS
            if ends_turn or cpp.llama_vocab_is_eog(vocabulary, token):
                return True
            if piece := characters.decode(spelled):
                yield piece
        return False

    def begin(self, tokens: Sequence[int], stopped: Callable[[], bool]) -> None:
        """Have in memory what the next prompts begin with: from disk when an earlier start has kept it, else read.

        Raises:
            RuntimeError: llama.cpp failed.
        """
        beginning = list(tokens[: len(tokens) // _TILE_TOKENS * _TILE_TOKENS])
        if self._read[: len(beginning)] == beginning or self._restored(beginning):
            return
        began = time.perf_counter()
        if self._take_in(beginning, stopped) and time.perf_counter() - began >= WORTH_KEEPING_S:
            self._keep(beginning)

    def _restored(self, tokens: list[int]) -> bool:
        state = self._kept.read(tokens) if self._kept is not None else None
        if state is None:
            return False
        self._read.clear()
        self._cpp.llama_memory_clear(self._memory, True)
        raw = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        if self._cpp.llama_state_seq_set_data(self._context, raw, len(state), 0) != len(state):
            self._cpp.llama_memory_clear(self._memory, True)
            return False
        self._read = tokens
        return True

    def _keep(self, tokens: list[int]) -> None:
        if self._kept is None:
            return
        size = self._cpp.llama_state_seq_get_size(self._context, 0)
        raw = (ctypes.c_uint8 * size)()
        if self._cpp.llama_state_seq_get_data(self._context, raw, size, 0) == size:
            self._kept.write(tokens, bytes(raw))

    def _take_in(self, prompt: list[int], stopped: Callable[[], bool]) -> bool:
        """Bring the context's memory to the prompt's end; False when it was stopped on the way."""
        alike = next((at for at, pair in enumerate(zip(self._read, prompt, strict=False)) if pair[0] != pair[1]), None)
        common = min(len(self._read), len(prompt)) if alike is None else alike
        # At least the last token is read now: sampling needs what comes after it.
        kept = min(common, len(prompt) - 1) // _TILE_TOKENS * _TILE_TOKENS
        if not self._cpp.llama_memory_seq_rm(self._memory, 0, kept, -1):
            kept = 0  # a recurrent model cannot go back part of the way
            self._cpp.llama_memory_clear(self._memory, True)
        del self._read[kept:]
        with self._aborted_when(stopped):
            for begin in range(kept, len(prompt), BATCH_TOKENS):
                batch = prompt[begin : begin + BATCH_TOKENS]
                if stopped() or not self._decode(batch):
                    return False
                self._read += batch
                self.tokens_read += len(batch)
            self._cpp.llama_synchronize(self._context)
        return True

    @contextmanager
    def _aborted_when(self, stopped: Callable[[], bool]) -> Iterator[None]:
        """Let what llama.cpp computes meanwhile end soon after `stopped()` is true; a batch can take half a minute."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_LOOK_S):
                if stopped():
                    self._abort.value = b"1"
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            self._abort.value = b""

    def _decode(self, tokens: Sequence[int]) -> bool:
        """Take tokens in; False when it was aborted."""
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        status = self._cpp.llama_decode(self._context, self._cpp.llama_batch_get_one(array, len(tokens)))
        if status not in (0, _ABORTED):
            self._read.clear()
            self._cpp.llama_memory_clear(self._memory, True)
            raise RuntimeError(f"llama_decode gave {status}")
        return not status

    def _logits(self) -> FloatMatrix:
        """The logits of what comes next, shape (vocabulary,); good until the next token is taken in."""
        size = self._cpp.llama_vocab_n_tokens(self._vocabulary)
        logits: FloatMatrix = np.ctypeslib.as_array(self._cpp.llama_get_logits_ith(self._context, -1), (size,))
        return logits

    def _metadata(self, key: str) -> str:
        """A value of the file's metadata as text; empty where there is none."""
        buffer = ctypes.create_string_buffer(64)
        length = self._cpp.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode(errors="replace") if length >= 0 else ""

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        raw = text.encode()
        room = len(raw) + 8
        array = (ctypes.c_int32 * room)()
        count = self._cpp.llama_tokenize(self._vocabulary, raw, len(raw), array, room, False, special)
        if count < 0:
            raise RuntimeError(f"llama_tokenize gave {count}")
        return array[:count]

    def _bytes(self, token: int) -> bytes:
        room = 64
        buffer = ctypes.create_string_buffer(room)
        length = self._cpp.llama_token_to_piece(self._vocabulary, token, buffer, room, 0, True)
        if length < 0:
            room = -length
            buffer = ctypes.create_string_buffer(room)
            length = self._cpp.llama_token_to_piece(self._vocabulary, token, buffer, room, 0, True)
        return buffer.raw[: max(length, 0)]

    def _chat_template(self, path: Path) -> Callable[[list[dict[str, str]]], str]:
        """The file's chat template as a function of the messages, with the thinking of hybrid models switched off.

        Raises:
            ModelError: the file has none: a base model goes on with the prompt instead of answering it.
        """
        from jinja2 import TemplateError
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        source = self._cpp.llama_model_chat_template(self._model, None)
        if not source:
            raise ModelError(f"{path} has no chat template: choose a chat (instruct) model")
        bos, eos = (
            self.text([token]) if token >= 0 else ""
            for token in (self._cpp.llama_vocab_bos(self._vocabulary), self._cpp.llama_vocab_eos(self._vocabulary))
        )
        try:
            formatter = Jinja2ChatFormatter(template=source.decode(), bos_token=bos, eos_token=eos)
        except (TemplateError, UnicodeDecodeError) as error:
            raise ModelError(f"the chat template of {path} is broken ({error}): choose another file") from error

        def render(messages: Any) -> str:
            try:
                prompt: str = formatter(messages=messages, enable_thinking=False).prompt
            except (TemplateError, TypeError, ArithmeticError, LookupError) as error:
                raise RuntimeError(f"its chat template fails: {error}") from error
            return prompt

        return render
