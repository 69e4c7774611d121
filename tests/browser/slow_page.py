"""The page with a generator as slow as a large model on a small machine: `slow_page.py INDEX PORT`."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from rag.app import serve
from rag.assembly import load_models
from rag.config import LlmConfig, load_config
from rag.models import NO_LLM
from rag.page.library import Library
from rag.types import Task

WORDS = 600


class SlowGenerator:
    """The best evidence, over and over, ten words a second."""

    name = "slow.gguf"

    def fitted(self, task: Task) -> Task:
        return task

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[str]:
        """WORDS pieces in a minute, fewer when cancelled."""
        words = task.evidence[0].text.split()
        for position in range(WORDS):
            if cancelled():
                return
            time.sleep(0.1)
            yield f"{words[position % len(words)]} "


if __name__ == "__main__":
    config = replace(load_config(), llm=LlmConfig(model=NO_LLM))
    models = replace(load_models(config), generator=SlowGenerator())
    serve(Library(Path(sys.argv[1]), config, models, allow_folders=True), "127.0.0.1", int(sys.argv[2]))
