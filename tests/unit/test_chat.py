"""A conversation's views, with a bot whose events are given."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import rag.page.chat
from rag.config import RagConfig
from rag.errors import GenerationError, QuestionError
from rag.events import Event, PassagesFound, Restarted, Sending, TextPiece
from rag.history.conversations import ConversationStore
from rag.history.transcripts import conversation_markdown
from rag.page.chat import Session, View, answer, reopened, settle
from rag.pipeline import Bot
from rag.types import Answer, AnswerSentence, Chunk, ScoredChunk, Support, Turn

DONE = Answer(
    "Hỏi?", "Một hai.", (AnswerSentence("Một hai.", Support.SUPPORTED, ()),), (), (), False, "", "extractive", {}
)
EVENTS: tuple[Event, ...] = (PassagesFound("Hỏi?", ()), Sending(()), TextPiece("Một "), TextPiece("hai [1]."), DONE)


class ToldBot:
    """Streams the events that it was given, then raises what it was given."""

    index = SimpleNamespace(documents=5)
    generator = SimpleNamespace(name="tiny.gguf")
    config = RagConfig()

    def __init__(self, *events: Event, fails: Exception | None = None) -> None:
        self.events = events
        self.fails = fails
        self.histories: list[Sequence[Turn]] = []

    def stream(
        self, question: str, history: Sequence[Turn], cancelled: Callable[[], bool], *, docs: object = None
    ) -> Iterator[Event]:
        self.histories.append(history)
        yield from self.events
        if self.fails is not None:
            raise self.fails


def views(told: ToldBot, question: str, session: Session) -> list[View]:
    return list(answer(cast(Bot, told), question, session))


def last(view: View) -> str:
    return view.messages[-1]["content"]


def test_views_go_from_searching_to_the_checked_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.page.chat, "_SECONDS_BETWEEN_VIEWS", 0.0)
    session = Session()
    seen = views(ToldBot(*EVENTS), " Hỏi? ", session)
    wanted = ["Đang tìm trong 5 tài liệu…", "Đã tìm thấy 0 đoạn", "Đang viết", "Một", "Một hai.", "1/1 câu có căn cứ"]
    assert len(seen) == len(wanted)
    for view, words in zip(seen, wanted, strict=True):
        assert words in last(view)
    assert "[1]" not in last(seen[4])
    assert seen[0].question == ""
    assert (seen[0].panel, seen[2].panel) == (None, None)
    assert session.turns == [Turn("Hỏi?", "Một hai.")]
    assert not session.asking
    assert not session.pending


def test_a_restarted_answer_begins_again_and_a_turn_keeps_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.page.chat, "_SECONDS_BETWEEN_VIEWS", 0.0)
    session = Session()
    chunk = Chunk("c1", "d", "Một hai.", 0, 8)
    sending = Sending((ScoredChunk(chunk, 1.0, "Tin", "d.txt"),))
    seen = views(ToldBot(EVENTS[0], sending, TextPiece("Wrong"), Restarted(), TextPiece("Một"), DONE), "Hỏi?", session)
    assert "Wrong" in last(seen[3])
    assert "Đang viết lại" in last(seen[4])
    assert '<p class="sentence">Một</p>' in last(seen[5])
    assert session.turns == [Turn("Hỏi?", "Một hai.", ("c1",))]


def test_pieces_that_come_fast_are_drawn_together() -> None:
    pieces = tuple(TextPiece("a ") for _ in range(1000))
    assert len(views(ToldBot(EVENTS[0], EVENTS[1], *pieces, DONE), "Hỏi?", Session())) < 10


@pytest.mark.parametrize("question", ["", "  \n "])
def test_an_empty_question_changes_nothing(question: str) -> None:
    session = Session()
    assert views(ToldBot(*EVENTS), question, session) == []
    assert session == Session()


def test_a_second_question_waits_for_the_first() -> None:
    session = Session()
    running = answer(cast(Bot, ToldBot(*EVENTS)), "Hỏi?", session)
    next(running)
    assert views(ToldBot(*EVENTS), "Nữa?", session) == []
    assert len(list(running)) > 0
    assert len(session.messages) == 2


def test_a_follow_up_gets_the_conversation_and_shows_how_it_was_understood() -> None:
    session = Session(turns=[Turn("Trước?", "Rồi.")])
    told = ToldBot(PassagesFound("Đầy đủ?", ()), DONE)
    seen = views(told, "Còn?", session)
    assert told.histories == [(Turn("Trước?", "Rồi."),)]
    assert "Hiểu là: Đầy đủ?" in last(seen[-1])
    assert session.turns[-1] == Turn("Đầy đủ?", "Một hai.")


@pytest.mark.parametrize(
    ("error", "question", "told", "box"),
    [
        (QuestionError("too long"), "x" * 4001, "Câu hỏi dài 4001 ký tự, nhiều nhất là 4000", "x" * 4001),
        (QuestionError("empty"), "?!", "Hãy viết câu hỏi bằng chữ.", "?!"),
        (GenerationError("boom: try --llm none"), "Hỏi?", "Mô hình ngôn ngữ dừng giữa chừng", None),
    ],
)
def test_an_error_is_told_in_the_chat(error: Exception, question: str, told: str, box: str | None) -> None:
    session = Session()
    seen = views(ToldBot(fails=error), question, session)
    assert told in last(seen[-1])
    assert seen[-1].question == box
    assert session.turns == []
    assert not session.asking


def test_an_unexpected_error_is_told_at_rest() -> None:
    session = Session()
    with pytest.raises(ZeroDivisionError):
        views(ToldBot(EVENTS[0], fails=ZeroDivisionError()), "Hỏi?", session)
    assert "Có lỗi ngoài dự kiến" in last(settle(session))
    assert not session.asking


def test_a_stopped_answer_says_so_and_is_kept_as_far_as_it_came(tmp_path: Path) -> None:
    store, session = ConversationStore(tmp_path / "kept.sqlite"), Session("a" * 32)
    asked: list[bool] = []

    class Watching(ToldBot):
        def stream(
            self, question: str, history: Any, cancelled: Callable[[], bool], *, docs: object = None
        ) -> Iterator[Event]:
            yield EVENTS[0]
            asked.append(cancelled())
            session.stop()
            asked.append(cancelled())
            yield DONE

    with_store = answer(cast(Bot, Watching()), "Hỏi?", session, store)
    assert last(list(with_store)[-1]).count("Đã dừng theo ý bạn") == 1
    assert asked == [False, True]
    assert [turn.answer for turn in session.turns] == ["Một hai."]
    (kept,) = store.list("a" * 32)
    again = reopened(store.load("a" * 32, kept.id), "a" * 32)
    assert again.messages[-1]["content"].count("Đã dừng theo ý bạn") == 1
    assert again.turns == session.turns
    assert "Đã dừng theo ý bạn" in conversation_markdown(store.load("a" * 32, kept.id))


def test_what_was_stopped_before_its_first_word_is_kept_but_nothing_to_go_on_from(tmp_path: Path) -> None:
    store, session = ConversationStore(tmp_path / "kept.sqlite"), Session("a" * 32)
    none = Answer("Hỏi?", "Không.", (), (), (), True, "cancelled", "extractive", {})
    list(answer(cast(Bot, ToldBot(EVENTS[0], none)), "Hỏi?", session, store))
    assert session.turns == []
    again = reopened(store.load("a" * 32, session.conversation), "a" * 32)
    assert again.turns == []
    assert "Đã dừng." in again.messages[-1]["content"]


def test_a_conversation_that_was_left_draws_nothing_more() -> None:
    session = Session()
    running = answer(cast(Bot, ToldBot(*EVENTS)), "Hỏi?", session)
    next(running)
    session.leave()
    assert list(running) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Một [1] hai [2, 3].", "Một hai."),
        ("Một [", "Một"),
        ("Một [Đoạn 1", "Một"),
        ("Một 【12】 hai", "Một hai"),
        ("Một [sic] hai", "Một [sic] hai"),
    ],
)
def test_marks_are_hidden_until_they_are_checked(written: str, shown: str) -> None:
    seen = views(ToldBot(EVENTS[0], EVENTS[1], TextPiece(written), DONE), "Hỏi?", Session())
    assert f'<p class="sentence">{shown}</p>' in last(seen[3])
