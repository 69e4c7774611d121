"""The truth of an index, read: documents, passages and vectors in one SQLite file.

A document is stored once, whatever number of files hold it; `paths` names them. What is published belongs to one
generation; a path that is not published yet is work of a run that is not done, and no reader sees it. Every row carries
a seal, a hash of all that is in it, so that no damaged row is shown or built upon.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.errors import (
    DocumentError,
    IndexDamagedError,
)
from rag.store.catalog_file import CatalogFile, seal
from rag.types import Chunk, Document, FloatMatrix, ScoredChunk

_CHUNK_COLUMNS = (
    "c.row, c.chunk_id, c.start_char, c.end_char, c.page, c.heading, c.label, c.passage_key, c.vector, c.seal"
)

_AT_ONCE = 500
"""Values that a query is given; SQLite may be built to take no more than 999."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A published file, as it was when it was read."""

    root: str
    file: str
    source: str
    size: int
    mtime_ns: int
    """0 where it was too young to be told from a later version by its time."""


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """What a list of the documents shows of one."""

    doc_id: str
    title: str
    date: str | None
    metadata: Mapping[str, str]
    chunks: int
    last_page: int | None
    """The page or slide on which the last passage begins; None for files without pages."""
    files: tuple[ListedFile, ...]
    """The first gives the document its name."""


class Catalog(CatalogFile):
    """What an open catalog holds."""

    def sources(self) -> dict[str, str]:
        """The source of every published file, with the source that its document goes by."""
        query = "SELECT source, doc_id FROM paths WHERE published ORDER BY root, source"
        first: dict[str, str] = {}
        return {source: first.setdefault(doc_id, source) for source, doc_id in self._rows(query)}

    def documents(self) -> Iterator[Document]:
        """Every published document once, by the root and source of its first file."""
        rows = self._rows("SELECT doc_id FROM paths WHERE published ORDER BY root, source")
        return (self.document(doc_id) for doc_id in dict.fromkeys(doc_id for (doc_id,) in rows))

    def document(self, doc_id: str) -> Document:
        """The document with this id; further files that hold it are in its metadata, a JSON list "other_sources".

        Raises:
            DocumentError: there is none.
            IndexDamagedError: it is not as it was stored.
        """
        query = "SELECT title, text, date, metadata, seal FROM documents WHERE doc_id = ?"
        row = next(iter(self._rows(query, (doc_id,))), None)
        if row is None and not self._rows("SELECT 1 FROM paths WHERE doc_id = ?", (doc_id,)):
            raise DocumentError(f"the index has no document {doc_id!r}: ask again, the index may have changed")
        if row is None:
            raise self._damaged(f"document {doc_id} is not there")
        title, text, date, metadata, stored_seal = row
        source, *others = self._sources_of([doc_id])[doc_id]
        if seal(doc_id, title, text, date, metadata) != stored_seal:
            raise self._damaged(f"the text of {source} is not as it was stored")
        named: dict[str, str] = json.loads(metadata)
        if others:
            named["other_sources"] = json.dumps(others, ensure_ascii=False)
        return Document(doc_id, title, text, source, date, named)

    def chunk_rows(self, document: Document) -> list[tuple[int, Chunk]]:
        """The (row, passage) pairs of a document, in order."""
        return [(row, chunk) for row, chunk, _ in self.embedded_chunks(document)]

    def embedded_chunks(self, document: Document) -> list[tuple[int, Chunk, FloatMatrix]]:
        """The (row, passage, vector) of each passage of a document, in order.

        Raises:
            IndexDamagedError: one is not as it was stored.
        """
        query = f"SELECT {_CHUNK_COLUMNS} FROM chunks c WHERE doc_id = ? ORDER BY start_char, row"
        return [self._checked(row, document) for row in self._rows(query, (document.doc_id,))]

    def listing(self) -> list[ListedDocument]:
        """Every published document, by the root and source of its first file; texts are not read, nor checked."""
        query = (
            "SELECT doc_id, title, date, metadata, (SELECT count(*) FROM chunks c WHERE c.doc_id = d.doc_id),"
            " (SELECT max(page) FROM chunks c WHERE c.doc_id = d.doc_id) FROM documents d"
        )
        documents = {row[0]: row for row in self._rows(query)}
        files: dict[str, list[ListedFile]] = {}
        columns = "root, file, source, size, mtime_ns, doc_id"
        for *file, doc_id in self._rows(f"SELECT {columns} FROM paths WHERE published ORDER BY root, source"):
            files.setdefault(doc_id, []).append(ListedFile(*file))
        listed = []
        for doc_id, its_files in files.items():
            if doc_id not in documents:
                raise self._damaged(f"document {doc_id} is not there")
            _, title, date, metadata, chunks, page = documents[doc_id]
            listed.append(ListedDocument(doc_id, title, date, json.loads(metadata), chunks, page, tuple(its_files)))
        return listed

    def rows_of(self, doc_ids: Collection[str]) -> list[int]:
        """The rows of all passages of these documents; ids that no published file has are passed over."""
        wanted = sorted(doc_ids)
        rows: list[int] = []
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            query = (
                f"SELECT row FROM chunks WHERE doc_id IN ({', '.join('?' * len(part))})"
                " AND doc_id IN (SELECT doc_id FROM paths WHERE published) ORDER BY row"
            )
            rows += [row for (row,) in self._rows(query, part)]
        return rows

    def neighbours(self, chunk: Chunk, before: int, after: int) -> tuple[list[Chunk], list[Chunk]]:
        """The passages that stand before this one in its document, at most `before`, and those after it, in order.

        Raises:
            DocumentError: the catalog does not hold the passage.
        """
        chunks = [other for _, other in self.chunk_rows(self.document(chunk.doc_id))]
        if chunk not in chunks:
            raise DocumentError(f"the index has no passage {chunk.chunk_id!r}: ask again, the index may have changed")
        place = chunks.index(chunk)
        return chunks[max(place - before, 0) : place], chunks[place + 1 : place + 1 + after]

    def scored_chunks(self, hits: Sequence[tuple[int, float]]) -> list[ScoredChunk]:
        """The passages of (row, score) pairs, in their order.

        Raises:
            IndexDamagedError: one is not there, or not as it was stored.
        """
        stored: dict[int, tuple[Any, ...]] = {}
        for start in range(0, len(hits), _AT_ONCE):
            part = [row for row, _ in hits[start : start + _AT_ONCE]]
            query = (
                "SELECT c.row, d.doc_id, substr(d.text, c.start_char + 1, c.end_char - c.start_char), d.title, d.date,"
                f" {_CHUNK_COLUMNS} FROM chunks c JOIN documents d USING (doc_id)"
                f" WHERE c.row IN ({', '.join('?' * len(part))})"
            )
            stored |= {row: rest for row, *rest in self._rows(query, part)}
        sources = self._sources_of({doc_id for doc_id, *_ in stored.values()})
        return [self._scored_chunk(row, score, stored.get(row), sources) for row, score in hits]

    def _scored_chunk(
        self, row: int, score: float, found: Sequence[Any] | None, sources: Mapping[str, Sequence[str]]
    ) -> ScoredChunk:
        if found is None:
            raise self._damaged(f"passage {row} is not there")
        doc_id, text, title, date, *stored = found
        number, chunk_id, start, end, page, heading, label, key, vector, stored_seal = stored
        if seal(chunk_id, text, start, end, page, heading, label, key, vector) != stored_seal:
            raise self._damaged(f"passage {number} is not as it was stored")
        source, *others = sources[doc_id]
        chunk = Chunk(chunk_id, doc_id, text, start, end, page, heading, label)
        return ScoredChunk(chunk, score, title, source, date, tuple(others))

    def vectors_of(self, keys: Sequence[bytes]) -> dict[bytes, FloatMatrix]:
        """The stored vectors of passages with these keys, shape (dimension,); those found damaged are left out."""
        found: dict[bytes, FloatMatrix] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            query = (
                "SELECT substr(d.text, c.start_char + 1, c.end_char - c.start_char),"
                f" {_CHUNK_COLUMNS} FROM chunks c JOIN documents d USING (doc_id)"
                f" WHERE c.passage_key IN ({', '.join('?' * len(part))})"
            )
            for text, _, chunk_id, begin, end, page, heading, label, key, vector, stored_seal in self._rows(
                query, part
            ):
                if seal(chunk_id, text, begin, end, page, heading, label, key, vector) == stored_seal:
                    found[key] = _unpacked(vector)
        return found

    def sampled_rows(self, count: int) -> list[int]:
        """Rows of at most `count` passages, spread evenly over all; the same for the same catalog."""
        ((most,),) = self._rows("SELECT max(row) FROM chunks")
        starts = [1 + (most or 0) * place // count for place in range(count)]
        query = "SELECT row FROM chunks WHERE row >= ? ORDER BY row LIMIT 1"
        found = [row for start in starts for (row,) in self._rows(query, (start,))]
        return list(dict.fromkeys(found))

    def roots(self) -> list[str]:
        """The indexed folders, as the index names them."""
        return [root for (root,) in self._rows("SELECT DISTINCT root FROM paths WHERE published ORDER BY root")]

    def damages(self) -> Iterator[str]:
        """Every disagreement of the file with itself, in words; reads all of it, inside a snapshot."""
        try:
            yield from (
                line
                for (line,) in self._rows("PRAGMA integrity_check(20)")
                if line != "ok"
                for line in line.split("\n")
            )
            yield from (f"{table} {row} points to nothing" for table, row, *_ in self._rows("PRAGMA foreign_key_check"))
            contents = self.manifest()["contents"]
            documents = list(self._rows("SELECT DISTINCT doc_id FROM paths WHERE published"))
            chunks = 0
            for (doc_id,) in documents:
                try:
                    chunks += len(self.embedded_chunks(self.document(doc_id)))
                except IndexDamagedError as error:
                    yield error.reason
            for *path, stored_seal in self._rows("SELECT root, source, file, content, doc_id, seal FROM paths"):
                if seal(*path) != stored_seal:
                    yield f"the path {path[1]} is not as it was stored"
            counted = {"documents": len(documents), "chunks": chunks}
            if any(contents.get(name) != count for name, count in counted.items()):
                yield f"it holds {len(documents)} documents and {chunks} passages, its manifest says {contents}"
        except IndexDamagedError as error:
            yield error.reason

    def _sources_of(self, doc_ids: Collection[str]) -> dict[str, list[str]]:
        """By document the files that hold it; the first gives it its name."""
        sources: dict[str, list[str]] = {doc_id: [] for doc_id in doc_ids}
        wanted = list(sources)
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            query = (
                f"SELECT doc_id, source FROM paths WHERE doc_id IN ({', '.join('?' * len(part))}) AND published"
                " ORDER BY root, source"
            )
            for doc_id, source in self._rows(query, part):
                sources[doc_id].append(source)
        for doc_id in wanted:
            if not sources[doc_id]:
                raise self._damaged(f"no file is named for document {doc_id}")
        return sources

    def _checked(self, stored: Sequence[Any], document: Document) -> tuple[int, Chunk, FloatMatrix]:
        row, chunk_id, start, end, page, heading, label, key, vector, stored_seal = stored
        try:
            text = document.text[start:end]
        except TypeError:
            text = ""
        if seal(chunk_id, text, start, end, page, heading, label, key, vector) != stored_seal:
            raise self._damaged(f"passage {row} of {document.source} is not as it was stored")
        return row, Chunk(chunk_id, document.doc_id, text, start, end, page, heading, label), _unpacked(vector)


def _unpacked(vector: bytes) -> FloatMatrix:
    return np.frombuffer(vector, dtype="<f4")
