"""The answers benchmark's two plots, and the data of the first: risk against coverage, figures against distractors."""

from collections.abc import Mapping, Sequence
from typing import Any

from answer_asking import Outcome
from answer_figures import Outcomes
from answer_questions import ANSWERABLE, FOREIGN, HARD

from rag.batch.plots import Axis, Line, line_plot
from rag.batch.risk_coverage import CurvePoint, Judged, at_threshold, risk_coverage, thinned

_PERCENT = tuple(float(tick) for tick in range(0, 101, 20))
_OVER_DISTRACTORS = {
    "answer_in_text": "gold answer in the shown evidence",
    "answer_in_first": "gold answer in the first sentence shown",
    "citation_precision": "citation precision",
    "false_refusal_rate": "false refusals",
}


def curves(outcomes: Outcomes, shipped: float) -> dict[str, Any]:
    """Risk against coverage: of the answerable questions alone, and with as many unanswerable ones of either sort."""
    hard = [one for kind in HARD for one in judged(outcomes[kind], 1 / len(HARD))]
    mixed: dict[str, list[Judged]] = {
        "answerable questions": [],
        "half of them foreign": judged(outcomes[FOREIGN]),
        "half of them hard": hard,
    }
    result: dict[str, Any] = {}
    for name, others in mixed.items():
        points = risk_coverage([*judged(outcomes[ANSWERABLE]), *others])
        at_shipped = at_threshold(points, shipped)
        kept = thinned(points)
        result[name] = {
            "coverage": [round(100 * point.coverage, 2) for point in kept],
            "risk": [round(100 * point.risk, 2) for point in kept],
            "threshold": [round(point.threshold, 4) for point in kept],
            "as_shipped": _in_percent(at_shipped) if at_shipped is not None else None,
        }
    return result


def _in_percent(point: CurvePoint) -> dict[str, float]:
    return {"coverage": round(100 * point.coverage, 2), "risk": round(100 * point.risk, 2)}


def judged(outcomes: Sequence[Outcome], weight: float = 1.0) -> list[Judged]:
    """The outcomes as questions of a curve, with `weight` in all; an unanswerable question is never right."""
    each = weight / max(len(outcomes), 1)
    return [Judged(one.confidence, bool(one.metrics.get("chosen_in_first", 0.0)), each) for one in outcomes]


def risk_plot(report: Mapping[str, Any]) -> str:
    """The curves of `curves` as SVG, a ring at the shipped threshold."""
    lines = []
    for name, curve in report["risk_coverage"].items():
        shipped = curve["as_shipped"]
        marked = (shipped["coverage"], shipped["risk"]) if shipped is not None else None
        lines.append(Line(name, tuple(zip(curve["coverage"], curve["risk"], strict=True)), marked=marked))
    title = f"First sentence wrong, by share answered; ring: threshold {report['evidence']['threshold']:g}"
    x = Axis("answered, % of the questions", _PERCENT)
    return line_plot(title, x, Axis("wrong, % of the answered", _PERCENT), lines)


def distractor_plot(report: Mapping[str, Any]) -> str:
    """The main figures against the number of distractors as SVG, with their intervals."""
    by_count = {float(count): figures for count, figures in report["distractors"].items()}
    lines = []
    for name, label in _OVER_DISTRACTORS.items():
        told = {count: figures[name] for count, figures in by_count.items() if name in figures}
        points = tuple((count, figure["value"]) for count, figure in told.items())
        lines.append(Line(label, points, tuple((figure["low"], figure["high"]) for figure in told.values())))
    x = Axis("distractor passages beside the gold one", tuple(by_count))
    return line_plot("The gold passage among distractors", x, Axis("% of the questions", _PERCENT), lines)
