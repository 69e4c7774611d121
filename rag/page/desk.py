"""What people do beside asking: open, find, name, rate and remove conversations, look at documents, choose."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.config import remote_server
from rag.errors import ConversationError, RagError
from rag.history.conversations import ConversationStore
from rag.history.transcripts import conversation_markdown
from rag.indexing.progress import IndexProgress
from rag.machine import resident_mb
from rag.models import BUNDLED
from rag.page.chat import Session, View, answer, reopened, settle, unanswered
from rag.page.choices import Choices, Writers, chosen_bot
from rag.page.desk_html import choices_html, conversations_html, document_html, failure_html, status_html
from rag.page.documents_html import added_html, documents_html, indexing_html
from rag.page.library import DEFAULT, AddReport, Library
from rag.page.people import Libraries, owner_of_login
from rag.pipeline import Bot
from rag.readers.page_picture import page_picture
from rag.types import Document
from rag.vietnamese.translation import in_language

_SECRET = re.compile(r"[0-9a-f]{32}")
_UNSAFE = re.compile(r"[^\w .-]+")
_LOOK_S = 0.25
"""How often the page is told how far an indexing is."""


@dataclass(slots=True)
class Desk:
    """One tab: its conversation, its choices, and what it looked for."""

    session: Session
    choices: Choices
    search: str = ""
    docs: frozenset[str] = frozenset()
    """The documents that are asked; empty is all of the collection."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What to draw anew; None leaves a part as it is."""

    view: View | None = None
    conversations: str | None = None
    choices: str | None = None
    status: str | None = None
    sheet: str | None = None
    """A whole document; empty closes it."""
    documents: str | None = None
    added: str | None = None
    """How far an indexing is, or what it did."""
    download: tuple[str, str] | None = None
    """A file's name and text for the person to keep."""
    failure: str = ""


class Desks:
    """What all tabs share: the documents, the kept conversations, the language models."""

    def __init__(self, libraries: Libraries, store: ConversationStore | None) -> None:
        self.store = store
        self._libraries = libraries
        self._writers = Writers(libraries.first.bot())

    def seat(self, desk: Desk, login: str | None) -> None:
        """Make sure that a tab belongs to whoever is logged in now; one that has no owner yet gets this one.

        Raises:
            ConversationError: it belongs to somebody else.
        """
        owner = owner_of_login(login)
        if owner and not desk.session.owner:
            desk.session.owner = owner
        elif owner and desk.session.owner != owner:
            raise ConversationError("this conversation belongs to another login: reload the page")

    def _library(self, desk: Desk) -> Library:
        return self._libraries.of(desk.session.owner)

    def answer(self, desk: Desk, question: str) -> Iterator[View]:
        """The views of a question's answer, with the tab's choices."""
        try:
            bot = self._chosen_bot(desk)
        except RagError:  # the file of the chosen model went away: what the program began with is still there
            desk.choices = replace(desk.choices, llm="")
            try:
                bot = self._chosen_bot(desk)
            except RagError as error:  # so did the collection, in another tab
                yield unanswered(desk.session, question, error)
                return
        yield from answer(bot, question, desk.session, self.store, desk.docs or None)

    def add(self, desk: Desk, files: Sequence[Path]) -> Iterator[Changes]:
        """Index files that were handed in; how far that is, and at last what became of them."""
        collection = desk.session.collection
        yield from self._indexed(desk, lambda told: self._library(desk).add(collection, files, told))

    def _indexed(self, desk: Desk, work: Callable[[Callable[[IndexProgress], None]], AddReport]) -> Iterator[Changes]:
        """Work in a thread of its own, so that the page goes on; its progress meanwhile."""
        latest: list[IndexProgress] = []
        yield Changes(added=indexing_html(None))
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work, latest.append)
            while not future.done():
                wait([future], timeout=_LOOK_S)
                if latest:
                    yield Changes(added=indexing_html(latest[-1]))
        try:
            report = future.result()
        except (RagError, OSError) as error:
            yield Changes(added=failure_html(f"Không thêm được: {in_language(str(error), 'vi')}"))
            return
        yield replace(self._documents_of(desk), added=added_html(report.added, report.failed))

    def at_rest(self, desk: Desk) -> Changes:
        """Everything as it stands between two questions."""
        return replace(
            self._documents_of(desk),
            view=settle(desk.session),
            conversations=self._conversations(desk),
            choices=self._choices(desk),
        )

    def do(self, desk: Desk, action: Mapping[str, Any]) -> Changes:
        """Carry out what the page asks for; what it cannot do is told in `failure`, never raised."""
        known: dict[str, Callable[[Desk, Mapping[str, str]], Changes]] = {
            "new": self._new,
            "open": self._open,
            "search": self._search,
            "rename": self._rename,
            "delete": self._delete,
            "export": self._export,
            "rate": self._rate,
            "document": self._document,
            "close": lambda _desk, _told: Changes(sheet=""),
            "pick": self._pick,
            "collection": self._collection,
            "create": self._create,
            "retitle": self._retitle,
            "drop": self._drop,
            "remove": self._remove,
        }
        told = {name: str(value) for name, value in action.items() if value is not None}
        step = known.get(told.get("act", ""))
        if step is None:
            return Changes()
        try:
            return step(desk, told)
        except RagError as error:
            return Changes(failure=failure_html(f"Không làm được: {in_language(str(error), 'vi')}"))

    def do_slowly(self, desk: Desk, action: Mapping[str, Any]) -> Iterator[Changes]:
        """As `do`, for what takes its time too: naming a folder, choosing a language model."""
        if action.get("act") == "choose":
            yield from self._choose(desk, {name: str(value) for name, value in action.items() if value is not None})
            return
        if action.get("act") != "folder":
            yield self.do(desk, action)
            return
        collection, path = desk.session.collection, Path(str(action.get("text", "")).strip())
        yield from self._indexed(desk, lambda told: self._library(desk).add_folder(collection, path, told))

    def _new(self, desk: Desk, _told: Mapping[str, str]) -> Changes:
        desk.session.leave()
        desk.session = Session(desk.session.owner, collection=desk.session.collection)
        return Changes(settle(desk.session), self._conversations(desk))

    def _open(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        kept = self._kept().load(desk.session.owner, told.get("id", ""))
        desk.session.leave()
        if kept.collection not in self._library(desk).collections():
            kept = replace(kept, collection=DEFAULT)
        if kept.collection != desk.session.collection:
            desk.docs = frozenset()
        desk.session = reopened(kept, desk.session.owner)
        shown = self._documents_of(desk)
        return replace(shown, view=settle(desk.session), conversations=self._conversations(desk))

    def _search(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        desk.search = told.get("text", "")[:200]
        return Changes(conversations=self._conversations(desk))

    def _rename(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        self._kept().rename(desk.session.owner, told.get("id", ""), told.get("text", ""))
        return Changes(conversations=self._conversations(desk))

    def _delete(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        self._kept().delete(desk.session.owner, told.get("id", ""))
        if told.get("id") == desk.session.conversation:
            return self._new(desk, told)
        return Changes(conversations=self._conversations(desk))

    def _export(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        kept = self._kept().load(desk.session.owner, told.get("id", ""))
        name = _UNSAFE.sub("", kept.title).strip(" .")[:60] or "cuoc-tro-chuyen"
        return Changes(download=(f"{name}.md", conversation_markdown(kept)))

    def _rate(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        session = desk.session
        turn = int(told["turn"]) if told.get("turn", "").isdigit() else 0
        shown = session.shown.get(turn)
        if shown is None or not shown.number:
            return Changes()
        up = {"up": True, "down": False}.get(told.get("way", ""))
        self._kept().rate(session.owner, session.conversation, shown.number, up, told.get("why", ""))
        session.draw(turn, replace(shown, up=up))
        return Changes(View(list(session.messages)))

    def _document(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        start, end, page = (
            int(told[name]) if told.get(name, "").isdecimal() else 0 for name in ("start", "end", "page")
        )
        document = self._library(desk).bot(desk.session.collection).document(told.get("doc", ""))
        picture = self._picture(desk, document, page, document.text[start:end]) if page else ""
        return Changes(sheet=document_html(document, start, end, page, picture))

    def _picture(self, desk: Desk, document: Document, page: int, quote: str) -> str:
        """The page of a PDF that is still where it was indexed; empty for everything else."""
        try:
            file = self._library(desk).source(desk.session.collection, document.doc_id)
            if file is None or not file.source.lower().endswith(".pdf"):
                return ""
            if not file.member:
                return page_picture(file.path, page, quote)
            with file.open() as stream:  # within the limits that it was indexed by
                return page_picture(stream.read(), page, quote)
        except (RagError, OSError):
            return ""

    def _pick(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        picked = {told.get("doc", "")}
        desk.docs = desk.docs | picked if told.get("value") == "true" else desk.docs - picked
        return self._documents_of(desk)

    def _collection(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        name = told.get("value", "")
        self._library(desk).bot(name)  # one that cannot be opened is told now
        desk.docs = frozenset()
        desk.session.leave()
        desk.session = Session(desk.session.owner, collection=name)
        return replace(self.at_rest(desk), added="")

    def _create(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        return self._collection(desk, {"value": self._library(desk).create(told.get("text", ""))})

    def _retitle(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        name = told.get("id", "")
        new = self._library(desk).rename(name, told.get("text", ""))
        if self.store is not None:
            self.store.rename_collection(desk.session.owner if self._libraries.per_person else None, name, new)
        if desk.session.collection == name:
            desk.session.collection = new
        return self._documents_of(desk)

    def _drop(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        self._library(desk).delete(told.get("id", ""))
        return self._collection(desk, {"value": DEFAULT})

    def _remove(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        self._library(desk).remove(desk.session.collection, [told.get("doc", "")])
        desk.docs -= {told.get("doc", "")}
        return self._documents_of(desk)

    def _choose(self, desk: Desk, told: Mapping[str, str]) -> Iterator[Changes]:
        """A choice holds at once, so that a question that comes while its model is loaded waits for it."""
        before, name = desk.choices, told.get("value", "")
        try:
            desk.choices = before.changed(told.get("name", ""), name)
            if desk.choices.llm != before.llm:
                yield Changes(status=status_html([f"Đang nạp {name}…" if name else "Đang đổi…"]))
            self._writers.writer(desk.choices.llm)
        except RagError as error:
            if desk.choices.llm == name:  # no other choice was made meanwhile
                desk.choices = replace(desk.choices, llm=before.llm)
            yield replace(_failed(error), choices=self._choices(desk), status=self.status(desk))
            return
        yield Changes(choices=self._choices(desk), status=self.status(desk))

    def _chosen_bot(self, desk: Desk) -> Bot:
        return chosen_bot(self._library(desk).bot(desk.session.collection), desk.choices, self._writers)

    def _documents_of(self, desk: Desk) -> Changes:
        """The list of documents, the line on the machine and the number in the head, as they are now."""
        library, collection = self._library(desk), desk.session.collection
        if collection not in library.collections():  # it went away in another tab, or has another name there
            return Changes(documents=documents_html((), (), library.collections(), "", allow_folders=False))
        listed = documents_html(
            library.documents(collection), desk.docs, library.collections(), collection,
            allow_folders=library.allow_folders, may_change=library.may_change(collection),
        )  # fmt: skip
        return Changes(documents=listed, status=self.status(desk))

    def _kept(self) -> ConversationStore:
        if self.store is None:
            raise RagError("conversations are not kept here: start the page with `rag serve`")
        return self.store

    def _conversations(self, desk: Desk) -> str:
        if self.store is None or not desk.session.owner:
            return conversations_html((), "")
        found = self.store.list(desk.session.owner, desk.search)
        return conversations_html(found, desk.session.conversation, desk.search)

    def _choices(self, desk: Desk) -> str:
        chosen = desk.choices
        values = {
            "llm": chosen.llm,
            "length": chosen.length,
            "passages": chosen.passages or str(self._libraries.first.bot().config.retrieval.passages),
            "strictness": chosen.strictness,
        }
        return choices_html(values, self._writers.offered())

    def status(self, desk: Desk) -> str:
        """The line on what the machine is doing."""
        name = self._writers.writer(desk.choices.llm).name
        bot = self._library(desk).bot(desk.session.collection)
        index, rate, memory = bot.index, desk.session.tokens_per_s, resident_mb()
        return status_html([
            {"extractive": "Trích nguyên văn", f"{BUNDLED}.gguf": "Trả lời ngắn, trích nguyên văn"}.get(name, name),
            f"{index.documents} tài liệu, {index.chunks} đoạn",
            f"bộ nhớ {memory} MB" if memory is not None else "",
            f"{rate:.1f} token/giây".replace(".", ",") if rate else "",
            "chạy trên máy này" if not remote_server(bot.config.llm) else "",
        ])  # fmt: skip


def _failed(error: RagError) -> Changes:
    return Changes(failure=_redrawn(failure_html(f"Không làm được: {in_language(str(error), 'vi')}")))


def _redrawn(drawn: str) -> str:
    """The same HTML as another text: the page draws nothing anew, and its script hears nothing, of what is the same."""
    return f"{drawn}<!-- {secrets.token_hex(4)} -->"


def owner_of(told: object) -> str:
    """The secret by which a browser finds its conversations again; a new one where it has none."""
    return told if isinstance(told, str) and _SECRET.fullmatch(told) else secrets.token_hex(16)
