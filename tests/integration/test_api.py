"""What other programs ask of a served page: the functions by name, the MCP tools, and the doors that are shut."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from rag.assembly import load_models
from rag.config import RagConfig
from rag.page.library import Library
from rag.types import Embedder
from tests.asynchronous import finished
from tests.serving import rag, served

QUESTION = "A.X 4.0 được phát triển dựa trên mô hình nào?"


@pytest.fixture(scope="module")
def address(seeds_index: Path) -> Iterator[str]:
    with served("--index", str(seeds_index), "--mcp") as at:
        yield at


@pytest.fixture(scope="module")
def plain_address(seeds_index: Path) -> Iterator[str]:
    """Without MCP, as it is unless wanted."""
    with served("--index", str(seeds_index)) as at:
        yield at


@pytest.fixture(scope="module")
def told(seeds_index: Path) -> dict[str, Any]:
    """What the command line prints for the same."""
    ask = rag("ask", QUESTION, "--json", "--llm", "none", "--index", str(seeds_index))
    search = rag("search", QUESTION, "-k", "3", "--json", "--index", str(seeds_index))
    return {"ask": json.loads(ask.stdout), "search": json.loads(search.stdout)}


def without_timings(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timings_ms"}


def get(address: str, path: str, host: str = "", method: str = "GET") -> int:
    """The status of a bare request; no client's own idea of a path or host in between."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.request(method, path, headers={"Host": host} if host else {})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_client_gets_what_the_command_line_prints(address: str, told: dict[str, Any]) -> None:
    client = Client(address, verbose=False)
    answer = client.predict(question=QUESTION, api_name="/ask")
    assert without_timings(answer) == without_timings(told["ask"])
    assert answer["timings_ms"]["total"] > 0
    assert client.predict(question=QUESTION, limit=3, api_name="/search") == told["search"]
    assert len(client.predict(QUESTION, api_name="/search")) == 8
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert sorted(named) == ["/ask", "/search"]


def test_an_error_reaches_the_client_in_one_line(address: str) -> None:
    client = Client(address, verbose=False)
    with pytest.raises(AppError, match=r"^the question is empty: type a question$"):
        client.predict(" ", api_name="/ask")
    with pytest.raises(AppError, match="there is no collection 'x'"):
        client.predict(QUESTION, "x", api_name="/ask")


def test_two_tools_answer_an_mcp_client_in_json(address: str, told: dict[str, Any]) -> None:
    async def talk() -> tuple[list[str], list[Any]]:
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = [tool.name for tool in (await session.list_tools()).tools]
            results = [
                await session.call_tool("ask", {"question": QUESTION}),
                await session.call_tool("search", {"question": QUESTION, "limit": 3}),
                await session.call_tool("ask", {"question": "?"}),
            ]
            return tools, results

    tools, (asked, searched, wrong) = finished(talk())
    assert sorted(tools) == ["ask", "search"]
    assert without_timings(json.loads(asked.content[0].text)) == without_timings(told["ask"])
    assert json.loads(searched.content[0].text) == told["search"]
    assert wrong.isError
    assert wrong.content[0].text == "the question is empty: type a question"


def test_a_collection_is_asked_by_name_and_its_changes_are_known_at_once(
    seeds_index: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    mine = replace(config, data=str(tmp_path / "data"), llm=replace(config.llm, model="none"))
    library = Library(seeds_index, mine, load_models(mine, embedder), allow_folders=False)
    library.create("Vườn thú")
    zoo = tmp_path / "zoo.txt"
    zoo.write_text("Dạo chơi\n\nVườn thú Thủ Lệ có bảy con hổ và ba con voi.")
    question = "Vườn thú Thủ Lệ có bao nhiêu con hổ?"
    with served("--index", str(seeds_index), data=tmp_path / "data") as address:
        client = Client(address, verbose=False)
        assert client.predict(question, "Vườn thú", api_name="/ask")["reason"] == "no_passage"
        library.add("Vườn thú", [zoo])  # by another process than the server's
        answer = client.predict(question, "Vườn thú", api_name="/ask")
        assert [citation["source"] for citation in answer["citations"]] == ["zoo.txt"]
        assert client.predict(question, api_name="/ask")["abstained"]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/proxy%3Dhttps://x.hf.space/",
        "//gradio_api//proxy=http://127.0.0.1:1/",
        "/monitoring",
        "/monitoring/summary",
        "/monitoring/key",
        "/gradio_api/vibe-code",
        "/gradio_api/custom_component/1/client/component/index.js",
        "/gradio_api/stream/a/0/1/playlist.m3u8",
        "/gradio_api/deep_link?session_hash=a",
        "/gradio_api/dev/reload",
        "/gradio_api/runs",
        "/gradio_api/token",
        "/gradio_api/token/",
        "/gradio_api/openapi.json",
        "/svelte/x.js",
        "/pwa_icon",
        "/manifest.json",
        "/gradio_api/mcp/",
        "/docs",
        "/redoc",
        "/openapi.json",
    ],
)
def test_what_the_page_does_not_use_is_not_there(plain_address: str, path: str) -> None:
    assert get(plain_address, path) == 404


@pytest.mark.parametrize("path", ["vibe-edit", "undo-vibe-edit", "vibe-code", "process_recording", "component_server"])
def test_what_would_change_the_program_takes_no_posts(plain_address: str, path: str) -> None:
    assert get(plain_address, f"/gradio_api/{path}", method="POST") == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/gradio_api/file=/etc/passwd", 403),
        ("/gradio_api/file=rag/config.py", 403),
        ("/gradio_api/file/etc/passwd", 403),
        ("/static/../../../../etc/passwd", 403),
    ],
)
def test_no_file_of_the_machine_is_served(plain_address: str, path: str, status: int) -> None:
    assert get(plain_address, path) == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:7860", 200),
        ("evil.example:7860", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("[", 403),
    ],
)
def test_a_page_for_this_machine_answers_to_no_other_name(plain_address: str, host: str, status: int) -> None:
    assert get(plain_address, "/", host) == status
