"""The `rag` command. Heavy imports stand inside the commands, so that each loads only what it needs."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.commands.evaluation import (
    add_compare,
    add_eval,
    add_questions,
    positive,
    run_compare,
    run_eval,
    run_questions,
)
from rag.commands.serving import add_serve, run_serve
from rag.config import RagConfig, load_config, resolve
from rag.errors import DocumentError, IndexBusyError, IndexWriteError, RagError
from rag.messages import message, one_line
from rag.vietnamese.translation import in_language

if TYPE_CHECKING:
    from rag.indexing.updating import IndexReport
    from rag.pipeline import Bot
    from rag.types import Answer, Citation, ScoredChunk

_QUOTE_CHARS = 300


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when done, 1 for an error that a person can mend, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "index" and options.verify and (options.rebuild or options.watch or options.paths):
        parser.error("--verify reads the index alone: leave out PATH, --rebuild and --watch")
    try:
        overrides = {"llm.model": getattr(options, "llm", None), "llm.gpu_layers": getattr(options, "gpu_layers", None)}
        config = load_config(options.config, overrides=overrides)
        status: int = options.run(options, config)
    except RagError as error:
        told = in_language(" ".join(str(error).split()), options.lang)
        print(f"rag: {one_line(told)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
    return status


def _index(options: argparse.Namespace, config: RagConfig) -> int:
    folder = _index_folder(options, config)
    if options.verify:
        return _verify(options, folder)
    from rag.embedding import load_embedder
    from rag.indexing.progress import ProgressLine
    from rag.indexing.updating import update_index

    roots = [Path(path) for path in options.paths] or [resolve(config.corpus)]
    embedder = load_embedder(config.embedding)

    def update(rebuild: bool) -> "IndexReport":
        with ProgressLine(options.lang) if sys.stderr.isatty() and not options.json else nullcontext() as line:
            show = None if line is None else line.show
            return update_index(folder, roots, embedder, config, rebuild=rebuild, progress=show)

    if options.watch:
        return _watch(options, folder, roots, update)
    _show_report(update(options.rebuild), options)
    return 0


def _watch(
    options: argparse.Namespace, folder: Path, roots: Sequence[Path], update: Callable[[bool], "IndexReport"]
) -> int:
    """Update at every change until Ctrl-C; what is wrong with the folder for a while is said, and ends nothing."""
    from rag.indexing.watching import ticks

    first, due, said = True, True, ""
    try:
        for changed in ticks(roots, folder):
            due = due or changed
            if not due:
                continue
            try:
                report = update(options.rebuild and first)
            except (DocumentError, IndexBusyError, IndexWriteError) as error:
                if first and not isinstance(error, IndexBusyError):
                    raise
                due = not isinstance(error, DocumentError)  # a changed folder will be heard of, the others end unheard
                if str(error) != said:
                    said = str(error)
                    print(f"rag: {one_line(in_language(said, options.lang))}", file=sys.stderr, flush=True)
                continue
            if first or report.changes or report.failed:
                _show_report(report, options)
            if first:
                print(f"rag: {message('watching', options.lang)}", file=sys.stderr, flush=True)
            first, due, said = False, False, ""
    except KeyboardInterrupt:
        pass  # in the midst of an update: what it has embedded stays, and nothing half done is ever seen
    return 0


def _verify(options: argparse.Namespace, folder: Path) -> int:
    from rag.indexing.verifying import verify_index

    found = verify_index(folder)
    if options.json:
        _print_json(found.as_json())
        return 0 if found.sound else 1
    if found.sound:
        print(message("sound", options.lang, **found.as_json()))
        return 0
    for damage in found.damages:
        said = message(
            "damaged",
            options.lang,
            file=damage.file,
            reason=in_language(damage.reason, options.lang),
            command=damage.command,
        )
        print(f"rag: {one_line(said)}", file=sys.stderr)
    return 1


def _show_report(report: "IndexReport", options: argparse.Namespace) -> None:
    if options.json:
        # While watching, a line for each update.
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=None if options.watch else 2), flush=True)
        return
    print(message("indexed", options.lang, **report.as_json()), flush=True)
    if "recall@10" in report.dense:
        print(message("approximate", options.lang, recall=report.dense["recall@10"], **report.dense), flush=True)
    if report.duplicates:
        print(message("duplicates", options.lang, duplicates=report.duplicates), flush=True)
    if report.truncated:
        print(f"rag: {message('truncated', options.lang, truncated=report.truncated)}", file=sys.stderr)
    if report.failed:
        print(f"rag: {message('not_indexed', options.lang, failed=len(report.failed))}", file=sys.stderr)
    for _, reason in report.failed:
        print(f"rag: {one_line(in_language(reason, options.lang))}", file=sys.stderr, flush=True)


def _search(options: argparse.Namespace, config: RagConfig) -> int:
    from rag.assembly import open_bot

    bot = open_bot(_index_folder(options, config), config, llm="none")
    passages = bot.search(options.question, options.limit)
    if options.json:
        _print_json([scored.as_json(rank) for rank, scored in enumerate(passages, start=1)])
    elif not passages:
        print(message("nothing_found", options.lang))
    elif options.context:
        _print_in_context(bot, passages, options.context, options.lang)
    else:
        _print_passages(passages, options.lang)
    return 0


def _ask(options: argparse.Namespace, config: RagConfig) -> int:
    from rag.assembly import open_bot

    answer = open_bot(_index_folder(options, config), config).ask(options.question)
    if options.json:
        _print_json(answer.as_json())
    else:
        _print_answer(answer, options.lang)
    return 0


def _models(options: argparse.Namespace, config: RagConfig) -> int:
    from rag.commands.models import run

    return run(options, config)


def _doctor(options: argparse.Namespace, config: RagConfig) -> int:
    from rag.doctor import State, findings

    results = findings(_index_folder(options, config), config)
    if options.json:
        _print_json([finding.as_json() for finding in results])
    else:
        for finding in results:
            print(finding.line())
    return 1 if any(finding.state is State.FAIL for finding in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rag", description="Ask a folder of Vietnamese documents, offline; every sentence of an answer is checked."
    )
    common = argparse.ArgumentParser(add_help=False)
    # Before the command or after it; a default there would undo what stands before it.
    for place, none, english in ((parser, None, "en"), (common, argparse.SUPPRESS, argparse.SUPPRESS)):
        place.add_argument("--config", type=Path, default=none, help="settings file (default: rag.toml here, if any)")
        place.add_argument("--lang", choices=("en", "vi"), default=english, help="language of messages (default: en)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(run=run)
        return added

    index = command("index", _index, "bring the index in step with folders of documents")
    index.add_argument("paths", nargs="*", metavar="PATH", help="folders or files (default: seeds/)")
    index.add_argument("--rebuild", action="store_true", help="make it anew, of these folders alone")
    index.add_argument("--watch", action="store_true", help="go on, and index what changes, until Ctrl-C")
    index.add_argument("--verify", action="store_true", help="check every checksum and say what mends a damage")
    search = command("search", _search, "show the passages nearest to a question")
    search.add_argument("-k", dest="limit", type=positive, default=None, help="how many (default: 8)")
    search.add_argument(
        "--context", type=positive, default=0, metavar="N", help="show the N passages before and after each, whole"
    )
    ask = command("ask", _ask, "answer a question with cited, checked sentences")
    serve = command("serve", run_serve, "open the page")
    add_serve(serve)
    evaluate = command("eval", run_eval, "run a question set and report the figures")
    add_eval(evaluate)
    add_compare(command("compare", run_compare, "compare two results folders question by question"))
    add_questions(command("questions", run_questions, "draft a question set from documents"))
    models = command("models", _models, "list, get, add or check language models and embeddings")
    _add_actions(models)
    doctor = command("doctor", _doctor, "say what works here, what does not and what to type")
    for one in (index, search, ask, serve, doctor):
        one.add_argument("--index", metavar="DIR", help="folder of the index (default: index/)")
    for one in (index, search, ask, models, doctor):
        one.add_argument("--json", action="store_true", help="print JSON")
    for one in (search, ask):
        one.add_argument("question", metavar="QUESTION")
    for one in (ask, serve, evaluate, doctor):
        one.add_argument("--llm", metavar="NAME|PATH|none", help="language model (default: the first in models/)")
        one.add_argument("--gpu-layers", metavar="N|auto", help="model layers on the GPU; -1 is all (default: 0)")
    return parser


def _add_actions(models: argparse.ArgumentParser) -> None:
    """list, pull, add and check, as parsers of their own: an option may stand before the name or after it."""
    actions = models.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=text)
        # No defaults: they would undo what stands before the action.
        added.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        added.add_argument("--lang", choices=("en", "vi"), default=argparse.SUPPRESS, help="language of messages")
        added.add_argument("--config", type=Path, default=argparse.SUPPRESS, help="settings file")
        return added

    action("list", "what can be had, what is here, what is in use")
    action("pull", "download a preset").add_argument("name", metavar="NAME", help="a preset of `rag models list`")
    add = action("add", "put a GGUF file into models/")
    add.add_argument("name", metavar="FILE", help="a GGUF file; it is run first")
    add.add_argument("--link", action="store_true", help="a symbolic link instead of a copy")
    check = action("check", "run a model and report its size, template, speed and memory")
    check.add_argument("name", nargs="?", default="", metavar="NAME|PATH", help="default: the model in use")


def _index_folder(options: argparse.Namespace, config: RagConfig) -> Path:
    return Path(options.index) if options.index else resolve(config.index)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _print_answer(answer: "Answer", lang: str) -> None:
    print(answer.text)
    if answer.abstained:
        code, _, details = answer.reason.partition(": ")
        print(message(code, lang, details=details))
        _print_notes(answer, lang)
        if answer.retrieved:
            print(message("nearest", lang))
            _print_passages(answer.retrieved[:3], lang)
        return
    print()
    for citation in answer.citations:
        place = one_line(_place(citation, lang))
        same = next((scored for scored in answer.retrieved if scored.chunk.doc_id == citation.doc_id), None)
        print(f"[{citation.number}] {citation.title} ({place}{_also_in(same, lang)})\n    “{citation.quote}”")
    supported = sum(sentence.support == "supported" for sentence in answer.sentences)
    print(message("checked", lang, supported=supported, sentences=len(answer.sentences)))
    if answer.reason:
        code, _, details = answer.reason.partition(": ")
        print(message(code, lang, details=details))
    _print_notes(answer, lang)


def _print_notes(answer: "Answer", lang: str) -> None:
    for note in answer.notes:
        code, _, details = note.partition(": ")
        print(message(code, lang, details=details))


def _place(citation: "Citation", lang: str) -> str:
    """Where a quote stands: "a.pdf, page 3 (iv), 120-240", "b.xlsx, hàng 5, 120-240"."""
    label = citation.label
    if citation.page is not None:
        label = message("page", lang, page=citation.page) + (f" ({label})" if label else "")
    return ", ".join(filter(None, (citation.source, label, f"{citation.start_char}-{citation.end_char}")))


def _print_passages(passages: Sequence["ScoredChunk"], lang: str) -> None:
    for rank, scored in enumerate(passages, start=1):
        text = " ".join(scored.chunk.text.split())
        cut = f"{text[:_QUOTE_CHARS]}…" if len(text) > _QUOTE_CHARS else text
        print(f"{rank}. {one_line(scored.source)}{_also_in(scored, lang)} · {scored.score:.3f}\n   {cut}")


def _print_in_context(bot: "Bot", passages: Sequence["ScoredChunk"], reach: int, lang: str) -> None:
    """Each passage whole between its neighbours in the document; a passage shares its edges with them."""
    for rank, scored in enumerate(passages, start=1):
        print(f"{rank}. {one_line(scored.source)}{_also_in(scored, lang)} · {scored.score:.3f}")
        before, after = bot.neighbours(scored.chunk, reach, reach)
        marked = [(" ", before), (">", [scored.chunk]), (" ", after)]
        for mark, chunk in ((mark, chunk) for mark, chunks in marked for chunk in chunks):
            print(f" {mark} [{chunk.start_char}-{chunk.end_char}] {' '.join(chunk.text.split())}")


def _also_in(scored: "ScoredChunk | None", lang: str) -> str:
    """What follows a source: the further files that hold the same document."""
    if scored is None or not scored.other_sources:
        return ""
    return f", {one_line(message('also_in', lang, sources=', '.join(scored.other_sources)))}"


def _show_progress(done: int, total: int, name: str) -> None:
    print(f"\r\033[K{done}/{total} {one_line(name)[:60]}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
