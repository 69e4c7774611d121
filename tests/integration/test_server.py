"""An OpenAI-compatible server on loopback: llama-cpp-python's own with a tiny model, and some that misbehave."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

import rag
import rag.server
from rag.config import LlmConfig, RagConfig
from rag.errors import GenerationError
from rag.server import ServerGenerator
from rag.types import Chunk, Evidence, Notice, ScoredChunk, Task
from tests.tiny_gguf import write_scripted_gguf

AX = "A.X 4.0 dựa trên mô hình nguồn mở Qwen 2.5 của Alibaba Cloud."
PASSAGE = ScoredChunk(Chunk("c", "d", AX, 0, len(AX)), 1.0, "Tin", "d.txt")
TASK = Task("A.X 4.0 dựa trên mô hình nào?", (PASSAGE,), (Evidence(0, 0, len(AX), AX, 0.9),))
PIECES = ["A.X", " 4.0 dựa", " trên Qwen", " 2.5 [1]."]
ANSWER = "".join(PIECES)
QUOTED = f"{AX} [1]"


def never() -> bool:
    return False


def asked(url: str, **settings: Any) -> list[str | Notice]:
    return list(ServerGenerator(LlmConfig(base_url=url, **settings)).stream(TASK, never))


def down(reason: str, address: str) -> Notice:
    return Notice(rag.types.Remark.SERVER_DOWN, f"{address}: {reason}", restarts=True, generator="extractive")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def event(text: str, end: str | None = None) -> bytes:
    choice = {"delta": {"content": text} if text else {}, "finish_reason": end}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


@contextmanager
def serving(*answers: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that treats the nth request as the nth of `answers` does, the last one again and again.

    Gives its address and, as they come, the requests: path, headers and body.
    """
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            requests.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(body or b"{}")})
            answers[min(len(requests), len(answers)) - 1](self)

        do_GET = do_POST  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        server.shutdown()
        server.server_close()


def stream(*lines: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for line in lines:
            handler.wfile.write(line)
            handler.wfile.flush()

    return answer


def status(code: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


FINE = stream(*map(event, PIECES), event("", "stop"), b"data: [DONE]\n\n")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.server, "_PAUSES_S", (0.01, 0.02))


# --- llama-cpp-python's own server


@pytest.fixture(scope="module")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("llama_cpp", reason="no language model library: `make llm`")
    path = write_scripted_gguf(tmp_path_factory.mktemp("server") / "tiny.gguf", PIECES)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "llama_cpp.server", "--model", str(path), "--host", "127.0.0.1", "--port", str(port),
         "--n_ctx", "16384", "--n_threads", "1", "--n_threads_batch", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}/v1"
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"{url}/models", trust_env=False)
            break
        except httpx.TransportError:
            time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(20)


@pytest.mark.llm
def test_the_server_of_llama_cpp_python_answers_in_pieces(llama_server):
    assert asked(llama_server) == PIECES
    assert asked(llama_server, model="tiny.gguf") == PIECES


@pytest.mark.llm
def test_a_bot_whose_model_is_behind_a_server_cites_the_document(llama_server, seeds_index: Path, config: RagConfig):
    served = replace(config, llm=LlmConfig(base_url=llama_server, model="tiny", context_tokens=8192))
    bot = rag.open(seeds_index, served)
    answer = bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
    assert answer.text == "A.X 4.0 dựa trên Qwen 2.5. [1]"
    assert (answer.generator, answer.notes) == (f"tiny @ {llama_server[7:-3]}", ())
    assert "Qwen 2.5" in answer.citations[0].quote
    bot.close()


# --- What is sent


def test_question_passages_and_settings_are_sent_and_the_key_of_the_environment(monkeypatch):
    monkeypatch.setenv("RAG_LLM_API_KEY", "khoá".encode().hex())
    with serving(FINE) as (url, requests):
        assert asked(url, model="m", max_tokens=9, temperature=0.5, seed=3) == PIECES
    (request,) = requests
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["Authorization"] == f"Bearer {'khoá'.encode().hex()}"
    body = request["body"]
    assert [message["role"] for message in body.pop("messages")] == ["system", "user"]
    assert body == {"model": "m", "max_tokens": 9, "temperature": 0.5, "seed": 3, "stream": True}


def test_without_a_key_none_is_sent_and_without_a_name_the_servers_first_model_is_asked(monkeypatch):
    monkeypatch.delenv("RAG_LLM_API_KEY", raising=False)
    with serving(status(200, b'{"data": [{"id": "first"}, {"id": "second"}]}'), FINE) as (url, requests):
        assert asked(url) == PIECES
    assert [request["path"] for request in requests] == ["/v1/models", "/v1/chat/completions"]
    assert "Authorization" not in requests[0]["headers"]
    assert requests[1]["body"]["model"] == "first"


def test_an_answer_that_the_server_cuts_says_so():
    with serving(stream(event("Hà Nội"), event("", "length"), b"data: [DONE]\n\n")) as (url, _):
        assert [str(piece) for piece in asked(url, model="m", max_tokens=5)] == ["Hà Nội", "cut_tokens: 5"]


def test_thoughts_and_other_languages_of_a_server_are_treated_as_those_of_a_local_model():
    english = stream(event("This is an answer in a language that nobody asked for, and long.", "stop"))
    vietnamese = stream(event("<think>bí mật</think>Đây là câu trả lời [1].", "stop"))
    with serving(english, vietnamese) as (url, requests):
        pieces = asked(url, model="m")
    assert pieces[1:] == [Notice(restarts=True), "Đây là câu trả lời [1]."]
    assert requests[1]["body"]["messages"][1]["content"].endswith("Hãy trả lời bằng tiếng Việt.")


# --- Servers that do not answer


def test_a_server_that_is_down_is_told_in_one_line_and_the_documents_are_quoted(caplog):
    address = f"127.0.0.1:{free_port()}"
    notice, quoted = asked(f"http://{address}/v1", model="m")
    assert notice == down("[Errno 111] Connection refused", address)
    assert quoted == QUOTED
    assert len(caplog.records) == 1


def test_the_answer_says_that_the_server_was_down_and_who_wrote_it(seeds_index: Path, config: RagConfig):
    address = f"127.0.0.1:{free_port()}"
    bot = rag.open(seeds_index, replace(config, llm=LlmConfig(base_url=f"http://{address}/v1")))
    answer = bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
    assert answer.generator == "extractive"
    assert not answer.abstained
    (note,) = answer.notes
    assert note.startswith(f"server_down: {address}: ")
    bot.close()


def test_a_busy_server_is_asked_again():
    with serving(status(503), status(429, retry_after="0"), FINE) as (url, requests):
        assert asked(url, model="m") == PIECES
    assert len(requests) == 3


@pytest.mark.parametrize(
    ("answer", "tries", "reason"),
    [
        (status(503), 3, "status 503 Service Unavailable"),
        (status(429, retry_after="600"), 1, "status 429 Too Many Requests"),
        (status(401), 1, "status 401 Unauthorized: check the key in RAG_LLM_API_KEY"),
        (status(400, b'{"error":\n "too long"}'), 1, 'status 400 Bad Request: {"error": "too long"}'),
        (status(302, location="http://192.0.2.1/"), 1, "status 302 Found"),
        (status(200, b"data: <html>"), 1, "what it sends is no chat completion: check llm.base_url"),
        (status(200, b'data: ["a"]'), 1, "what it sends is no chat completion: check llm.base_url"),
        (status(200, b""), 1, "its answer broke off"),
        (stream(event("Hà")), 1, "its answer broke off"),
        (stream(event("Hà"), b'data: {"error": "out of memory"}\n\n'), 1, "out of memory"),
    ],
)
def test_a_server_that_refuses_is_quoted_for(answer, tries, reason):
    with serving(answer) as (url, requests):
        pieces = asked(url, model="m")
    assert pieces[-2:] == [down(reason, url[7:-3]), QUOTED]
    assert len(requests) == tries


def test_a_server_that_breaks_off_is_quoted_for():
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(event("Hà"))

    with serving(broken) as (url, _):
        first, notice, quoted = asked(url, model="m")
    assert (first, quoted) == ("Hà", QUOTED)
    assert isinstance(notice, Notice)
    assert notice.restarts


def test_a_server_that_says_nothing_is_left_after_the_time_limit():
    with serving(lambda handler: time.sleep(3)) as (url, _):
        began = time.monotonic()
        assert asked(url, model="m", time_limit_s=1)[-1] == QUOTED
        assert time.monotonic() - began < 2.5


def test_a_wait_for_a_server_can_be_cancelled():
    with serving(lambda handler: time.sleep(3)) as (url, _):
        began = time.monotonic()
        generator = ServerGenerator(LlmConfig(base_url=url, model="m"))
        assert list(generator.stream(TASK, lambda: time.monotonic() > began + 0.2)) == []
        assert time.monotonic() - began < 1.0


def test_a_passage_that_is_too_long_is_not_sent():
    long = replace(PASSAGE, chunk=replace(PASSAGE.chunk, text="đoạn dài " * 2000))
    task = replace(TASK, passages=(PASSAGE, long))
    generator = ServerGenerator(LlmConfig(base_url="http://127.0.0.1:9/v1"))
    assert generator.fitted(task) == TASK
    with pytest.raises(GenerationError, match="holds no passage"):
        generator.fitted(replace(task, passages=(long, PASSAGE)))


def test_no_server_is_asked_when_no_model_is_wanted(seeds_index: Path, config: RagConfig):
    bot = rag.open(seeds_index, replace(config, llm=LlmConfig(base_url="http://192.0.2.1/v1")), llm="none")
    assert bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?").generator == "extractive"
    bot.close()
