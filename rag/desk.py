"""What people do beside asking: open, find, name, rate and remove conversations, look at documents, choose."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rag.chat import Session, View, answer, reopened, settle
from rag.choices import Choices, Writers, chosen_bot
from rag.config import remote_server
from rag.conversations import ConversationStore
from rag.desk_html import choices_html, conversations_html, document_html, failure_html, status_html
from rag.errors import RagError
from rag.machine import resident_mb
from rag.pipeline import Bot
from rag.transcripts import conversation_markdown

_SECRET = re.compile(r"[0-9a-f]{32}")
_UNSAFE = re.compile(r"[^\w .-]+")


@dataclass(slots=True)
class Desk:
    """One tab: its conversation, its choices, and what it looked for."""

    session: Session
    choices: Choices
    search: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What to draw anew; None leaves a part as it is."""

    view: View | None = None
    conversations: str | None = None
    choices: str | None = None
    status: str | None = None
    sheet: str | None = None
    """A whole document; empty closes it."""
    download: tuple[str, str] | None = None
    """A file's name and text for the person to keep."""
    failure: str = ""


class Desks:
    """What all tabs share: the bot, the kept conversations, the language models."""

    def __init__(self, bot: Bot, store: ConversationStore | None) -> None:
        self.bot = bot
        self.store = store
        self._writers = Writers(bot)

    def answer(self, desk: Desk, question: str) -> Iterator[View]:
        """The views of a question's answer, with the tab's choices."""
        try:
            bot = chosen_bot(self.bot, desk.choices, self._writers)
        except RagError:  # the file of the chosen model went away: what the program began with is still there
            desk.choices = replace(desk.choices, llm="")
            bot = chosen_bot(self.bot, desk.choices, self._writers)
        yield from answer(bot, question, desk.session, self.store)

    def at_rest(self, desk: Desk) -> Changes:
        """Everything as it stands between two questions."""
        return Changes(settle(desk.session), self._conversations(desk), self._choices(desk), self._status(desk))

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
            "choose": self._choose,
        }
        told = {name: str(value) for name, value in action.items() if value is not None}
        step = known.get(told.get("act", ""))
        if step is None:
            return Changes()
        try:
            return step(desk, told)
        except RagError as error:
            return Changes(failure=failure_html(f"Không làm được: {error}"))

    def _new(self, desk: Desk, _told: Mapping[str, str]) -> Changes:
        desk.session.leave()
        desk.session = Session(desk.session.owner)
        return Changes(settle(desk.session), self._conversations(desk))

    def _open(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        kept = self._kept().load(desk.session.owner, told.get("id", ""))
        desk.session.leave()
        desk.session = reopened(kept, desk.session.owner)
        return Changes(settle(desk.session), self._conversations(desk))

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

    def _document(self, _desk: Desk, told: Mapping[str, str]) -> Changes:
        start, end = (int(told[name]) if told.get(name, "").isdigit() else 0 for name in ("start", "end"))
        return Changes(sheet=document_html(self.bot.document(told.get("doc", "")), start, end))

    def _choose(self, desk: Desk, told: Mapping[str, str]) -> Changes:
        changed = desk.choices.changed(told.get("name", ""), told.get("value", ""))
        chosen_bot(self.bot, changed, self._writers)  # a model that cannot be loaded is told now
        desk.choices = changed
        return Changes(choices=self._choices(desk), status=self._status(desk))

    def _kept(self) -> ConversationStore:
        if self.store is None:
            raise RagError("không có nơi giữ cuộc trò chuyện")
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
            "passages": chosen.passages or str(self.bot.config.retrieval.passages),
            "strictness": chosen.strictness,
        }
        return choices_html(values, self._writers.offered())

    def _status(self, desk: Desk) -> str:
        name = self._writers.writer(desk.choices.llm).name
        index, rate, memory = self.bot.index, desk.session.words_per_s, resident_mb()
        return status_html([
            "Trích nguyên văn" if name == "extractive" else name,
            f"{index.documents} tài liệu, {index.chunks} đoạn",
            f"bộ nhớ {memory} MB" if memory is not None else "",
            f"{rate:.1f} từ/giây".replace(".", ",") if rate else "",
            "chạy trên máy này" if not remote_server(self.bot.config.llm) else "",
        ])  # fmt: skip


def owner_of(told: object) -> str:
    """The secret by which a browser finds its conversations again; a new one where it has none."""
    return told if isinstance(told, str) and _SECRET.fullmatch(told) else secrets.token_hex(16)
