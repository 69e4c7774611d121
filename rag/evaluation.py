"""A bot over a question set: every question asked once, measured, kept, and summed up."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.assembly import open_bot
from rag.batch.charts import charts
from rag.batch.corpora import Corpus, index_of
from rag.batch.examining import Examiner
from rag.batch.html_parts import figure
from rag.batch.plots import Plot
from rag.batch.questions import Question, read_questions
from rag.batch.report import figures_html, report_html
from rag.batch.results import Line, appending, resume, summarize, write_file, write_metrics
from rag.batch.workers import Workers
from rag.config import RagConfig, resolve
from rag.embedding import load_embedder
from rag.errors import QuestionSetError
from rag.generation import ExtractiveGenerator
from rag.index import Progress
from rag.models import NO_LLM
from rag.pipeline import Bot

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a question set is asked."""

    retrieval_only: bool = False
    """Search, but make no answers."""
    limit: int | None = None
    """Only the first so many questions; None asks all."""
    workers: int = 1
    """Processes that ask; more than one only without a language model."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run found out."""

    metrics: dict[str, Any]
    """Figures with intervals, by kind, times and failures: see `rag.batch.results.summarize`."""
    results: list[Line]
    """One object a question, in the order of the set: the lines of `results.jsonl`."""
    configuration: dict[str, Any]
    """Settings, models, corpus and question set that made them."""

    def to_frame(self) -> "pandas.DataFrame":
        """One row a question: id, kind, question, answer, failure, and a column for each metric."""
        import pandas  # comes with gradio

        names = ("id", "kind", "question", "answer", "abstained", "failure")
        rows = [{name: line[name] for name in names if name in line} | line["metrics"] for line in self.results]
        return pandas.DataFrame(rows)

    def plot(self, name: str = "") -> Plot:
        """One chart of the run, which shows itself in a notebook; `.svg` is its text.

        `name` is one of "recall", "risk_coverage", "latency", "kinds" and "documents"; empty takes the first there is.

        Raises:
            QuestionSetError: the run has no such chart, as a retrieval-only run has no risk.
        """
        there = charts(self.metrics, self.results)
        if name not in there and (name or not there):
            raise QuestionSetError(f"no chart {name!r}: this run has {', '.join(there) or 'none'}")
        return there[name or next(iter(there))]

    def _repr_html_(self) -> str:
        drawn = "".join(figure(chart.svg) for chart in charts(self.metrics, self.results).values())
        return figures_html(self.metrics) + f'<div style="max-width:46rem">{drawn}</div>'


def evaluate(
    bot: Bot,
    questions: str | Path | Sequence[Question],
    *,
    retrieval_only: bool = False,
    limit: int | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    source: Path | None = None,
    workers: Workers | None = None,
) -> Evaluation:
    """The figures of a bot over a question set.

    Args:
        bot: what is asked.
        questions: a file for `rag.batch.questions.read_questions`, or questions.
        retrieval_only: search, but make no answers.
        limit: ask only the first so many questions; None asks all.
        out: a folder for `results.jsonl`, `metrics.json` and `report.html`; a run that was stopped there goes on.
        progress: called with (questions done, questions in all, id) before each question, or as workers finish one.
        source: the file that `questions` came from, to be named in the results.
        workers: processes that ask instead, over the same index with the same settings.

    Raises:
        QuestionSetError: the set cannot be read, a question is too long, or `out` holds another run.
        GenerationError: the language model failed; what was answered before is in `out`.
    """
    if isinstance(questions, str | Path):
        source = Path(questions)
        questions = read_questions(source)
    out = None if out is None else Path(out)
    _require_short(questions, bot.config.max_question_chars)
    examiner = Examiner(bot, retrieval_only=retrieval_only)
    configuration = _configuration(bot, questions, examiner.documents, retrieval_only, source)
    asked = questions[:limit]
    done = {line["id"]: line for line in resume(out, configuration)} if out is not None else {}
    pending = [question for question in asked if question.id not in done]

    fresh: list[Line] = []

    def tell(name: str) -> None:
        if progress is not None:
            progress(len(asked) - len(pending) + len(fresh), len(asked), name)

    with appending(out) if out is not None else nullcontext() as append:
        lines = workers.lines(pending) if workers is not None else _one_by_one(examiner, pending, tell)
        for line in lines:
            fresh.append(line)
            if append is not None:
                append(line)
            if workers is not None:
                tell(line["id"])
    done |= {line["id"]: line for line in fresh}
    results = [done[question.id] for question in asked]
    names = list(dict.fromkeys(name for question in asked for name in question.docs))
    metrics = summarize(results) | {"unknown_docs": examiner.unknown(names), "peak_memory_mb": peak_memory_mb()}
    evaluation = Evaluation(metrics, results, configuration)
    if out is not None:
        _finish(out, evaluation)
    return evaluation


def _one_by_one(examiner: Examiner, questions: Sequence[Question], tell: Callable[[str], None]) -> Iterator[Line]:
    for question in questions:
        tell(question.id)
        yield examiner.line(question)


def evaluate_file(
    path: Path,
    config: RagConfig,
    corpus: Corpus,
    options: RunOptions,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> Evaluation:
    """What `rag eval` does: `rag.batch.corpora.index_of` finds or makes the index, `evaluate` asks.

    Raises:
        RagError: the set, the corpus, the index, a model or `out` does not fit.
    """
    questions = read_questions(path)
    embedder = load_embedder(config.embedding)
    # A search needs no language model, and loading one takes its time.
    llm = NO_LLM if options.retrieval_only else None
    with ExitStack() as stack:
        folder, asked = stack.enter_context(index_of(questions, config, embedder, corpus, progress=progress, warn=warn))
        bot = open_bot(folder, config, llm=llm, embedder=embedder)
        stack.callback(bot.close)
        workers = None
        if options.workers > 1:
            _require_quoting(bot)
            workers = Workers(options.workers, folder, config, retrieval_only=options.retrieval_only)
            stack.enter_context(workers)
        return evaluate(
            bot,
            asked,
            retrieval_only=options.retrieval_only,
            limit=options.limit,
            out=out,
            progress=progress,
            source=path,
            workers=workers,
        )


def _require_quoting(bot: Bot) -> None:
    if not isinstance(bot.generator, ExtractiveGenerator):
        raise QuestionSetError(
            f"--workers would load {bot.generator.name} once for each: leave out --workers, or quote with --llm none"
        )


def _require_short(questions: Sequence[Question], limit: int) -> None:
    for question in questions:
        longest = max(len(text) for text in (question.question, *question.history))
        if longest > limit:
            raise QuestionSetError(
                f"question {question.id} has {longest} characters, the limit is {limit}: shorten it or raise"
                " max_question_chars"
            )


def _configuration(
    bot: Bot,
    questions: Sequence[Question],
    documents: Sequence[tuple[str, str]],
    retrieval_only: bool,
    source: Path | None,
) -> dict[str, Any]:
    """All that the results depend on. `content_sha256` is of the questions, whatever the file's format."""
    return {
        "settings": asdict(bot.config),
        "embedding": bot.index.embedding,
        "evidence_sha256": hashlib.sha256(resolve(bot.config.evidence.model).read_bytes()).hexdigest(),
        "generator": bot.generator.name,
        "retrieval_only": retrieval_only,
        "corpus": {
            "documents": len(documents),
            "passages": bot.index.chunks,
            "content_sha256": _sha256_of([doc_id for _, doc_id in documents]),
        },
        "questions": {
            "name": source.name if source is not None else "",
            "sha256": hashlib.sha256(source.read_bytes()).hexdigest() if source is not None else "",
            "content_sha256": _sha256_of([asdict(question) for question in questions]),
        },
    }


def peak_memory_mb() -> float | None:
    """The most memory that this process, or the largest of its workers, has held so far, in MB; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(max(peaks) * unit / 1e6, 1)


def _sha256_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _finish(out: Path, evaluation: Evaluation) -> None:
    stored = {
        "complete": True,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "configuration": evaluation.configuration,
        **evaluation.metrics,
    }
    write_metrics(out, stored)
    write_file(out, REPORT, report_html(stored, evaluation.results))
