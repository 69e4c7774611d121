"""A new generation of an index: what is staged comes into force, together with views of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rag.config import RagConfig
from rag.index import passage_text
from rag.store.catalog import Catalog
from rag.store.catalog_writing import CatalogWriter, FileKey, Published
from rag.store.dense import EXACT
from rag.store.views import Base, ViewSettings, build_views, damaged_files, dense_record
from rag.types import Document, Embedder, FloatMatrix

_MOST_REPLACED = 0.25
"""Share of the passages whose predecessors the views may still count among the frequencies of words; past it they are
made anew. A change of one file in ten thousand then costs seconds, not a minute."""
_SAMPLE = 256
"""Passages whose words are asked for to measure an approximate index: 2,560 nearest ones, half a percent of error."""
_SAMPLE_WORDS = 12
"""Of each, from its middle: as many as a question has."""


def publish(
    folder: Path,
    catalog: CatalogWriter,
    embedder: Embedder,
    config: RagConfig,
    staged: Collection[FileKey],
    gone: Collection[FileKey],
) -> None:
    """Make a generation of what is staged and of views that are whole; nothing happens where nothing changed.

    Raises:
        IndexWriteError: the disk is full, or the folder may not be written; the index is as before.
    """
    manifest = catalog.manifest()
    old = manifest["views"]
    views = old if old and not any(damaged_files(folder, old)) else {}
    if views and not staged and not gone:
        if _is_exact(views) == _to_be_exact(manifest["contents"]["chunks"], config):
            return
        views = {}  # the setting has changed

    def build(published: Published) -> dict[str, Any]:
        exact = _to_be_exact(published.chunks, config)
        base = _base(views, published, exact)
        new = catalog.documents() if base is None else map(catalog.document, published.new)
        dimension = int(embedder.identity["dimension"])
        before = manifest["contents"]["chunks"] - len(published.gone) if base is not None else 0
        settings = ViewSettings(published.chunks - before, dimension, exact, lambda: _probes(catalog, embedder))
        return build_views(folder, published.generation, _passages(catalog, new), settings, base)

    catalog.publish(staged, gone, views, build)


def _base(views: Mapping[str, Any], published: Published, exact: bool) -> Base | None:
    """The present views, if new ones are to be made from them."""
    if not views or (exact and not _is_exact(views)):
        return None
    if views["replaced"] + len(published.gone) > _MOST_REPLACED * published.chunks:
        return None
    return Base(views, published.gone)


def _is_exact(views: Mapping[str, Any]) -> bool:
    return bool(dense_record(views)["kind"] == EXACT)


def _to_be_exact(passages: int, config: RagConfig) -> bool:
    return passages <= config.retrieval.exact_up_to


def _passages(catalog: Catalog, documents: Iterable[Document]) -> Iterator[tuple[int, str, FloatMatrix]]:
    for document in documents:
        for row, chunk, vector in catalog.embedded_chunks(document):
            yield row, passage_text(document, chunk), vector


def _probes(catalog: Catalog, embedder: Embedder) -> FloatMatrix:
    """Vectors of what might be asked: some words from the middle of passages that are spread over all."""
    asked = []
    for passage in catalog.scored_chunks([(row, 0.0) for row in catalog.sampled_rows(_SAMPLE)]):
        words = passage.chunk.text.split()
        start = max((len(words) - _SAMPLE_WORDS) // 2, 0)
        asked.append(" ".join(words[start : start + _SAMPLE_WORDS]))
    return embedder.embed_queries(asked)
