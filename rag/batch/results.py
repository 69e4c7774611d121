"""The lines of an evaluation: kept in a folder from which a stopped run goes on, and summed up to figures."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.batch.metrics import auroc, auroc_interval, f1
from rag.batch.resampling import bootstrap_interval, mean, percentile, percentile_interval
from rag.batch.risk_coverage import Judged, risk_coverage, thinned
from rag.errors import QuestionSetError

RESULTS = "results.jsonl"
METRICS = "metrics.json"

FIGURES = (
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr@10",
    "ndcg@10",
    "passage_recall@1",
    "passage_recall@5",
    "passage_recall@10",
    "passage_mrr@10",
    "passage_ndcg@10",
    "right",
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
    "unsupported_numbers",
    "unsupported_names",
    "refusal_precision",
    "refusal_recall",
    "false_refusal_rate",
)
"""The per-question metrics in the order of a table; each one's figure is its mean."""
LOWER_IS_BETTER = frozenset(
    {"partial", "unsupported", "unsupported_numbers", "unsupported_names", "false_refusal_rate"}
)

_OF_A_DOCUMENT = ("recall@1", "recall@5", "ndcg@10", "passage_ndcg@10", "right", "false_refusal_rate")

# Where an index or a folder lies, and how the page is served, changes no answer.
_WITHOUT_EFFECT = ("settings.index", "settings.corpus", "settings.page", "questions.name", "questions.sha256")

Line = dict[str, Any]
_LINE_FIELDS = {"id", "kind", "question", "answers", "retrieved", "timings_ms", "failure", "metrics"}


def summarize(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of a run, from its lines.

    `overall` and `by_kind` have each metric's mean with its 95% bootstrap interval and n; `by_document` plain means of
    the questions with that gold document; `latency_ms` the median and the 95th percentile of each step with intervals;
    `risk_coverage` how often an answer is wrong when only the surest questions are answered.
    """
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
        "by_document": _by_document(lines),
        "latency_ms": _latency(lines),
        "written": _written(lines),
        "risk_coverage": _risk_coverage(lines),
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
    return figures | _auroc(lines)


def _auroc(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How well the confidence parts answerable from unanswerable questions; {} without both."""
    told = [line for line in lines if "confidence" in line]
    answerable = [bool(line["answers"]) for line in told]
    if len(set(answerable)) < 2:
        return {}
    # What a rule refuses stands below every probability.
    scores = [-1.0 if line["confidence"] is None else line["confidence"] for line in told]
    low, high = auroc_interval(scores, answerable)
    return {"refusal_auroc": {"value": auroc(scores, answerable), "low": low, "high": high, "n": len(told)}}


def _by_document(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    by_document: dict[str, Any] = {}
    for name in dict.fromkeys(name for line in lines if line["answers"] for name in line["docs"]):
        some = [line["metrics"] for line in lines if line["answers"] and name in line["docs"]]
        found = {figure: [one[figure] for one in some if figure in one] for figure in _OF_A_DOCUMENT}
        by_document[name] = {"n": len(some)} | {figure: mean(values) for figure, values in found.items() if values}
    return by_document


def _latency(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    steps = dict.fromkeys(step for line in lines for step in line["timings_ms"])
    latency: dict[str, Any] = {}
    for step in steps:
        times = [line["timings_ms"][step] for line in lines if step in line["timings_ms"]]
        latency[step] = {"p50": percentile(times, 50), "p95": percentile(times, 95), "n": len(times)}
        for percent in (50, 95):
            latency[step][f"p{percent}_low"], latency[step][f"p{percent}_high"] = percentile_interval(times, percent)
    return latency


def _written(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Length and speed of the answers that were given; {} without any."""
    given = [line for line in lines if line.get("written", {}).get("syllables")]
    if not given:
        return {}
    seconds = sum(line["timings_ms"].get("generation", 0.0) for line in given) / 1000
    pieces = sum(line["written"]["pieces"] for line in given)
    return {
        "answers": len(given),
        "syllables": mean([line["written"]["syllables"] for line in given]),
        "pieces": mean([line["written"]["pieces"] for line in given]),
        "pieces_per_second": pieces / seconds if seconds else None,
    }


def _risk_coverage(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Risk against coverage by falling threshold, of all questions and of the answerable ones; {} without answers.

    `as_run` is what the run itself answered, and how much of that was wrong.
    """
    told = [line for line in lines if "confidence" in line]
    curves: dict[str, Any] = {}
    for name, some in (("all", told), ("answerable", [line for line in told if line["answers"]])):
        if not some:
            continue
        points = thinned(risk_coverage([Judged(line["confidence"], line["right_if_answered"]) for line in some]))
        answered = [line for line in some if not line["abstained"]]
        wrong = sum(bool(line["failure"]) for line in answered)
        curves[name] = {
            "coverage": [round(point.coverage, 4) for point in points],
            "risk": [round(point.risk, 4) for point in points],
            "threshold": [round(point.threshold, 4) for point in points],
            "as_run": {
                "coverage": len(answered) / len(some),
                "risk": wrong / len(answered) if answered else 0.0,
            },
        }
    return curves


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
