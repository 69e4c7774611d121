"""MCP tools behind the login: a name and password with each request, as HTTP's Basic authentication (RFC 7617).

Gradio lets everybody reach its MCP server, and that server calls the page as a client of its own. So a request is
asked for its login at the door and gets the cookie that the login form would have given; Gradio hands it on to the
tool, which then knows who calls.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import Any

import gradio as gr
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.page.login import Login

_PATH = re.compile(r"/(?:gradio_api/)?mcp(?:/|$)")
_SERVER = "mcp:"
"""Whom the MCP server itself logs in as, to read the page's description; no person's name has a colon."""
_KNOWN = 256
"""Right passwords that are remembered, as keyed hashes: one costs 50 ms to check, and each request brings it."""


class McpLogin:
    """Answers 401 to a request for MCP without a right name and password; lets all others through."""

    def __init__(self, app: ASGIApp, *, login: Login) -> None:
        """`login` is asked whether a name and a password belong together."""
        self.app = app
        self._login = login
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, str] = {}
        self._tokens: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request through, with its login as a cookie."""
        if scope["type"] == "http" and _PATH.match(re.sub("/{2,}", "/", scope["path"])):
            name = await self._name(Headers(scope=scope).get("authorization", ""))
            if not name:
                asks = {"WWW-Authenticate": 'Basic realm="rag", charset="UTF-8"'}
                await PlainTextResponse("Log in with a name and password.", 401, asks)(scope, receive, send)
                return
            token = self._tokens.setdefault(name, secrets.token_urlsafe(32))
            kept = [(key, value) for key, value in scope["headers"] if key.lower() not in (b"cookie", b"authorization")]
            scope["headers"] = [*kept, (b"cookie", _cookie(scope["app"], token, name).encode())]
        await self.app(scope, receive, send)

    async def _name(self, header: str) -> str:
        """Whose name and password a header holds; empty when they are not right."""
        kind, _, told = header.partition(" ")
        try:
            name, colon, password = base64.b64decode(told, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        if kind.lower() != "basic" or not colon:
            return ""
        name = unicodedata.normalize("NFC", name).strip()
        digest = hmac.digest(self._key, f"{name}:{password}".encode(), hashlib.sha256)
        if digest in self._known:
            return self._known[digest]
        if not await self._login(name, password):
            return ""
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[digest] = name
        return name


def let_server_in(page: gr.Blocks, address: str) -> None:
    """Log the page's MCP server in as a client of the page, which it would try without a login."""
    from gradio_client import Client

    # Both are attributes of Gradio's own; tests/integration/test_people.py holds them to this use.
    app: Any = page.app
    name, _, token = _cookie(app, secrets.token_urlsafe(32), _SERVER).partition("=")
    server: Any = page.mcp_server_obj
    server._client_instance = Client(
        address, download_files=False, verbose=False, analytics_enabled=False, _skip_components=False,
        headers={"x-gradio-user": "mcp"}, httpx_kwargs={"cookies": {name: token}},
    )  # fmt: skip


def _cookie(app: Any, token: str, name: str) -> str:
    """What the login form would have set; a login that was ended elsewhere is begun again."""
    app.tokens[token] = name
    return f"access-token-unsecure-{app.cookie_id}={token}"
