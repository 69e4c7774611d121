"""Two runs over the same questions: whether the difference is more than chance, and where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.errors import QuestionSetError
from rag.resampling import bootstrap_interval, mean, permutation_p
from rag.results import FIGURES, LOWER_IS_BETTER, read_run

RIGHT = "right"
SIGNIFICANT_P = 0.05
SHOWN_CHANGES = 20
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
    """The questions with another outcome, as {"id", "question", "a", "b"}."""

    def as_json(self) -> dict[str, Any]:
        """The same as one object."""
        return asdict(self)

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
            {"id": a["id"], "question": a["question"], "a": a["failure"] or RIGHT, "b": b["failure"] or RIGHT}
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
    won = sum(change["b"] == RIGHT for change in changed)
    lost = sum(change["a"] == RIGHT for change in changed)
    lines += ["", f"B is right where A was wrong: {won}; wrong where A was right: {lost}"]
    lines += [
        f"  {change['id']}: {change['a']} -> {change['b']}  {change['question']}" for change in changed[:SHOWN_CHANGES]
    ]
    if len(changed) > SHOWN_CHANGES:
        lines.append(f"  … and {len(changed) - SHOWN_CHANGES} more")
    return "\n".join(lines)


def _p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _verdict(name: str, row: Mapping[str, Any]) -> str:
    if row["p"] >= SIGNIFICANT_P or not row["difference"]:
        return ""
    return "  B better" if (row["difference"] > 0) != (name in LOWER_IS_BETTER) else "  B worse"
