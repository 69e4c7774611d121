"""The Gradio page: a chat on the left, the passages behind its answers on the right."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

# Before the import: Gradio reads it once.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.config import RagConfig, is_loopback, remote_server, resolve
from rag.errors import ConfigError
from rag.history.conversations import STORE, ConversationStore
from rag.page.api import add_api
from rag.page.chat_html import empty_panel_html, header_html, welcome_html
from rag.page.desk import Desks
from rag.page.desk_html import conversations_html
from rag.page.doors import Doors
from rag.page.library import Library
from rag.page.login import Login
from rag.page.mcp_login import McpLogin, let_server_in
from rag.page.people import Libraries, owner_of_login
from rag.page.uploads import UPLOAD_SUFFIXES
from rag.page.wiring import ANSWERS, Controls, Parts, wire
from rag.pipeline import Bot

# About the articles in seeds/, each with the file that answers it: shown only when the index holds that file.
_EXAMPLES = (
    ("A.X 4.0 được phát triển dựa trên mô hình nào?", "002_39c1ad4ff5a1a562.txt"),
    ("Hàn Quốc đầu tư bao nhiêu tiền cho Phòng thí nghiệm AI quốc gia?", "000_9ed8113f62ed1f03.txt"),
    ("Việt Nam đặt mục tiêu gì về AI đến năm 2030?", "001_83e67f476eac2329.txt"),
)
_UPLOADS_KEPT_S = 3600
"""Gradio's own copies of files that were handed in are deleted when they are as old as this."""
_LOOKS = Path(__file__).parent / "page"
_BRIDGE = "window.ragAct = (action) => trigger('click', action);"
_RAIL_BUTTON = (
    '<button type="button" class="rail-button" aria-expanded="false" aria-controls="rail"'
    ' aria-label="Cuộc trò chuyện và thiết lập">☰</button>'
)
_RAIL_HEAD = (
    '<h2>Cuộc trò chuyện</h2><input type="search" class="search" placeholder="Tìm" aria-label="Tìm cuộc trò chuyện">'
)

# Gradio's page is inline scripts and compiled templates; nothing may be loaded from, or sent to, another host.
_CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)

_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO_FONTS = ("ui-monospace", "SF Mono", "Consolas", "Noto Sans Mono", "monospace")


class _SameHostOnly:
    """Sends the content policy with every answer, so that the browser itself keeps the page on this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", _CONTENT_POLICY.encode())
                message["headers"] = [*message.get("headers", []), policy, (b"referrer-policy", b"no-referrer")]
            await send(message)

        await self.app(scope, receive, send_with_policy)


def serve(
    library: Library,
    host: str,
    port: int,
    *,
    open_browser: bool = False,
    ready: Callable[[str], None] | None = None,
    login: Login | None = None,
    mcp: bool = False,
) -> None:
    """Serve the page until the process is interrupted.

    Args:
        library: the documents that every visitor asks.
        host: the address to listen on; 127.0.0.1 keeps the page on this machine.
        port: the TCP port; 0 takes the first free one from 7860 on.
        open_browser: open the page in the person's browser.
        ready: called with the page's address once it can be visited.
        login: asked whether a name and a password belong together; None lets everybody in.
        mcp: offer `ask` and `search` as MCP tools too.

    Raises:
        ConfigError: the address or port cannot be listened on.
        ConversationError: the file of the kept conversations is damaged or of another version.
    """
    config = library.bot().config
    libraries = Libraries(library, per_person=login is not None)
    page = build_page(libraries, ConversationStore(resolve(config.data) / STORE))
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port or None,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            auth=cast(Any, login),  # an async function is asked without holding up the page; Gradio's types lack it
            **launch_settings(config, local_only=login is None and is_loopback(host), mcp=mcp, login=login),
        )
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}, it may be taken: choose another --port") from error
    if mcp and login is not None:
        let_server_in(page, address)
    if ready is not None:
        ready(address)
    page.block_thread()


def launch_settings(
    config: RagConfig, *, local_only: bool = True, mcp: bool = False, login: Login | None = None
) -> dict[str, Any]:
    """What `launch` needs for this page: its looks, and everything closed that it does not use or that leaves here."""
    middleware = [Middleware(_SameHostOnly), Middleware(Doors, local_only=local_only)]
    if mcp and login is not None:
        middleware.append(Middleware(McpLogin, login=login))
    return {
        "theme": _theme(),
        "css": (_LOOKS / "page.css").read_text(encoding="utf-8"),
        "js": (_LOOKS / "page.js").read_text(encoding="utf-8"),
        "share": False,
        "quiet": True,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": mcp,
        "allowed_paths": [],
        "max_file_size": f"{config.max_file_mb}mb",
        "app_kwargs": {"middleware": middleware},
    }


def build_page(libraries: Libraries, store: ConversationStore | None = None) -> gr.Blocks:
    """The page over the libraries; `launch_settings` belongs to it. Without a store no conversation is kept."""
    bot = libraries.first.bot()
    page = gr.Blocks(
        title="Hỏi đáp tài liệu",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(_UPLOADS_KEPT_S, _UPLOADS_KEPT_S),
    )
    with page:
        # First, so that no event of the page takes their names.
        add_api(lambda collection, login: libraries.of(owner_of_login(login)).bot(collection), **ANSWERS)
        with gr.Row(elem_id="head"):
            gr.HTML(_RAIL_BUTTON, elem_id="menu", js_on_load=None)
            gr.HTML(header_html(remote_server(bot.config.llm)), elem_id="title")
            new = gr.Button("Cuộc trò chuyện mới", elem_id="new", size="sm", min_width=0)
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="rail", min_width=0):
                gr.HTML(_RAIL_HEAD, elem_id="find", js_on_load=None)
                conversations = gr.HTML(conversations_html((), ""), elem_id="conversations", js_on_load=None)
                documents = gr.HTML("", elem_id="documents", js_on_load=None)
                upload = gr.UploadButton(
                    "Thêm tệp", elem_id="upload", file_count="multiple", file_types=list(UPLOAD_SUFFIXES), size="sm"
                )
                added = gr.HTML("", elem_id="added", js_on_load=None)
                choices = gr.HTML("", elem_id="choices", js_on_load=None)
            with gr.Column(elem_id="talk", scale=3, min_width=0):
                chat = _chat(bot)
                with gr.Row(elem_id="ask"):
                    box = _question_box()
                    send = gr.Button("Gửi", elem_id="send", variant="primary", scale=0, min_width=0)
                    stop = gr.Button("Dừng", elem_id="stop", scale=0, min_width=0, visible=False)
                status = gr.HTML("", elem_id="status", js_on_load=None)
            with gr.Column(elem_id="panel", scale=2, min_width=0):
                panel = gr.HTML(empty_panel_html(), elem_id="passages", js_on_load=None)
        sheet, told = (gr.HTML("", elem_id=name, js_on_load=None) for name in ("sheet", "told"))
        bridge = gr.HTML("", elem_id="bridge", js_on_load=_BRIDGE)
        parts = Parts(chat, panel, box, send, stop, conversations, choices, status, sheet, documents, added, told)
        wire(page, Desks(libraries, store), parts, Controls(new, upload, bridge))
    return page


def _chat(bot: Bot) -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="chat",
        show_label=False,
        container=False,
        height=None,
        placeholder=welcome_html(),
        examples=_examples(bot),
        sanitize_html=True,
        allow_tags=False,
        latex_delimiters=[],
        buttons=[],
        feedback_options=None,
        layout="panel",
        group_consecutive_messages=False,
    )


def _question_box() -> gr.Textbox:
    return gr.Textbox(
        elem_id="box",
        placeholder="Hỏi về tài liệu của bạn",
        label="Câu hỏi",
        show_label=False,
        container=False,
        lines=1,  # with one line, Enter sends and Shift+Enter begins the next
        max_lines=6,
        autofocus=True,
        scale=1,
        min_width=0,
        html_attributes=gr.InputHTMLAttributes(enterkeyhint="send", lang="vi", autocorrect="off"),
    )


def _examples(bot: Bot) -> list[Any]:
    """The example questions whose article the index holds."""
    return [
        {"text": question}
        for question, source in _EXAMPLES
        if any(passage.source == source for passage in bot.search(question))
    ]


def _theme() -> gr.themes.Base:
    """System fonts, because the bundled ones lack Vietnamese letters in SemiBold; colours stand in page.css."""
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="stone", font=list(_FONTS), font_mono=list(_MONO_FONTS), radius_size="sm"
    )
