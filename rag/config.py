"""Every setting in one frozen tree: rag.toml, then RAG_* variables, then arguments, the later winning."""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rag.errors import ConfigError, marked

Section = TypeVar("Section")

PROJECT_DIR = Path(__file__).resolve().parent.parent
"""The checkout: `models/`, `seeds/` and `index/` stand here."""

API_KEY_VARIABLE = "RAG_LLM_API_KEY"
"""No setting, so that it cannot get into a file, a report or a list of settings."""
AUTO_LAYERS = -2
"""What "auto" for `llm.gpu_layers` becomes."""


@dataclass(frozen=True, slots=True)
class ChunkingConfig:
    """How documents are cut into passages."""

    chunk_chars: int = 900
    """Upper limit of a passage. About 200 syllables: a paragraph or two, so that a pronoun keeps its name."""
    overlap_chars: int = 150
    """What two neighbours share: about one sentence, so that none is cut off from the one before it."""


class Pooling(StrEnum):
    """How the vectors of a text's tokens become one."""

    OF_MODEL = ""
    """What the model's folder says; the mean where it says nothing, as in a folder of transformers."""
    MEAN = "mean"
    CLS = "cls"
    """The first token's, which for the BERT family is the mark put before the text."""
    MAX = "max"
    LAST_TOKEN = "lasttoken"
    """The last token's, for models that were trained to write."""


class Backend(StrEnum):
    """What runs a transformer. The last two need an extra of sentence-transformers; README.md says which can be had."""

    TORCH = "torch"
    ONNX = "onnx"
    OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """Which sentence-transformers model turns texts into vectors; they always get length 1.

    A static model, such as the bundled one, runs in NumPy: `pooling`, `device`, `batch_size` and `backend` are for
    transformers. No code that comes with a model is ever run.
    """

    model: str = "models/embedding-vi"
    """A folder (relative ones are looked for in the checkout) or a name that sentence-transformers knows."""
    query_prefix: str = ""
    """Put before a question; the E5 family wants "query: ". Empty takes the prompt that the model itself names."""
    passage_prefix: str = ""
    """Put before a passage; the E5 family wants "passage: ". Empty takes the prompt that the model itself names."""
    pooling: Pooling = Pooling.OF_MODEL
    """How token vectors become one vector: "mean", "cls", "max" or "lasttoken"; empty is what the model says."""
    max_tokens: int = 0
    """Tokens of a text that are read, 8 or more, the rest is left out; 0 is the model's own limit. `rag index` counts
    the passages that are longer."""
    dimension: int = 0
    """Numbers of each vector that are kept, from its beginning, for models trained for it (Matryoshka); 0 is all."""
    device: str = "cpu"
    """A torch device name, or "auto" for a GPU where there is one."""
    batch_size: int = 0
    """Texts per forward pass; 0 chooses by the free memory, see `rag.embedders.capacity`."""
    backend: Backend = Backend.TORCH
    """What runs the model: "torch", "onnx" or "openvino"; the last two say what to install when they are missing."""


@dataclass(frozen=True, slots=True)
class RerankingConfig:
    """A cross-encoder, which reads question and passage together: slower than vectors, and better at meaning."""

    model: str = ""
    """A folder or a name of a cross-encoder with one score; empty leaves the order of the search. Off by default: none
    ships, and on two CPU cores a passage of 300 tokens costs 0.2 s (6 layers of width 384) to 1.3 s (24 of 1024)."""
    passages: int = 24
    """Best found passages that are put in order: those that the search's own ranker has looked at. Past them the right
    one is rarely found, and the time grows with each; on a CPU a large model wants fewer."""
    max_tokens: int = 0
    """Tokens of question and passage together that are read, at least 8; 0 is the model's own limit."""
    device: str = "cpu"
    """A torch device name, or "auto" for a GPU where there is one."""
    batch_size: int = 0
    """Pairs per forward pass; 0 chooses by the free memory, see `rag.embedders.capacity`."""


@dataclass(frozen=True, slots=True)
class RetrievalConfig:
    """How passages are found."""

    passages: int = 8
    """Passages handed to the evidence step and shown."""
    candidates: int = 100
    """Best passages of each side that enter the fusion; past that rank neither side changes the top ten."""
    dense_weight: float = 0.3
    """Share of the dense score in the fused one, 0 to 1; the rest is lexical. Frozen on the development sets."""
    exact_up_to: int = 100_000
    """Passages up to which a question is compared with every vector, 4 ms on one core at 256 dimensions; `rag index`
    makes an approximate index of more, and says how much of the exact result it finds."""
    ranked: int = 24
    """Best fused passages that the ranker puts in order; each costs about 0.3 ms."""
    ranker: str = "models/ranker-vi/model.json"
    """The trained passage ranker; empty leaves the order of the fused scores. Used with the bundled embedding alone,
    whose cosines it was trained with."""


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """Which sentences bear the answer, and when there is none."""

    model: str = "models/evidence-vi/model.json"
    """The trained sentence ranker."""
    matcher: str = "models/matcher-vi"
    """Folder of the network that reads a question against a sentence, for this model and for the passage ranker."""
    company: str = "models/company-vi"
    """Folder of the second vectors of words, which the verifying and pointing networks read."""
    verifier: str = "models/verifier-vi"
    """Folder of the networks that read the likeliest sentences again, for this model."""
    pointer: str = "models/pointer-vi"
    """Folder of the network that says where in a sentence the answer stands, for a reader."""
    threshold: float = 0.28
    """Least probability, 0 to 1, that the corpus answers; below it the system says that it does not know. On
    questions kept from all training, many of them about reviews, 0.2 refuses 90% of the foreign and 10% of the
    answerable ones, 0.3 95% and 22%."""
    sentences: int = 3
    """Most sentences of an answer: those that are quoted, or what a language model is told to write, in more or fewer
    tokens than `llm.max_tokens` where it is more or less than three."""


class Unsupported(StrEnum):
    """What becomes of a sentence of an answer that no passage bears out; never shown as if it were borne out."""

    MARK = "mark"
    DROP = "drop"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class CheckingConfig:
    """How an answer is checked."""

    unsupported: Unsupported = Unsupported.MARK
    """A sentence that no passage bears out is marked as such ("mark"), left out ("drop"), or gives way to a quotation
    that the answer does not hold yet ("quote"). Quotations are always borne out, so this is for language models."""


@dataclass(frozen=True, slots=True)
class LlmConfig:
    """The language model: a local one, or with `base_url` a server's."""

    model: str = ""
    """A GGUF file, a name in models/, or "none"; empty takes the GGUF in models/ when there is one. With `base_url`,
    the server's name for it; empty takes the first that the server offers."""
    base_url: str = ""
    """An OpenAI-compatible server, such as http://127.0.0.1:8080/v1; empty calls none. Question and passages are sent
    to it. Its key, if it wants one, is read from the variable RAG_LLM_API_KEY alone."""
    context_tokens: int = 4096
    """The window to allocate: eight passages and an answer; a larger one costs memory on every start."""
    max_tokens: int = 400
    """Longest answer of up to three sentences: about 250 Vietnamese syllables."""
    temperature: float = 0.0
    """0 gives the same answer to the same question."""
    seed: int = 7
    """Makes an answer repeatable when the temperature is above 0."""
    time_limit_s: int = 300
    """Longest time for an answer, reading the prompt included, waiting for other answers not. A 4B model on two cores
    reads 2,000 tokens in about two minutes."""
    gpu_layers: int = 0
    """Layers to put on a GPU; -1 means all, 0 stays on the CPU. "auto" takes all where llama-cpp-python was built for a
    GPU and the model fits, and says so where it stays on the CPU."""
    threads: int = 0
    """Threads for the model; 0 takes the machine's physical cores, and one for a model below 32 MB."""
    cache: str = "models/cache"
    """Folder for what the model made of the instructions that every prompt begins with, 20 to 40 MB a model: a start
    takes seconds less to the first word; and for which models ran here. Empty keeps nothing."""


@dataclass(frozen=True, slots=True)
class PageConfig:
    """The Gradio page."""

    host: str = "127.0.0.1"
    """The address to listen on; loopback keeps the documents on this machine."""
    port: int = 7860
    """The TCP port."""
    auth: str = ""
    """File of the logins that may come in, needed where the host is not loopback; empty asks nobody. Hashes alone
    stand in it, so that reading it lets nobody in."""


@dataclass(frozen=True, slots=True)
class RagConfig:
    """All settings; the defaults run everything on a CPU with what ships in the repository."""

    corpus: str = "seeds"
    """Folder of documents that `rag index` takes when none is named."""
    index: str = "index"
    """Folder of the built index."""
    data: str = "data"
    """Folder of what people leave in the page: their conversations, uploaded documents and further collections. Apart
    from the index, which can be made again; this cannot, so it is what to keep a copy of."""
    max_question_chars: int = 4000
    """Longer questions are refused: no search is served by a pasted chapter."""
    max_file_mb: int = 50
    """Larger files are refused rather than filling the memory."""
    max_archive_files: int = 10_000
    """A zip archive of more is refused: nobody packs that many documents."""
    max_archive_mb: int = 2000
    """A zip archive that unpacks to more is refused; it is read file by file, so this bounds the time alone."""
    chunking: ChunkingConfig = field(default_factory=ChunkingConfig)
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    reranking: RerankingConfig = field(default_factory=RerankingConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    checking: CheckingConfig = field(default_factory=CheckingConfig)
    llm: LlmConfig = field(default_factory=LlmConfig)
    page: PageConfig = field(default_factory=PageConfig)

    def __post_init__(self) -> None:
        """Refuse values that no step can work with.

        Raises:
            ConfigError: naming the setting, its value and its range.
        """
        _within("max_archive_files", self.max_archive_files, 1, 10_000_000)
        _within("max_archive_mb", self.max_archive_mb, 1, 10_000_000)
        _within("chunking.chunk_chars", self.chunking.chunk_chars, 100, 20_000)
        _within("chunking.overlap_chars", self.chunking.overlap_chars, 0, self.chunking.chunk_chars // 2)
        _within("embedding.max_tokens", self.embedding.max_tokens or 8, 8, 1_000_000)
        _within("embedding.dimension", self.embedding.dimension, 0, 65_536)
        _within("embedding.batch_size", self.embedding.batch_size, 0, 4096)
        _within("retrieval.passages", self.retrieval.passages, 1, 100)
        _within("retrieval.candidates", self.retrieval.candidates, 10, 10_000)
        _within("retrieval.dense_weight", self.retrieval.dense_weight, 0, 1)
        _within("retrieval.exact_up_to", self.retrieval.exact_up_to, 1000, 1_000_000_000)
        _within("retrieval.ranked", self.retrieval.ranked, 1, 1000)
        _within("reranking.passages", self.reranking.passages, 1, 1000)
        _within("reranking.max_tokens", self.reranking.max_tokens or 8, 8, 1_000_000)
        _within("reranking.batch_size", self.reranking.batch_size, 0, 4096)
        _within("evidence.threshold", self.evidence.threshold, 0, 1)
        _within("evidence.sentences", self.evidence.sentences, 1, 20)
        _within("llm.context_tokens", self.llm.context_tokens, 512, 1_048_576)
        _within("llm.max_tokens", self.llm.max_tokens, 1, self.llm.context_tokens // 2)
        _within("llm.temperature", self.llm.temperature, 0, 2)
        _within("llm.time_limit_s", self.llm.time_limit_s, 1, 86_400)
        _within("llm.gpu_layers", self.llm.gpu_layers, AUTO_LAYERS, 1000)
        if self.llm.base_url and not self.llm.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"llm.base_url = {self.llm.base_url!r}: write an address such as http://127.0.0.1:8080/v1"
            )
        _within("page.port", self.page.port, 0, 65_535)


def load_config(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> RagConfig:
    """The settings in force.

    Args:
        path: a TOML file; None takes rag.toml of the working folder when there is one.
        environment: variables such as RAG_INDEX or RAG_LLM_MODEL; None takes the process's own.
        overrides: dotted names to values ("llm.model": "none"); None values are passed over.

    Raises:
        ConfigError: a name is unknown, a value is of the wrong type or out of range, the file is not TOML.
    """
    config = RagConfig()
    file = path if path is not None else Path("rag.toml")
    if path is not None or file.is_file():
        config = _merged(config, _read_toml(file), str(file))
    variables = _from_environment(os.environ if environment is None else environment)
    config = _merged(config, variables, "the environment")
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    return _merged(config, _nested(given), "the arguments")


def remote_server(llm: LlmConfig) -> str:
    """The address of another machine that questions and passages are sent to; empty while all stays on this one."""
    place = urlsplit(llm.base_url)
    if not llm.base_url or llm.model == "none":
        return ""
    return "" if is_loopback(place.hostname or "") else place.netloc.rpartition("@")[2]


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own, which no other machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def with_settings(config: RagConfig, values: Mapping[str, Any], origin: str) -> RagConfig:
    """The settings with some changed: dotted names to values, as text or as they are; `origin` is named in errors.

    Raises:
        ConfigError: a name is unknown, a value is of the wrong type or out of range.
    """
    return _merged(config, _nested(values), origin)


def resolve(path: str) -> Path:
    """`path` in the working folder when it is there, else in the checkout; absolute paths stay as they are."""
    here = Path(path).expanduser()
    return here if here.is_absolute() or here.exists() else PROJECT_DIR / here


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as TOML ({error}): mend it or name another with --config") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """RAG_LLM_MODEL=x as {"llm": {"model": "x"}}, for the settings that exist; other RAG_* variables are errors."""
    known: dict[str, str] = {}
    defaults = RagConfig()
    for top in fields(RagConfig):
        section = getattr(defaults, top.name)
        if isinstance(section, str | int | float):
            known[f"RAG_{top.name}".upper()] = top.name
        else:
            known |= {f"RAG_{top.name}_{leaf.name}".upper(): f"{top.name}.{leaf.name}" for leaf in fields(section)}
    unknown = sorted(name for name in environment if name.startswith("RAG_") and name not in {*known, API_KEY_VARIABLE})
    if unknown:
        raise ConfigError(f"unknown variable {unknown[0]}: the settings are listed in README.md")
    return _nested({known[name]: value for name, value in environment.items() if name in known})


def _nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in dotted.items():
        section, _, leaf = name.rpartition(".")
        (tree.setdefault(section, {}) if section else tree)[leaf] = value
    return tree


def _merged(config: Section, values: Mapping[str, Any], origin: str, prefix: str = "") -> Section:
    known = {item.name for item in fields(config)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if f"{prefix}{name}" == "llm.api_key":
            raise ConfigError(f"llm.api_key in {origin}: a key belongs in no file, set the variable {API_KEY_VARIABLE}")
        if name not in known:
            raise ConfigError(f"unknown setting {prefix}{name} in {origin}: one of {', '.join(sorted(known))}")
        current = getattr(config, name)
        if isinstance(value, Mapping):
            if isinstance(current, str | int | float):
                raise ConfigError(f"{prefix}{name} in {origin} is a value, not a section: write {name} = …")
            changes[name] = _merged(current, value, origin, f"{prefix}{name}.")
        else:
            changes[name] = _converted(f"{prefix}{name}", value, current, origin)
    return replace(config, **changes)  # type: ignore[type-var]


def _converted(name: str, value: Any, current: Any, origin: str) -> str | int | float:
    if not isinstance(current, str | int | float):
        raise ConfigError(f"{name} in {origin} is a section, not a value: write [{name}]")
    if name == "llm.gpu_layers" and value == "auto":
        return AUTO_LAYERS
    kind = type(current)
    allowed = (str, int, float) if kind is not str else (str,)
    try:
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise ValueError
        if kind is int and isinstance(value, float) and not value.is_integer():
            raise ValueError
        return kind(value)
    except ValueError:
        wanted = marked(f"a value of type {kind.__name__} is needed")
        if issubclass(kind, StrEnum):
            wanted = marked(f"choose one of {', '.join(repr(one.value) for one in kind)}")
        raise ConfigError(f"{name} = {value!r} in {origin}: {wanted}") from None


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ConfigError(f"{name} = {value} is out of range: choose {least} to {most}")
