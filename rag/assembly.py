"""The settings to a bot: its index opened, its models loaded, once for all bots that share them."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from rag.config import LlmConfig, RagConfig, load_config, resolve
from rag.embedding import load_embedder
from rag.evidence import EvidenceModel
from rag.generation import ExtractiveGenerator, LlamaGenerator
from rag.index import StoredIndex, open_index
from rag.models import NO_LLM, find_llm
from rag.pipeline import Bot
from rag.relevance.matching import load_matcher
from rag.relevance.ranking import PassageRanker, load_ranker
from rag.reranking import CrossEncoderReranker
from rag.retrieval import HybridRetriever
from rag.types import Embedder, Generator, Reranker


def open_bot(
    index: str | Path | None = None,
    config: RagConfig | None = None,
    *,
    llm: str | None = None,
    embedder: Embedder | None = None,
) -> Bot:
    """Everything needed to ask: the index, its embedder, the evidence model and the generator.

    Args:
        index: folder of the index; None takes the setting.
        config: the settings; None reads rag.toml and the environment.
        llm: a GGUF file, a name in models/, or "none"; None takes the setting.
        embedder: one that is loaded already; None loads that of the settings.

    Raises:
        RagError: the index or a model is missing or does not fit.
    """
    config = config if config is not None else load_config()
    if llm is not None:
        config = replace(config, llm=replace(config.llm, model=llm))
    embedder = embedder if embedder is not None else load_embedder(config.embedding)
    stored = open_index(Path(index) if index is not None else resolve(config.index), embedder, config)
    return _bot(stored, load_models(config, embedder), config)


@dataclass(frozen=True, slots=True)
class Models:
    """What bots over several indexes have in common, loaded once."""

    embedder: Embedder
    evidence: EvidenceModel
    generator: Generator
    ranker: PassageRanker | None
    reranker: Reranker | None
    lock: threading.Lock
    """Held while one of the bots searches."""


def load_models(config: RagConfig, embedder: Embedder | None = None) -> Models:
    """The models of the settings; `embedder` is one that is loaded already.

    Raises:
        ModelError: one is missing or cannot be loaded.
    """
    embedder = embedder if embedder is not None else load_embedder(config.embedding)
    generator = load_generator(config.llm)
    matcher = load_matcher(config.evidence.matcher, embedder)
    is_ranked = config.retrieval.ranker and matcher.embedder is embedder
    ranker = load_ranker(config.retrieval.ranker, matcher) if is_ranked else None
    reranker = CrossEncoderReranker(config.reranking) if config.reranking.model else None
    return Models(embedder, EvidenceModel(config.evidence, matcher), generator, ranker, reranker, threading.Lock())


def bot_over(folder: Path, models: Models, config: RagConfig) -> Bot:
    """A bot over the index at `folder`, as it stands now, with models that others use too.

    Raises:
        IndexMissingError: there is no index.
        IndexMismatchError: it was made in another format or by another model, or a file of it is damaged.
    """
    return _bot(open_index(folder, models.embedder, config), models, config)


def _bot(stored: StoredIndex, models: Models, config: RagConfig) -> Bot:
    retriever = HybridRetriever(stored, models.embedder, config.retrieval, models.ranker)
    return Bot(stored, retriever, models.evidence, models.generator, config, models.reranker, models.lock)


def load_generator(config: LlmConfig) -> Generator:
    """What writes the answers: a server's model, a GGUF file, or quoting.

    Raises:
        ModelError: the model is missing or cannot be loaded.
    """
    if config.base_url and config.model != NO_LLM:
        from rag.server import ServerGenerator  # httpx is for those who have a server

        return ServerGenerator(config)
    path = find_llm(config.model)
    return LlamaGenerator(path, config) if path is not None else ExtractiveGenerator()
