"""How long passages should be: nDCG@10 by document of several chunk sizes, fused and ranked, on the same questions.

    python eval/benchmarks/chunk_size.py --data ../shared/data --limit 300

The ranker's weights were fitted to passages of the default size, and on vinewsqa to questions of this set, so that the
ranked rows lean towards the default; the fused ones do not.
"""

import argparse
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from question_sets import PROJECT, SETS, QuestionSet, read_question_set
from ranking_figures import NDCG, Figure, QuestionValues, difference, question_values
from results_file import write_results
from search_systems import FUSED, RANKED, first_documents, indexed

from rag.config import ChunkingConfig, RagConfig
from rag.embedding import load_embedder
from rag.types import Embedder

CHUNKS = ("400/80", "600/100", "900/150", "1400/200", "2000/300")
MEASURED = ("viquad2-test", "vinewsqa", "educoqa")


def measure(chosen: QuestionSet, sizes: list[ChunkingConfig], embedder: Embedder) -> dict[str, Any]:
    """The figures of each chunk size, and each one's paired difference from the default."""
    values: dict[ChunkingConfig, dict[str, QuestionValues]] = {}
    counts: dict[ChunkingConfig, int] = {}
    for chunking in sizes:
        config = replace(RagConfig(), chunking=chunking)
        with indexed(chosen.documents, embedder, config, (FUSED, RANKED)) as (systems, chunks):
            counts[chunking] = chunks
            values[chunking] = {
                name: question_values([first_documents(search, one) for one in chosen.questions], chosen.gold)
                for name, search in systems.items()
            }
    default = values.get(ChunkingConfig())
    told: dict[str, Any] = {}
    for chunking in sizes:
        entry: dict[str, Any] = {"chunks": counts[chunking]}
        for name, one in values[chunking].items():
            entry[name] = {NDCG: asdict(Figure.of(one[NDCG]))}
            if default is not None and chunking != ChunkingConfig():
                entry[name]["less_default"] = asdict(difference(one, default[name]))
        told[f"{chunking.chunk_chars}/{chunking.overlap_chars}"] = entry
    return {"questions": len(chosen.questions), "documents": len(chosen.documents), "sizes": told}


def table(name: str, entry: dict[str, Any]) -> str:
    """A set's figures: a line a chunk size."""
    lines = [
        f"\n{name}: {entry['questions']} questions, {entry['documents']} documents; nDCG@10 in percent",
        f"{'characters/overlap':20s}{'passages':>10s}" + "".join(f"{system:>46s}" for system in (FUSED, RANKED)),
    ]
    for size, told in entry["sizes"].items():
        cells = ""
        for system in (FUSED, RANKED):
            one, less = told[system][NDCG], told[system].get("less_default")
            cell = f"{one['value']:.1f} ({one['low']:.1f} to {one['high']:.1f})"
            if less is not None:
                cell += f" {less['value']:+.1f} ({less['low']:+.1f} to {less['high']:+.1f})"
            cells += f"{cell:>46s}"
        lines.append(f"{size:20s}{told['chunks']:10d}{cells}")
    return "\n".join(lines)


def main() -> None:
    """Measure set by set, print a table for each, keep one JSON file up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(MEASURED), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--chunks", nargs="+", default=list(CHUNKS), metavar="CHARS/OVERLAP")
    parser.add_argument("--limit", type=int, default=1000, help="questions a set")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "chunk_size.json")
    options = parser.parse_args()
    sizes = [ChunkingConfig(*(int(part) for part in size.split("/"))) for size in options.chunks]
    config = RagConfig()
    embedder = load_embedder(config.embedding)
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "seed": options.seed,
        "limit": options.limit,
        "embedding": dict(embedder.identity),
        "retrieval": asdict(config.retrieval),
        "default": asdict(config.chunking),
        "figures": "percent; 95% bootstrap intervals over the questions; differences from the default are paired",
        "sets": {},
    }
    for name in options.sets:
        chosen = read_question_set(options.data, name, options.limit, options.seed)
        report["sets"][name] = {"held_out": chosen.is_held_out, **measure(chosen, sizes, embedder)}
        print(table(name, report["sets"][name]), flush=True)
        write_results(options.out, report)


if __name__ == "__main__":
    main()
