"""The answers benchmark's counting: what an outcome holds, risk against coverage, thresholds, goals and plots."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import cast

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "eval" / "benchmarks"))

from answer_asking import Given, Search, gold_rank, in_first, shown_metrics, unmarked_numbers
from answer_figures import auroc_figure, share
from answer_questions import FOREIGN, still_answered, swapped, unanswerable
from answer_tables import Goal

from rag.batch.plots import Axis, Line, line_plot
from rag.batch.questions import Question
from rag.batch.risk_coverage import CurvePoint, Judged, at_threshold, risk_coverage, thinned, threshold_for
from rag.pipeline import Bot
from rag.types import Answer, AnswerSentence, Chunk, Citation, ScoredChunk, Support

QUESTION = Question("1", "Hàn Quốc chi bao nhiêu năm 2024?", ("94,6 tỷ won", "94,6 tỷ"), ("gold",))


def passage(source: str, text: str, place: int = 0) -> ScoredChunk:
    return ScoredChunk(Chunk(f"{source}-{place}", source, text, 0, len(text)), 1.0, source, source)


GOLD = passage("gold", "Hàn Quốc chi 94,6 tỷ won.")
BEFORE = passage("gold", "Hàn Quốc có một phòng thí nghiệm.", 1)
OTHER = passage("other", "Nước khác cũng chi 94,6 tỷ won.")


def answer(*told: tuple[str, str, Support], refused: bool = False) -> Answer:
    """An answer of (sentence, its quote, support) triples over the three passages."""
    sentences = tuple(AnswerSentence(text, support, (place,)) for place, (text, _, support) in enumerate(told, start=1))
    citations = tuple(
        Citation(place, "gold", "", "gold", None, 0, 1, quote) for place, (_, quote, _) in enumerate(told, 1)
    )
    return Answer("?", "", sentences, citations, (OTHER, BEFORE, GOLD), refused, "", "extractive", {})


REFUSED = answer(refused=True)
RIGHT_SECOND = answer(
    ("Có một phòng thí nghiệm.", "Có một phòng thí nghiệm.", Support.SUPPORTED),
    ("Nước này chi 94,6 TỶ WON.", "Nước này chi 94,6 tỷ won.", Support.SUPPORTED),
)


def test_gold_rank_is_of_the_gold_document_and_of_its_passage_with_the_answer() -> None:
    assert gold_rank(QUESTION, [OTHER, BEFORE, GOLD]) == 3
    assert gold_rank(QUESTION, [OTHER, BEFORE]) is None


def test_given_answer_counts_by_first_sentence_and_by_all() -> None:
    assert shown_metrics(QUESTION, RIGHT_SECOND, RIGHT_SECOND) == {
        "gold_found": 1.0,
        "gold_first": 0.0,
        "answer_in_first": 0.0,
        "chosen_in_first": 0.0,
        "chosen_in_text": 1.0,
        "given_in_first": 0.0,
        "given_in_text": 1.0,
        "unmarked_number": 0.0,
    }


def test_refusal_shows_nothing_and_counts_as_what_the_threshold_held_back() -> None:
    assert shown_metrics(QUESTION, REFUSED, RIGHT_SECOND) == {
        "gold_found": 1.0,
        "gold_first": 0.0,
        "answer_in_first": 0.0,
        "chosen_in_first": 0.0,
        "chosen_in_text": 1.0,
    }
    assert shown_metrics(unanswerable(QUESTION, FOREIGN), REFUSED, REFUSED) == {}


def test_first_sentence_is_compared_by_syllables() -> None:
    assert in_first(answer(("Chi 94,6 TỈ, won.", "", Support.SUPPORTED)), ["94,6 tỉ won"]) == 1.0
    assert in_first(REFUSED, ["94,6 tỉ won"]) == 0.0


@pytest.mark.parametrize(
    ("text", "quote", "support", "missing"),
    [
        ("Chi 95 tỷ.", "Chi 94,6 tỷ.", Support.SUPPORTED, ["95 tỷ"]),
        ("Chi 95 tỷ.", "Chi 94,6 tỷ.", Support.PARTIAL, []),
        ("Chi 95 tỷ.", "Chi 94,6 tỷ.", Support.UNSUPPORTED, []),
        ("Chi 50.000 won.", "Chi 50 nghìn won.", Support.SUPPORTED, []),
        ("Ông Kim chi.", "Ông Lee chi.", Support.SUPPORTED, []),
        ("Từ năm 2031.", "Từ năm 2030.", Support.SUPPORTED, ["2031"]),
    ],
)
def test_number_without_its_quote_is_unmarked_only_when_called_supported(
    text: str, quote: str, support: Support, missing: list[str]
) -> None:
    assert unmarked_numbers(answer((text, quote, support))) == missing


def test_number_in_another_sentences_quote_does_not_count() -> None:
    told = answer(("Chi 95 tỷ.", "Chi tiền.", Support.SUPPORTED), ("Thu 95 tỷ.", "Thu 95 tỷ.", Support.SUPPORTED))
    assert unmarked_numbers(told) == ["95 tỷ"]


def test_left_out_document_makes_room_for_the_next_passages() -> None:
    class Found:
        def search(self, _question: str, limit: int, _docs: Collection[str] | None) -> list[ScoredChunk]:
            return [BEFORE, OTHER, GOLD, passage("third", "Ba.")][:limit]

    search = Search(cast(Bot, Found()), ("gold",))
    assert [found.source for found in search.retrieve("?", 2)] == ["other", "third"]
    assert Search(cast(Bot, Found())).retrieve("?", 2) == [BEFORE, OTHER]
    assert Given((GOLD, OTHER)).retrieve("?", 1) == [GOLD]


def test_question_is_still_answered_by_a_passage_with_an_answer_of_several_syllables() -> None:
    assert still_answered(QUESTION, [BEFORE, OTHER])
    assert not still_answered(QUESTION, [BEFORE])
    year = Question("2", "Năm nào?", ("1945",), ("gold",))
    assert not still_answered(year, [passage("other", "Sinh năm 1945.")])


def test_swapped_question_has_no_answer_and_is_the_same_for_the_same_seed() -> None:
    question = Question("3", "Đại hội họp năm 1986 ở đâu?", ("Hà Nội",), ("gold",), context="…", kind="answerable")
    changed = swapped(question, ["Sài Gòn"], 22)
    assert changed is not None
    assert changed == swapped(question, ["Sài Gòn"], 22)
    assert (changed.answers, changed.docs, changed.kind) == ((), (), "swapped")
    assert changed.question.startswith("Đại hội họp năm ")
    assert "1986" not in changed.question
    assert swapped(Question("4", "ở đâu?"), ["Sài Gòn"], 22) is None


def test_capital_that_only_begins_a_question_is_not_swapped() -> None:
    for seed in range(20):
        changed = swapped(Question("5", "Quốc hội Pháp họp ở đâu?"), ["Sài Gòn"], seed)
        assert changed is not None
        assert changed.question == "Quốc hội Sài Gòn họp ở đâu?"
    assert swapped(Question("6", "Tại sao trời mưa?"), ["Sài Gòn"], 22) is None


def test_risk_and_coverage_at_each_threshold() -> None:
    questions = [Judged(0.9, True), Judged(0.6, False), Judged(0.6, True), Judged(0.2, False), Judged(None, True)]
    assert risk_coverage(questions) == [
        CurvePoint(0.9, 0.2, 0.0),
        CurvePoint(0.6, 0.6, 1 / 3),
        CurvePoint(0.2, 0.8, 0.5),
    ]


def test_weights_count_in_risk_and_coverage() -> None:
    questions = [Judged(0.9, True, 0.5), Judged(0.8, False, 0.25), Judged(0.1, False, 0.25)]
    assert risk_coverage(questions) == [
        CurvePoint(0.9, 0.5, 0.0),
        CurvePoint(0.8, 0.75, 1 / 3),
        CurvePoint(0.1, 1.0, 0.5),
    ]
    assert risk_coverage([]) == []


def test_point_of_a_threshold_is_the_last_that_reaches_it() -> None:
    points = [CurvePoint(0.9, 0.2, 0.0), CurvePoint(0.6, 0.6, 0.1), CurvePoint(0.2, 0.8, 0.5)]
    assert at_threshold(points, 0.95) is None
    assert at_threshold(points, 0.6) == points[1]
    assert at_threshold(points, 0.3) == points[1]
    assert at_threshold(points, 0.0) == points[2]


def test_thinned_curve_keeps_its_ends() -> None:
    points = [CurvePoint(1 - place / 100, place / 100, 0.0) for place in range(1, 9)]
    assert [round(100 * point.coverage) for point in thinned(points, 0.03)] == [1, 4, 7, 8]
    assert thinned(points[:1]) == points[:1]
    assert thinned([]) == []


@pytest.mark.parametrize(
    ("confidences", "most", "threshold"),
    [
        ([0.5, 0.1, 0.9, 0.3], 0.25, 0.3),
        ([0.5, 0.1, 0.9, 0.3], 0.2, 0.1),
        ([0.5, None, 0.9, 0.3], 0.25, 0.3),
        ([0.5, None, None, 0.3], 0.25, None),
        ([0.5, 0.4], 1.0, 0.5),
    ],
)
def test_threshold_refuses_at_most_the_share(
    confidences: list[float | None], most: float, threshold: float | None
) -> None:
    assert threshold_for(confidences, most) == threshold


def test_threshold_needs_questions() -> None:
    with pytest.raises(ValueError, match="no questions"):
        threshold_for([], 0.05)


def test_figures_are_percent_with_interval_and_count() -> None:
    assert share([1.0, 1.0, 1.0]) == {"value": 100.0, "low": 100.0, "high": 100.0, "n": 3}
    assert auroc_figure([0.9, 0.8], [0.1, 0.2, 0.3]) == {"value": 100.0, "low": 100.0, "high": 100.0, "n": 5}
    assert auroc_figure([0.5], [0.5])["value"] == 50.0
    assert auroc_figure([0.9, 0.1], [0.5])["value"] == 50.0


@pytest.mark.parametrize(
    ("wanted", "value", "met"),
    [
        ("≥ 90", 90.0, True),
        ("≥ 90", 89.9, False),
        ("≤ 5", 5.0, True),
        ("≤ 5", 5.1, False),
        ("= 100", 100.0, True),
        ("= 100", 99.9, False),
        ("< 20", 20.0, False),
        ("< 20", 19.9, True),
    ],
)
def test_goal_is_met_by_its_value(wanted: str, value: float, met: bool) -> None:
    assert Goal("a figure", wanted, value).is_met is met


def test_plot_places_points_by_the_ticks() -> None:
    line = Line("a < b", ((0.0, 0.0), (4.0, 100.0)), ((0.0, 50.0), (50.0, 100.0)), marked=(2.0, 50.0))
    drawn = line_plot("Title & more", Axis("x", (0.0, 2.0, 4.0)), Axis("y", (0.0, 50.0, 100.0)), [line])
    assert '<polyline points="64.0,384.0 696.0,48.0"' in drawn
    assert '<path d="M64.0 384.0V216.0"' in drawn
    assert '<circle cx="380.0" cy="216.0" r="5"' in drawn
    assert ">a &lt; b</text>" in drawn
    assert ">Title &amp; more</text>" in drawn
