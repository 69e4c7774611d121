"""The HTML round the chat: conversations, settings, the line of what the machine does, and a whole document.

These parts are drawn by components that do not sanitise: every word from outside is escaped here.
"""

import html
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rag.history.conversations import ConversationSummary
from rag.types import Document

_SHOWN_CHARS = 200_000
"""Of a longer document only so much round the words is drawn: a browser is slow with more."""


def conversations_html(conversations: Sequence[ConversationSummary], current: str, search: str = "") -> str:
    """The list of kept conversations, the latest first, each with what can be done with it."""
    if not conversations:
        told = (
            "Không có cuộc trò chuyện nào khớp." if search else "Các cuộc trò chuyện sẽ được giữ ở đây, trên máy này."
        )
        return f'<p class="none">{told}</p>'
    return f"<ul>{''.join(_conversation(one, one.id == current) for one in conversations)}</ul>"


def _conversation(one: ConversationSummary, is_current: bool) -> str:
    key, title = html.escape(one.id, quote=True), html.escape(one.title or "Chưa có tên")
    here = ' aria-current="true"' if is_current else ""
    small = (("rename", "Đổi tên"), ("export", "Tải về"), ("delete", "Xóa"))
    buttons = "".join(
        f'<button type="button" data-act="{act}" data-id="{key}">{label}</button>' for act, label in small
    )
    return (
        f'<li{here}><button type="button" class="open" data-act="open" data-id="{key}">'
        f'<span class="name">{title}</span><small>{_when(one.updated)} · {one.turns} câu hỏi</small></button>'
        f'<details class="more"><summary aria-label="Việc khác: {title}">⋯</summary><div>{buttons}</div></details></li>'
    )


def choices_html(choices: Mapping[str, str], models: Sequence[tuple[str, str]]) -> str:
    """The settings that a person understands, as they are; `models` are (value, label) of what can write."""
    fields = (
        ("llm", "Người viết câu trả lời", models),
        ("length", "Độ dài", (("short", "Ngắn: một câu"), ("normal", "Vừa: đến ba câu"), ("long", "Dài: đến sáu câu"))),
        ("passages", "Số đoạn được đọc", (("4", "4, nhanh hơn"), ("8", "8"), ("16", "16, kỹ hơn"))),
        (
            "strictness", "Khi chưa chắc chắn",
            (("lenient", "Vẫn trả lời nhiều hơn"), ("normal", "Cân bằng"), ("strict", "Từ chối nhiều hơn")),
        ),
    )  # fmt: skip
    selects = "".join(_select(name, label, options, choices.get(name, "")) for name, label, options in fields)
    return f"<h2>Thiết lập</h2>{selects}"


def _select(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    items = "".join(
        f'<option value="{html.escape(value, quote=True)}"{" selected" if value == chosen else ""}>{html.escape(shown)}'
        "</option>"
        for value, shown in options
    )
    return f'<label><span>{label}</span><select data-choice="{name}">{items}</select></label>'


def status_html(parts: Sequence[str]) -> str:
    """One line on what the machine is doing."""
    return f"<p>{html.escape(' · '.join(part for part in parts if part))}</p>"


def document_html(document: Document, start: int = 0, end: int = 0, page: int = 0, picture: str = "") -> str:
    """A whole document, the words from `start` to `end` marked; of a very long one what stands round them.

    `picture` is the address of an image of the page that they stand on, shown above the text.
    """
    text = document.text
    first = max(0, min(start, len(text)) - _SHOWN_CHARS // 2)
    last = min(len(text), first + _SHOWN_CHARS)
    start, end = max(start, first), min(end, last)
    before, words, after = text[first:start], text[start:end], text[end:last]
    mark = f'<mark id="here" tabindex="-1">{html.escape(words)}</mark>' if words else ""
    cut = "" if last - first == len(text) else '<p class="none">Tài liệu rất dài: chỉ hiện phần quanh đoạn trích.</p>'
    where = " · ".join(part for part in (document.source, _day(document.date)) if part)
    shown = ""
    if picture:
        shown = f'<figure><img src="{html.escape(picture, quote=True)}" alt="Trang {page}, câu trích được đóng khung">'
        shown += f"<figcaption>Trang {page}</figcaption></figure>"
    return (
        '<div class="sheet" role="dialog" aria-modal="true" aria-labelledby="sheet-title">'
        f'<header><div><h2 id="sheet-title">{html.escape(document.title)}</h2>'
        f'<p class="where">{html.escape(where)}</p></div>'
        f'<button type="button" class="close-sheet">Đóng</button></header>{cut}'
        f'<div class="text" tabindex="0">{shown}{html.escape(before)}{mark}{html.escape(after)}</div></div>'
    )


def download_html(name: str, text: str) -> str:
    """A file for the page's script to hand to the person."""
    return (
        f'<textarea hidden class="download" data-name="{html.escape(name, quote=True)}">{html.escape(text)}</textarea>'
    )


def failure_html(sentence: str) -> str:
    """Why something could not be done."""
    return f'<p class="failure" role="alert">{html.escape(sentence)}</p>'


def _when(moment: str) -> str:
    then = datetime.fromisoformat(moment).astimezone()
    today = datetime.now(UTC).astimezone().date()
    return f"{then:%H:%M}" if then.date() == today else f"{then:%d/%m/%Y}"


def _day(date: str | None) -> str:
    return "/".join(reversed(date.split("-"))) if date else ""
