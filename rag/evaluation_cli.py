"""The commands `rag eval`, `rag compare` and `rag questions make`."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rag.config import RagConfig, resolve


def add_eval(parser: argparse.ArgumentParser) -> None:
    """The arguments of `rag eval`, but those that other commands have too."""
    parser.add_argument("questions", metavar="QUESTIONS", help="JSON Lines, CSV or SQuAD JSON")
    corpus = parser.add_mutually_exclusive_group()
    corpus.add_argument("--index", metavar="DIR", help="folder of the index (default: index/)")
    corpus.add_argument("--corpus", metavar="PATH", help="index this folder for the run")
    corpus.add_argument("--from-contexts", action="store_true", help="the corpus is the set's own contexts")
    parser.add_argument("--retrieval-only", action="store_true", help="measure the search alone")
    parser.add_argument("--limit", type=positive, help="only the first N questions")
    parser.add_argument("--out", metavar="DIR", help="keep results here, and resume from them")
    parser.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="processes that ask, without a language model"
    )
    parser.add_argument(
        "--sweep", action="append", default=[], metavar="SETTING=A,B",
        help="a run for each value, as retrieval.dense_weight=0,0.3; given again, for each combination",
    )  # fmt: skip


def add_compare(parser: argparse.ArgumentParser) -> None:
    """The arguments of `rag compare`."""
    parser.add_argument("run_a", metavar="RUN_A")
    parser.add_argument("run_b", metavar="RUN_B")
    parser.add_argument("--html", metavar="FILE", help="write it as HTML too, each changed question to be opened")


def add_questions(parser: argparse.ArgumentParser) -> None:
    """The arguments of `rag questions`."""
    parser.add_argument("action", choices=("make",), help="draft a question set, for a person to edit")
    parser.add_argument("path", nargs="?", metavar="PATH", help="a folder or file of documents (default: seeds/)")
    parser.add_argument("-n", dest="count", type=positive, default=40, help="how many questions (default: 40)")
    parser.add_argument("--out", metavar="FILE", help="write here instead of the standard output")
    parser.add_argument("--seed", type=int, default=7, help="another number drafts other questions (default: 7)")


def run_eval(options: argparse.Namespace, config: RagConfig) -> int:
    """Ask a question set, once or for each combination of a sweep; the exit status.

    Raises:
        RagError: it could not be done.
    """
    from rag.corpora import Corpus
    from rag.evaluation import RunOptions, evaluate_file
    from rag.progress import CountLine
    from rag.sweeping import sweep
    from rag.tables import terminal_table

    corpus = Corpus(_path(options.index), _path(options.corpus), options.from_contexts)
    how = RunOptions(options.retrieval_only, options.limit, options.workers)
    with ExitStack() as stack:
        line = stack.enter_context(CountLine(options.lang)) if sys.stderr.isatty() else None
        named: dict[str, Any] = {
            "out": _path(options.out),
            "progress": None if line is None else line.show,
            "warn": lambda reason: print(f"rag: {reason}", file=sys.stderr),
        }
        questions = Path(options.questions)
        if options.sweep:
            shown = str(sweep(questions, config, corpus, how, options.sweep, **named))
        else:
            shown = terminal_table(evaluate_file(questions, config, corpus, how, **named).metrics)
    print(shown)
    return 0


def run_compare(options: argparse.Namespace, _: RagConfig) -> int:
    """Compare two runs; the exit status.

    Raises:
        QuestionSetError: they cannot be compared, or the file cannot be written.
    """
    from rag.comparison import compare
    from rag.results import write_file

    compared = compare(Path(options.run_a), Path(options.run_b))
    if options.html:
        file = Path(options.html)
        write_file(file.parent, file.name, compared.html())
    print(compared)
    return 0


def run_questions(options: argparse.Namespace, config: RagConfig) -> int:
    """Draft a question set; the exit status.

    Raises:
        RagError: there is nothing to draft from, or the file cannot be written.
    """
    from rag.question_drafts import draft_questions, read_corpus, write_questions

    documents = read_corpus(Path(options.path) if options.path else resolve(config.corpus), config)
    rows = draft_questions(documents, config, options.count, options.seed)
    text = write_questions(rows, _path(options.out))
    if options.out is None:
        print(text, end="")
    unanswerable = sum(not row["answers"] for row in rows)
    print(
        f"{len(rows)} questions drafted ({unanswerable} that the corpus does not answer): read them, mend or remove"
        f" what is wrong, then `rag eval {options.out or 'FILE'}`",
        file=sys.stderr,
    )
    return 0


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
