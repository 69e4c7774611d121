"""What a question set is asked over: a stored index, a folder of files, or the set's own contexts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rag.config import RagConfig, resolve
from rag.documents import make_document
from rag.embedding import load_embedder
from rag.errors import DocumentError, QuestionSetError
from rag.index import Progress
from rag.indexing import index_documents, update_index
from rag.pipeline import Bot, open_bot
from rag.questions import Question
from rag.types import Document


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
    with ExitStack() as stack:
        folder = index if index is not None else resolve(config.index)
        asked = list(questions)
        if from_contexts or corpus is not None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="rag-eval-")))
        embedder = load_embedder(config.embedding)
        if from_contexts:
            documents, asked = context_documents(questions)
            index_documents(folder, "contexts", documents, embedder, config)
        elif corpus is not None:
            report = update_index(
                folder,
                [corpus],
                embedder,
                config,
                progress=None if progress is None else lambda at: progress(at.files_done, at.files, at.source),
            )
            if warn is not None:
                for _, reason in report.failed:
                    warn(reason)
        bot = open_bot(folder, config, llm=llm, embedder=embedder)
        stack.callback(bot.close)
        yield bot, asked


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
