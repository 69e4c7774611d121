"""The SQLite file of the conversations: changed only when it is one, and by one at a time; errors in one line."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import ConversationError

_SCHEMA_VERSION = 1
_APPLICATION = 0x72616776
"""Marks the file as one of this program ("ragv"), so that no other database is taken for it and changed."""
_WAIT_S = 30
# An answer with its passages has 20 KB: it stands last, so that a search reads past none.
_SCHEMA = (
    """CREATE TABLE conversations (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, title_keys TEXT NOT NULL,
        title_folded TEXT NOT NULL, collection TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL)""",
    "CREATE INDEX conversations_of_owner ON conversations (owner, updated)",
    """CREATE TABLE turns (
        conversation TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE, number INTEGER NOT NULL,
        keys TEXT NOT NULL, folded TEXT NOT NULL, up INTEGER, why TEXT NOT NULL, asked TEXT NOT NULL,
        question TEXT NOT NULL, understood TEXT NOT NULL, sent TEXT NOT NULL, answer TEXT NOT NULL,
        PRIMARY KEY (conversation, number))""",
)


class ConversationFile:
    """The open file. Safe for threads and processes."""

    def __init__(self, file: Path) -> None:
        """Open the file, or begin it with its folder.

        Raises:
            ConversationError: it is damaged, of a newer version or no store of conversations; it stays as it is.
        """
        self.file = file
        self.lock = threading.RLock()
        """To be held where several reads must fit together."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600, exist_ok=True)  # what people ask is for no other user of the machine to read
            self._database = sqlite3.connect(file, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise ConversationError(
                f"{file} cannot be opened ({error}): check the permissions of its folder"
            ) from error
        try:
            with self._errors_named():
                self._begin()
        except BaseException:
            self._database.close()
            raise

    def _begin(self) -> None:
        """Make an empty file a store; any other is only looked at until it is known to be one."""
        ((objects,),) = self.rows("SELECT count(*) FROM sqlite_master")
        if not objects:
            with self.transaction():
                if not self.rows("SELECT 1 FROM sqlite_master"):  # another process may have been first
                    for statement in _SCHEMA:
                        self._database.execute(statement)
                    self._database.execute(f"PRAGMA application_id = {_APPLICATION}")
                    self._database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        ((application,),) = self.rows("PRAGMA application_id")
        ((version,),) = self.rows("PRAGMA user_version")
        if application != _APPLICATION:
            raise ConversationError(
                f"{self.file} is no store of conversations: name another folder in the setting data"
            )
        if version > _SCHEMA_VERSION:
            raise ConversationError(
                f"{self.file} was written by a newer version of this program (schema {version}, this one knows"
                f" {_SCHEMA_VERSION}): use that version, or name another folder in the setting data"
            )
        if self.rows("PRAGMA quick_check(1)") != [("ok",)]:
            raise self.damaged("its check fails")
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA secure_delete = ON")  # what was deleted is not left in free pages
        self._use_log()

    def _use_log(self) -> None:
        """Let readers read while one writes. SQLite does not wait by itself for this change, so that we do."""
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self._database.close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows that the query finds."""
        with self.lock, self._errors_named():
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one writer after the other."""
        with self.lock, self._errors_named():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.rollback()
                raise

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise self.damaged(str(error)) from error
            raise ConversationError(
                f"{self.file} cannot be read or written ({error}): check the permissions and the room on the disk"
            ) from error

    def execute(self, statement: str, values: Sequence[Any]) -> int:
        """Run a change inside a `transaction`; how many rows it changed."""
        return self._database.execute(statement, values).rowcount

    def damaged(self, reason: str) -> ConversationError:
        """The error that says so."""
        return ConversationError(
            f"{self.file} is damaged ({reason}): move it away, with those beside it that begin with its name, or put"
            " back a copy; it was not changed"
        )
