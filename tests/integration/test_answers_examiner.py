"""The answers benchmark's examiner over the shipped corpus: the same question with and without what answers it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "eval" / "benchmarks"))

from answer_asking import Examiner

from rag.batch.questions import Question
from rag.pipeline import Bot

QUESTION = Question(
    "fact-01",
    "Phòng thí nghiệm AI quốc gia của Hàn Quốc chính thức ra mắt ngày nào?",
    ("28/10/2024",),
    ("000_9ed8113f62ed1f03.txt",),
    kind="answerable",
)


@pytest.fixture(scope="module")
def examiner(bot: Bot) -> Examiner:
    return Examiner(bot)


def test_answerable_question_is_answered_from_its_gold_document(examiner: Examiner, bot: Bot) -> None:
    outcome = examiner.ask(QUESTION)
    assert (outcome.reason, outcome.by_rule, outcome.failure) == ("", False, None)
    assert outcome.confidence == outcome.probability > bot.config.evidence.threshold
    assert outcome.metrics["answer_in_first"] == outcome.metrics["citation_precision"] == 1.0
    assert {"retrieval", "evidence", "checking", "total"} <= set(outcome.timings_ms)


def test_question_without_its_gold_document_has_no_gold_passage(examiner: Examiner) -> None:
    outcome = examiner.ask_without_gold(QUESTION)
    assert outcome is None or (outcome.kind, outcome.gold_rank) == ("gold-out", None)


def test_distractors_stand_beside_the_gold_passage(examiner: Examiner) -> None:
    alone, among = examiner.ask_beside(QUESTION, (0, 8))
    assert (alone.kind, alone.gold_rank) == ("beside 0", 1)
    assert (among.kind, among.metrics["gold_found"]) == ("beside 8", 1.0)
    assert alone.as_json()["metrics"]["answer_in_first"] == 1.0
