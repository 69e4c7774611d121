"""What a question set is asked over: a stored index, a folder of files, or the set's own contexts."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rag.assembly import open_bot
from rag.batch.questions import Question
from rag.config import RagConfig, resolve
from rag.documents import make_document
from rag.embedding import load_embedder
from rag.errors import DocumentError, QuestionSetError
from rag.index import Progress
from rag.indexing.updating import index_documents, update_index
from rag.pipeline import Bot
from rag.types import Document, Embedder


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is asked: the files at `path`, or the set's own distinct contexts, or the index in a folder."""

    index: Path | None = None
    """None takes the index of the settings."""
    path: Path | None = None
    from_contexts: bool = False
    scratch: Path | None = None
    """Where indexes of a path or of contexts are made and found again; None makes them for one use."""

    @property
    def is_stored(self) -> bool:
        """Whether it is an index that is there already, with settings of its own."""
        return self.path is None and not self.from_contexts


@contextmanager
def bot_for(
    questions: Sequence[Question],
    config: RagConfig,
    *,
    index: Path | None = None,
    corpus: Path | None = None,
    from_contexts: bool = False,
    llm: str | None = None,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> Iterator[tuple[Bot, list[Question]]]:
    """A bot over the corpus that is asked for, and the questions with their gold documents in it; closed at the end.

    The corpus is the files at `corpus`, or with `from_contexts` the set's own distinct contexts, indexed in a temporary
    folder; otherwise the index at `index`, None for that of the settings. `warn` hears of files that cannot be read.

    Raises:
        QuestionSetError: no question has a context, or one has an empty one.
        RagError: the corpus, the index or a model is missing or does not fit.
    """
    embedder = load_embedder(config.embedding)
    where = Corpus(index, corpus, from_contexts)
    with index_of(questions, config, embedder, where, progress=progress, warn=warn) as (folder, asked):
        bot = open_bot(folder, config, llm=llm, embedder=embedder)
        try:
            yield bot, asked
        finally:
            bot.close()


@contextmanager
def index_of(
    questions: Sequence[Question],
    config: RagConfig,
    embedder: Embedder,
    corpus: Corpus,
    *,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> Iterator[tuple[Path, list[Question]]]:
    """The folder of an index of the corpus, made if need be, and the questions with their gold documents in it.

    Raises:
        QuestionSetError: no question has a context, or one has an empty one.
        RagError: the corpus is missing or does not fit.
    """
    with ExitStack() as stack:
        if corpus.is_stored:
            yield corpus.index if corpus.index is not None else resolve(config.index), list(questions)
            return
        documents, asked = context_documents(questions) if corpus.from_contexts else ([], list(questions))
        scratch = corpus.scratch
        if scratch is None:
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="rag-eval-")))
        folder = scratch / _name(config, [document.doc_id for document in documents])
        if corpus.path is not None:
            report = update_index(
                folder,
                [corpus.path],
                embedder,
                config,
                progress=None if progress is None else lambda at: progress(at.files_done, at.files, at.source),
            )
            if warn is not None:
                for _, reason in report.failed:
                    warn(reason)
        elif not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.new")
            index_documents(unfinished, "contexts", documents, embedder, config)
            unfinished.rename(folder)
        yield folder, asked


def _name(config: RagConfig, documents: Sequence[str]) -> str:
    """A folder for each content and each setting that an index depends on."""
    told = json.dumps([asdict(config.chunking), asdict(config.embedding), documents], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def context_documents(questions: Sequence[Question]) -> tuple[list[Document], list[Question]]:
    """The distinct contexts as documents named context-00001 and so on, and the questions with them as gold documents.

    Raises:
        QuestionSetError: no question has a context, or one has no words in it.
    """
    made: dict[str, Document] = {}
    asked: list[Question] = []
    for question in questions:
        context = question.context
        if context is not None and context not in made:
            try:
                made[context] = make_document(context, f"context-{len(made) + 1:05d}")
            except DocumentError as error:
                raise QuestionSetError(f"question {question.id}: its context cannot be a document ({error})") from error
        asked.append(replace(question, docs=(made[context].source,) if context is not None else ()))
    if not made:
        raise QuestionSetError("no question has a context: leave out --from-contexts or name --corpus")
    return list(made.values()), asked
