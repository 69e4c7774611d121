"""Two runs over the same questions: whether the difference is more than chance, and where they differ."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.batch.html_parts import figure, page, sortable_list, sortable_table
from rag.batch.plots import Axis, Bar, bar_plot, ticks_to
from rag.batch.resampling import bootstrap_interval, mean, permutation_p
from rag.batch.results import FIGURES, LOWER_IS_BETTER, read_run
from rag.errors import QuestionSetError

RIGHT = "right"
SIGNIFICANT_P = 0.05
SHOWN_CHANGES = 20
SHOWN_PASSAGES = 3
# Only refusals carry it, so that pairs would be what both runs refused, and never differ.
_UNPAIRED = "refusal_precision"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the questions that both hold; `str()` is a table."""

    a: str
    b: str
    n: int
    only_a: int
    only_b: int
    """Questions that the other run does not hold."""
    metrics: dict[str, dict[str, float]]
    """For each metric both means, "difference" (B minus A) with its 95% interval "low" to "high", "p", and "n"."""
    changed: list[dict[str, str]]
    """The questions with another outcome: {"id", "question", "a", "b", "expected", "answer_a", "answer_b"}."""

    def as_json(self) -> dict[str, Any]:
        """The same as one object."""
        return asdict(self)

    def html(self) -> str:
        """The same as a file that fetches nothing, with a chart, and each changed question to be opened."""
        return page("Comparison", [f"<h1>Comparison</h1>{self._repr_html_()}"])

    def _repr_html_(self) -> str:
        return "".join(_parts(self))

    def __str__(self) -> str:
        return _table(self)


def compare(run_a: Path, run_b: Path) -> Comparison:
    """The paired differences, B minus A, with bootstrap intervals and paired permutation tests.

    Raises:
        QuestionSetError: a folder holds no run, or they share no question, or an id means two questions.
    """
    lines_a, lines_b = ({line["id"]: line for line in read_run(run)[1]} for run in (run_a, run_b))
    pairs = [(lines_a[name], lines_b[name]) for name in lines_a if name in lines_b]
    if not pairs:
        raise QuestionSetError(f"{run_a} and {run_b} share no question: compare runs of one question set")
    for a, b in pairs:
        if a["question"] != b["question"]:
            raise QuestionSetError(
                f"the id {a['id']} is {a['question']!r} in {run_a} and {b['question']!r} in {run_b}:"
                " compare runs of one question set"
            )
    return Comparison(
        a=str(run_a),
        b=str(run_b),
        n=len(pairs),
        only_a=len(lines_a) - len(pairs),
        only_b=len(lines_b) - len(pairs),
        metrics=_paired_metrics(pairs),
        changed=[
            {
                "id": a["id"],
                "question": a["question"],
                "a": a["failure"] or RIGHT,
                "b": b["failure"] or RIGHT,
                "expected": " · ".join(a["answers"]),
                "answer_a": _told(a),
                "answer_b": _told(b),
            }
            for a, b in pairs
            if a["failure"] != b["failure"]
        ],
    )


def _paired_metrics(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    compared: dict[str, dict[str, float]] = {}
    for name in [name for name in FIGURES if name != _UNPAIRED]:
        both = [
            (a["metrics"][name], b["metrics"][name]) for a, b in pairs if name in a["metrics"] and name in b["metrics"]
        ]
        if not both:
            continue
        differences = [b - a for a, b in both]
        low, high = bootstrap_interval(differences)
        compared[name] = {
            "a": mean([a for a, _ in both]),
            "b": mean([b for _, b in both]),
            "difference": mean(differences),
            "low": low,
            "high": high,
            "p": permutation_p(differences),
            "n": len(both),
        }
    return compared


def _table(comparison: Comparison) -> str:
    lines = [
        f"A  {comparison.a}",
        f"B  {comparison.b}",
        f"{comparison.n} questions in both, {comparison.only_a} only in A, {comparison.only_b} only in B",
        "",
        f"{'':20} {'A':>7} {'B':>7} {'B - A':>7}   {'95% interval':<17} {'p':>6} {'n':>6}",
    ]
    for name, row in comparison.metrics.items():
        lines.append(
            f"{name:20} {row['a']:7.3f} {row['b']:7.3f} {row['difference']:+7.3f}"
            f"   {row['low']:+.3f} to {row['high']:+.3f}  {_p_value(row['p']):>6} {row['n']:6}{_verdict(name, row)}"
        )
    changed = comparison.changed
    lines += ["", _won_and_lost(comparison)]
    lines += [
        f"  {change['id']}: {change['a']} -> {change['b']}  {change['question']}" for change in changed[:SHOWN_CHANGES]
    ]
    if len(changed) > SHOWN_CHANGES:
        lines.append(f"  … and {len(changed) - SHOWN_CHANGES} more")
    return "\n".join(lines)


def _told(line: Mapping[str, Any]) -> str:
    """What a run answered; its first passages when it only searched."""
    if "answer" in line:
        return str(line["answer"])
    return "; ".join(f"{passage['rank']}. {passage['source']}" for passage in line["retrieved"][:SHOWN_PASSAGES])


def _parts(comparison: Comparison) -> list[str]:
    rows = [
        [
            (name, name),
            (f"{row['a']:.3f}", row["a"]),
            (f"{row['b']:.3f}", row["b"]),
            (f"{row['difference']:+.3f}", row["difference"]),
            (f"{row['low']:+.3f} to {row['high']:+.3f}", row["low"]),
            (_p_value(row["p"]), row["p"]),
            (str(row["n"]), row["n"]),
            (_verdict(name, row).strip() or "–", _verdict(name, row).strip()),
        ]
        for name, row in comparison.metrics.items()
    ]
    largest = max((max(abs(row["low"]), abs(row["high"])) for row in comparison.metrics.values()), default=0.0)
    ticks = ticks_to(largest)
    axis = Axis("B minus A", (*(-tick for tick in reversed(ticks[1:])), *ticks))
    bars = [
        Bar(name, row["difference"], (row["low"], row["high"]), _verdict(name, row).strip())
        for name, row in comparison.metrics.items()
    ]
    changed = [_opened(change) for change in comparison.changed]
    names = f"A: {comparison.a}; B: {comparison.b}; {comparison.n} questions in both, {comparison.only_a} only in A"
    return [
        f"<p>{html.escape(names)}, {comparison.only_b} only in B; differences with 95% intervals, paired</p>",
        sortable_table(("metric", "A", "B", "B - A", "95% interval", "p", "n", "verdict"), rows),
        figure(bar_plot("B minus A, with 95% intervals", axis, bars)),
        f"<h2>{html.escape(_won_and_lost(comparison))}</h2>",
        sortable_list("changed", ("a", "b", "id"), changed) if changed else "",
    ]


def _opened(change: Mapping[str, str]) -> str:
    sorted_by = "".join(f' data-{name}="{html.escape(change[name])}"' for name in ("a", "b", "id"))
    told = {"Expected": change["expected"] or "the corpus does not answer"}
    told |= {"A": change["answer_a"], "B": change["answer_b"]}
    lines = "".join(f"<p>{name}: {html.escape(text)}</p>" for name, text in told.items())
    tags = f'<span class="tag">{html.escape(change["a"])} → {html.escape(change["b"])}</span>'
    summary = f"{tags}<b>{html.escape(change['id'])}</b> {html.escape(change['question'])}"
    return f"<details{sorted_by}><summary>{summary}</summary>{lines}</details>"


def _won_and_lost(comparison: Comparison) -> str:
    won = sum(change["b"] == RIGHT for change in comparison.changed)
    lost = sum(change["a"] == RIGHT for change in comparison.changed)
    return f"B is right where A was wrong: {won}; wrong where A was right: {lost}"


def _p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _verdict(name: str, row: Mapping[str, Any]) -> str:
    if row["p"] >= SIGNIFICANT_P or not row["difference"]:
        return ""
    return "  B better" if (row["difference"] > 0) != (name in LOWER_IS_BETTER) else "  B worse"
