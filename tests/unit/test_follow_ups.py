"""What could be asked next, from the shipped articles."""

import pytest

from rag.page.follow_ups import follow_ups
from rag.pipeline import Bot
from rag.types import Answer

GOALS = "Việt Nam đặt mục tiêu gì về AI đến năm 2030?"


@pytest.fixture(scope="module")
def goals(bot: Bot) -> Answer:
    return bot.ask(GOALS)


def offered(bot: Bot, answer: Answer, asked: tuple[str, ...] = (GOALS,)) -> tuple[str, ...]:
    return follow_ups(answer, asked, lambda doc_id: bot.document(doc_id).text)


def test_questions_are_about_the_cited_documents_and_answered_there(bot, goals):
    questions = offered(bot, goals)
    assert 0 < len(questions) <= 3
    cited = {citation.doc_id for citation in goals.citations}
    for question in questions:
        answer = bot.ask(question)
        assert not answer.abstained
        assert cited & {citation.doc_id for citation in answer.citations}


def test_what_was_asked_is_not_offered_again(bot, goals):
    first = offered(bot, goals)
    assert not set(offered(bot, goals, (GOALS, *first))) & set(first)


def test_the_same_answer_has_the_same_offers(bot, goals):
    assert offered(bot, goals) == offered(bot, goals)


def test_a_refusal_offers_nothing(bot):
    assert offered(bot, bot.ask("Cách nấu phở bò như thế nào?")) == ()
