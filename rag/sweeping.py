"""The same questions under several settings: every combination is a run of its own, all in one table and chart."""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rag.batch.corpora import Corpus
from rag.batch.html_parts import figure, page, sortable_table
from rag.batch.plots import Axis, Bar, Line, Plot, bar_plot, line_plot, ticks_to
from rag.batch.results import write_file
from rag.batch.tables import interval
from rag.config import RagConfig, with_settings
from rag.errors import QuestionSetError
from rag.evaluation import RunOptions, evaluate_file
from rag.index import Progress

SWEEP = "sweep"
_INDEXES = "indexes"
_COLUMNS = (
    "right", "recall@1", "recall@5", "ndcg@10", "passage_ndcg@10", "f1", "answer_in_text", "refusal_auroc",
    "false_refusal_rate",
)  # fmt: skip
_DRAWN = ("right", "ndcg@10", "passage_ndcg@10", "answer_in_text", "false_refusal_rate")
_OF_AN_INDEX = ("chunking.", "embedding.")
_PERCENT = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the runs of a sweep found out; `str()` is a table."""

    runs: tuple[tuple[dict[str, str], dict[str, Any]], ...]
    """The settings of each run, and its figures: see `rag.batch.results.summarize`."""

    def as_json(self) -> dict[str, Any]:
        """The content of `sweep.json`: for each run its settings, figures and times."""
        kept = ("n", "overall", "latency_ms", "failures", "peak_memory_mb")
        return {
            "runs": [
                {"settings": settings, **{name: metrics[name] for name in kept if name in metrics}}
                for settings, metrics in self.runs
            ]
        }

    def plot(self) -> Plot:
        """The main figures against the setting when one is swept and is a number, else bars for each run."""
        names = [name for name in _DRAWN if name in self.runs[0][1]["overall"]]
        numbers = _numbers([settings for settings, _ in self.runs])
        if not numbers:
            shown = names[0]
            bars = [_bar(settings, metrics["overall"][shown]) for settings, metrics in self.runs]
            return Plot(bar_plot(f"{shown}, by settings", Axis("%", _PERCENT), bars))
        runs = sorted(zip(numbers, (metrics for _, metrics in self.runs), strict=True), key=lambda run: run[0])
        lines = [_line(name, runs) for name in names]
        setting = next(iter(self.runs[0][0]))
        x = Axis(setting, tuple(sorted(set(numbers)))) if len(set(numbers)) > 1 else Axis(setting, ticks_to(numbers[0]))
        return Plot(line_plot(f"Figures by {setting}", x, Axis("%", _PERCENT), lines))

    def __str__(self) -> str:
        names = self._columns()
        width = max(len(name_of(settings)) for settings, _ in self.runs)
        lines = [f"{'':{width}}" + "".join(f"  {name:>8}" for name in names) + "    p50 ms"]
        for settings, metrics in self.runs:
            cells = "".join(f"  {_shown(metrics, name):>{max(len(name), 8)}}" for name in names)
            lines.append(f"{name_of(settings):{width}}{cells}  {_median(metrics):8.1f}")
        return "\n".join(lines)

    def html(self) -> str:
        """The table and the chart as a file that fetches nothing."""
        names = self._columns()
        rows = []
        for settings, metrics in self.runs:
            found = [metrics["overall"].get(name) for name in names]
            cells = [(f"{one['value']:.3f} ({interval(one)})", one["value"]) if one else ("–", -1) for one in found]
            median = _median(metrics)
            rows.append([(name_of(settings), name_of(settings)), *cells, (f"{median:.1f}", median)])
        parts = [
            "<h1>Sweep</h1>",
            f"<p class='note'>{html.escape(', '.join(self.runs[0][0]))}; values with their 95% intervals</p>",
            sortable_table(("settings", *names, "p50 ms"), rows),
            figure(self.plot().svg),
        ]
        return page("Sweep", parts)

    def _columns(self) -> list[str]:
        return [name for name in _COLUMNS if any(name in metrics["overall"] for _, metrics in self.runs)]


def combinations(told: Sequence[str]) -> list[dict[str, str]]:
    """Every combination of settings such as "retrieval.dense_weight=0,0.3", the last one changing fastest.

    Raises:
        QuestionSetError: one is not written like that, names no value, or names a setting again.
    """
    values: dict[str, list[str]] = {}
    for one in told:
        name, equals, listed = one.partition("=")
        found = [value.strip() for value in listed.split(",") if value.strip()]
        if not equals or not found or not name.strip() or name.strip() in values:
            raise QuestionSetError(
                f"--sweep {one}: write each setting once, as in --sweep chunking.chunk_chars=600,900"
            )
        values[name.strip()] = list(dict.fromkeys(found))
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def sweep(
    questions: Path,
    config: RagConfig,
    corpus: Corpus,
    options: RunOptions,
    settings: Sequence[str],
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> Sweep:
    """A run for each combination of `settings`; with `out` each in a folder of its own, from which it goes on.

    Everything is checked before the first question is asked. An index that several runs share is made once.

    Raises:
        RagError: a setting is wrong or needs another index, or what `rag.evaluation.evaluate_file` raises.
    """
    chosen = combinations(settings)
    configs = [with_settings(config, one, "--sweep") for one in chosen]
    indexed = next((name for name in chosen[0] if name.startswith(_OF_AN_INDEX)), None)
    if corpus.is_stored and indexed is not None:
        raise QuestionSetError(f"--sweep {indexed} needs an index for each value: name --corpus or --from-contexts")
    with TemporaryDirectory(prefix="rag-sweep-") as temporary:
        scratch = (out if out is not None else Path(temporary)) / _INDEXES
        where = corpus if corpus.is_stored else replace(corpus, scratch=scratch)
        runs = []
        for place, (one, its_config) in enumerate(zip(chosen, configs, strict=True)):
            evaluation = evaluate_file(
                questions,
                its_config,
                where,
                options,
                out=None if out is None else out / folder_name(one),
                progress=None if progress is None else _of_run(progress, f"{place + 1}/{len(chosen)}"),
                warn=warn,
            )
            runs.append((one, evaluation.metrics))
    done = Sweep(tuple(runs))
    if out is not None:
        write_file(out, f"{SWEEP}.json", json.dumps(done.as_json(), ensure_ascii=False, indent=2) + "\n")
        write_file(out, f"{SWEEP}.html", done.html())
    return done


def name_of(settings: Mapping[str, str]) -> str:
    """The settings as a person writes them."""
    return " ".join(f"{name}={value}" for name, value in settings.items())


def folder_name(settings: Mapping[str, str]) -> str:
    """A folder's name for a run; what a file system may not like in a value becomes "_"."""
    return re.sub(r"[^\w.=,-]", "_", ",".join(f"{name}={value}" for name, value in settings.items()))


def _of_run(progress: Progress, run: str) -> Progress:
    return lambda done, total, name: progress(done, total, f"run {run} {name}")


def _numbers(settings: Sequence[Mapping[str, str]]) -> list[float]:
    """The values of the one setting that is swept; [] when there are more, or they are no numbers."""
    if any(len(one) != 1 for one in settings):
        return []
    try:
        return [float(value) for one in settings for value in one.values()]
    except ValueError:
        return []


def _line(name: str, runs: Sequence[tuple[float, Mapping[str, Any]]]) -> Line:
    told = [(at, metrics["overall"][name]) for at, metrics in runs if name in metrics["overall"]]
    points = tuple((at, 100 * found["value"]) for at, found in told)
    return Line(name, points, tuple((100 * found["low"], 100 * found["high"]) for _, found in told))


def _bar(settings: Mapping[str, str], found: Mapping[str, Any]) -> Bar:
    short = " ".join(f"{name.rpartition('.')[2]}={value}" for name, value in settings.items())
    return Bar(short, 100 * found["value"], (100 * found["low"], 100 * found["high"]))


def _shown(metrics: Mapping[str, Any], name: str) -> str:
    return f"{metrics['overall'][name]['value']:.3f}" if name in metrics["overall"] else "–"


def _median(metrics: Mapping[str, Any]) -> float:
    """Milliseconds a question, the median; of the search alone where there are no answers."""
    times = metrics["latency_ms"]
    step = "total" if "total" in times else "retrieval"
    return float(times[step]["p50"]) if step in times else 0.0
