"""The SQLite file of a catalog: opened, known by its manifest, read on one snapshot, its failures named."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    IndexWriteError,
    RagError,
)

FORMAT = 2


class CatalogFile:
    """An open catalog, each reader on the snapshot that it began."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            IndexDamagedError: there is a file, but it is not a database.
        """
        self.path = path
        # Several threads of the page read one connection, one at a time under the pipeline's lock.
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA foreign_keys = ON")
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise self._as_rag_error(error) from error

    def close(self) -> None:
        """Let go of the file and of the snapshot."""
        self._database.close()

    def check(self, manifest: Mapping[str, Any]) -> None:
        """Make sure that the catalog was made with these settings.

        Raises:
            IndexMismatchError: another format, embedding model or chunking, each by name; or damage.
        """
        folder = self.path.parent
        stored = self.manifest()
        was, now = stored["embedding"], manifest["embedding"]
        if was != now:
            different = ", ".join(name for name in {**now, **was} if was.get(name) != now.get(name))
            raise IndexMismatchError(
                f"{folder} was made by the embedding model {was.get('name')!r}, the settings name {now['name']!r}"
                f" (different: {different}): run `rag index --rebuild` or set embedding.model back"
            )
        if stored["chunking"] != manifest["chunking"]:
            raise IndexMismatchError(
                f"{folder} was made with chunking {stored['chunking']}, the settings say {manifest['chunking']}:"
                " run `rag index --rebuild` or set chunking back"
            )

    def manifest(self) -> dict[str, Any]:
        """What the catalog says of itself: "format", "embedding", "chunking", "generation", "contents", "views".

        Raises:
            IndexMismatchError: another format, or damage.
        """
        folder = self.path.parent
        try:
            rows = self._database.execute("SELECT name, value FROM manifest").fetchall()
            stored: dict[str, Any] = {name: json.loads(value) for name, value in rows}
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise self._as_rag_error(error) from error
            if not self._rows("SELECT count(*) FROM sqlite_master")[0][0]:
                raise IndexMissingError(
                    f"the first indexing into {folder} was not completed: run `rag index`"
                ) from error
            raise IndexMismatchError(f"{folder} holds no index of this program: run `rag index --rebuild`") from error
        except (sqlite3.DatabaseError, ValueError) as error:
            raise self._as_rag_error(error) from error
        if stored.get("format") != FORMAT:
            raise IndexMismatchError(
                f"{folder} has format {stored.get('format')}, this version reads {FORMAT}: run `rag index --rebuild`"
            )
        kinds = {"embedding": dict, "chunking": dict, "generation": int, "contents": dict, "views": dict}
        wrong = [name for name, kind in kinds.items() if not isinstance(stored.get(name), kind)]
        if wrong:
            raise self._damaged(f"its manifest has no {wrong[0]}")
        return stored

    def begin_snapshot(self) -> dict[str, Any]:
        """The manifest; until `end_snapshot` or `close` every read shows this generation."""
        self._execute("BEGIN")
        return self.manifest()

    def end_snapshot(self) -> None:
        """Let later reads see later generations."""
        self._execute("COMMIT")

    def check_size(self) -> None:
        """Make sure that no page is missing at the end of the file, inside a snapshot.

        Raises:
            IndexDamagedError: the file is shorter than it says.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.exists() and log.stat().st_size:
            return  # the missing pages may stand in the log
        ((pages,),) = self._rows("PRAGMA page_count")
        ((page_bytes,),) = self._rows("PRAGMA page_size")
        if self.path.stat().st_size < pages * page_bytes:
            raise self._damaged(f"{self.path.stat().st_size} of {pages * page_bytes} bytes are left")

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._as_rag_error(error) from error

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.DatabaseError as error:
            raise self._as_rag_error(error) from error

    def _damaged(self, reason: str) -> IndexDamagedError:
        return IndexDamagedError(
            self.path,
            reason,
            "run `rag index --rebuild` with the same folders; what is whole in it is not embedded again",
        )

    def _as_rag_error(self, error: Exception) -> RagError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return IndexWriteError(
                f"{self.path} cannot be read or written ({error}): make room on the disk and run `rag index` again;"
                " the index stays whole"
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return IndexWriteError(
                f"{self.path} cannot be opened for writing ({error}), which readers need too: check the permissions of"
                " its folder, or copy the index to one of your own"
            )
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return IndexBusyError(f"{self.path} is being written by another program: try again when it is done")
        return self._damaged(str(error))


def seal(*values: str | bytes | int | None) -> bytes:
    """16 bytes of the sha256 over the values: other values of the same row have another seal."""
    parts = [value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass") for value in values]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).digest()[:16]
