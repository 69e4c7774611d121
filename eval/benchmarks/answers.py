"""Answers end to end: whether they are right, cited, and refused where the corpus does not answer.

    python eval/benchmarks/answers.py --data ../shared/data

Questions of viquad2-test are asked over an index of its 557 contexts, each a document: searched, selected, answered,
checked, as `rag ask --llm none` does. The same questions are asked again unanswerably, with the gold document left out
and with a name, year or number swapped, beside questions of other sets; and over their gold passage with 0, 2, 4 and 8
others, the best that the search finds in other documents. Last, eval/seeds.jsonl is asked over seeds/, as `rag eval`
does. Written are eval/results/answers.json, with the configuration, and two plots beside it: risk against coverage, and
the figures against the number of distractors.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from answer_asking import Examiner, beside
from answer_figures import Outcomes, answerable_report, share, shares, unanswerable_report
from answer_plots import curves, distractor_plot, risk_plot
from answer_questions import (
    ANSWERABLE,
    ASKED_SET,
    FOREIGN,
    FOREIGN_SETS,
    GOLD_OUT,
    HARD,
    SWAPPED,
    UNANSWERABLE,
    foreign,
    names_of,
    read_set,
    sample,
    swapped,
)
from answer_tables import HARD_ONES, figures_table, goals, goals_table, times_table, unanswerable_table
from question_sets import PROJECT
from results_file import write_results

from rag.batch.corpora import bot_for
from rag.batch.metrics import answer_contained
from rag.batch.questions import Question, read_questions
from rag.config import EvidenceConfig, RagConfig, resolve
from rag.evaluation import evaluate
from rag.models import NO_LLM
from rag.pipeline import Bot

DISTRACTORS = (0, 2, 4, 8)


def ask_everything(
    examiner: Examiner, asked: Sequence[Question], pool: Sequence[str], strangers: Sequence[Question], seed: int
) -> Outcomes:
    """Every question in all its forms."""
    outcomes: Outcomes = {kind: [] for kind in (ANSWERABLE, *UNANSWERABLE, *map(beside, DISTRACTORS))}
    for done, question in enumerate(asked, start=1):
        outcomes[ANSWERABLE].append(examiner.ask(question))
        without_gold = examiner.ask_without_gold(question)
        if without_gold is not None:
            outcomes[GOLD_OUT].append(without_gold)
        changed = swapped(question, pool, seed)
        if changed is not None:
            outcomes[SWAPPED].append(examiner.ask(changed))
        for outcome in examiner.ask_beside(question, DISTRACTORS):
            outcomes[outcome.kind].append(outcome)
        if done % 100 == 0:
            say(f"{done} of {len(asked)} questions")
    outcomes[FOREIGN] = [examiner.ask(question) for question in strangers]
    return outcomes


def reported(outcomes: Outcomes, shipped: float) -> dict[str, Any]:
    """The figures of all outcomes; `shipped` is the threshold that the bot refused by."""
    answerable = outcomes[ANSWERABLE]
    hard = [one for kind in HARD for one in outcomes[kind]]
    groups = {**{kind: outcomes[kind] for kind in UNANSWERABLE}, HARD_ONES: hard}
    return {
        "answerable": answerable_report(answerable),
        "unanswerable": {kind: unanswerable_report(answerable, some) for kind, some in groups.items() if some},
        "gold_out_still_answered": len(answerable) - len(outcomes[GOLD_OUT]),
        "swapped_impossible": len(answerable) - len(outcomes[SWAPPED]),
        "risk_coverage": curves(outcomes, shipped),
        "distractors": {str(count): shares(outcomes[beside(count)]) for count in DISTRACTORS},
    }


def measure_seeds(config: RagConfig) -> dict[str, Any]:
    """The figures of eval/seeds.jsonl over seeds/, overall and by kind, in percent."""
    path = PROJECT / "eval" / "seeds.jsonl"
    with bot_for(read_questions(path), config, corpus=PROJECT / "seeds", llm=NO_LLM) as (bot, asked):
        evaluation = evaluate(bot, asked, source=path)
    metrics = evaluation.metrics
    first = [
        answer_contained(line["sentences"][0]["text"], line["answers"]) if line["sentences"] else 0.0
        for line in evaluation.results
        if line["answers"]
    ]
    return {
        "questions": metrics["n"],
        "figures": {"answer_in_first": share(first), **_percent(metrics["overall"])},
        "by_kind": {kind: _percent(figures) for kind, figures in metrics["by_kind"].items()},
        "milliseconds": metrics["latency_ms"],
    }


def _percent(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of `rag.batch.results.summarize` with intervals, in percent."""
    return {
        name: {key: one if key == "n" else round(100 * one, 2) for key, one in figure.items()}
        for name, figure in figures.items()
        if isinstance(figure, Mapping) and "low" in figure
    }


def configuration(bot: Bot, options: argparse.Namespace, questions: int) -> dict[str, Any]:
    """What made the figures."""
    config = bot.config
    files = (config.evidence.model, config.retrieval.ranker, f"{config.evidence.matcher}/model.safetensors")
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "set": ASKED_SET,
        "questions": questions,
        "documents": sum(1 for _ in bot.index.all_documents()),
        "passages": bot.index.chunks,
        "seed": options.seed,
        "limit": options.limit if options.limit < sys.maxsize else None,
        "foreign": FOREIGN_SETS,
        "generator": bot.generator.name,
        "embedding": dict(bot.index.embedding),
        "chunking": asdict(config.chunking),
        "retrieval": asdict(config.retrieval),
        "evidence": asdict(config.evidence),
        "sha256": {name: hashlib.sha256(resolve(name).read_bytes()).hexdigest() for name in files if name},
        "cpus": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "figures": "percent; 95% bootstrap intervals over the questions",
    }


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--limit", type=int, default=sys.maxsize, help=f"questions of {ASKED_SET}; default: all")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--threshold", type=float, default=RagConfig().evidence.threshold)
    parser.add_argument("--lines", type=Path, help="a JSON Lines file for every question, with its metrics")
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "answers.json")
    return parser.parse_args(arguments)


def main() -> None:
    """Ask everything, print the tables, write the results and the plots."""
    options = parse()
    config = RagConfig(evidence=EvidenceConfig(threshold=options.threshold))
    questions = read_set(options.data, ASKED_SET)
    with bot_for(questions, config, from_contexts=True, llm=NO_LLM) as (bot, placed):
        asked = sample(placed, options.limit, options.seed)
        bot.ask(placed[0].question)  # loads what is loaded late
        report: dict[str, Any] = configuration(bot, options, len(asked))
        strangers = foreign(options.data, len(asked), options.seed)
        outcomes = ask_everything(Examiner(bot), asked, names_of(placed), strangers, options.seed)
    if options.lines is not None:
        lines = (json.dumps(one.as_json(), ensure_ascii=False) for some in outcomes.values() for one in some)
        options.lines.parent.mkdir(parents=True, exist_ok=True)
        options.lines.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    report |= reported(outcomes, options.threshold)
    report["seeds"] = measure_seeds(config)
    measured = goals(report)
    report["goals"] = [goal.as_json() for goal in measured]
    write_results(options.out, report)
    for name, plot in (("risk-coverage", risk_plot(report)), ("distractors", distractor_plot(report))):
        options.out.with_name(f"{options.out.stem}-{name}.svg").write_text(plot, encoding="utf-8")
    print(tables(report), goals_table(measured), sep="\n")


def tables(report: Mapping[str, Any]) -> str:
    """All figures as text."""
    answerable = report["answerable"]
    found = {
        "all": answerable["figures"],
        **{name.replace("_", " "): part["figures"] for name, part in answerable["by_retrieval"].items()},
    }
    distractors = {f"{count} others": figures for count, figures in report["distractors"].items()}
    return "\n".join(
        [
            figures_table(f"{answerable['questions']} answerable questions", found),
            unanswerable_table(report["unanswerable"]),
            figures_table("gold passage given, and", distractors),
            times_table(answerable["milliseconds"]),
        ]
    )


def say(done: str) -> None:
    """One line of progress."""
    print(f"{datetime.now(UTC):%H:%M:%S} {done} done", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
