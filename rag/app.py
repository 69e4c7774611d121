"""The Gradio page: a chat on the left, the passages behind its answers on the right."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

# Before the import: Gradio reads it once.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.api import add_api, only
from rag.chat import Session, View, answer, settle
from rag.config import is_loopback, remote_server
from rag.doors import Doors
from rag.errors import ConfigError
from rag.library import Library
from rag.login import Login
from rag.page_html import empty_panel_html, header_html, welcome_html
from rag.pipeline import Bot

# About the articles in seeds/, each with the file that answers it: shown only when the index holds that file.
_EXAMPLES = (
    ("A.X 4.0 được phát triển dựa trên mô hình nào?", "002_39c1ad4ff5a1a562.txt"),
    ("Hàn Quốc đầu tư bao nhiêu tiền cho Phòng thí nghiệm AI quốc gia?", "000_9ed8113f62ed1f03.txt"),
    ("Việt Nam đặt mục tiêu gì về AI đến năm 2030?", "001_83e67f476eac2329.txt"),
)
_SAME_TIME = 4
"""Questions answered at the same time; the language model itself takes one after the other."""
_ANSWERS: dict[str, Any] = {"concurrency_id": "answers", "concurrency_limit": _SAME_TIME}
_HERE = Path(__file__).parent

# Gradio's page is inline scripts and compiled templates; nothing may be loaded from, or sent to, another host.
_CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)

_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO_FONTS = ("ui-monospace", "SF Mono", "Consolas", "Noto Sans Mono", "monospace")

Updates = tuple[Any, ...]


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
    bot: Bot,
    host: str,
    port: int,
    *,
    open_browser: bool = False,
    ready: Callable[[str], None] | None = None,
    library: Library | None = None,
    login: Login | None = None,
    mcp: bool = False,
) -> None:
    """Serve the page until the process is interrupted.

    Args:
        bot: answers the questions of every visitor.
        host: the address to listen on; 127.0.0.1 keeps the page on this machine.
        port: the TCP port; 0 takes the first free one from 7860 on.
        open_browser: open the page in the person's browser.
        ready: called with the page's address once it can be visited.
        library: the collections that programs may ask of; None is the bot alone.
        login: asked whether a name and a password belong together; None lets everybody in.
        mcp: offer `ask` and `search` as MCP tools too.

    Raises:
        ConfigError: the address or port cannot be listened on.
    """
    page = build_page(bot, library)
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port or None,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            auth=cast(Any, login),  # an async function is asked without holding up the page; Gradio's types lack it
            **launch_settings(local_only=login is None and is_loopback(host), mcp=mcp),
        )
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}, it may be taken: choose another --port") from error
    if ready is not None:
        ready(address)
    page.block_thread()


def launch_settings(*, local_only: bool = True, mcp: bool = False) -> dict[str, Any]:
    """What `launch` needs for this page: its looks, and everything closed that it does not use or that leaves here."""
    return {
        "theme": _theme(),
        "css": (_HERE / "page.css").read_text(encoding="utf-8"),
        "js": (_HERE / "page.js").read_text(encoding="utf-8"),
        "share": False,
        "quiet": True,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": mcp,
        "allowed_paths": [],
        "max_file_size": "1mb",
        "app_kwargs": {"middleware": [Middleware(_SameHostOnly), Middleware(Doors, local_only=local_only)]},
    }


def build_page(bot: Bot, library: Library | None = None) -> gr.Blocks:
    """The page over an open index; `launch_settings` belongs to it."""
    page = gr.Blocks(title="Hỏi đáp tài liệu", analytics_enabled=False, fill_width=True)
    with page:
        # First, so that no event of the page takes their names.
        add_api(only(bot) if library is None else library.bot, **_ANSWERS)
        session = gr.State(Session())
        with gr.Row(elem_id="head"):
            gr.HTML(header_html(bot.index.documents, remote_server(bot.config.llm)), elem_id="title")
            new = gr.Button("Cuộc trò chuyện mới", elem_id="new", size="sm", min_width=0)
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="talk", scale=3, min_width=0):
                chat = _chat(bot)
                with gr.Row(elem_id="ask"):
                    box = _question_box()
                    send = gr.Button("Gửi", elem_id="send", variant="primary", scale=0, min_width=0)
                    stop = gr.Button("Dừng", elem_id="stop", scale=0, min_width=0, visible=False)
            with gr.Column(elem_id="panel", scale=2, min_width=0):
                panel = gr.HTML(empty_panel_html(), elem_id="passages", js_on_load=None)

        def ask(question: str, session: Session) -> Iterator[Updates]:
            for view in answer(bot, question, session):
                yield _updates(view, busy=True)

        def ask_example(session: Session, chosen: gr.SelectData) -> Iterator[Updates]:
            yield from ask(chosen.value["text"], session)

        parts = [chat, panel, box, send, stop]
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        typed = gr.on([send.click, box.submit], ask, [box, session], parts, **quiet, **_ANSWERS)
        chosen = chat.example_select(ask_example, [session], parts, **quiet, **_ANSWERS)
        for event in (typed, chosen):
            event.success(_rest, [session], parts, **quiet)
            event.failure(_rest, [session], parts, **quiet)
        stop.click(_stop, [session], [stop], queue=False, **quiet)
        new.click(_new, [session], [session, *parts], queue=False, **quiet)
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


def _rest(session: Session) -> Updates:
    return _updates(settle(session), busy=session.asking)


def _stop(session: Session) -> Any:
    session.stop()
    return gr.update(value="Đang dừng…", interactive=False)


def _new(session: Session) -> tuple[Any, ...]:
    session.leave()
    fresh = Session()
    return fresh, *_updates(settle(fresh), busy=False)


def _updates(view: View, *, busy: bool) -> Updates:
    """A view as updates of the chat, the panel, the question box and the two buttons."""
    return (
        view.messages,
        gr.skip() if view.panel is None else view.panel,
        gr.skip() if view.question is None else view.question,
        gr.update(visible=not busy),
        gr.skip() if busy and view.question is None else gr.update(visible=busy, value="Dừng", interactive=True),
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
