"""The shipped search and its parts over one real index: each a function from a question to ranked documents."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import tantivy

from rag.assembly import open_bot
from rag.chunking import split_document
from rag.config import RagConfig
from rag.embedding import load_embedder
from rag.index import passage_text
from rag.indexing.updating import index_documents
from rag.retrieval import HybridRetriever
from rag.text import fold, is_unaccented, syllables
from rag.types import Document, Embedder, ScoredChunk

DEPTH = 10
"""Documents of a ranking."""
_FIRST_CHUNKS = 60
"""Passages that are asked for at first: nearly always enough for ten distinct documents."""

Search = Callable[[str, int], Sequence[str]]
"""A question and a number of passages to the documents of that many passages, the best first."""

SYLLABLES, BM25, DENSE, FUSED, RANKED = "BM25, syllables", "BM25, shipped view", "dense", "fused", "ranked (shipped)"


class SyllableIndex:
    """BM25 on syllables alone, tantivy's as in `rag.lexical` but without bigrams: the index has no such view."""

    def __init__(self, passages: Iterator[tuple[str, str]]) -> None:
        """Index (source, text) pairs in memory."""
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("source", stored=True, tokenizer_name="raw")
        for field in ("keys", "folded"):
            builder.add_text_field(field, stored=False, tokenizer_name="keys", index_option="freq")
        self._schema = builder.build()
        index = tantivy.Index(self._schema)
        index.register_tokenizer("keys", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
        writer = index.writer(num_threads=1)
        for source, text in passages:
            keys = " ".join(syllables(text))
            writer.add_document(tantivy.Document(source=source, keys=keys, folded=fold(keys)))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def search(self, question: str, limit: int) -> list[str]:
        """The sources of the best passages; a question without any mark is looked up among the folded keys."""
        plain = is_unaccented(question)
        keys = dict.fromkeys(fold(key) if plain else key for key in syllables(question))
        field = "folded" if plain else "keys"
        terms = [(tantivy.Occur.Should, tantivy.Query.term_query(self._schema, field, key)) for key in keys]
        if not terms:
            return []
        found = self._searcher.search(tantivy.Query.boolean_query(terms), limit)
        return [str(self._searcher.doc(address)["source"][0]) for _, address in found.hits]


@contextmanager
def indexed(
    documents: Sequence[Document], embedder: Embedder, config: RagConfig, names: Sequence[str]
) -> Iterator[tuple[dict[str, Search], int]]:
    """The systems of these names over an index of the documents in a temporary folder, and how many passages it has."""
    with TemporaryDirectory(prefix="rag-benchmark-") as folder:
        index_documents(Path(folder), "benchmark", documents, embedder, config)
        bot = open_bot(Path(folder), config, llm="none", embedder=embedder)
        index = bot.index
        fused = HybridRetriever(index, embedder, config.retrieval)
        systems: dict[str, Search] = {
            BM25: lambda question, limit: _sources(index.scored_chunks(index.search_lexical(question, limit))),
            DENSE: lambda question, limit: _sources(
                index.scored_chunks(index.search_dense(embedder.embed_queries([question]), limit))
            ),
            FUSED: lambda question, limit: _sources(fused.retrieve(question, limit)),
            RANKED: lambda question, limit: _sources(bot.search(question, limit)),
        }
        if SYLLABLES in names:
            systems[SYLLABLES] = SyllableIndex(_passages(documents, config)).search
        try:
            yield {name: systems[name] for name in names}, index.chunks
        finally:
            bot.close()


def first_documents(search: Search, question: str, counted: Collection[str] | None = None) -> list[str]:
    """The first ten distinct documents of a ranking of passages: a document stands where its best passage does.

    With `counted`, documents that are not among these are passed over.
    """
    limit = _FIRST_CHUNKS
    while True:
        found = search(question, limit)
        sources = list(dict.fromkeys(one for one in found if counted is None or one in counted))
        if len(sources) >= DEPTH or len(found) < limit:
            return sources[:DEPTH]
        limit *= 4


def usable_systems(embedder: Embedder) -> tuple[str, ...]:
    """All systems, worst first; without the ranker's row where the shipped system does not use the ranker."""
    every = (SYLLABLES, BM25, DENSE, FUSED, RANKED)
    # As in rag.assembly.open_bot: the ranker was fitted to the bundled embedding's cosines.
    bundled = load_embedder(RagConfig().embedding)
    return every if embedder.identity["name"] == bundled.identity["name"] else every[:-1]


def _sources(passages: Sequence[ScoredChunk]) -> list[str]:
    return [passage.source for passage in passages]


def _passages(documents: Sequence[Document], config: RagConfig) -> Iterator[tuple[str, str]]:
    for document in documents:
        for chunk in split_document(document, config.chunking):
            yield document.source, passage_text(document, chunk)
