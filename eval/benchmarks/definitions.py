"""What a thing is: Wikipedia articles asked for by their title, and whether the article's own opening answers.

    python eval/benchmarks/definitions.py --data ../shared/data --articles 300

"Đậu phụ là gì?", "Thế nào là vi mạch?", "Isaac Newton là ai?" (a thing is now and then asked for as a person), over an
index of these articles alone, quoting. A quotation counts as the opening when it begins in the first sentence or two of
the article's text. Nothing was trained to answer such questions; made questions of the training come from these
articles, too.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from question_sets import PROJECT, WIKI
from ranking_figures import Figure
from results_file import write_results

from rag.assembly import open_bot
from rag.config import RagConfig
from rag.embedding import load_embedder
from rag.indexing.updating import update_index
from rag.models import NO_LLM
from rag.text import normalize

sys.path.insert(0, str(PROJECT / "models" / "training"))

from raw_rows import rows

_WAYS = ("{} là gì?", "{} là gì?", "{} là ai?", "Thế nào là {}?")
_LEAST_PASSAGES, _MOST_PASSAGES = 6, 25
_MOST_WORDS = 5
"""Of a title."""
_OPENING_CHARS = 160
"""In which a quotation begins that counts as the opening, if the first sentence is not longer."""


@dataclass(frozen=True, slots=True)
class Article:
    """An article that begins with its title."""

    name: str
    text: str

    @property
    def opening(self) -> int:
        """Characters in which its opening begins."""
        return max(_OPENING_CHARS, len(self.text.split(". ")[0]))


def articles(data: Path) -> Iterator[Article]:
    """Those that begin with their title, which names nothing else, and go on for some passages."""
    told: dict[str, list[str]] = {}
    for row in rows(data / "text" / f"{WIKI}.jsonl.gz"):
        told.setdefault(row["title"], []).append(normalize(row["text"]))
    for title, texts in sorted(told.items()):
        begins = texts[0][: len(title)]
        if (
            len(texts) >= _LEAST_PASSAGES
            and begins.casefold() == title.casefold()
            and "(" not in title
            and len(title) > 3
            and len(title.split()) <= _MOST_WORDS
        ):
            yield Article(begins, "\n\n".join(texts[:_MOST_PASSAGES]))


def measure(chosen: list[Article], seed: int) -> dict[str, Any]:
    """Percentages of the questions with intervals, and the mean number of quotations of an answer."""
    rng = random.Random(seed)
    config = RagConfig()
    first, shown, refused, quotations = [], [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "articles")
        folder.mkdir()
        for number, one in enumerate(chosen):
            (folder / f"{number:04d}.txt").write_text(one.text, encoding="utf-8")
        update_index(Path(scratch, "index"), [folder], load_embedder(config.embedding), config)
        bot = open_bot(Path(scratch, "index"), config, llm=NO_LLM)
        for number, one in enumerate(chosen):
            answer = bot.ask(rng.choice(_WAYS).format(one.name))
            found = [
                quote.source == f"{number:04d}.txt" and quote.start_char < one.opening for quote in answer.citations
            ]
            refused.append(float(answer.abstained))
            first.append(float(not answer.abstained and found[:1] == [True]))
            shown.append(float(not answer.abstained and any(found)))
            if not answer.abstained:
                quotations.append(float(len(found)))
    told = {"opening_first": first, "opening_shown": shown, "refused": refused}
    figures = {name: asdict(Figure.of(values)) for name, values in told.items()}
    return figures | {"quotations": round(float(np.mean(quotations)), 2)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "definitions.json")
    options = parser.parse_args()
    found = list(articles(options.data))
    chosen = random.Random(options.seed).sample(found, min(options.articles, len(found)))
    report = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"), "set": WIKI, "seed": options.seed,
        "articles": len(chosen), "figures": measure(chosen, options.seed),
    }  # fmt: skip
    write_results(options.out, report)
    print(json.dumps(report, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
