"""One tab's conversation: a question in, a row of views out, whatever draws them."""

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rag.errors import GenerationError, QuestionError, RagError
from rag.page_html import (
    answer_section_html,
    empty_panel_html,
    error_html,
    found_section_html,
    message_html,
    panel_html,
    progress_html,
    question_html,
)
from rag.pipeline import Bot, PassagesFound, Restarted, Sending, TextPiece
from rag.types import Answer, Turn

_SECONDS_BETWEEN_VIEWS = 0.08
"""Each view redraws the whole message: twelve a second look fluent and leave the CPU to the model."""
_KEPT_SECTIONS = 50
"""Answers whose passages stay in the panel; a section has about 8 KB."""

# A citation mark, whole or still being written: the numbers are only right once the answer is checked.
_MARK = re.compile(r"\s*[\[【［][^\]】］\d]{0,10}\d{1,3}(?:[\s,;–-]+\d{1,3})*\s*[\]】］]|\s*[\[【［][^\]】］\n]{0,14}$")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Session:
    """What one tab has asked so far; it belongs to that tab alone."""

    messages: list[dict[str, str]] = field(default_factory=list)
    """Role and HTML, in the order of the chat."""
    sections: list[str] = field(default_factory=list)
    """The panel's HTML, a section an answer."""
    turns: list[Turn] = field(default_factory=list)
    asked: int = 0
    """Questions asked; it numbers the answers, so that ids are unique."""
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


@dataclass(frozen=True, slots=True)
class View:
    """What to draw; None leaves a part as it is."""

    messages: list[dict[str, str]]
    panel: str | None = None
    question: str | None = None
    """What the question box shall hold."""


def answer(bot: Bot, question: str, session: Session) -> Iterator[View]:
    """The views from the question's arrival to its checked answer; none for an empty question or while one runs."""
    if session.asking or session.closed or not question.strip():
        return
    session.asking, session.stopped = True, False
    session.asked += 1
    try:
        for view in _views(bot, question.strip(), session):
            if session.closed:
                return
            yield view
    finally:
        session.asking = False


def settle(session: Session) -> View:
    """The view at rest. An answer that broke off without a word about it is told as a failure."""
    if session.pending and not session.asking:
        _finish(session, error_html("Có lỗi ngoài dự kiến, câu trả lời chưa viết xong. Xin hỏi lại."))
    return View(list(session.messages), session.panel())


def _views(bot: Bot, question: str, session: Session) -> Iterator[View]:
    documents = bot.index.documents
    session.messages.append({"role": "user", "content": question_html(question)})
    session.messages.append({"role": "assistant", "content": progress_html(f"Đang tìm trong {documents} tài liệu…")})
    session.pending = True
    yield View(list(session.messages), question="")
    try:
        yield from _streamed(bot, question, session)
    except QuestionError:
        _finish(session, error_html(_question_error(question, bot.config.max_question_chars)))
        yield View(list(session.messages), question=question)
    except GenerationError as error:
        _log.warning("answering failed: %s", error)
        _finish(session, error_html("Mô hình ngôn ngữ dừng giữa chừng, câu trả lời chưa viết xong.", str(error)))
        yield View(list(session.messages))
    except RagError as error:
        _log.warning("answering failed: %s", error)
        _finish(session, error_html("Không trả lời được câu hỏi này.", str(error)))
        yield View(list(session.messages))


def _streamed(bot: Bot, question: str, session: Session) -> Iterator[View]:
    turn = session.asked
    understood = written = ""
    sent: tuple[str, ...] = ()
    drawn = 0.0
    for event in bot.stream(question, tuple(session.turns), lambda: session.stopped):
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
                written = ""
                _write(session, progress_html("Đang viết lại câu trả lời…", understood=understood))
                yield View(list(session.messages))
            case TextPiece():
                written += event.text
                if time.monotonic() - drawn >= _SECONDS_BETWEEN_VIEWS:
                    drawn = time.monotonic()
                    _write(session, progress_html("", _MARK.sub("", written).strip(), understood))
                    yield View(list(session.messages))
            case Answer():
                _finish(session, message_html(event, turn, understood, session.stopped))
                session.sections[-1:] = [answer_section_html(event, turn)]
                if not session.stopped:
                    session.turns.append(Turn(understood or question, event.text, sent))
                yield View(list(session.messages), session.panel())


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
