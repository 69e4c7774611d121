"""Retrieval quality of the shipped system and of its parts, under ViRE's protocol (EACL 2026).

    python eval/benchmarks/retrieval.py --data ../shared/data

Up to 1,000 questions of a set are asked over all distinct contexts of the set, through the project's own index with its
default passages; a context is a document and stands where its best passage does. Of sets whose other passages the
embedding was trained on, only questions about held-out passages are asked. The questions are also asked without marks,
with the other tone-mark style, with a typing slip and in capitals; the contexts of all sets are also hidden together
among Wikipedia passages, near copies of a context left out; and English sentences are asked for their Vietnamese
translations. The embedding was trained on those Wikipedia passages, never on viquad2-test's and educoqa's questions.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from question_sets import (
    PROJECT,
    RANKER_SETS,
    SETS,
    TRANSLATIONS,
    WIKI,
    Distractors,
    QuestionSet,
    read_question_set,
    read_translations,
)
from question_variants import QUESTION_VARIANTS
from ranking_figures import QuestionValues, difference, figures, question_values
from results_file import write_results
from retrieval_tables import PUBLISHED, set_table, summary_table
from search_systems import RANKED, first_documents, indexed, usable_systems

from rag.config import RagConfig, resolve
from rag.embedding import load_embedder
from rag.types import Embedder

DISTRACTORS, ENGLISH = "among-distractors", "english"
VARIANTS = (*QUESTION_VARIANTS, DISTRACTORS, ENGLISH)

Ranking = Callable[[str], list[str]]
"""A question to the documents found for it, the best first."""
Values = dict[str, QuestionValues]
"""Each system's metrics, question by question."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every set is measured with."""

    embedder: Embedder
    config: RagConfig
    systems: tuple[str, ...]
    seed: int

    def measure(self, chosen: QuestionSet, variants: Sequence[str]) -> tuple[dict[str, Any], Values]:
        """The figures of a set by variant, and the values of the clean questions, {} when they are not asked."""
        clean: Values = {}
        figures_of: dict[str, Any] = {}
        with indexed(chosen.documents, self.embedder, self.config, self.systems) as (systems, chunks):
            known = {name: cache(partial(first_documents, search)) for name, search in systems.items()}
            for variant in variants:
                asked = [QUESTION_VARIANTS[variant](question, self.seed) for question in chosen.questions]
                changed = sum(one != other for one, other in zip(asked, chosen.questions, strict=True))
                values = ask(known, asked, chosen.gold)
                clean = values if variant == "clean" else clean
                figures_of[variant] = {"questions_changed": changed, "systems": told(values, clean)}
        entry = {
            "questions": len(chosen.questions),
            "asked_about": "held-out contexts" if chosen.is_held_out else "all contexts",
            "ranker_fitted_on_this_set": chosen.name in RANKER_SETS,
            "documents": len(chosen.documents),
            "chunks": chunks,
            "variants": figures_of,
        }
        return entry, clean

    def measure_hidden(
        self, sets: Sequence[QuestionSet], distractors: Distractors, clean: Mapping[str, Values]
    ) -> dict[str, Any]:
        """The figures of every set by name, over one index of all their contexts and the distractors.

        Only a set's own contexts and the distractors count in its rankings.
        """
        documents = [document for chosen in sets for document in chosen.documents]
        hiding, copies = distractors.apart_from(documents)
        result: dict[str, Any] = {}
        with indexed([*documents, *hiding], self.embedder, self.config, self.systems) as (systems, _):
            for chosen in sets:
                counted = {document.source for document in (*chosen.documents, *hiding)}
                rankings = {name: partial(first_documents, search, counted=counted) for name, search in systems.items()}
                values = ask(rankings, chosen.questions, chosen.gold)
                result[chosen.name] = {
                    "documents": len(counted),
                    "copies_left_out": copies,
                    "systems": told(values, clean[chosen.name]),
                }
                say(f"{chosen.name} {DISTRACTORS}")
        return result


def ask(rankings: Mapping[str, Ranking], questions: Sequence[str], gold: Sequence[str]) -> Values:
    """Each system's metrics, question by question."""
    return {name: question_values([ranking(one) for one in questions], gold) for name, ranking in rankings.items()}


def told(values: Values, clean: Values) -> dict[str, Any]:
    """Each system's figures, and its paired difference from the clean questions where those are others."""
    result: dict[str, Any] = {}
    for name, one in values.items():
        result[name] = {metric: asdict(figure) for metric, figure in figures(one).items()}
        if name in clean and values is not clean:
            result[name]["ndcg@10_less_clean"] = asdict(difference(one, clean[name]))
    return result


def configuration(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """What made the figures."""
    retrieval = asdict(bench.config.retrieval)
    file = resolve(bench.config.retrieval.ranker)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "protocol": "ViRE: a seeded sample of a set's questions over all its distinct contexts; by document, 1..10",
        "seed": options.seed,
        "limit": options.limit,
        "distractors": f"the first {options.distractors} of {WIKI}, near copies of a set's contexts left out",
        "embedding": dict(bench.embedder.identity),
        "chunking": asdict(bench.config.chunking),
        "retrieval": retrieval,
        "ranker_sha256": hashlib.sha256(file.read_bytes()).hexdigest() if RANKED in bench.systems else "",
        "figures": "percent; 95% bootstrap intervals over the questions; differences are paired",
        "published": PUBLISHED,
    }


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="VARIANT",
                        help=", ".join(VARIANTS))  # fmt: skip
    parser.add_argument("--limit", type=int, default=1000, help="questions a set")
    parser.add_argument("--distractors", type=int, default=73_550, help="Wikipedia passages to hide the contexts among")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--model", default=RagConfig().embedding.model, help="another embedding: a folder or a name")
    parser.add_argument("--query-prefix", default="", help='what its questions begin with, such as "query: "')
    parser.add_argument("--passage-prefix", default="")
    parser.add_argument("--dense-weight", type=float, default=RagConfig().retrieval.dense_weight)
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "retrieval.json")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure set by set, print a table for each and a summary, keep one JSON file up to date."""
    options = parse()
    config = RagConfig()
    embedding = replace(
        config.embedding, model=options.model, query_prefix=options.query_prefix, passage_prefix=options.passage_prefix
    )
    config = replace(
        config, embedding=embedding, retrieval=replace(config.retrieval, dense_weight=options.dense_weight)
    )
    embedder = load_embedder(embedding)
    bench = Bench(embedder, config, usable_systems(embedder), options.seed)
    report: dict[str, Any] = {**configuration(bench, options), "sets": {}}
    clean: dict[str, Values] = {}
    typed = [variant for variant in QUESTION_VARIANTS if variant in options.variants]
    sets = [read_question_set(options.data, name, options.limit, options.seed) for name in options.sets]
    for chosen in sets if typed or DISTRACTORS in options.variants else ():
        report["sets"][chosen.name], clean[chosen.name] = bench.measure(chosen, typed)
        say(chosen.name)
        write_results(options.out, report)
    if ENGLISH in options.variants:
        translations = read_translations(options.data, options.limit, options.seed)
        report["sets"][TRANSLATIONS], _ = bench.measure(translations, ["clean"])
        write_results(options.out, report)
    if DISTRACTORS in options.variants:
        hidden = bench.measure_hidden(sets, Distractors(options.data, options.distractors), clean)
        for name, figures_among in hidden.items():
            report["sets"][name]["variants"][DISTRACTORS] = figures_among
        write_results(options.out, report)
    print(*(set_table(name, entry) for name, entry in report["sets"].items()), summary_table(report["sets"]), sep="\n")


def say(done: str) -> None:
    """One line of progress."""
    print(f"{datetime.now(UTC):%H:%M:%S} {done} done", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
