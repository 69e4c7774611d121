"""What of Gradio's server stays shut: paths that the page does not use, and names that are not this machine's."""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.config import is_loopback

# Gradio 6 opens these to everybody or to every login. The page needs none: they fetch from Hugging Face, tell of or
# change the program, hand out the login's secret to scripts, or serve components that it does not have.
_SHUT = re.compile(
    r"/(?:gradio_api/)?(?:proxy=|monitoring|vibe-|undo-vibe|process_recording|custom_component/|stream/|deep_link"
    r"|dev/|profiling/|runs(?:/|$)|run-history|component_server|token(?:/|$)|openapi\.json|svelte/|pwa_icon"
    r"|manifest\.json)"
)


class Doors:
    """Answers 404 for a path that is shut, and 403 for a host's name that is not this machine's.

    The second is for a page that listens on loopback: a site on the internet can give its own name to 127.0.0.1 (DNS
    rebinding), and would be let in by the browser as if it were this page.
    """

    def __init__(self, app: ASGIApp, *, local_only: bool) -> None:
        """`local_only` is whether the page listens on loopback and asks for no login."""
        self.app = app
        self.local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request through."""
        if scope["type"] in ("http", "websocket"):
            path = re.sub("/{2,}", "/", scope["path"])
            if _SHUT.match(path):
                await PlainTextResponse("Not Found", 404)(scope, receive, send)
                return
            if self.local_only and not _is_local(Headers(scope=scope).get("host", "")):
                await PlainTextResponse("This page is for this machine alone.", 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_local(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
