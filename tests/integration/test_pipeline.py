"""A question's whole way over the shipped corpus, quoting."""

from pathlib import Path

import pytest

import rag
from rag.errors import ModelError, QuestionError
from rag.events import LOW_EVIDENCE, EvidenceFound, PassagesFound, Sending, TextPiece
from rag.pipeline import Bot
from rag.types import Answer, Support, Turn

AX = "A.X 4.0 được phát triển dựa trên mô hình nào?"


def test_an_answer_names_its_exact_words(bot: Bot) -> None:
    answer = bot.ask(AX)
    assert not answer.abstained
    assert "Qwen 2.5" in answer.text
    assert [sentence.support for sentence in answer.sentences] == [Support.SUPPORTED] * len(answer.sentences)
    for citation in answer.citations:
        assert bot.document(citation.doc_id).text[citation.start_char : citation.end_char] == citation.quote
    assert answer.citations[0].source == "002_39c1ad4ff5a1a562.txt"
    assert "Qwen 2.5" in answer.citations[0].quote


@pytest.mark.parametrize(
    "question",
    [
        "Cách nấu phở bò như thế nào?",
        "Giá vàng hôm nay bao nhiêu?",
        "cach nau pho bo",
        "Bà Emily Hamblin sinh năm nào?",
    ],
)
def test_what_the_corpus_does_not_hold_is_refused_with_the_nearest_passages(bot: Bot, question: str) -> None:
    answer = bot.ask(question)
    assert answer.abstained
    assert answer.text == "Không tìm thấy thông tin này trong tài liệu."
    assert (answer.sentences, answer.citations) == ((), ())
    assert answer.reason == LOW_EVIDENCE
    assert answer.retrieved


def test_a_detail_that_no_document_holds_is_named_in_the_refusal(bot: Bot) -> None:
    answer = bot.ask("Tính đến cuối năm 2024, bao nhiêu phần trăm doanh nghiệp Thái Lan đã sử dụng AI?")
    assert answer.abstained
    assert answer.reason == "not_mentioned: Thái Lan"
    assert bot.ask("xyzzy qwerty").reason == "not_mentioned: xyzzy, qwerty"


def test_a_stream_tells_the_passages_first_and_the_checked_answer_last(bot: Bot) -> None:
    events = list(bot.stream(AX))
    assert [type(event) for event in events] == [PassagesFound, EvidenceFound, Sending, TextPiece, Answer]
    found, evidence, sending, piece, answer = events
    assert isinstance(found, PassagesFound)
    assert isinstance(evidence, EvidenceFound)
    assert isinstance(sending, Sending)
    assert isinstance(piece, TextPiece)
    assert isinstance(answer, Answer)
    assert found.understood == AX
    assert [finding.evidence[0].text for finding in evidence.findings] == [answer.sentences[0].text]
    assert set(sending.passages) <= set(found.passages)
    assert piece.text.removesuffix(" [1]") in answer.text


def test_the_same_question_has_the_same_answer(bot: Bot) -> None:
    first, second = bot.ask(AX).as_json(), bot.ask(AX).as_json()
    assert {**first, "timings_ms": None} == {**second, "timings_ms": None}


def test_questions_in_every_dress_find_the_answer(bot: Bot) -> None:
    for question in (AX.upper(), AX.lower(), "A.X 4.0 duoc phat trien dua tren mo hinh nao", f"  {AX}\n"):
        assert "Qwen 2.5" in bot.ask(question).text


def test_a_follow_up_is_understood_from_the_turn_before(bot: Bot) -> None:
    history = [Turn("Việt Nam đặt mục tiêu gì về AI đến năm 2030?", "…")]
    event = next(iter(bot.stream("Còn năm 2045 thì sao?", history)))
    assert isinstance(event, PassagesFound)
    assert event.understood == "Việt Nam đặt mục tiêu gì về AI đến năm 2045?"


@pytest.mark.parametrize(
    ("question", "reason"),
    [("", "empty"), (" \n ", "empty"), ("?!", "empty"), ("a" * 50_000, "50000 characters, the limit is 4000")],
)
def test_what_is_no_question_is_refused(bot: Bot, question: str, reason: str) -> None:
    for use in (bot.ask, bot.search):
        with pytest.raises(QuestionError, match=reason):
            use(question)


def test_a_follow_up_begins_with_the_passages_that_the_turn_before_began_with(bot: Bot) -> None:
    def sent(history: list[Turn]) -> list[str]:
        (sending,) = (event for event in bot.stream(AX, history) if isinstance(event, Sending))
        return [passage.chunk.chunk_id for passage in sending.passages]

    usual = sent([])
    first, second, third, *_ = usual
    assert sent([Turn("Trước?", "Rồi.", (third, second, "gone", first))]) == [third, second, first, *usual[3:]]
    assert sent([Turn("Trước?", "Rồi.", ("gone", third))]) == usual
    *_, answer = bot.stream(AX, [Turn("Trước?", "Rồi.", (third, second))])
    assert isinstance(answer, Answer)
    assert answer.citations == bot.ask(AX).citations


def test_search_returns_at_most_what_was_asked_for(bot: Bot) -> None:
    assert len(bot.search(AX, 3)) == 3
    assert len(bot.search(AX)) == bot.config.retrieval.passages
    scores = [scored.score for scored in bot.search(AX, 20)]
    assert scores == sorted(scores, reverse=True)


def test_a_cancelled_stream_ends_without_an_answer(bot: Bot) -> None:
    *_, last = bot.stream(AX, cancelled=lambda: True)
    assert isinstance(last, Answer)
    assert (last.abstained, last.reason) == (True, "cancelled")


def test_a_notebook_shows_the_answer_with_its_words_marked(bot: Bot) -> None:
    page = bot.ask(AX)._repr_html_()
    assert "<mark>A.X 4.0 được phát triển dựa trên mô hình nguồn mở Qwen 2.5" in page
    refusal = bot.ask("Cách nấu <b>phở</b> bò như thế nào?")._repr_html_()
    assert "&lt;b&gt;phở&lt;/b&gt;" in refusal
    assert "<b>" not in refusal


def test_a_model_that_is_not_there_is_named(seeds_index: Path) -> None:
    with pytest.raises(ModelError, match=r"'no-such-model'.*--llm none"):
        rag.open(seeds_index, rag.RagConfig(), llm="no-such-model")


def test_ranked_passages_come_before_the_rest_and_scores_fall(bot: Bot) -> None:
    everything = bot.search(AX, bot.index.chunks)
    assert len(everything) == bot.index.chunks
    assert len({scored.chunk.chunk_id for scored in everything}) == bot.index.chunks
    scores = [scored.score for scored in everything]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores[: bot.config.retrieval.ranked]) == pytest.approx(1.0, abs=1e-4)
    assert bot.search(AX, 3) == everything[:3]


def test_two_questions_at_once_are_answered_from_two_documents(bot: Bot) -> None:
    answer = bot.ask("A.X 4.0 dựa trên mô hình nào? Hội thảo AI có trách nhiệm diễn ra chiều ngày nào?")
    assert "Qwen 2.5" in answer.text
    assert "21/9/2023" in answer.text
    assert {citation.source[:3] for citation in answer.citations} == {"002", "003"}
    assert answer.reason == ""


def test_the_half_that_stays_unanswered_is_named(bot: Bot) -> None:
    answer = bot.ask("A.X 4.0 dựa trên mô hình nào? Cách nấu phở bò như thế nào?")
    assert not answer.abstained
    assert "Qwen 2.5" in answer.text
    assert answer.reason == "partly: Cách nấu phở bò như thế nào?"
