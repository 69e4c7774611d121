"""The answers benchmark's figures as text: what is wanted beside what was measured, then everything by part."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from answer_figures import EVIDENCE_AND_CHECKING, FIGURES
from answer_questions import FOREIGN, UNANSWERABLE

HARD_ONES = "hard"
"""The two hard kinds of unanswerable questions together."""
_LABEL, _COLUMN = 40, 25


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that has a goal."""

    what: str
    wanted: str
    """"≥ 90", "≤ 5", "= 100" or "< 20"."""
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0

    @property
    def is_met(self) -> bool:
        """Whether the value itself, not its whole interval, is as wanted."""
        sign, limit = self.wanted.split()
        wanted = float(limit)
        if sign == "=":
            return self.value == wanted
        return {"≥": self.value >= wanted, "≤": self.value <= wanted, "<": self.value < wanted}[sign]

    def as_json(self) -> dict[str, Any]:
        """One entry of the results file."""
        return {**asdict(self), "met": self.is_met}


def goals(report: Mapping[str, Any]) -> list[Goal]:
    """The goals of the project with what was measured, in percent and milliseconds."""
    answered = report["answerable"]["figures"]
    refused = {kind: entry for kind, entry in report["unanswerable"].items() if kind in (FOREIGN, HARD_ONES)}
    beside = {
        "gold answer in the shown evidence": ("≥ 90", answered.get("answer_in_text")),
        "gold answer in the first sentence shown": ("≥ 75", answered.get("answer_in_first")),
        "false refusals": ("≤ 5", answered.get("false_refusal_rate")),
        **{f"refused of the {kind}": (_LEAST[kind], entry["refused"]) for kind, entry in refused.items()},
        **{
            f"refused of the {kind} at 5% false refusals": (
                _LEAST[kind],
                entry.get("refused_at_5_percent_false_refusals"),
            )
            for kind, entry in refused.items()
        },
        "citation recall": ("≥ 95", answered.get("citation_recall")),
        "citation precision": ("≥ 95", answered.get("citation_precision")),
        "quotes verbatim": ("= 100", answered.get("citation_validity")),
        "answers with an unmarked unsupported number": ("= 0", answered.get("unmarked_number")),
        **_seeds_goals(report["seeds"]),
    }
    met = [Goal(what, wanted, **figure) for what, (wanted, figure) in beside.items() if figure is not None]
    cost = report["answerable"]["milliseconds"][EVIDENCE_AND_CHECKING]
    return [*met, Goal(f"{EVIDENCE_AND_CHECKING}, median ms", "< 20", cost["p50"], n=cost["n"])]


_LEAST = {FOREIGN: "≥ 90", HARD_ONES: "≥ 70"}


def _seeds_goals(seeds: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any] | None]]:
    overall, kinds = seeds["figures"], seeds["by_kind"]
    return {
        "seeds: gold answer in the shown evidence": ("≥ 90", overall.get("answer_in_text")),
        "seeds: gold answer in the first sentence shown": ("≥ 75", overall.get("answer_in_first")),
        "seeds: false refusals": ("≤ 5", overall.get("false_refusal_rate")),
        "seeds: refused of the foreign": ("≥ 90", kinds.get("foreign", {}).get("refusal_recall")),
        "seeds: refused of the near misses": ("≥ 70", kinds.get("near-miss", {}).get("refusal_recall")),
        "seeds: citation recall": ("≥ 95", overall.get("citation_recall")),
        "seeds: citation precision": ("≥ 95", overall.get("citation_precision")),
        "seeds: quotes verbatim": ("= 100", overall.get("citation_validity")),
    }


def goals_table(measured: Sequence[Goal]) -> str:
    """A line for each goal."""
    lines = [f"\n{'percent':{_LABEL + 12}s}{'wanted':>8s}{'measured':>10s}   {'95%':<16s}{'n':>6s}"]
    for goal in measured:
        interval = f"{goal.low:.1f} to {goal.high:.1f}" if goal.low is not None else ""
        reached = "" if goal.is_met else "   missed"
        lines.append(
            f"{goal.what:{_LABEL + 12}s}{goal.wanted:>8s}{goal.value:10.1f}   {interval:<16s}{goal.n:6d}{reached}"
        )
    return "\n".join(lines)


def figures_table(title: str, columns: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures of several groups of questions, a column for each."""
    lines = [f"\n{title:{_LABEL}s}" + "".join(f"{name:>{_COLUMN}s}" for name in columns)]
    lines += [
        f"{name:{_LABEL}s}" + "".join(_cell(figures.get(name)) for figures in columns.values())
        for name in FIGURES
        if any(name in figures for figures in columns.values())
    ]
    return "\n".join(lines)


def unanswerable_table(kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """Refusals and AUROC of each kind of unanswerable questions."""
    rows = {
        "refused": "refused",
        "refused at 5% false refusals": "refused_at_5_percent_false_refusals",
        "  by the probability alone, no rules": "refused_at_5_percent_false_refusals_by_probability",
        "AUROC": "auroc",
        "  of the probability alone, no rules": "auroc_by_probability",
    }
    named = [*(kind for kind in UNANSWERABLE if kind in kinds), *(kind for kind in kinds if kind not in UNANSWERABLE)]
    lines = [f"\n{'cannot be answered':{_LABEL}s}" + "".join(f"{kind:>{_COLUMN}s}" for kind in named)]
    lines.append(f"{'questions':{_LABEL}s}" + "".join(f"{kinds[kind]['questions']:{_COLUMN}d}" for kind in named))
    for label, name in rows.items():
        lines.append(f"{label:{_LABEL}s}" + "".join(_cell(kinds[kind].get(name)) for kind in named))
    return "\n".join(lines)


def times_table(times: Mapping[str, Mapping[str, float]]) -> str:
    """Median and 95th percentile of each step."""
    lines = [f"\n{'milliseconds':{_LABEL}s}{'median':>10s}{'95%':>10s}{'n':>8s}"]
    lines += [f"{step:{_LABEL}s}{time['p50']:10.1f}{time['p95']:10.1f}{time['n']:8d}" for step, time in times.items()]
    return "\n".join(lines)


def _cell(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return f"{'–':>{_COLUMN}s}"
    return f"{figure['value']:.1f} ({figure['low']:.1f} to {figure['high']:.1f})".rjust(_COLUMN)
