"""What a person may choose on the page, in words, and what it means in settings."""

import threading
from dataclasses import dataclass, replace

from rag.assembly import load_generator
from rag.errors import ConfigError
from rag.models import BUNDLED, NO_LLM, local_models
from rag.pipeline import Bot
from rag.types import Generator

_SENTENCES = {"short": 1, "normal": 3, "long": 6}
_THRESHOLD_FACTORS = {"lenient": 0.6, "normal": 1.0, "strict": 1.8}
"""Of the probability from which there is an answer. At 0.15, 0.3 and 0.5 of the questions kept from all training 5,
20 and 36% are refused, many of them about reviews, and of those whose answer was taken out 30, 52 and 78%."""
_PASSAGES = ("4", "8", "16")


@dataclass(frozen=True, slots=True)
class Choices:
    """One person's choices; the defaults are the settings of the program."""

    llm: str = ""
    """A model in models/, "none" for quoting, empty for what the program was started with."""
    length: str = "normal"
    passages: str = ""
    """Empty takes the setting."""
    strictness: str = "normal"

    def changed(self, name: str, value: str) -> "Choices":
        """These with one changed.

        Raises:
            ConfigError: there is no such choice or value.
        """
        match name:
            case "llm":
                return replace(self, llm=value)
            case "length" if value in _SENTENCES:
                return replace(self, length=value)
            case "passages" if value in _PASSAGES:
                return replace(self, passages=value)
            case "strictness" if value in _THRESHOLD_FACTORS:
                return replace(self, strictness=value)
            case _:
                raise ConfigError(f"there is no choice {name} = {value!r}: choose one of the list")


class Writers:
    """The language models that people chose; the last one stays loaded beside the one that the program began with."""

    def __init__(self, bot: Bot) -> None:
        self._first = bot.generator
        self._config = bot.config.llm
        self._quoting = load_generator(replace(self._config, model=NO_LLM))
        self._name = ""
        self._loaded: Generator | None = None
        self._lock = threading.Lock()

    def offered(self) -> list[tuple[str, str]]:
        """(value, label) of what can write."""
        names = [model.name for model in local_models()]
        quoting = (NO_LLM, "Trích nguyên văn, không dùng mô hình")
        if self._first.name == self._quoting.name:
            return [("", quoting[1]), *((name, _label(name)) for name in names)]
        first = self._first.name.removesuffix(".gguf")
        others = [name for name in names if name not in (first, self._first.name)]
        return [("", _label(first)), quoting, *((name, _label(name)) for name in others)]

    def writer(self, name: str) -> Generator:
        """The generator of a choice, loaded if need be.

        Raises:
            ModelError: the model is missing or cannot be loaded.
        """
        if not name:
            return self._first
        if name == NO_LLM:
            return self._quoting
        with self._lock:
            if self._loaded is None or self._name != name:
                if name not in {model.name for model in local_models()}:  # what a browser says is no path
                    raise ConfigError(f"there is no model {name!r} in models/: choose another")
                self._loaded = load_generator(replace(self._config, model=name, base_url=""))
                self._name = name
            return self._loaded


def _label(name: str) -> str:
    return "Trả lời ngắn, rồi trích nguyên văn" if name == BUNDLED else name


def chosen_bot(bot: Bot, choices: Choices, writers: Writers) -> Bot:
    """The bot with a person's choices.

    Raises:
        RagError: the chosen model cannot be loaded.
    """
    config = bot.config
    threshold = min(config.evidence.threshold * _THRESHOLD_FACTORS[choices.strictness], 0.95)
    sentences = config.evidence.sentences if choices.length == "normal" else _SENTENCES[choices.length]
    passages = int(choices.passages) if choices.passages else config.retrieval.passages
    return bot.adjusted(
        replace(
            config,
            evidence=replace(config.evidence, threshold=threshold, sentences=sentences),
            retrieval=replace(config.retrieval, passages=passages),
        ),
        writers.writer(choices.llm),
    )
