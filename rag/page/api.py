"""What other programs may ask of the page: `ask` and `search`, over HTTP and, where it is switched on, as MCP tools."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar, cast

import gradio as gr
from gradio.events import api

from rag.errors import ConfigError, RagError
from rag.pipeline import Bot

Result = TypeVar("Result")

_MOST_PASSAGES = 100
"""As many as the setting `retrieval.passages` allows."""


def add_api(bot_of: Callable[[str, str | None], Bot], **shared: Any) -> None:
    """Add both functions to the page that is being built, under the names that stay.

    `bot_of` gives the bot of a collection, by name, "" for the first, to a login, None where nobody logs in.
    `shared` is Gradio's `concurrency_id` and `concurrency_limit`: programs and people wait in one line.
    """

    # Gradio and MCP show these functions' names, types and docstrings to those who call them.
    def ask(question: str, collection: str = "", _request: gr.Request | None = None) -> dict[str, Any]:
        """Answer a Vietnamese question from the indexed documents, each sentence with the exact words that bear it.

        "abstained" is true when the documents do not hold the answer; "retrieved" are the nearest passages.

        Args:
            question: the question, in Vietnamese, with or without accents
            collection: the name of a collection of documents; empty for the first one
        """
        return _told(lambda: bot_of(collection, _login(_request)).ask(question).as_json(), _request)

    def search(
        question: str, limit: int = 8, collection: str = "", _request: gr.Request | None = None
    ) -> list[dict[str, Any]]:
        """Find the passages of the indexed documents that are nearest to a Vietnamese question, the best first.

        Args:
            question: what to look for, in Vietnamese, with or without accents
            limit: how many passages, 1 to 100
            collection: the name of a collection of documents; empty for the first one
        """

        def found() -> list[dict[str, Any]]:
            passages = bot_of(collection, _login(_request)).search(question, min(max(limit, 1), _MOST_PASSAGES))
            return [scored.as_json(rank) for rank, scored in enumerate(passages, start=1)]

        return _told(found, _request)

    api(ask, api_name="ask", **shared)
    api(search, api_name="search", **shared)


def _login(request: gr.Request | None) -> str | None:
    return request.username if request is not None else None


def require_mcp() -> None:
    """Make sure that what `mcp_server=True` needs is installed; Gradio would only print that it is not.

    Raises:
        ConfigError: it is not.
    """
    if find_spec("mcp") is None:
        raise ConfigError('the package mcp is not installed: run `pip install "mcp>=1.21,<2"`, or leave out --mcp')


def _told(result: Callable[[], Result], request: gr.Request | None) -> Result:
    """The result, or its error in one line for whoever called.

    An MCP tool returns text, and Gradio would make it of Python's notation, not of JSON.
    """
    try:
        found = result()
    except RagError as error:
        raise gr.Error(str(error), print_exception=False) from error
    by_mcp = request is not None and request.headers.get("x-gradio-user") == "mcp"  # set by Gradio's own MCP server
    return cast(Result, json.dumps(found, ensure_ascii=False)) if by_mcp else found
