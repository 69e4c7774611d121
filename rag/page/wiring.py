"""What happens on the page and what is drawn for it: Gradio's events, and a view as updates of its components."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from rag.errors import RagError
from rag.page.chat import Session, View
from rag.page.choices import Choices
from rag.page.desk import Changes, Desk, Desks, owner_of
from rag.page.desk_html import download_html
from rag.vietnamese.translation import in_language

_SAME_TIME = 4
"""Questions answered at the same time; the language model itself takes one after the other."""
_ACTIONS_AT_ONCE = 8
"""Clicks beside questions that are carried out at the same time: most take milliseconds, a folder may take minutes."""
ANSWERS: dict[str, Any] = {"concurrency_id": "answers", "concurrency_limit": _SAME_TIME}
_STATUS_S = 0.7
"""How often the speed of a model that writes is told."""
_BROWSER_KEY = "rag-vi-browser-1"
"""Gradio encrypts what a browser keeps with a key that it sends along; a fixed one lets it be read after a restart."""

Updates = tuple[Any, ...]


class Parts(NamedTuple):
    """The components of the page that change: the first five with every word, all of them between two questions."""

    chat: gr.Chatbot
    panel: gr.HTML
    box: gr.Textbox
    send: gr.Button
    stop: gr.Button
    conversations: gr.HTML
    choices: gr.HTML
    status: gr.HTML
    sheet: gr.HTML
    documents: gr.HTML
    added: gr.HTML
    told: gr.HTML


class Controls(NamedTuple):
    """What acts, besides the question box and its buttons."""

    new: gr.Button
    upload: gr.UploadButton
    bridge: gr.HTML
    """What the page's script asks for."""


class _Events:
    """The functions behind the page's events; each makes sure whose tab it is before it does anything."""

    def __init__(self, desks: Desks) -> None:
        self._desks = desks

    def _seat(self, own: Desk, request: gr.Request) -> None:
        try:
            self._desks.seat(own, request.username)
        except RagError as error:  # a made-up call: the page itself never sends one
            raise gr.Error(in_language(str(error), "vi"), print_exception=False) from error

    def ask(self, question: str, own: Desk, request: gr.Request) -> Iterator[Updates]:
        self._seat(own, request)
        told = 0.0
        for view in self._desks.answer(own, question):
            status = gr.skip()
            if own.session.tokens_per_s and time.monotonic() - told >= _STATUS_S:
                told, status = time.monotonic(), self._desks.status(own)
            yield *_updates(view, busy=True), status

    def ask_example(self, own: Desk, example: gr.SelectData, request: gr.Request) -> Iterator[Updates]:
        yield from self.ask(example.value["text"], own, request)

    def arrive(self, known: object, own: Desk, request: gr.Request) -> Updates:
        kept = owner_of(known)
        # Who logs in finds the same conversations on every machine.
        if request.username:
            self._seat(own, request)
        else:
            own.session.owner = kept
        return kept, *_changed(own, self._desks.at_rest(own))

    def rest(self, own: Desk, request: gr.Request) -> Updates:
        self._seat(own, request)
        return _changed(own, self._desks.at_rest(own))

    def act(self, own: Desk, event: gr.EventData, request: gr.Request) -> Iterator[Updates]:
        self._seat(own, request)
        for changes in self._desks.do_slowly(own, event._data or {}):
            yield _changed(own, changes)

    def add(self, own: Desk, files: list[str] | None, request: gr.Request) -> Iterator[Updates]:
        self._seat(own, request)
        for changes in self._desks.add(own, [Path(file) for file in files or ()]):
            yield _changed(own, changes)

    def stop(self, own: Desk, request: gr.Request) -> Any:
        self._seat(own, request)
        own.session.stop()
        return gr.update(value="Đang dừng…", interactive=False)

    def begin(self, own: Desk, request: gr.Request) -> Updates:
        self._seat(own, request)
        return _changed(own, self._desks.do(own, {"act": "new"}))


def wire(page: gr.Blocks, desks: Desks, parts: Parts, controls: Controls) -> None:
    """Let the components act."""
    secret = gr.BrowserState("", storage_key="rag-vi", secret=_BROWSER_KEY)
    desk = gr.State(Desk(Session(), Choices()))
    events = _Events(desks)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    running = [*parts[:5], parts.status]
    page.load(events.arrive, [secret, desk], [secret, *parts], queue=False, **quiet)
    asked = gr.on([parts.send.click, parts.box.submit], events.ask, [parts.box, desk], running, **quiet, **ANSWERS)
    picked = parts.chat.example_select(events.ask_example, [desk], running, **quiet, **ANSWERS)
    for event in (asked, picked):
        event.success(events.rest, [desk], list(parts), **quiet)
        event.failure(events.rest, [desk], list(parts), **quiet)
    parts.stop.click(events.stop, [desk], [parts.stop], queue=False, **quiet)
    controls.new.click(events.begin, [desk], list(parts), queue=False, **quiet)
    controls.bridge.click(events.act, [desk], list(parts), concurrency_limit=_ACTIONS_AT_ONCE, **quiet)
    controls.upload.upload(events.add, [desk, controls.upload], list(parts), concurrency_limit=2, **quiet)


def _updates(view: View, *, busy: bool) -> Updates:
    """A view as updates of the chat, the panel, the question box and the two buttons."""
    return (
        view.messages,
        gr.skip() if view.panel is None else view.panel,
        gr.skip() if view.question is None else view.question,
        gr.update(visible=not busy),
        gr.skip() if busy and view.question is None else gr.update(visible=busy, value="Dừng", interactive=True),
    )


def _changed(own: Desk, changes: Changes) -> tuple[Any, ...]:
    """Changes as updates of all parts of the page."""
    parts: Updates = tuple(gr.skip() for _ in range(5))
    if changes.view is not None:
        parts = _updates(changes.view, busy=own.session.asking)
    told = changes.failure
    if changes.download is not None:
        told = download_html(*changes.download)
    rest = (
        changes.conversations, changes.choices, changes.status, changes.sheet, changes.documents, changes.added, told,
    )  # fmt: skip
    return *parts, *(gr.skip() if part is None else part for part in rest)
