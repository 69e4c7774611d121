"""One tab's conversation: a question in, a row of views out, whatever draws them; what was answered is kept."""

import logging
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from rag.errors import ConversationError, DocumentError, GenerationError, QuestionError, RagError
from rag.events import CANCELLED, PassagesFound, Restarted, Sending, TextPiece
from rag.history.conversations import Conversation, ConversationStore
from rag.models import BUNDLED
from rag.page.chat_html import (
    answer_section_html,
    empty_panel_html,
    error_html,
    found_section_html,
    message_html,
    panel_html,
    progress_html,
    question_html,
)
from rag.page.follow_ups import follow_ups
from rag.pipeline import Bot
from rag.types import Answer, Remark, Turn
from rag.vietnamese.translation import in_language

_SECONDS_BETWEEN_VIEWS = 0.08
"""Each view redraws the whole message: twelve a second look fluent and leave the CPU to the model."""
_KEPT_SECTIONS = 50
"""Answers whose passages stay in the panel; a section has about 8 KB."""

# A citation mark, whole or still being written: the numbers are only right once the answer is checked.
_MARK = re.compile(r"\s*[\[【［][^\]】］\d]{0,10}\d{1,3}(?:[\s,;–-]+\d{1,3})*\s*[\]】］]|\s*[\[【［][^\]】］\n]{0,14}$")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as it stands in the chat."""

    place: int
    """Of its message."""
    answer: Answer
    understood: str = ""
    stopped: bool = False
    follow_ups: tuple[str, ...] = ()
    number: int = 0
    """Of the turn in the store; 0 when it is not kept there."""
    up: bool | None = None
    """What the person thinks of it."""


@dataclass(slots=True)
class Session:
    """What one tab has asked so far; it belongs to that tab alone."""

    owner: str = ""
    """Whose conversations these are; empty keeps none."""
    conversation: str = ""
    """The id of this one in the store; empty before the first answer."""
    collection: str = ""
    """The collection of documents that is asked."""
    messages: list[dict[str, str]] = field(default_factory=list)
    """Role and HTML, in the order of the chat."""
    sections: list[str] = field(default_factory=list)
    """The panel's HTML, a section an answer."""
    turns: list[Turn] = field(default_factory=list)
    shown: dict[int, Shown] = field(default_factory=dict)
    """The answers by the number of their question in this tab."""
    asked: int = 0
    """Questions asked; it numbers the answers, so that ids are unique."""
    tokens_per_s: float = 0.0
    """Of the language model that writes, or wrote last, from its first token on; 0 when none did."""
    asking: bool = False
    pending: bool = False
    """The last message is not the last word of its answer."""
    stopped: bool = False
    """The person wants the running answer to end."""
    closed: bool = False
    """The conversation was left: nothing of it is drawn any more."""

    def stop(self) -> None:
        """End the running answer at its next word."""
        self.stopped = True

    def leave(self) -> None:
        """End the running answer and draw nothing more of it."""
        self.stopped = self.closed = True

    def panel(self) -> str:
        """The panel as it stands."""
        return panel_html(self.sections) if self.sections else empty_panel_html()

    def draw(self, turn: int, shown: Shown) -> None:
        """Put an answer, or another state of it, in its place."""
        self.shown[turn] = shown
        self.messages[shown.place] = {
            "role": "assistant",
            "content": message_html(
                shown.answer, turn, shown.understood, shown.stopped, shown.follow_ups, shown.number > 0, shown.up
            ),
        }


@dataclass(frozen=True, slots=True)
class View:
    """What to draw; None leaves a part as it is."""

    messages: list[dict[str, str]]
    panel: str | None = None
    question: str | None = None
    """What the question box shall hold."""


def reopened(conversation: Conversation, owner: str) -> Session:
    """A kept conversation as the tab that it was."""
    session = Session(owner, conversation.id, conversation.collection)
    for turn in conversation.turns:
        session.asked += 1
        session.messages.append({"role": "user", "content": question_html(turn.question)})
        session.messages.append({})
        stopped = Remark.STOPPED in turn.answer.notes
        shown = Shown(len(session.messages) - 1, turn.answer, turn.understood, stopped, (), turn.number, turn.up)
        session.draw(session.asked, shown)
        session.sections.append(answer_section_html(turn.answer, session.asked))
        if turn.answer.reason != CANCELLED:
            session.turns.append(turn.as_turn())
    del session.sections[:-_KEPT_SECTIONS]
    return session


def answer(
    bot: Bot,
    question: str,
    session: Session,
    store: ConversationStore | None = None,
    docs: Collection[str] | None = None,
) -> Iterator[View]:
    """The views from the question's arrival to its checked answer; none for an empty question or while one runs.

    With a store and an owner the answer is kept. `docs` are the documents that are asked, None for all.
    """
    if session.asking or session.closed or not question.strip():
        return
    session.asking, session.stopped = True, False
    session.asked += 1
    try:
        for view in _views(bot, question.strip(), session, store, docs):
            if session.closed:
                return
            yield view
    finally:
        session.asking = False


def unanswered(session: Session, question: str, error: RagError) -> View:
    """The view of a question that cannot even be asked; it goes back into its box."""
    session.messages.append({"role": "user", "content": question_html(question)})
    session.messages.append({})
    _finish(session, error_html("Không trả lời được câu hỏi này.", in_language(str(error), "vi")))
    return View(list(session.messages), question=question)


def settle(session: Session) -> View:
    """The view at rest. An answer that broke off without a word about it is told as a failure."""
    if session.pending and not session.asking:
        _finish(session, error_html("Có lỗi ngoài dự kiến, câu trả lời chưa viết xong. Xin hỏi lại."))
    return View(list(session.messages), session.panel())


def _views(
    bot: Bot, question: str, session: Session, store: ConversationStore | None, docs: Collection[str] | None
) -> Iterator[View]:
    documents = bot.index.documents if docs is None else len(docs)
    for turn, shown in session.shown.items():
        if shown.follow_ups:
            session.draw(turn, replace(shown, follow_ups=()))
    session.messages.append({"role": "user", "content": question_html(question)})
    session.messages.append({"role": "assistant", "content": progress_html(f"Đang tìm trong {documents} tài liệu…")})
    session.pending = True
    yield View(list(session.messages), question="")
    try:
        yield from _streamed(bot, question, session, store, docs)
    except QuestionError:
        _finish(session, error_html(_question_error(question, bot.config.max_question_chars)))
        yield View(list(session.messages), question=question)
    except GenerationError as error:
        _log.warning("answering failed: %s", error)
        _finish(
            session,
            error_html("Mô hình ngôn ngữ dừng giữa chừng, câu trả lời chưa viết xong.", in_language(str(error), "vi")),
        )
        yield View(list(session.messages))
    except RagError as error:
        _log.warning("answering failed: %s", error)
        _finish(session, error_html("Không trả lời được câu hỏi này.", in_language(str(error), "vi")))
        yield View(list(session.messages))


def _streamed(
    bot: Bot, question: str, session: Session, store: ConversationStore | None, docs: Collection[str] | None
) -> Iterator[View]:
    turn = session.asked
    understood = written = ""
    sent: tuple[str, ...] = ()
    drawn = 0.0
    speed = _Speed()
    is_writing = bot.generator.name not in ("extractive", f"{BUNDLED}.gguf")  # the reader's few words have no speed
    session.tokens_per_s = 0.0
    for event in bot.stream(question, tuple(session.turns), lambda: session.stopped, docs=docs):
        match event:
            case PassagesFound():
                understood = event.understood if event.understood != " ".join(question.split()) else ""
                status = f"Đã tìm thấy {len(event.passages)} đoạn, đang đọc…"
                _write(session, progress_html(status, understood=understood))
                session.sections.append(found_section_html(question, event.passages, turn))
                del session.sections[:-_KEPT_SECTIONS]
                yield View(list(session.messages), session.panel())
            case Sending():
                sent = tuple(passage.chunk.chunk_id for passage in event.passages)
                _write(session, progress_html("Đang viết câu trả lời…", understood=understood))
                yield View(list(session.messages))
            case Restarted():
                written, speed = "", _Speed()
                _write(session, progress_html("Đang viết lại câu trả lời…", understood=understood))
                yield View(list(session.messages))
            case TextPiece():
                written += event.text
                session.tokens_per_s = speed.after_one_more() if is_writing else 0.0
                if time.monotonic() - drawn >= _SECONDS_BETWEEN_VIEWS:
                    drawn = time.monotonic()
                    _write(session, progress_html("", _MARK.sub("", written).strip(), understood))
                    yield View(list(session.messages))
            case Answer():
                session.pending = False
                if session.stopped:
                    event = replace(event, notes=(*event.notes, Remark.STOPPED.value))
                shown = Shown(len(session.messages) - 1, event, understood, session.stopped)
                if event.reason != CANCELLED:
                    session.turns.append(Turn(understood or question, event.text, sent))
                shown = replace(shown, number=_kept(session, store, question, shown, sent))
                if event.generator == "extractive":  # the server was down: nothing was written
                    session.tokens_per_s = 0.0
                session.draw(turn, shown)
                session.sections[-1:] = [answer_section_html(event, turn)]
                yield View(list(session.messages), session.panel())
                if not session.stopped and (offered := _offered(bot, event, session)):
                    session.draw(turn, replace(shown, follow_ups=offered))
                    yield View(list(session.messages))


def _kept(session: Session, store: ConversationStore | None, question: str, shown: Shown, sent: tuple[str, ...]) -> int:
    """The number of the turn in the store; 0 when it could not be kept, which must not cost the person the answer."""
    if store is None or not session.owner:
        return 0
    try:
        if not session.conversation:
            session.conversation = store.create(session.owner, collection=session.collection)
        return store.append(
            session.owner, session.conversation, question, shown.answer, understood=shown.understood, sent=sent
        )
    except ConversationError as error:
        _log.warning("an answer was not kept: %s", error)
        return 0


def _offered(bot: Bot, event: Answer, session: Session) -> tuple[str, ...]:
    try:
        return follow_ups(event, [turn.question for turn in session.turns], lambda doc_id: bot.document(doc_id).text)
    except DocumentError:  # it was removed meanwhile
        return ()


class _Speed:
    """Tokens a second since the first one: before it the model reads."""

    def __init__(self) -> None:
        self._first = 0.0
        self._count = 0

    def after_one_more(self) -> float:
        now = time.monotonic()
        self._first = self._first or now
        self._count += 1
        return (self._count - 1) / (now - self._first) if now > self._first else 0.0


def _write(session: Session, content: str) -> None:
    session.messages[-1] = {"role": "assistant", "content": content}


def _finish(session: Session, content: str) -> None:
    _write(session, content)
    session.pending = False


def _question_error(question: str, limit: int) -> str:
    length = len(" ".join(question.split()))
    if length <= limit:
        return "Hãy viết câu hỏi bằng chữ."
    return f"Câu hỏi dài {length} ký tự, nhiều nhất là {limit}: xin viết ngắn hơn."
