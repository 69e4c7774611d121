"""The stored index: the catalog, and the FAISS and tantivy views that are made from it and can be made again."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from rag.catalog import Catalog
from rag.chunking import split_document
from rag.config import ChunkingConfig, RagConfig
from rag.documents import SourceFile, read_document, scan
from rag.errors import DocumentError, IndexMismatchError, IndexMissingError
from rag.lexical import LexicalIndex, build_lexical
from rag.progress import IndexProgress, Meter
from rag.structure import PATH_MARK
from rag.types import Chunk, Document, Embedder, FloatMatrix, ScoredChunk

CATALOG = "catalog.sqlite"

Progress = Callable[[int, int, str], None]
"""Called before each file or question with (how many are done, how many there are, its name)."""

_PASSAGES_AT_ONCE = 128
"""Passages embedded between two reports of progress: seconds with a transformer, and some batches of them."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run of `update_index` did, in files, and what the index holds now."""

    added: int
    changed: int
    removed: int
    unchanged: int
    failed: tuple[tuple[str, str], ...]
    """(source, reason) of each file that could not be read, or of which a part could not."""
    truncated: int
    """Passages embedded in this run that are longer than the embedding model reads."""
    documents: int
    chunks: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The object that `rag index --json` prints."""
        failed = [{"source": source, "reason": reason} for source, reason in self.failed]
        return asdict(self) | {"failed": failed}


class StoredIndex:
    """One generation of an index, open for reading."""

    def __init__(
        self, catalog: Catalog, dense: faiss.Index, lexical: LexicalIndex, embedding: Mapping[str, str | int]
    ) -> None:
        self.embedding = dict(embedding)
        """The identity of the embedder whose vectors these are."""
        self._catalog = catalog
        self._dense = dense
        self._lexical = lexical
        self.documents, self.chunks = catalog.sizes()
        """How many documents and passages there are."""

    def close(self) -> None:
        """Let go of the snapshot."""
        self._catalog.close()

    def search_dense(self, vector: FloatMatrix, limit: int) -> list[tuple[int, float]]:
        """The (row, cosine) of the passages nearest to `vector`, shape (1, dimension), the best first."""
        if self._dense.ntotal == 0 or not vector.any():
            return []
        scores, rows = self._dense.search(vector, min(limit, self._dense.ntotal))
        return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]

    def search_lexical(self, question: str, limit: int) -> list[tuple[int, float]]:
        """The (row, BM25 score) of the passages that share the question's words, the best first."""
        return self._lexical.search(question, limit)

    def cosines(self, vector: FloatMatrix, rows: Sequence[int]) -> list[float]:
        """The cosine of `vector`, shape (1, dimension), with each of the passages."""
        return [float(np.dot(vector[0], self._dense.reconstruct(row))) for row in rows]

    def scored_chunks(self, hits: Sequence[tuple[int, float]]) -> list[ScoredChunk]:
        """The passages of (row, score) pairs, in their order."""
        return [self._catalog.scored_chunk(row, score) for row, score in hits]

    def neighbours(self, chunk: Chunk, before: int = 1, after: int = 1) -> tuple[list[Chunk], list[Chunk]]:
        """The passages before and after this one in its document, in order; fewer at its ends.

        Raises:
            DocumentError: the index does not hold the passage.
        """
        return self._catalog.neighbours(chunk, before, after)

    def all_documents(self) -> Iterator[Document]:
        """Every document, by root and source."""
        return self._catalog.documents()

    def document(self, doc_id: str) -> Document:
        """The document with this id.

        Raises:
            DocumentError: there is none.
        """
        return self._catalog.document(doc_id)


def open_index(folder: Path, embedder: Embedder, config: RagConfig) -> StoredIndex:
    """The index at `folder`, as it stands now.

    Raises:
        IndexMissingError: there is no index.
        IndexMismatchError: it was made in another format or by another model, or a file of it is damaged.
    """
    if not (folder / CATALOG).is_file():
        raise IndexMissingError(f"no index at {folder}: run `rag index`")
    catalog = Catalog(folder / CATALOG)
    try:
        catalog.check(_manifest(embedder, config.chunking))
        generation = catalog.begin_snapshot()
        views = _ensure_views(folder, catalog, generation, int(embedder.identity["dimension"]))
        return StoredIndex(catalog, _read_faiss(views), LexicalIndex(views / "lexical"), embedder.identity)
    except BaseException:
        catalog.close()
        raise


def update_index(
    folder: Path,
    roots: Sequence[Path],
    embedder: Embedder,
    config: RagConfig,
    *,
    rebuild: bool = False,
    progress: Callable[[IndexProgress], None] | None = None,
) -> IndexReport:
    """Bring the index at `folder` in step with the files under `roots`.

    Documents of other roots stay. A file whose bytes did not change costs one hash; one that can no longer be read
    keeps its last readable version. With `rebuild` a new catalog, of these roots alone, takes the old one's place once
    it is complete. `progress` is called before each file, every few hundred passages within one, and at the end.

    Raises:
        DocumentError: a root does not exist or is empty, or not one file can be read; the index is as before.
        IndexMismatchError: the index was made by another model or settings and `rebuild` is not set.
    """
    began = time.monotonic()
    files = [(_root_name(root, folder), file) for root in roots for file in scan(root, config)]
    target = folder / CATALOG
    working = folder / f"{CATALOG}.new" if rebuild else target
    if rebuild or not target.exists():
        _require_readable(files, config.max_file_mb)
    folder.mkdir(parents=True, exist_ok=True)
    if rebuild:
        _delete_catalog(working)
    with closing(Catalog(working)) as catalog:
        catalog.prepare(_manifest(embedder, config.chunking), _last_generation(folder))
        report = _update_files(catalog, files, embedder, config, Meter([file for _, file in files], progress))
        if rebuild:
            catalog.settle()
    if rebuild:
        _replace_catalog(working, target)
    with closing(Catalog(target)) as catalog:
        generation = catalog.begin_snapshot()
        _ensure_views(folder, catalog, generation, int(embedder.identity["dimension"]))
        documents, chunks = catalog.sizes()
    return IndexReport(**report, documents=documents, chunks=chunks, seconds=round(time.monotonic() - began, 3))


def index_documents(
    folder: Path, root: str, documents: Sequence[Document], embedder: Embedder, config: RagConfig
) -> None:
    """Make an index of documents that are no files, below the name `root`; one that is there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    working = folder / f"{CATALOG}.new"
    _delete_catalog(working)
    with closing(Catalog(working)) as catalog:
        catalog.prepare(_manifest(embedder, config.chunking), _last_generation(folder))
        with catalog.change():
            for document in documents:
                _store(catalog, root, "", document, embedder, config.chunking)
        catalog.settle()
    _replace_catalog(working, folder / CATALOG)


def passage_text(document: Document, chunk: Chunk) -> str:
    """What is embedded and indexed of a passage: its words below its title and the path of its headings."""
    title = document.title if document.metadata.get("title_from") != "first sentence" else ""
    above = [
        line for line in dict.fromkeys((title, *chunk.heading.split(PATH_MARK))) if line and line not in chunk.text
    ]
    return "\n".join([*above, chunk.text])


def _manifest(embedder: Embedder, chunking: ChunkingConfig) -> dict[str, Any]:
    return {"embedding": dict(embedder.identity), "chunking": asdict(chunking)}


def _require_readable(files: Sequence[tuple[str, SourceFile]], max_file_mb: int) -> None:
    """Raise the first file's error when no file can be read, before anything is created."""
    errors: list[DocumentError] = []
    for _, file in files:
        try:
            read_document(file, max_file_mb)
        except DocumentError as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def _update_files(
    catalog: Catalog,
    files: Sequence[tuple[str, SourceFile]],
    embedder: Embedder,
    config: RagConfig,
    meter: Meter,
) -> dict[str, Any]:
    known = catalog.file_hashes()
    counts: dict[str, int] = {"added": 0, "changed": 0, "unchanged": 0, "truncated": 0}
    failed: list[tuple[str, str]] = []
    for done, (root, file) in enumerate(files):
        meter.begin(done, file)
        before = known.get((root, file.source))
        try:
            file_hash = _file_hash(file)
            if file_hash == before:
                counts["unchanged"] += 1
                meter.skip()
                continue
            document = read_document(file, config.max_file_mb)
        except DocumentError as error:
            failed.append((file.source, str(error)))
            meter.skip()
            continue
        # A transaction a file: a run that is killed loses at most the file that it was in.
        with catalog.change():
            counts["truncated"] += _store(catalog, root, file_hash, document, embedder, config.chunking, meter.embedded)
        if "unread" in document.metadata:
            failed.append((file.source, f"{file.source}: {document.metadata['unread']}"))
        counts["added" if before is None else "changed"] += 1
    meter.end()
    there = {(root, file.source) for root, file in files}
    updated_roots = {root for root, _ in files}
    gone = [key for key in known if key[0] in updated_roots and key not in there]
    if gone:
        with catalog.change():
            catalog.remove(gone)
    return {**counts, "removed": len(gone), "failed": tuple(failed)}


def _store(
    catalog: Catalog,
    root: str,
    file_hash: str,
    document: Document,
    embedder: Embedder,
    chunking: ChunkingConfig,
    embedded: Callable[[int, int], None] | None = None,
) -> int:
    """Put a document into the catalog; how many of its passages are longer than the embedder reads."""
    chunks = split_document(document, chunking)
    texts = [passage_text(document, chunk) for chunk in chunks]
    vectors: list[FloatMatrix] = []
    for start in range(0, max(len(texts), 1), _PASSAGES_AT_ONCE):
        part = texts[start : start + _PASSAGES_AT_ONCE]
        vectors.append(embedder.embed_passages(part))
        if embedded is not None:
            embedded(len(part), len(texts))
    catalog.store(root, file_hash, document, chunks, np.concatenate(vectors))
    return embedder.count_truncated(texts)


def _file_hash(file: SourceFile) -> str:
    try:
        with file.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DocumentError(f"{file.source}: cannot be read ({error.strerror}): check its permissions") from error


def _root_name(root: Path, folder: Path) -> str:
    """The root as the index knows it: relative to the index when both stand in one folder, so that both can move."""
    root, folder = root.resolve(), folder.resolve()
    return f"../{root.name}" if root.parent == folder.parent else str(root)


def _last_generation(folder: Path) -> int:
    """The highest generation that any view in the folder carries: a new catalog must not reuse its number."""
    return max((int(views.name.removeprefix("views-")) for views in _views(folder)), default=0)


def _replace_catalog(working: Path, target: Path) -> None:
    # A write-ahead log of the old catalog must not be replayed into the new one.
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    working.replace(target)


def _delete_catalog(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _views(folder: Path) -> list[Path]:
    return sorted(folder.glob("views-" + "[0-9]" * 8))


def _ensure_views(folder: Path, catalog: Catalog, generation: int, dimension: int) -> Path:
    """The folder of the views of this generation; made now when it is not there."""
    views = folder / f"views-{generation:08d}"
    if not views.is_dir():
        _build_views(views, catalog, dimension)
    # The generation before this one may still be open in a reader.
    for old in _views(folder)[:-2]:
        shutil.rmtree(old, ignore_errors=True)
    return views


def _build_views(views: Path, catalog: Catalog, dimension: int) -> None:
    """Write both views into a folder of their own and give it its name when they are complete."""
    partial = views.with_name(f"{views.name}.{time.monotonic_ns()}")
    try:
        build_lexical(partial / "lexical", _indexed_texts(catalog))
        rows, vectors = catalog.vectors(dimension)
        dense = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        dense.add_with_ids(vectors, np.array(rows, dtype=np.int64))
        faiss.write_index(dense, str(partial / "vectors.faiss"))
        if not views.is_dir():
            partial.rename(views)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _indexed_texts(catalog: Catalog) -> Iterator[tuple[int, str]]:
    for document in catalog.documents():
        for row, chunk in catalog.chunk_rows(document):
            yield row, passage_text(document, chunk)


def _read_faiss(views: Path) -> faiss.Index:
    file = views / "vectors.faiss"
    try:
        return faiss.read_index(str(file))
    except RuntimeError as error:
        raise IndexMismatchError(f"{file} is damaged: run `rag index --rebuild`") from error
