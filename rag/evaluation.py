"""A bot over a question set: every question asked once, measured, kept, and summed up."""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.charts import charts
from rag.config import RagConfig, resolve
from rag.corpora import bot_for
from rag.errors import QuestionSetError
from rag.examining import Examiner
from rag.index import Progress
from rag.models import NO_LLM
from rag.pipeline import Bot
from rag.plots import Plot
from rag.questions import Question, read_questions
from rag.report import figures_html, report_html
from rag.results import Line, appending, resume, summarize, write_file, write_metrics

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run found out."""

    metrics: dict[str, Any]
    """Figures with intervals, by kind, times and failures: see `rag.results.summarize`."""
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
        plots = "".join(chart.svg for chart in charts(self.metrics, self.results).values())
        return figures_html(self.metrics) + f'<div style="max-width:48rem">{plots}</div>'


def evaluate(
    bot: Bot,
    questions: str | Path | Sequence[Question],
    *,
    retrieval_only: bool = False,
    limit: int | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    source: Path | None = None,
) -> Evaluation:
    """The figures of a bot over a question set.

    Args:
        bot: what is asked.
        questions: a file for `rag.questions.read_questions`, or questions.
        retrieval_only: search, but make no answers.
        limit: ask only the first so many questions; None asks all.
        out: a folder for `results.jsonl`, `metrics.json` and `report.html`; a run that was stopped there goes on.
        progress: called before each question with (questions done, questions in all, id).
        source: the file that `questions` came from, to be named in the results.

    Raises:
        QuestionSetError: the set cannot be read, a question is too long, or `out` holds another run.
        GenerationError: the language model failed; what was answered before is in `out`.
    """
    if isinstance(questions, str | Path):
        source = Path(questions)
        questions = read_questions(source)
    _require_short(questions, bot.config.max_question_chars)
    examiner = Examiner(bot, retrieval_only=retrieval_only)
    configuration = _configuration(bot, questions, examiner.documents, retrieval_only, source)
    asked = questions[:limit]
    done = {line["id"]: line for line in resume(out, configuration)} if out is not None else {}
    with appending(out) if out is not None else nullcontext() as append:
        for count, question in enumerate(asked):
            if progress is not None:
                progress(count, len(asked), question.id)
            if question.id not in done:
                done[question.id] = examiner.line(question)
                if append is not None:
                    append(done[question.id])
    results = [done[question.id] for question in asked]
    names = list(dict.fromkeys(name for question in asked for name in question.docs))
    metrics = summarize(results) | {"unknown_docs": examiner.unknown(names), "peak_memory_mb": peak_memory_mb()}
    evaluation = Evaluation(metrics, results, configuration)
    if out is not None:
        _finish(out, evaluation)
    return evaluation


def evaluate_file(  # noqa: PLR0913 - one for each option of the command
    path: Path,
    config: RagConfig,
    *,
    index: Path | None = None,
    corpus: Path | None = None,
    from_contexts: bool = False,
    retrieval_only: bool = False,
    limit: int | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> Evaluation:
    """What `rag eval` does: `rag.corpora.bot_for` opens the corpus, `evaluate` asks.

    Raises:
        RagError: the set, the corpus, the index, a model or `out` does not fit.
    """
    questions = read_questions(path)
    # A search needs no language model, and loading one takes its time.
    llm = NO_LLM if retrieval_only else None
    with bot_for(
        questions,
        config,
        index=index,
        corpus=corpus,
        from_contexts=from_contexts,
        llm=llm,
        progress=progress,
        warn=warn,
    ) as (bot, asked):
        return evaluate(bot, asked, retrieval_only=retrieval_only, limit=limit, out=out, progress=progress, source=path)


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
