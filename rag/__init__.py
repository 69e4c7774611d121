"""Ask a folder of Vietnamese documents, offline, and get answers in which every sentence is checked.

import rag
bot = rag.open("index")
answer = bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import RagConfig, load_config
from rag.errors import RagError
from rag.types import Answer, Citation, Document, ScoredChunk, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.batch.questions import Question
    from rag.evaluation import Evaluation
    from rag.pipeline import Bot

__all__ = [
    "Answer",
    "Citation",
    "Document",
    "RagConfig",
    "RagError",
    "ScoredChunk",
    "Turn",
    "evaluate",
    "load_config",
    "open",
]


def open(  # noqa: A001 - `rag.open("index")` reads as what it does
    index: str | Path | None = None, config: RagConfig | None = None, *, llm: str | None = None
) -> "Bot":
    """A bot over the index in a folder; None takes the setting. See `rag.assembly.open_bot`.

    Raises:
        RagError: the index or a model is missing or does not fit.
    """
    from rag.assembly import open_bot

    return open_bot(index, config, llm=llm)


def evaluate(bot: "Bot", questions: "str | Path | Sequence[Question]", **settings: Any) -> "Evaluation":
    """The figures of a bot over a question set. See `rag.evaluation.evaluate`.

    Raises:
        RagError: the question set cannot be read.
    """
    from rag.evaluation import evaluate as run

    return run(bot, questions, **settings)
