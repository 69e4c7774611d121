"""Outcomes to figures: shares with intervals, times, and how well the refusals part the questions."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from answer_asking import Outcome
from ranking_figures import Figure

from rag.batch.metrics import auroc
from rag.batch.resampling import percentile
from rag.batch.risk_coverage import threshold_for

FIGURES = (
    "gold_found", "gold_first", "answer_in_first", "answer_in_text", "answer_in_quotes", "given_in_first",
    "given_in_text", "chosen_in_first", "chosen_in_text", "false_refusal_rate", "citation_precision", "citation_recall",
    "citation_validity", "supported", "partial", "unsupported", "unmarked_number",
)  # fmt: skip
"""Metrics of `rag.batch.judging` and `answer_asking.shown_metrics` that are reported, in the order of the table."""
STEPS = ("retrieval", "evidence", "checking", "total")
EVIDENCE_AND_CHECKING = "evidence and checking"
FALSE_REFUSALS = 0.05
"""The share of answerable questions that may be refused."""
_RESAMPLES = 1000
_SCORES: dict[str, Callable[[Outcome], float | None]] = {
    "": lambda one: one.confidence,
    "_by_probability": lambda one: one.probability,
}

Outcomes = dict[str, list[Outcome]]
"""By kind of question."""


def share(values: Sequence[float]) -> dict[str, float]:
    """The mean of values of 0 to 1 in percent, with its interval and n."""
    return {**asdict(Figure.of(values)), "n": len(values)}


def shares(outcomes: Sequence[Outcome], names: Sequence[str] = FIGURES) -> dict[str, dict[str, float]]:
    """Each metric's figure over the outcomes that have it."""
    values = {name: [one.metrics[name] for one in outcomes if name in one.metrics] for name in names}
    return {name: share(found) for name, found in values.items() if found}


def answerable_report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of answerable questions: all of them, with and without their gold passage among the retrieved."""
    parts = {
        "gold_found": [one for one in outcomes if one.gold_rank is not None],
        "gold_not_found": [one for one in outcomes if one.gold_rank is None],
    }
    return {
        "questions": len(outcomes),
        "figures": shares(outcomes),
        "by_retrieval": {name: {"questions": len(some), "figures": shares(some)} for name, some in parts.items()},
        "refusals": reasons(outcomes),
        "wrong": dict(Counter(one.failure.value for one in outcomes if one.failure is not None).most_common()),
        "milliseconds": milliseconds(outcomes),
    }


def unanswerable_report(answerable: Sequence[Outcome], unanswerable: Sequence[Outcome]) -> dict[str, Any]:
    """How many unanswerable questions are refused and why, and how well they are told from the answerable ones.

    `auroc`, and `refused_at_5_percent_false_refusals` of the answerable ones, are of the probability with what a rule
    refuses below everything else; those with `_by_probability` are of the probability alone, as if there were no rules.
    """
    report: dict[str, Any] = {
        "questions": len(unanswerable),
        "refused": share([one.metrics["refusal_recall"] for one in unanswerable]),
        "refusals": reasons(unanswerable),
    }
    for name, score in _SCORES.items():
        above, below = [score(one) for one in answerable], [score(one) for one in unanswerable]
        threshold = threshold_for(above, FALSE_REFUSALS)
        report[f"auroc{name}"] = auroc_figure(_numbers(above), _numbers(below))
        if threshold is not None:
            refused = [float(one is None or one < threshold) for one in below]
            report[f"refused_at_5_percent_false_refusals{name}"] = share(refused)
            report[f"threshold_of_5_percent_false_refusals{name}"] = round(threshold, 4)
    return report


def reasons(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many were refused for each reason."""
    return dict(Counter(one.reason for one in outcomes if one.reason).most_common())


def milliseconds(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each step, and of evidence and checking together, over the questions with it."""
    times = {step: [one.timings_ms[step] for one in outcomes if step in one.timings_ms] for step in STEPS}
    times[EVIDENCE_AND_CHECKING] = [
        one.timings_ms["evidence"] + one.timings_ms.get("checking", 0.0)
        for one in outcomes
        if "evidence" in one.timings_ms
    ]
    return {
        step: {"p50": round(percentile(some, 50), 2), "p95": round(percentile(some, 95), 2), "n": len(some)}
        for step, some in times.items()
        if some
    }


def auroc_figure(above: Sequence[float], below: Sequence[float], seed: int = 7) -> dict[str, float]:
    """The AUROC of scores that should stand above others, in percent, with a 95% bootstrap interval.

    Both sides are resampled, each by itself.
    """

    def of(one: Sequence[float], other: Sequence[float]) -> float:
        return auroc([*one, *other], [True] * len(one) + [False] * len(other))

    rng = np.random.default_rng(seed)
    resampled = [
        of(rng.choice(above, len(above)).tolist(), rng.choice(below, len(below)).tolist()) for _ in range(_RESAMPLES)
    ]
    low, high = np.percentile(resampled, [2.5, 97.5])
    value, low, high = (round(100 * float(one), 2) for one in (of(above, below), low, high))
    return {"value": value, "low": low, "high": high, "n": len(above) + len(below)}


def _numbers(confidences: Sequence[float | None]) -> list[float]:
    """The confidences with what is never answered below all others."""
    return [-1.0 if one is None else one for one in confidences]
