"""The catalog, written: work is staged file by file, and published in one transaction that makes a generation.

A run that is killed leaves the published generation as it was, and what it has staged, at most but the file that it was
in, is taken up by the next run.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from rag.store.catalog import Catalog
from rag.store.catalog_file import FORMAT, seal
from rag.store.scanning import Stamp
from rag.types import Chunk, Document, FloatMatrix

_SCHEMA = """
CREATE TABLE manifest (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    doc_id TEXT PRIMARY KEY, title TEXT NOT NULL, date TEXT, metadata TEXT NOT NULL, text TEXT NOT NULL,
    seal BLOB NOT NULL);
CREATE TABLE paths (
    root TEXT NOT NULL, source TEXT NOT NULL, file TEXT NOT NULL, content TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
    doc_id TEXT NOT NULL REFERENCES documents, seal BLOB NOT NULL, published INTEGER NOT NULL,
    PRIMARY KEY (root, source, published));
CREATE INDEX paths_of_document ON paths (doc_id);
CREATE INDEX paths_of_content ON paths (content);
CREATE INDEX paths_of_file ON paths (root, file);
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY AUTOINCREMENT, doc_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
    chunk_id TEXT NOT NULL, start_char INTEGER NOT NULL, end_char INTEGER NOT NULL,
    page INTEGER, heading TEXT NOT NULL, label TEXT NOT NULL,
    passage_key BLOB NOT NULL, vector BLOB NOT NULL, seal BLOB NOT NULL);
CREATE INDEX chunks_of_document ON chunks (doc_id);
CREATE INDEX chunks_of_passage ON chunks (passage_key);
"""

FileKey = tuple[str, str]
"""A file of an index: (root, the file's path below it)."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as the catalog knows it."""

    content: str
    """Its `rag.store.scanning.content_key`."""
    stamp: Stamp
    documents: tuple[tuple[str, str], ...]
    """(source, doc_id) of what was read from it; the sources of a plain file are its own path."""
    published: bool


@dataclass(frozen=True, slots=True)
class Published:
    """A generation that is about to be published, and how it differs from the one before."""

    generation: int
    chunks: int
    """How many passages it has."""
    new: tuple[str, ...]
    """The ids of documents that the one before did not have."""
    gone: tuple[int, ...]
    """The rows of passages that are no longer there."""


class CatalogWriter(Catalog):
    """A catalog that one process, the holder of the writer's lock, changes."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            IndexDamagedError: there is a file, but it is not a database.
        """
        super().__init__(path)
        # Staged work survives the process without a sync; what a power cut takes of it is embedded again.
        self._execute("PRAGMA synchronous = NORMAL")

    def prepare(self, manifest: Mapping[str, Any]) -> None:
        """Create the tables of an empty catalog; an existing one is checked.

        Raises:
            IndexMismatchError: as `check`.
        """
        if self._rows("SELECT count(*) FROM sqlite_master")[0][0]:
            self.check(manifest)
            return
        values = {"format": FORMAT, "generation": 0, "contents": {}, "views": {}, **manifest}
        with self._transaction():
            for statement in _SCHEMA.split(";\n"):
                self._execute(statement)
            for name, value in values.items():
                self._execute("INSERT INTO manifest VALUES (?, ?)", (name, json.dumps(value, sort_keys=True)))

    def forget_paths(self) -> None:
        """Drop what files there are, for a run that reads all of them anew; documents stay to be found again."""
        with self._transaction():
            self._execute("DELETE FROM paths")
            # Its views show documents that no path names any more, and are no base for others.
            self._execute("UPDATE manifest SET value = '{}' WHERE name = 'views'")

    def known_files(self) -> dict[FileKey, KnownFile]:
        """Every file, as it was staged last, or else as it is published."""
        known: dict[FileKey, KnownFile] = {}
        columns = "root, file, content, size, mtime_ns, ctime_ns, source, doc_id, published"
        rows = self._rows(f"SELECT {columns} FROM paths ORDER BY published DESC, root, source")
        for root, file, content, size, mtime_ns, ctime_ns, source, doc_id, published in rows:
            before = known.get((root, file))
            same = before is not None and before.published == bool(published)
            documents = (*(before.documents if before is not None and same else ()), (source, doc_id))
            known[root, file] = KnownFile(content, Stamp(size, mtime_ns, ctime_ns), documents, bool(published))
        return known

    def published_contents(self) -> dict[FileKey, str]:
        """Every published file with its content key."""
        return {
            (root, file): content
            for root, file, content in self._rows("SELECT DISTINCT root, file, content FROM paths WHERE published")
        }

    def documents_like(self, content: str, file: str) -> list[tuple[str, str]]:
        """(source, doc_id) of what another file with this content holds, the sources as below `file`; [] if none."""
        query = "SELECT root, file, source, doc_id FROM paths WHERE content = ? ORDER BY published DESC, root, source"
        rows = self._rows(query, (content,))
        if not rows:
            return []
        root, other = rows[0][:2]
        alike = {(source, doc_id) for a, b, source, doc_id in rows if (a, b) == (root, other)}
        return sorted((file + source.removeprefix(other), doc_id) for source, doc_id in alike)

    def holds(self, doc_id: str) -> bool:
        """Whether there is a document with this id, published or not."""
        return bool(self._rows("SELECT 1 FROM documents WHERE doc_id = ?", (doc_id,)))

    def store(
        self, document: Document, chunks: Sequence[Chunk], keys: Sequence[bytes], vectors: Sequence[FloatMatrix]
    ) -> None:
        """Put in a document, with `document.doc_id` as its `stored_id`; no reader sees it before it is published.

        `keys` are the passage keys of the chunks, `vectors` their vectors, each of shape (dimension,).
        """
        doc_id = document.doc_id
        metadata = json.dumps(dict(document.metadata), ensure_ascii=False, sort_keys=True)
        fields = (document.title, document.date, metadata, document.text)
        sealed = seal(doc_id, document.title, document.text, document.date, metadata)
        with self._transaction():
            self._execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", (doc_id, *fields, sealed))
            for number, (chunk, key, vector) in enumerate(zip(chunks, keys, vectors, strict=True)):
                packed = vector.astype("<f4").tobytes()
                chunk_id = f"{doc_id}-{number:04d}"
                place = (chunk.start_char, chunk.end_char, chunk.page, chunk.heading, chunk.label)
                self._execute(
                    "INSERT INTO chunks (doc_id, chunk_id, start_char, end_char, page, heading, label, passage_key,"
                    " vector, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (doc_id, chunk_id, *place, key, packed, seal(chunk_id, chunk.text, *place, key, packed)),
                )

    def stage(self, key: FileKey, content: str, stamp: Stamp, documents: Sequence[tuple[str, str]]) -> None:
        """Note what a file holds, as (source, doc_id), to be published."""
        root, file = key
        with self._transaction():
            self._execute("DELETE FROM paths WHERE root = ? AND file = ? AND NOT published", (root, file))
            for source, doc_id in documents:
                self._execute(
                    "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                    (root, source, file, content, *astuple(stamp), doc_id, seal(root, source, file, content, doc_id)),
                )

    def restamp(self, stamps: Mapping[FileKey, Stamp]) -> None:
        """Note the new stamps of files whose content is as it was."""
        with self._transaction():
            for (root, file), stamp in stamps.items():
                self._execute(
                    "UPDATE paths SET size = ?, mtime_ns = ?, ctime_ns = ? WHERE root = ? AND file = ?",
                    (*astuple(stamp), root, file),
                )

    def publish(
        self,
        staged: Collection[FileKey],
        gone: Collection[FileKey],
        views: Mapping[str, Any],
        build_views: Callable[["Published"], Mapping[str, Any]],
    ) -> None:
        """Make one new generation: these staged files in, these gone, whatever else was staged dropped.

        `views` is the record of the present views, {} when there are none that are whole; `build_views` is called
        to make others when the passages have changed. An exception leaves everything unpublished.
        """
        # Published means: on the disk. A COMMIT in this mode returns after the log is synced.
        self._execute("PRAGMA synchronous = FULL")
        try:
            with self._transaction():
                generation = self.manifest()["generation"] + 1
                before = self._published_documents()
                self._put_paths_in_force(staged, gone)
                after = self._published_documents()
                rows = [row for doc_id in sorted(before - after) for row in self._rows_of(doc_id)]
                self._execute("DELETE FROM documents WHERE doc_id NOT IN (SELECT doc_id FROM paths)")
                ((chunks,),) = self._rows("SELECT count(*) FROM chunks")
                published = Published(generation, chunks, tuple(sorted(after - before)), tuple(rows))
                record = views if views and before == after else build_views(published)
                values = {"generation": generation, "views": record}
                ((paths,),) = self._rows("SELECT count(*) FROM paths")
                values["contents"] = {"documents": len(after), "chunks": chunks, "paths": paths}
                for name, value in values.items():
                    self._execute(
                        "UPDATE manifest SET value = ? WHERE name = ?", (json.dumps(value, sort_keys=True), name)
                    )
        finally:
            self._execute("PRAGMA synchronous = NORMAL")

    def put_into(self, target: Path) -> None:
        """Give the file at `target` this catalog's whole content, in one transaction that its readers may outlive.

        Raises:
            IndexDamagedError: what is there is no database; it is as it was.
        """
        self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        other = Catalog(target)
        try:
            other._execute("PRAGMA synchronous = FULL")
            self._database.backup(other._database)
        except sqlite3.DatabaseError as error:
            raise other._as_rag_error(error) from error
        finally:
            other.close()

    def settle(self) -> None:
        """Write everything into the one file, so that it can be moved."""
        self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        self._rows("PRAGMA journal_mode = DELETE")

    def _put_paths_in_force(self, staged: Collection[FileKey], gone: Collection[FileKey]) -> None:
        wanted = set(staged)
        waiting = {(root, file) for root, file in self._rows("SELECT root, file FROM paths WHERE NOT published")}
        for key in waiting - wanted:
            self._execute("DELETE FROM paths WHERE root = ? AND file = ? AND NOT published", key)
        for key in (*gone, *(waiting & wanted)):
            self._execute("DELETE FROM paths WHERE root = ? AND file = ? AND published", key)
        self._execute("UPDATE OR REPLACE paths SET published = 1 WHERE NOT published")

    def _rows_of(self, doc_id: str) -> list[int]:
        return [row for (row,) in self._rows("SELECT row FROM chunks WHERE doc_id = ?", (doc_id,))]

    def _published_documents(self) -> set[str]:
        return {doc_id for (doc_id,) in self._rows("SELECT DISTINCT doc_id FROM paths WHERE published")}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # a full disk may have rolled it back already
                self._database.rollback()
            raise


def stored_id(document: Document, chunks: Sequence[Chunk]) -> str:
    """The id of what is stored: the same for files that read the same, whatever their names and places."""
    places = [(chunk.start_char, chunk.end_char, chunk.page, chunk.heading, chunk.label) for chunk in chunks]
    content = [document.title, document.text, document.date, dict(document.metadata), places]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def passage_key(text: str) -> bytes:
    """What passages with the same vector have in common: 16 bytes of the sha256 of the words that are embedded."""
    return seal(text)
