"""A reader measured: exact match, F1 and refusals with the gold passage given, its speed, and its worth end to end.

    python eval/benchmarks/reading.py FILE.gguf --data ../shared/data --limit 600 --end-to-end

Questions of viquad2-test, which no training has seen. With the gold passage given, of which the evidence step chooses
the sentences and points into them: answered held to the evidence and freely, beside what is pointed to; asked again
over the passage without its sentences that hold the answer, and with a name, year or number swapped. What is refused
in use, by the evidence step or after it by the reader, is read all the same; "f1_in_use" counts it as nothing. End to
end: over an index of the 557 contexts, as `rag ask --llm FILE.gguf`, beside the quoting answer; the short answer is
what stands before the quoted sentences.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from answer_questions import ASKED_SET, names_of, read_set, sample, swapped
from question_sets import PROJECT
from results_file import write_results

from rag.batch.corpora import bot_for
from rag.batch.metrics import answer_contained, auroc, exact_match, token_f1
from rag.batch.questions import Question
from rag.config import EmbeddingConfig, EvidenceConfig, LlmConfig, RagConfig
from rag.documents import make_document
from rag.embedding import load_embedder
from rag.evidence import EvidenceModel, choose
from rag.llm.llama import LlamaRuntime
from rag.llm.span_decoding import Reading, is_none
from rag.llm.span_reading import SpanReader, has_short_answer
from rag.models import NO_LLM
from rag.odds import log_odds
from rag.pipeline import lack
from rag.relevance.features import candidates
from rag.relevance.matching import load_matcher
from rag.types import Chunk, ScoredChunk, Task

ANSWERABLE, GOLD_OUT, SWAPPED, FREE = "answerable", "gold-out", "swapped", "free"
UNANSWERABLE = "unanswerable"
"""Gold sentences out and swapped together."""
_SURE = 10.0
"""A margin at which the reader never refuses."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for one question."""

    kind: str
    text: str
    refused_before: bool
    """By the evidence step, before the reader would be asked."""
    refused: bool
    """By either of them."""
    doubt: float
    logprob: float
    exact: float
    f1: float
    cited: float
    """Whether the sentence that it cites holds a gold answer."""
    pointed_f1: float
    """F1 of what the evidence step points to in its best sentence: the answer without the reader."""
    sentence_f1: float
    """F1 of that whole sentence."""
    first_ms: float
    whole_ms: float


def passage_of(text: str) -> ScoredChunk:
    """A text as a passage of its own."""
    document = make_document(text, "context")
    chunk = Chunk("c", document.doc_id, document.text, 0, len(document.text))
    return ScoredChunk(chunk, 1.0, "", document.source)


def task_of(evidence: EvidenceModel, question: Question, without: Sequence[str] = ()) -> tuple[Task | None, bool]:
    """The question over its passage, pointed into as in use, and whether the evidence step would have it answered.

    None if nothing is left of the passage. `without` are answers: the sentences that hold one are left out.
    """
    passage = passage_of(question.context or "")
    if without:
        left = [one.text for one in candidates([passage]) if not answer_contained(one.text, without)]
        if not left:
            return None, False
        passage = passage_of("\n".join(left))
    finding = evidence.find(question.question, [passage])
    chosen = choose(finding, EvidenceConfig().sentences)
    told = evidence.pointed(question.question, [passage], chosen)
    margin = log_odds(finding.answerable) - log_odds(EvidenceConfig().threshold)
    return Task(question.question, (passage,), told, margin=margin), not lack(finding, EvidenceConfig())


def read(reader: SpanReader, posed: tuple[Task | None, bool], answers: Sequence[str], kind: str) -> Read | None:
    """One task answered; None where there is none, or it would be quoted."""
    task, is_answerable = posed
    sentences = reader.fitting(task) if task is not None else []
    if task is None or not sentences:
        return None
    began = time.perf_counter()
    first = None
    text = ""
    reading: Reading | None = None
    pieces = reader.read(replace(task, margin=_SURE), sentences, lambda: False, held=kind != FREE)
    while reading is None:
        try:
            text += next(pieces)
        except StopIteration as end:
            reading = end.value
        first = first or time.perf_counter()
    done = time.perf_counter()
    start, end_ = sentences[0].pointed or (0, 0)
    # What has no short answer is quoted without asking the reader.
    refuses = has_short_answer(task.question) and is_none(reading.doubt, task.margin)
    return Read(
        kind, text.strip(), not is_answerable, not is_answerable or refuses, reading.doubt, reading.logprob,
        exact_match(text, answers), token_f1(text, answers),
        answer_contained(sentences[reading.sentence].text, answers) if reading.sentence is not None else 0.0,
        token_f1(sentences[0].text[start:end_], answers), token_f1(sentences[0].text, answers),
        1000 * ((first or done) - began), 1000 * (done - began),
    )  # fmt: skip


def with_gold(
    reader: SpanReader, evidence: EvidenceModel, questions: Sequence[Question], pool: Sequence[str], seed: int
) -> list[Read]:
    """Every question in all its forms over its gold passage."""
    found: list[Read | None] = []
    for question in questions:
        posed = task_of(evidence, question)
        found += [read(reader, posed, question.answers, kind) for kind in (ANSWERABLE, FREE)]
        found.append(read(reader, task_of(evidence, question, question.answers), question.answers, GOLD_OUT))
        changed = swapped(question, pool, seed)
        if changed is not None:
            found.append(read(reader, task_of(evidence, changed), question.answers, SWAPPED))
    return [one for one in found if one is not None]


def figures(reads: Sequence[Read]) -> dict[str, Any]:
    """Percentages, and times in milliseconds."""
    by_kind = {kind: [one for one in reads if one.kind == kind] for kind in (ANSWERABLE, FREE, GOLD_OUT, SWAPPED)}
    asked = by_kind[ANSWERABLE]
    by_kind[UNANSWERABLE] = none = [*by_kind[GOLD_OUT], *by_kind[SWAPPED]]
    refusable = (ANSWERABLE, GOLD_OUT, SWAPPED, UNANSWERABLE)
    right = [True] * len(asked) + [False] * len(none)
    return {
        "questions": len(asked),
        "held": {
            "exact": percent([one.exact for one in asked]),
            "f1": percent([one.f1 for one in asked]),
            "cited": percent([one.cited for one in asked]),
            "f1_in_use": percent([one.f1 * (not one.refused) for one in asked]),
        },
        "without_reader": {
            "pointed_f1": percent([one.pointed_f1 for one in asked]),
            "sentence_f1": percent([one.sentence_f1 for one in asked]),
        },
        "free": {
            "exact": percent([one.exact for one in by_kind[FREE]]),
            "f1": percent([one.f1 for one in by_kind[FREE]]),
        },
        "refused_by_evidence": {
            kind: percent([float(one.refused_before) for one in by_kind[kind]]) for kind in refusable
        },
        "refused_in_use": {kind: percent([float(one.refused) for one in by_kind[kind]]) for kind in refusable},
        "auroc_of_reader": {
            "doubt": round(100 * auroc([-one.doubt for one in [*asked, *none]], right), 1),
            "logprob": round(100 * auroc([one.logprob for one in [*asked, *none]], right), 1),
        },
        "milliseconds": {
            "first_token": spread([one.first_ms for one in asked]), "whole": spread([one.whole_ms for one in asked]),
        },
    }  # fmt: skip


def end_to_end(path: Path, questions: Sequence[Question], limit: int, seed: int, threads: int) -> dict[str, Any]:
    """Reader and quotation over the index of all contexts."""
    config = RagConfig(llm=LlmConfig(threads=threads))
    told: dict[str, list[tuple[str, str]]] = {}
    asked: list[Question] = []
    for llm in (str(path), NO_LLM):
        with bot_for(questions, config, from_contexts=True, llm=llm) as (bot, placed):
            asked = sample(placed, limit, seed)
            answers = [bot.ask(question.question) for question in asked]
        told[llm] = [
            ("", "") if answer.abstained else (answer.sentences[0].text if llm != NO_LLM else answer.text, answer.text)
            for answer in answers
        ]
    reader, quoting = told[str(path)], told[NO_LLM]
    golds = [question.answers for question in asked]
    shown = [answer_contained(whole, gold) for (_, whole), gold in zip(quoting, golds, strict=True)]
    kept = [answer_contained(whole, gold) for (_, whole), gold in zip(reader, golds, strict=True)]
    return {
        "questions": len(asked),
        "reader_f1": percent([token_f1(short, gold) for (short, _), gold in zip(reader, golds, strict=True)]),
        "quoting_f1": percent([token_f1(short, gold) for (short, _), gold in zip(quoting, golds, strict=True)]),
        "gold_shown_quoting": percent(shown),
        "gold_lost": percent([float(before > after) for before, after in zip(shown, kept, strict=True)]),
    }


def percent(values: Sequence[float]) -> float:
    """The mean in percent."""
    return round(100 * float(np.mean(values)), 1) if values else 0.0


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"median": round(float(np.median(values)), 1), "p95": round(float(np.quantile(values, 0.95)), 1)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a reader's GGUF file")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--set", default=ASKED_SET, help='or "written", to choose by: its passages that no model has seen'
    )
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--threads", type=int, default=0, help="0 takes the physical cores")
    parser.add_argument("--end-to-end", action="store_true", help="over the index of all contexts, too")
    parser.add_argument("--lines", type=Path, help="a JSON Lines file for everything that was read")
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "reader.json")
    options = parser.parse_args()
    questions = read_set(options.data, options.set)
    asked = sample(questions, options.limit, options.seed)
    reader = SpanReader(LlamaRuntime(options.model, LlmConfig(threads=options.threads)))
    evidence = EvidenceModel(EvidenceConfig(), load_matcher(EvidenceConfig().matcher, load_embedder(EmbeddingConfig())))
    with_gold(reader, evidence, asked[:1], names_of(questions), options.seed)  # also loads what is loaded late
    reads = with_gold(reader, evidence, asked, names_of(questions), options.seed)
    if options.lines is not None:
        lines = "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in reads)
        options.lines.write_text(lines, encoding="utf-8")
    report: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"), "model": options.model.name,
        "megabytes": round(options.model.stat().st_size / 1e6, 1), "set": options.set, "seed": options.seed,
        "cpus": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1), "python": platform.python_version(),
        "gold_passage_given": figures(reads),
    }  # fmt: skip
    if options.end_to_end:
        report["end_to_end"] = end_to_end(options.model, questions, options.limit, options.seed, options.threads)
    write_results(options.out, report)
    print(json.dumps(report, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
