"""The truth of an index: documents, passages and vectors in one SQLite file, changed in transactions.

Each transaction raises the generation; whatever is derived from the catalog carries the generation that it shows.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import DocumentError, IndexMismatchError
from rag.types import Chunk, Document, FloatMatrix, ScoredChunk

FORMAT = 2

_SCHEMA = """
CREATE TABLE manifest (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    doc_id TEXT PRIMARY KEY, root TEXT NOT NULL, source TEXT NOT NULL, file_hash TEXT NOT NULL,
    title TEXT NOT NULL, date TEXT, metadata TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (root, source));
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY AUTOINCREMENT, doc_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
    chunk_id TEXT NOT NULL, start_char INTEGER NOT NULL, end_char INTEGER NOT NULL,
    page INTEGER, heading TEXT NOT NULL, label TEXT NOT NULL, vector BLOB NOT NULL);
CREATE INDEX chunks_of_document ON chunks (doc_id);
"""


class Catalog:
    """An open catalog; one writer at a time, each reader on the snapshot that it began."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            IndexMismatchError: there is a file, but it is not a database.
        """
        self.path = path
        # Several threads of the page read one connection, one at a time under the pipeline's lock.
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA foreign_keys = ON")
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise IndexMismatchError(f"{path} is not an index ({error}): run `rag index --rebuild`") from error

    def close(self) -> None:
        """Let go of the file and of the snapshot."""
        self._database.close()

    def prepare(self, manifest: Mapping[str, Any], first_generation: int) -> None:
        """Create the tables of an empty catalog; an existing one is checked.

        Raises:
            IndexMismatchError: as `check`.
        """
        if self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self.check(manifest)
            return
        self._database.executescript(f"BEGIN; {_SCHEMA}")
        values = {name: json.dumps(value, sort_keys=True) for name, value in manifest.items()}
        values |= {"format": str(FORMAT), "generation": str(first_generation)}
        self._database.executemany("INSERT INTO manifest VALUES (?, ?)", values.items())
        self._database.execute("COMMIT")

    def check(self, manifest: Mapping[str, Any]) -> None:
        """Make sure that the catalog was made with these settings.

        Raises:
            IndexMismatchError: another format, embedding model or chunking, each by name; or damage.
        """
        folder = self.path.parent
        try:
            rows = self._database.execute("SELECT name, value FROM manifest").fetchall()
            stored = {name: json.loads(value) for name, value in rows}
        except (sqlite3.DatabaseError, ValueError) as error:
            raise IndexMismatchError(f"{folder} holds no index of this program: run `rag index --rebuild`") from error
        if stored.get("format") != FORMAT:
            raise IndexMismatchError(
                f"{folder} has format {stored.get('format')}, this version reads {FORMAT}: run `rag index --rebuild`"
            )
        was, now = stored["embedding"], manifest["embedding"]
        if was != now:
            different = ", ".join(name for name in {**now, **was} if was.get(name) != now.get(name))
            raise IndexMismatchError(
                f"{folder} was made by the embedding model {was['name']!r}, the settings name {now['name']!r}"
                f" (different: {different}): run `rag index --rebuild` or set embedding.model back"
            )
        if stored["chunking"] != manifest["chunking"]:
            raise IndexMismatchError(
                f"{folder} was made with chunking {stored['chunking']}, the settings say {manifest['chunking']}:"
                " run `rag index --rebuild` or set chunking back"
            )

    def begin_snapshot(self) -> int:
        """The generation; until `end_snapshot` or `close` every read shows this one."""
        self._database.execute("BEGIN")
        return self.generation()

    def end_snapshot(self) -> None:
        """Let later reads see later generations."""
        self._database.execute("COMMIT")

    def generation(self) -> int:
        """The number of the last change.

        Raises:
            IndexMismatchError: the file has no generation.
        """
        try:
            row = self._database.execute("SELECT value FROM manifest WHERE name = 'generation'").fetchone()
            return int(row[0])
        except (sqlite3.DatabaseError, TypeError) as error:
            raise IndexMismatchError(f"{self.path} is damaged ({error}): run `rag index --rebuild`") from error

    def sizes(self) -> tuple[int, int]:
        """The numbers of documents and of passages."""
        query = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks)"
        documents, chunks = self._database.execute(query).fetchone()
        return int(documents), int(chunks)

    def file_hashes(self) -> dict[tuple[str, str], str]:
        """The (root, source) of every document with the sha256 of its file."""
        rows = self._database.execute("SELECT root, source, file_hash FROM documents")
        return {(root, source): file_hash for root, source, file_hash in rows}

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction that raises the generation; left by an exception, it never happened."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("UPDATE manifest SET value = CAST(value AS INTEGER) + 1 WHERE name = 'generation'")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def store(
        self, root: str, file_hash: str, document: Document, chunks: Sequence[Chunk], vectors: FloatMatrix
    ) -> None:
        """Put a document in the place of the one with the same root and source, inside `change`.

        `vectors` has shape (len(chunks), dimension). The stored ids also hold the root, so that two folders with the
        same file in the same place do not collide.
        """
        doc_id = hashlib.sha256(f"{root}\0{document.doc_id}".encode()).hexdigest()[:16]
        rows = [
            (doc_id, f"{doc_id}-{number:04d}", *_columns(chunk), vector)
            for number, (chunk, vector) in enumerate(zip(chunks, map(_packed, vectors), strict=True))
        ]
        metadata = json.dumps(dict(document.metadata), ensure_ascii=False)
        fields = (document.source, file_hash, document.title, document.date, metadata, document.text)
        self._database.execute("DELETE FROM documents WHERE root = ? AND source = ?", (root, document.source))
        self._database.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (doc_id, root, *fields))
        self._database.executemany(
            "INSERT INTO chunks (doc_id, chunk_id, start_char, end_char, page, heading, label, vector)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        """Take out the documents with these (root, source), inside `change`."""
        self._database.executemany("DELETE FROM documents WHERE root = ? AND source = ?", keys)

    def settle(self) -> None:
        """Write everything into the one file, so that it can be moved."""
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.execute("PRAGMA journal_mode = DELETE")

    def documents(self) -> Iterator[Document]:
        """Every document, by root and source."""
        ids = self._database.execute("SELECT doc_id FROM documents ORDER BY root, source").fetchall()
        return (self.document(doc_id) for (doc_id,) in ids)

    def document(self, doc_id: str) -> Document:
        """The document with this id.

        Raises:
            DocumentError: there is none.
        """
        query = "SELECT doc_id, title, text, source, date, metadata FROM documents WHERE doc_id = ?"
        row = self._database.execute(query, (doc_id,)).fetchone()
        if row is None:
            raise DocumentError(f"the index has no document {doc_id!r}: ask again, the index may have changed")
        stored_id, title, text, source, date, metadata = row
        return Document(stored_id, title, text, source, date, json.loads(metadata))

    def chunk_rows(self, document: Document) -> list[tuple[int, Chunk]]:
        """The (row, passage) pairs of a document, in order."""
        query = (
            "SELECT row, chunk_id, start_char, end_char, page, heading, label FROM chunks"
            " WHERE doc_id = ? ORDER BY start_char"
        )
        return [
            (row, Chunk(chunk_id, document.doc_id, document.text[start:end], start, end, *place))
            for row, chunk_id, start, end, *place in self._database.execute(query, (document.doc_id,))
        ]

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

    def scored_chunk(self, row: int, score: float) -> ScoredChunk:
        """The passage of a row, with `score`."""
        query = (
            "SELECT c.chunk_id, c.doc_id, substr(d.text, c.start_char + 1, c.end_char - c.start_char), c.start_char,"
            " c.end_char, c.page, c.heading, c.label, d.title, d.source, d.date"
            " FROM chunks c JOIN documents d USING (doc_id) WHERE c.row = ?"
        )
        *chunk, title, source, date = self._database.execute(query, (row,)).fetchone()
        return ScoredChunk(Chunk(*chunk), score, title, source, date)

    def vectors(self, dimension: int) -> tuple[list[int], FloatMatrix]:
        """The rows of all passages, ascending, and their vectors, shape (rows, dimension)."""
        stored = self._database.execute("SELECT row, vector FROM chunks ORDER BY row").fetchall()
        packed = b"".join(vector for _, vector in stored)
        return [row for row, _ in stored], np.frombuffer(packed, dtype="<f4").reshape(-1, dimension)


def _columns(chunk: Chunk) -> tuple[int, int, int | None, str, str]:
    return chunk.start_char, chunk.end_char, chunk.page, chunk.heading, chunk.label


def _packed(vector: FloatMatrix) -> bytes:
    return vector.astype("<f4").tobytes()
