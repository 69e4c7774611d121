"""Several processes that examine questions at once, each with a bot of its own over one stored index."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType

from rag.assembly import open_bot
from rag.batch.examining import Examiner
from rag.batch.questions import Question
from rag.batch.results import Line
from rag.config import RagConfig
from rag.errors import QuestionSetError
from rag.models import NO_LLM

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")

_examiner: Examiner | None = None
"""The examiner of a worker process; None in every other."""


class Workers:
    """Processes that search and quote. A language model is never loaded a second time: each needs all its memory."""

    def __init__(self, count: int, index: Path, config: RagConfig, *, retrieval_only: bool = False) -> None:
        """`count` processes over the index in a folder; they start with the first question."""
        self._pool = ProcessPoolExecutor(
            count,
            # A fork would copy locks that other threads hold.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(index, config, retrieval_only),
        )

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def lines(self, questions: Sequence[Question]) -> Iterator[Line]:
        """The questions' lines, each as soon as it is done.

        Raises:
            QuestionSetError: a process ended, as for want of memory.
        """
        set_here = [name for name in _THREADS if name not in os.environ]
        os.environ.update(dict.fromkeys(set_here, "1"))  # they share the cores already; children read it as they start
        try:
            tasks = [self._pool.submit(_line, question) for question in questions]
            for task in as_completed(tasks):
                yield task.result()
        except BrokenProcessPool as error:
            raise QuestionSetError(
                "a worker process ended: use fewer --workers; with the same --out the run goes on where it stopped"
            ) from error
        finally:
            for name in set_here:
                del os.environ[name]


def _begin(index: Path, config: RagConfig, retrieval_only: bool) -> None:
    global _examiner  # noqa: PLW0603 - what a process pool offers for state
    # Ctrl-C is for the process that keeps the results.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _examiner = Examiner(open_bot(index, config, llm=NO_LLM), retrieval_only=retrieval_only)


def _line(question: Question) -> Line:
    if _examiner is None:
        raise RuntimeError("only a worker process examines")
    return _examiner.line(question)
