"""A run's figures as plain text for a terminal."""

from collections.abc import Mapping
from typing import Any

from rag.batch.results import FIGURES

BY_KIND = ("right", "recall@1", "ndcg@10", "answer_in_text", "f1", "refusal_recall", "false_refusal_rate")
"""What a table by kind has room for."""

FAILURE_MEANINGS = {
    "not_retrieved": "no passage that was found could have answered",
    "refused_wrongly": "a passage could have answered, the answer was a refusal",
    "not_selected": "the answer rests on other sentences than those that say it",
    "not_said": "the quotes say it, the text does not",
    "said_unsupported": "what is said in answer, no quote bears out",
    "answered_wrongly": "the corpus does not answer, and still there was an answer",
}


def terminal_table(metrics: Mapping[str, Any]) -> str:
    """The figures of `rag.batch.results.summarize`: overall with intervals, by kind, times, failures."""
    lines = [counts(metrics), "", f"{'':20} {'value':>7}   {'95% interval':<15} {'n':>6}"]
    lines += [
        f"{name:20} {found['value']:7.3f}   {interval(found):<15} {found['n']:6}"
        for name, found in metrics["overall"].items()
    ]
    lines += _by_kind(metrics)
    if metrics["latency_ms"]:
        lines += ["", f"{'milliseconds':20} {'p50':>9} {'p95':>9}"]
        lines += [f"{step:20} {time['p50']:9.1f} {time['p95']:9.1f}" for step, time in metrics["latency_ms"].items()]
    resources = resources_used(metrics)
    if resources:
        lines += ["", resources]
    if metrics["failures"]:
        lines += ["", "why answers are wrong"]
        lines += [f"{name:20} {count:7}   {FAILURE_MEANINGS[name]}" for name, count in metrics["failures"].items()]
    if metrics.get("unknown_docs"):
        lines += ["", f"not in the corpus: {', '.join(metrics['unknown_docs'])}"]
    return "\n".join(lines)


def _by_kind(metrics: Mapping[str, Any]) -> list[str]:
    if not metrics["by_kind"]:
        return []
    columns = kind_columns(metrics)
    width = max(len(kind) for kind in metrics["by_kind"]) + 2
    lines = ["", f"{'by kind':{width}}" + f"{'n':>6}" + "".join(f"  {name:>7}" for name in columns)]
    for kind, figures in metrics["by_kind"].items():
        cells = "".join(f"  {shown_value(figures, name):>{max(len(name), 7)}}" for name in columns)
        lines.append(f"{kind or '(none)':{width}}{figures['n']:6}{cells}")
    return lines


def counts(metrics: Mapping[str, Any]) -> str:
    """How many questions there were."""
    return f"{metrics['n']} questions: {metrics['n_answerable']} answerable, {metrics['n_unanswerable']} not"


def interval(found: Mapping[str, Any]) -> str:
    """The interval of a figure; "" when it has none."""
    return f"{found['low']:.3f} to {found['high']:.3f}" if "low" in found else ""


def shown_value(figures: Mapping[str, Any], name: str) -> str:
    """A figure's value; a dash when it was not measured."""
    return f"{figures[name]['value']:.3f}" if name in figures else "–"


def kind_columns(metrics: Mapping[str, Any]) -> list[str]:
    """The figures of the table by kind: all of them when nothing but retrieval was measured."""
    wanted = BY_KIND if "f1" in metrics["overall"] else FIGURES
    return [name for name in wanted if name in metrics["overall"]]


def resources_used(metrics: Mapping[str, Any]) -> str:
    """Length and speed of the answers and the most memory, in one line; "" when nothing is known."""
    parts: list[str] = []
    written = metrics.get("written")
    if written:
        parts.append(f"{written['answers']} answers of {written['syllables']:.1f} syllables on average")
        if written["pieces_per_second"] is not None:
            parts.append(f"{written['pieces']:.1f} pieces each, {written['pieces_per_second']:.1f} a second")
    if metrics.get("peak_memory_mb"):
        parts.append(f"peak memory {metrics['peak_memory_mb']:.0f} MB")
    return "; ".join(parts)
