"""The commands `rag eval`, `rag compare` and `rag questions make` and `feedback`."""

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
    parser.add_argument(
        "action", choices=("make", "feedback"),
        help="make: draft a question set, for a person to edit; feedback: one of the answers that people rated in the"
        " page, whoever they are",
    )  # fmt: skip
    parser.add_argument("path", nargs="?", metavar="PATH", help="make: a folder or file of documents (default: seeds/)")
    parser.add_argument("-n", dest="count", type=positive, default=40, help="how many questions (default: 40)")
    parser.add_argument("--out", metavar="FILE", help="write here instead of the standard output")
    parser.add_argument("--seed", type=int, default=7, help="another number drafts other questions (default: 7)")


def run_eval(options: argparse.Namespace, config: RagConfig) -> int:
    """Ask a question set, once or for each combination of a sweep; the exit status.

    Raises:
        RagError: it could not be done.
    """
    from rag.batch.corpora import Corpus
    from rag.batch.tables import terminal_table
    from rag.evaluation import RunOptions, evaluate_file
    from rag.indexing.progress import CountLine
    from rag.sweeping import sweep

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
    from rag.batch.comparison import compare
    from rag.batch.results import write_file

    compared = compare(Path(options.run_a), Path(options.run_b))
    if options.html:
        file = Path(options.html)
        write_file(file.parent, file.name, compared.html())
    print(compared)
    return 0


def run_questions(options: argparse.Namespace, config: RagConfig) -> int:
    """Draft a question set, or make one of what people rated; the exit status.

    Raises:
        RagError: there is nothing to make it from, or the file cannot be written.
    """
    if options.action == "feedback":
        return _write_feedback(_path(options.out), config)
    from rag.batch.question_drafts import draft_questions, read_corpus, write_questions

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


def _write_feedback(out: Path | None, config: RagConfig) -> int:
    from rag.batch.question_drafts import write_questions
    from rag.errors import ConversationError
    from rag.history.conversations import STORE, ConversationStore
    from rag.history.feedback import feedback_rows, file_to_complete

    file = resolve(config.data) / STORE
    if not file.is_file():
        raise ConversationError(f"no conversations at {file}: ask and rate answers in `rag serve` first")
    store = ConversationStore(file)
    try:
        judged, waiting = feedback_rows(store)
    finally:
        store.close()
    if out is None:
        print(write_questions([*judged, *waiting], None), end="")
        said = 'add "answers" to the latter'
    else:
        to_complete = file_to_complete(out)
        if waiting:
            write_questions(waiting, to_complete)
        write_questions(judged, out)
        said = f'`rag eval {out}` asks the former; add "answers" to the latter in {to_complete}'
    print(
        f"{len(judged)} answers found right, {len(waiting)} found wrong: {said} (what is right, [] where the documents"
        " do not say it)",
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
