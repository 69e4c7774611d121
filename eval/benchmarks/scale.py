"""How an index grows from 10,000 to 1,000,000 passages: time, size, memory, and the speed and recall of the search.

    python eval/benchmarks/scale.py --data ../shared/data --work DIR

News and Wikipedia articles are written as files into DIR, an index of them is brought from one size to the next as
`rag index` does, and at each size it is opened, asked the questions of viquad2-test, compared with an exact search
(every vector in full precision, every word looked up), and given one more file. Each part runs in a process of its own.
DIR is kept (8 GB at the largest size): a run that was ended goes on, sizes that are there are not indexed again. Every
time is also given as time of the processor, because the clock of a shared machine tells what others do.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from question_sets import PROJECT
from results_file import write_results
from scale_corpus import CHUNK_CHARS, NEWS, OVERLAP_CHARS, WIKIPEDIA, write_steps
from scale_steps import QUESTION_SET, change_step, index_step, search_step

from rag.batch.plots import Axis, Line, line_plot, ticks_to
from rag.config import RagConfig

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
GOALS = {"p50_ms": 15, "p99_ms": 60, "recall@10": 0.98, "memory_mb": 3000, "open_seconds": 2}
"""For the largest size, on two cores."""
_INDEX, _SEARCH, _CHANGE = "index", "search", "change"


def main() -> None:
    """Measure size by size, print a table, keep one JSON file and the plots up to date."""
    options = parse()
    options.work.mkdir(parents=True, exist_ok=True)
    steps = write_steps(options.data, options.work / "corpus", SIZES, options.seed)
    if options.only:
        print(json.dumps(one_part(options, steps)))
        return
    report = read_report(options)
    for size in options.sizes:
        entry = report["sizes"].setdefault(str(size), {})
        for part in (_INDEX, _SEARCH, _CHANGE):
            if part not in entry or part in options.again:
                entry[part] = child(part, size)
                say(f"{size} {part}")
                write_results(options.out, report)
    print(table(report["sizes"]))
    for name, plot in plots(report["sizes"]).items():
        options.out.with_name(f"{options.out.stem}-{name}.svg").write_text(plot, encoding="utf-8")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, required=True, help="a folder for the files and the index; it is kept")
    parser.add_argument("--sizes", type=int, nargs="+", choices=SIZES, default=list(SIZES), metavar="N",
                        help=", ".join(map(str, SIZES)))  # fmt: skip
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--again", nargs="*", default=[], choices=(_INDEX, _SEARCH, _CHANGE),
                        help="parts to measure again though the results have them")  # fmt: skip
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "scale.json")
    parser.add_argument("--notes", help="what the results are to say of the machine during the run")
    parser.add_argument("--only", nargs=2, metavar=("PART", "N"), help="one part of one size, in this process")
    return parser.parse_args(arguments)


def one_part(options: argparse.Namespace, steps: Mapping[int, Path]) -> dict[str, Any]:
    """The figures of one part at one size."""
    part, size = options.only[0], int(options.only[1])
    index, roots = options.work / "index", [folder for step, folder in steps.items() if step <= size]
    load = round(os.getloadavg()[0], 1)
    if part == _SEARCH:
        return search_step(index, options.data, options.questions, options.seed)
    if part == _CHANGE:
        return {"load": load, **change_step(index, roots, options.work / "extra", size)}
    times = Spent(options.work / f"seconds-{size}.json")
    found = index_step(index, roots, times.add)
    return {"load": load, **found, "seconds": round(times.seconds), "cpu_seconds": round(times.cpu_seconds)}


class Spent:
    """The time that a step has taken, over the runs that it took."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before: list[float] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else [0.0, 0.0]
        self.seconds, self.cpu_seconds = self._before[0], self._before[1]

    def add(self, seconds: float, cpu_seconds: float) -> None:
        """Note how long this run has taken so far."""
        self.seconds, self.cpu_seconds = self._before[0] + seconds, self._before[1] + cpu_seconds
        self._file.write_text(json.dumps([self.seconds, self.cpu_seconds]), encoding="utf-8")


def child(part: str, size: int) -> dict[str, Any]:
    """The figures that a process of its own prints."""
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--only", part, str(size)], check=True, capture_output=True, text=True
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def read_report(options: argparse.Namespace) -> dict[str, Any]:
    """The results that are there, under the configuration of this run."""
    before = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "threads": {name: os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")},
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("faiss-cpu", "tantivy", "numpy")},
        "texts": f"{NEWS} and {WIKIPEDIA}, in an order drawn with seed {options.seed}",
        "chunking": {"chunk_chars": CHUNK_CHARS, "overlap_chars": OVERLAP_CHARS},
        "embedding": RagConfig().embedding.model,
        "exact_up_to": RagConfig().retrieval.exact_up_to,
        "questions": f"{options.questions} of {QUESTION_SET}, drawn with seed {options.seed}",
        "seconds": "of a step: from the size before to this one",
        "goals_at_the_largest_size": GOALS,
        "notes": before.get("notes", "") if options.notes is None else options.notes,
        "sizes": before.get("sizes", {}),
    }


def table(sizes: Mapping[str, Any]) -> str:
    """The figures side by side."""
    head = f"{'passages':>10}{'index CPU s':>12}{'peak MB':>9}{'MB on disk':>11}{'open s':>8}{'MB':>6}"
    head += f"{'p50':>7}{'p99':>7}{'CPU p50':>9}{'CPU p99':>9}{'recall':>8}{'change s':>10}"
    lines = [head]
    for entry in in_order(sizes):
        index, search = entry[_INDEX], entry[_SEARCH]
        change = f"{entry[_CHANGE]['cpu_seconds']:>10.1f}" if _CHANGE in entry else ""
        hybrid = search["hybrid"]
        lines.append(
            f"{index['passages']:>10}{index['cpu_seconds']:>12}{index['peak_mb']:>9}{sum(index['mb'].values()):>11}"
            f"{search['open_seconds']:>8.2f}{search['memory_mb']['searched']['all']:>6}"
            f"{hybrid['p50_ms']:>7.1f}{hybrid['p99_ms']:>7.1f}{hybrid['cpu_p50_ms']:>9.1f}{hybrid['cpu_p99_ms']:>9.1f}"
            f"{search['recall']['hybrid@10']:>8.3f}{change}"
        )
    return "\n".join(lines)


def plots(sizes: Mapping[str, Any]) -> dict[str, str]:
    """The curves by name, as SVG text; the number of passages is drawn as its power of ten."""
    done = in_order(sizes)
    at = [math.log10(entry[_INDEX]["passages"]) for entry in done]
    x = Axis("passages, as a power of ten (4 is 10,000, 6 is 1,000,000)", (4.0, 4.5, 5.0, 5.5, 6.0, 6.1))

    def drawn(title: str, y: str, values: Mapping[str, list[float]]) -> str:
        axis = Axis(y, ticks_to(max(max(line) for line in values.values())))
        lines = [Line(name, tuple(zip(at, line, strict=True))) for name, line in values.items()]
        return line_plot(title, x, axis, lines)

    searches = [entry[_SEARCH] for entry in done]
    parts = {name: [one["of_which"][name]["p50_ms"] for one in searches] for name in ("dense", "lexical")}
    latency = {
        "hybrid search, p99": [one["hybrid"]["p99_ms"] for one in searches],
        "hybrid search, p50": [one["hybrid"]["p50_ms"] for one in searches],
        "its lexical side, p50": parts["lexical"],
        "its dense side, p50": parts["dense"],
        "every vector compared, p50": [one["every_vector"]["p50_ms"] for one in searches],
    }
    growth = {
        "on disk": [float(sum(entry[_INDEX]["mb"].values())) for entry in done],
        "most memory while indexing": [float(entry[_INDEX]["peak_mb"]) for entry in done],
        "memory after all questions": [float(one["memory_mb"]["searched"]["all"]) for one in searches],
        "of that, no pages of files": [float(one["memory_mb"]["searched"]["anonymous"]) for one in searches],
    }
    return {
        "latency": drawn("Time of a search by passages", "milliseconds", latency),
        "size": drawn("Size and memory by passages", "MB", growth),
    }


def in_order(sizes: Mapping[str, Any]) -> list[Any]:
    """The sizes that have been searched, ascending."""
    return [sizes[size] for size in sorted(sizes, key=int) if _SEARCH in sizes[size]]


def say(done: str) -> None:
    """One line of progress."""
    print(f"{datetime.now(UTC):%H:%M:%S} {done} done", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
