"""The charts of a run, from its figures and lines: recall by k, risk by coverage, times, question types, documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from rag.batch.judging import RANKS
from rag.batch.plots import Axis, Bar, Line, Plot, Point, bar_plot, line_plot, ticks_to
from rag.batch.resampling import percentile

_PERCENT = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
_PER_CENT_OF = "% of the questions"
_STEPS = ("retrieval", "first_token", "total")
_SHOWN_DOCUMENTS = 20
_CURVES = {"all": "all questions", "answerable": "answerable questions"}


def charts(metrics: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Plot]:
    """The charts that a run has data for, by name: "recall", "risk_coverage", "latency", "kinds", "documents"."""
    drawn = {
        "recall": _recall(results),
        "risk_coverage": _risk(metrics),
        "latency": _latency(results),
        "kinds": _kinds(metrics),
        "documents": _documents(metrics),
    }
    return {name: Plot(svg) for name, svg in drawn.items() if svg}


def _recall(results: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for prefix, name in (("", "gold documents"), ("passage_", "gold passages")):
        points: list[Point] = []
        for k in RANKS:
            found = [line["metrics"].get(f"{prefix}recall@{k}") for line in results]
            told = [value for value in found if value is not None]
            if told:
                points.append((float(k), 100 * sum(told) / len(told)))
        if points:
            lines.append(Line(name, tuple(points), tuple((value, value) for _, value in points)))
    x = Axis("k", (0.0, *map(float, RANKS)))
    return line_plot("Recall among the first k", x, Axis("% found", _PERCENT), lines) if lines else ""


def _risk(metrics: Mapping[str, Any]) -> str:
    lines = []
    for name, curve in metrics.get("risk_coverage", {}).items():
        points = tuple((100 * x, 100 * y) for x, y in zip(curve["coverage"], curve["risk"], strict=True))
        run = curve["as_run"]
        if points:
            lines.append(Line(_CURVES[name], points, marked=(100 * run["coverage"], 100 * run["risk"])))
    x, y = Axis(f"answered, {_PER_CENT_OF}", _PERCENT), Axis("wrong, % of the answered", _PERCENT)
    return line_plot("Risk by coverage; ring: as run", x, y, lines) if lines else ""


def _latency(results: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for step in _STEPS:
        times = [line["timings_ms"][step] for line in results if step in line["timings_ms"]]
        if times:
            lines.append(Line(step, tuple((percentile(times, share), float(share)) for share in range(0, 101, 2))))
    if not lines:
        return ""
    x = Axis("milliseconds", ticks_to(max(point[0] for line in lines for point in line.points)))
    return line_plot("Questions done within so many milliseconds", x, Axis(_PER_CENT_OF, _PERCENT), lines)


def _kinds(metrics: Mapping[str, Any]) -> str:
    figure = "right" if "right" in metrics["overall"] else "ndcg@10"
    bars = [
        Bar(kind or "(none)", 100 * found["value"], (100 * found["low"], 100 * found["high"]), f"n {found['n']}")
        for kind, figures in metrics["by_kind"].items()
        if (found := figures.get(figure))
    ]
    return bar_plot(f"{_meaning(figure)}, by kind of question", Axis("%", _PERCENT), bars) if bars else ""


def _documents(metrics: Mapping[str, Any]) -> str:
    """The documents with the lowest figures; there may be thousands."""
    figure = "right" if "right" in metrics["overall"] else "ndcg@10"
    told = [(name, found) for name, found in metrics.get("by_document", {}).items() if figure in found]
    if len(told) < 2:
        return ""
    worst = sorted(told, key=lambda pair: pair[1][figure])[:_SHOWN_DOCUMENTS]
    bars = [Bar(name, 100 * found[figure], note=f"n {found['n']}") for name, found in worst]
    which = "by document" if len(told) <= _SHOWN_DOCUMENTS else f"the {_SHOWN_DOCUMENTS} worst of {len(told)} documents"
    return bar_plot(f"{_meaning(figure)}, {which}", Axis("%", _PERCENT), bars)


def _meaning(figure: str) -> str:
    return "Right answers" if figure == "right" else figure
