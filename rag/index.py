"""The stored index, read: one generation of the catalog and of the views that it names."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.config import ChunkingConfig, RagConfig
from rag.errors import IndexDamagedError, IndexMissingError, RagError
from rag.language.structure import PATH_MARK
from rag.store.catalog import Catalog
from rag.store.views import Hits, Views
from rag.types import Chunk, Document, Embedder, FloatMatrix, ScoredChunk

CATALOG = "catalog.sqlite"

Progress = Callable[[int, int, str], None]
"""Called before each file or question with (how many are done, how many there are, its name)."""

_TRIES = 3
"""Times to open an index whose generation is replaced in the meantime."""


class StoredIndex:
    """One generation of an index, open for reading."""

    def __init__(
        self, catalog: Catalog, views: Views, embedding: Mapping[str, str | int], contents: Mapping[str, int]
    ) -> None:
        self.embedding = dict(embedding)
        """The identity of the embedder whose vectors these are."""
        self._catalog = catalog
        self._views = views
        self.documents, self.chunks = contents["documents"], contents["chunks"]
        """How many documents and passages there are."""

    def close(self) -> None:
        """Let go of the snapshot."""
        self._views.close()
        self._catalog.close()

    def rows_of(self, doc_ids: Collection[str]) -> list[int]:
        """The rows of all passages of these documents; ids that the index does not hold are passed over."""
        return self._catalog.rows_of(doc_ids)

    def search(
        self, question: str, vector: FloatMatrix, limit: int, among: Sequence[int] | None = None
    ) -> tuple[Hits, Hits]:
        """What `search_dense` and `search_lexical` find; in a large index both look at the same time."""
        return self._views.search(question, vector, limit, among)

    def search_dense(self, vector: FloatMatrix, limit: int, among: Sequence[int] | None = None) -> Hits:
        """The (row, cosine) of the passages nearest to `vector`, shape (1, dimension), the best first.

        `among` are the rows that may be found; None is all.
        """
        return self._views.search_dense(vector, limit, among)

    def search_lexical(self, question: str, limit: int, among: Sequence[int] | None = None) -> Hits:
        """The (row, BM25 score) of the passages that share the question's words, the best first; `among` as above."""
        return self._views.search_lexical(question, limit, among)

    def cosines(self, vector: FloatMatrix, rows: Sequence[int]) -> list[float]:
        """The cosine of `vector`, shape (1, dimension), with each of the passages."""
        return self._views.cosines(vector, rows)

    def scored_chunks(self, hits: Sequence[tuple[int, float]]) -> list[ScoredChunk]:
        """The passages of (row, score) pairs, in their order.

        Raises:
            IndexDamagedError: one is not as it was stored.
        """
        return self._catalog.scored_chunks(hits)

    def neighbours(self, chunk: Chunk, before: int = 1, after: int = 1) -> tuple[list[Chunk], list[Chunk]]:
        """The passages before and after this one in its document, in order; fewer at its ends.

        Raises:
            DocumentError: the index does not hold the passage.
        """
        return self._catalog.neighbours(chunk, before, after)

    def all_documents(self) -> Iterator[Document]:
        """Every document once, by root and source of its first file."""
        return self._catalog.documents()

    def document(self, doc_id: str) -> Document:
        """The document with this id; "other_sources" of its metadata, a JSON list, names further files that hold it.

        Raises:
            DocumentError: there is none.
        """
        return self._catalog.document(doc_id)

    def sources(self) -> dict[str, str]:
        """The source of every file, with the source that its document goes by; they differ for duplicates."""
        return self._catalog.sources()


def open_index(folder: Path, embedder: Embedder, config: RagConfig) -> StoredIndex:
    """The index at `folder`, as it stands now.

    Looks at the sizes of all files and the checksums of small ones; every row is checked when it is read. All else is
    for `rag.indexing.verifying.verify_index`.

    Raises:
        IndexMissingError: there is no index.
        IndexMismatchError: it was made in another format or by another model, or a file of it is damaged.
    """
    for _ in range(_TRIES - 1):
        before = generation_of(folder)
        try:
            return _open(folder, embedder, config)
        except IndexDamagedError:
            # Views two generations old are removed, perhaps while they were being opened here.
            if generation_of(folder) == before:
                raise
    return _open(folder, embedder, config)


def _open(folder: Path, embedder: Embedder, config: RagConfig) -> StoredIndex:
    catalog = open_catalog(folder)
    try:
        manifest = catalog.begin_snapshot()
        catalog.check(made_with(embedder, config.chunking))
        if not manifest["views"]:
            raise IndexMissingError(f"the first indexing into {folder} was not completed: run `rag index` again")
        catalog.check_size()
        return StoredIndex(catalog, Views(folder, manifest["views"]), embedder.identity, manifest["contents"])
    except BaseException:
        catalog.close()
        raise


def generation_of(folder: Path) -> int | None:
    """The number of the last change; None when it cannot be told."""
    try:
        with closing(open_catalog(folder)) as catalog:
            generation: int = catalog.manifest()["generation"]
            return generation
    except RagError:
        return None


def open_catalog(folder: Path) -> Catalog:
    """The catalog of the index at `folder`.

    Raises:
        IndexMissingError: there is none.
        IndexDamagedError: it is not a database.
    """
    if not (folder / CATALOG).is_file():
        raise IndexMissingError(f"no index at {folder}: run `rag index`")
    return Catalog(folder / CATALOG)


def made_with(embedder: Embedder, chunking: ChunkingConfig) -> dict[str, Any]:
    """What an index must have in common with these settings."""
    return {"embedding": dict(embedder.identity), "chunking": asdict(chunking)}


def passage_text(document: Document, chunk: Chunk) -> str:
    """What is embedded and indexed of a passage: its words below its title and the path of its headings."""
    title = document.title if document.metadata.get("title_from") != "first sentence" else ""
    above = [
        line for line in dict.fromkeys((title, *chunk.heading.split(PATH_MARK))) if line and line not in chunk.text
    ]
    return "\n".join([*above, chunk.text])
