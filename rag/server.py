"""Evidence to the text of an answer by an OpenAI-compatible server: llama-server, vLLM, or one on the internet."""

import json
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from rag.config import API_KEY_VARIABLE, LlmConfig, remote_server
from rag.errors import first_line, marked
from rag.generation import ExtractiveGenerator
from rag.llm.writing import Piece, reviewed
from rag.prompting import answer_tokens, build_messages, fitting
from rag.types import Notice, Remark, Task

_PAUSES_S = (0.5, 2.0)
"""Before the second and the third try; servers that load a model or are busy are often back by then."""
_LONGEST_PAUSE_S = 10.0
"""A server that asks to wait longer counts as down."""
_CONNECT_S = 5.0
_WAIT_S = 0.1
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that may be gone at the next try."""
_FRAME_TOKENS = 64
_CHARS_PER_TOKEN = 2.0
"""Vietnamese has 2.2 to 3.5 characters a token in current vocabularies; the server's own is not known here."""

_log = logging.getLogger(__name__)


class ServerGenerator:
    """A chat model behind an OpenAI-compatible server; quotes the documents while the server gives no answer."""

    def __init__(self, config: LlmConfig) -> None:
        """Nothing is sent yet: a server may start after this program."""
        self._config = config
        self._host = urlsplit(config.base_url).netloc.rpartition("@")[2]
        self._model = config.model
        self._quoting = ExtractiveGenerator()
        key = os.environ.get(API_KEY_VARIABLE, "")
        self._client = httpx.Client(
            base_url=config.base_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(config.time_limit_s, connect=_CONNECT_S),
            # A proxy of the environment has no business between this machine and itself.
            trust_env=bool(remote_server(config)),
        )

    @property
    def name(self) -> str:
        """The model and the server's address."""
        return f"{self._config.model or 'LLM'} @ {self._host}"

    def fitted(self, task: Task) -> Task:
        """The task with the passages that `llm.context_tokens` hold, tokens estimated from the number of characters.

        Raises:
            GenerationError: the best passage does not fit.
        """
        window = self._config.context_tokens - self._most_tokens(task) - _FRAME_TOKENS
        return fitting(task, lambda text: round(len(text) / _CHARS_PER_TOKEN) + 1, window)

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """Pieces of the server's answer; when there is none, a notice and the sentences that bear the answer.

        Raises:
            GenerationError: the best passage does not fit.
        """
        task = self.fitted(task)
        deadline = time.monotonic() + self._config.time_limit_s
        try:
            yield from reviewed(lambda again: self._attempt(task, again, deadline, cancelled))
        except _NoAnswerError as error:
            reason = f"{self._host}: {error}"
            _log.warning("no answer from the language model at %s; quoting instead", reason)
            yield Notice(Remark.SERVER_DOWN, reason, restarts=True, generator=self._quoting.name)
            yield from self._quoting.stream(task, cancelled)

    def _most_tokens(self, task: Task) -> int:
        return answer_tokens(task, self._config.max_tokens, self._config.context_tokens)

    def _attempt(self, task: Task, again: bool, deadline: float, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """What the server writes, read in a thread of its own: a wait for the network cannot be cancelled."""
        heard: queue.Queue[Piece | _NoAnswerError | None] = queue.Queue()
        gone = threading.Event()
        body = {
            "messages": [{"role": one.role, "content": one.content} for one in build_messages(task, again=again)],
            "max_tokens": self._most_tokens(task),
            "temperature": self._config.temperature,
            "seed": self._config.seed,
            "stream": True,
        }
        threading.Thread(target=self._listen, args=(body, heard, gone), daemon=True).start()
        has_text = False
        try:
            while not cancelled():
                try:
                    piece = heard.get(timeout=_WAIT_S)
                except queue.Empty:
                    if time.monotonic() <= deadline:
                        continue
                    if not has_text:
                        raise _NoAnswerError(f"no word within {self._config.time_limit_s} s") from None
                    yield Notice(Remark.CUT_TIME, str(self._config.time_limit_s))
                    return
                if piece is None:
                    return
                if isinstance(piece, _NoAnswerError):
                    raise piece
                has_text = True
                yield piece
        finally:
            gone.set()

    def _listen(
        self, body: dict[str, Any], heard: "queue.Queue[Piece | _NoAnswerError | None]", gone: threading.Event
    ) -> None:
        """Put the pieces of one answer into `heard`, then None, or the error in their place."""
        try:
            for pause in (*_PAUSES_S, None):
                try:
                    self._model = self._model or self._first_model()
                    for piece in self._pieces({"model": self._model, **body}):
                        if gone.is_set():
                            return
                        heard.put(piece)
                    heard.put(None)
                    return
                except (httpx.ConnectError, httpx.ConnectTimeout, _PassingError) as error:
                    asked = error.pause_s if isinstance(error, _PassingError) else 0.0
                    if pause is None or asked > _LONGEST_PAUSE_S or gone.wait(max(pause, asked)):
                        raise
        except (httpx.HTTPError, _NoAnswerError) as error:
            heard.put(_NoAnswerError(first_line(error)))
        except (ValueError, LookupError, TypeError, AttributeError):
            heard.put(_NoAnswerError("what it sends is no chat completion: check llm.base_url"))

    def _pieces(self, body: dict[str, Any]) -> Iterator[Piece]:
        with self._client.stream("POST", "chat/completions", json=body) as response:
            _require_fine(response)
            is_whole = False
            for line in response.iter_lines():
                data = line.removeprefix("data:").strip()
                if not line.startswith("data:") or not data:
                    continue
                if data == "[DONE]":
                    break
                event = json.loads(data)
                if event.get("error"):
                    raise _NoAnswerError(str(event["error"])[:200])
                for choice in event.get("choices", [])[:1]:
                    is_whole = is_whole or bool(choice.get("finish_reason"))
                    if text := choice.get("delta", {}).get("content"):
                        yield text
                    if choice.get("finish_reason") == "length":
                        yield Notice(Remark.CUT_TOKENS, str(body["max_tokens"]))
            if not is_whole:  # as when the prompt was too long for the server, which had promised an answer by then
                raise _NoAnswerError("its answer broke off")

    def _first_model(self) -> str:
        response = self._client.get("models")
        _require_fine(response)
        return str(response.json()["data"][0]["id"])


class _NoAnswerError(Exception):
    """The server gave no answer; the message says why."""


class _PassingError(_NoAnswerError):
    """The same, and the next try may succeed after `pause_s` seconds."""

    def __init__(self, message: str, pause_s: float) -> None:
        super().__init__(message)
        self.pause_s = pause_s


def _require_fine(response: httpx.Response) -> None:
    if response.is_success:
        return
    message = f"status {response.status_code} {response.reason_phrase}".strip()
    if response.status_code in _PASSING:
        after = response.headers.get("retry-after", "")
        raise _PassingError(message, float(after) if after.isdigit() else 0.0)
    if response.status_code in (401, 403):
        message = marked(f"{message}: check the key in {API_KEY_VARIABLE}")
    elif response.status_code == 400:
        response.read()
        message += f": {' '.join(response.text.split())[:200]}"
    raise _NoAnswerError(message)
