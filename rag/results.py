"""The lines of an evaluation: kept in a folder from which a stopped run goes on, and summed up to figures."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import QuestionSetError
from rag.metrics import bootstrap_interval, f1, mean, percentile

RESULTS = "results.jsonl"
METRICS = "metrics.json"

FIGURES = (
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr@10",
    "ndcg@10",
    "exact_match",
    "f1",
    "answer_in_text",
    "answer_in_quotes",
    "citation_validity",
    "citation_precision",
    "citation_recall",
    "supported",
    "partial",
    "unsupported",
    "refusal_precision",
    "refusal_recall",
    "false_refusal_rate",
)
"""The per-question metrics in the order of a table; each one's figure is its mean."""
LOWER_IS_BETTER = frozenset({"partial", "unsupported", "false_refusal_rate"})

# Where an index or a folder lies, and how the page is served, changes no answer.
_WITHOUT_EFFECT = ("settings.index", "settings.corpus", "settings.page", "questions.name", "questions.sha256")

Line = dict[str, Any]
_LINE_FIELDS = {"id", "kind", "question", "answers", "retrieved", "timings_ms", "failure", "metrics"}


def summarize(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of a run: each metric's mean with its 95% bootstrap interval and n; by kind; times; failures."""
    kinds = Counter(line["kind"] for line in lines)
    by_kind = {
        kind: {"n": count, **_figures([line for line in lines if line["kind"] == kind])}
        for kind, count in kinds.items()
        if len(kinds) > 1
    }
    answerable = sum(bool(line["answers"]) for line in lines)
    return {
        "n": len(lines),
        "n_answerable": answerable,
        "n_unanswerable": len(lines) - answerable,
        "overall": _figures(lines),
        "by_kind": by_kind,
        "latency_ms": _latency(lines),
        "failures": dict(Counter(line["failure"] for line in lines if line["failure"]).most_common()),
    }


def _figures(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in FIGURES:
        values = [line["metrics"][name] for line in lines if name in line["metrics"]]
        if values:
            low, high = bootstrap_interval(values)
            figures[name] = {"value": mean(values), "low": low, "high": high, "n": len(values)}
    if "refusal_precision" in figures and "refusal_recall" in figures:
        precision, recall = figures["refusal_precision"], figures["refusal_recall"]
        both = precision["n"] + recall["n"] - round(precision["value"] * precision["n"])
        figures["refusal_f1"] = {"value": f1(precision["value"], recall["value"]), "n": both}
    return figures


def _latency(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    steps = dict.fromkeys(step for line in lines for step in line["timings_ms"])
    values = {step: [line["timings_ms"][step] for line in lines if step in line["timings_ms"]] for step in steps}
    return {
        step: {"p50": percentile(times, 50), "p95": percentile(times, 95), "n": len(times)}
        for step, times in values.items()
    }


def resume(folder: Path, configuration: Mapping[str, Any]) -> list[Line]:
    """The lines that a run with this configuration already wrote; [] for a new folder, which is made.

    A last line that a kill left half written is removed from the file.

    Raises:
        QuestionSetError: the folder holds results of other settings, models, documents or questions, or is damaged.
    """
    if not (folder / METRICS).exists() and not (folder / RESULTS).exists():
        write_metrics(folder, {"complete": False, "configuration": configuration})
        return []
    stored, lines = read_run(folder)
    different = _differences(stored.get("configuration", {}), json.loads(json.dumps(configuration)))
    if different:
        raise QuestionSetError(
            f"{folder} holds the results of another run ({different}): name another folder with --out or remove it"
        )
    with _keeping(folder):
        _drop_half_line(folder / RESULTS)
    return lines


@contextmanager
def appending(folder: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A function that adds one line to the results; when it returns, the line is out of this process's hands."""
    with _keeping(folder):
        stream = (folder / RESULTS).open("a", encoding="utf-8", newline="\n")
    with stream:

        def append(line: Mapping[str, Any]) -> None:
            with _keeping(folder):
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
                stream.flush()

        yield append


def write_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Write `metrics.json`, whole or not at all."""
    write_file(folder, METRICS, json.dumps(metrics, ensure_ascii=False, indent=2) + "\n")


def write_file(folder: Path, name: str, text: str) -> None:
    """Write a file of the results folder, whole or not at all; the folder is made when it is not there.

    Raises:
        QuestionSetError: it cannot be written.
    """
    with _keeping(folder):
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{name}.new"
        partial.write_text(text, encoding="utf-8")
        partial.replace(folder / name)


def read_run(folder: Path) -> tuple[dict[str, Any], list[Line]]:
    """The `metrics.json` and the lines of a folder that `rag eval --out` wrote; a half line is passed over.

    Raises:
        QuestionSetError: there is no such run, or it is damaged.
    """
    try:
        return _read_metrics(folder), _read_lines(folder / RESULTS)
    except OSError as error:
        raise QuestionSetError(
            f"no results at {folder} ({error.strerror}): name a folder of `rag eval --out`"
        ) from error


def _read_metrics(folder: Path) -> dict[str, Any]:
    try:
        stored = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise QuestionSetError(f"{folder} has no {METRICS}: name a folder of `rag eval --out`") from error
    except ValueError as error:
        raise QuestionSetError(f"{folder / METRICS} is damaged ({error}): name another folder with --out") from error
    if not isinstance(stored, dict):
        raise QuestionSetError(f"{folder / METRICS} is not of this program: name another folder with --out")
    return stored


def _read_lines(file: Path) -> list[Line]:
    if not file.exists():
        return []
    whole, _, _ = file.read_bytes().rpartition(b"\n")
    lines: dict[str, Line] = {}
    for number, raw in enumerate(whole.split(b"\n") if whole else (), start=1):
        try:
            line = json.loads(raw)
        except ValueError:
            line = None
        if not isinstance(line, dict) or not line.keys() >= _LINE_FIELDS:
            raise QuestionSetError(f"{file}, line {number}: is damaged: remove that line and run again")
        lines.setdefault(line["id"], line)
    return list(lines.values())


def _drop_half_line(file: Path) -> None:
    if not file.exists():
        return
    raw = file.read_bytes()
    whole = raw.rfind(b"\n") + 1
    if whole < len(raw):
        with file.open("r+b") as stream:
            stream.truncate(whole)


def _differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first names of the configuration whose values differ, with both; "" when none has an effect."""
    was, here = _flat(stored), _flat(now)
    different = [
        f"{name} {was.get(name)!r}, now {here.get(name)!r}"
        for name in {**was, **here}
        if was.get(name) != here.get(name) and not name.startswith(_WITHOUT_EFFECT)
    ]
    return "; ".join(different[:4])


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        leaves |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return leaves


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise QuestionSetError(
            f"results cannot be kept at {folder} ({error.strerror}): name another folder with --out"
        ) from error
