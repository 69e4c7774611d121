"""Conversations that outlive the page: one SQLite file, each of its rows for the eyes of its owner alone."""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.errors import ConversationError
from rag.history.conversation_file import ConversationFile
from rag.history.records import answer_of, answer_record
from rag.text import fold, is_unaccented, normalize, syllables
from rag.types import Answer, Turn

STORE = "conversations.sqlite"
TITLE_CHARS = 80
"""Longer titles are cut: a line of the list holds no more."""
WHY_CHARS = 2000
LOGIN = "login:"
"""What the owner of who logs in begins with; another one is a secret of a browser."""
_TURN_COLUMNS = "number, asked, question, understood, answer, sent, up, why"


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A question and its answer as they were shown."""

    number: int
    """1-based place in its conversation."""
    asked: str
    """When: ISO 8601, UTC."""
    question: str
    understood: str
    """The question as it was searched for; empty when that was as it was typed."""
    answer: Answer
    sent: tuple[str, ...] = ()
    """As `Turn.sent`."""
    up: bool | None = None
    """What the person thought of the answer: thumb up, thumb down, None for nothing said."""
    why: str = ""

    def as_turn(self) -> Turn:
        """What the next question of the conversation needs of it."""
        return Turn(self.understood or self.question, self.answer.text, self.sent)


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A line of the list of conversations."""

    id: str
    title: str
    """Empty while nothing was asked."""
    collection: str
    created: str
    updated: str
    """When the last question was asked: ISO 8601, UTC."""
    turns: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole conversation."""

    id: str
    title: str
    collection: str
    created: str
    updated: str
    turns: tuple[StoredTurn, ...]


class ConversationStore:
    """The conversations of everybody; whose they are is asked at every call. Safe for threads and processes.

    An owner is the name of a login or, without logins, a secret of the browser. A conversation of somebody else is
    as unknown as one that never was.
    """

    def __init__(self, file: Path) -> None:
        """Open the file, or begin it with its folder.

        Raises:
            ConversationError: it is damaged, of a newer version or no store of conversations; it stays as it is.
        """
        self.file = file
        self._database = ConversationFile(file)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def create(self, owner: str, title: str = "", collection: str = "") -> str:
        """The id of a new, empty conversation; without a title it gets its first question's words."""
        now, identity = _now(), secrets.token_hex(12)
        shown = shown_title(title)
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (identity, _owner(owner), shown, *_search_keys(shown), collection, now, now),
            )
        return identity

    def list(self, owner: str, search: str = "") -> tuple[ConversationSummary, ...]:
        """The owner's conversations, the one with the latest question first.

        With `search`, those in whose title, questions and answers each of its words begins a word; case and the place
        of tone marks do not count, nor do accents when `search` has none.
        """
        query = (
            "SELECT c.id, c.title, c.collection, c.created, c.updated,"
            " (SELECT count(*) FROM turns t WHERE t.conversation = c.id) FROM conversations c WHERE c.owner = ?"
        )
        values: tuple[str, ...] = (_owner(owner),)
        if search.strip():
            column, words = _searched_words(search)
            if not words:
                return ()
            inside = (
                f" AND (c.title_{column} LIKE ? OR"
                f" EXISTS (SELECT 1 FROM turns t WHERE t.conversation = c.id AND t.{column} LIKE ?))"
            )
            query += inside * len(words)
            values += tuple(f"% {word}%" for word in words for _ in range(2))
        rows = self._database.rows(f"{query} ORDER BY c.updated DESC, c.rowid DESC", values)
        return tuple(ConversationSummary(*row) for row in rows)

    def load(self, owner: str, conversation: str) -> Conversation:
        """A conversation with its turns, in order.

        Raises:
            ConversationError: the owner has none with this id, or it is damaged.
        """
        with self._database.lock:
            columns = "id, title, collection, created, updated"
            head = self._database.rows(
                f"SELECT {columns} FROM conversations WHERE id = ? AND owner = ?", (conversation, _owner(owner))
            )
            if not head:
                raise self._unknown()
            turns = self._database.rows(
                f"SELECT {_TURN_COLUMNS} FROM turns WHERE conversation = ? ORDER BY number", (conversation,)
            )
        identity, title, collection, created, updated = head[0]
        return Conversation(identity, title, collection, created, updated, tuple(self._turn(row) for row in turns))

    def append(
        self, owner: str, conversation: str, question: str, answer: Answer, *,
        understood: str = "", sent: Sequence[str] = (),
    ) -> int:  # fmt: skip
        """Add a question with its answer; the number of the turn, 1 for the first.

        Raises:
            ConversationError: the owner has no conversation with this id.
        """
        now, asked = _now(), _clean(question)
        record = json.dumps(answer_record(answer))
        keys, folded = _search_keys(f"{question} {answer.text}")
        with self._database.transaction():
            self._require(owner, conversation)
            ((number,),) = self._database.rows(
                "SELECT coalesce(max(number), 0) + 1 FROM turns WHERE conversation = ?", (conversation,)
            )
            self._database.execute(
                "INSERT INTO turns VALUES (?, ?, ?, ?, NULL, '', ?, ?, ?, ?, ?)",
                (
                    conversation, number, keys, folded, now, asked, _clean(understood),
                    json.dumps(list(sent)), record,
                ),
            )  # fmt: skip
            self._database.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, conversation))
            ((title,),) = self._database.rows("SELECT title FROM conversations WHERE id = ?", (conversation,))
            if not title:
                self._set_title(conversation, shown_title(asked))
        return int(number)

    def rename(self, owner: str, conversation: str, title: str) -> str:
        """Give a conversation another title, or with an empty one its first question's words; the title as it stands.

        Raises:
            ConversationError: the owner has no conversation with this id.
        """
        shown = shown_title(title)
        with self._database.transaction():
            self._require(owner, conversation)
            if not shown:
                query = "SELECT question FROM turns WHERE conversation = ? ORDER BY number LIMIT 1"
                shown = shown_title(next((asked for (asked,) in self._database.rows(query, (conversation,))), ""))
            self._set_title(conversation, shown)
        return shown

    def rename_collection(self, owner: str | None, name: str, new: str) -> None:
        """Let the conversations about a collection follow its new name: an owner's, or with None those without a login.

        Collections are a login's own, and without logins everybody's.
        """
        whose, values = ("owner = ?", (owner,)) if owner is not None else ("owner NOT LIKE ?", (f"{LOGIN}%",))
        with self._database.transaction():
            self._database.execute(
                f"UPDATE conversations SET collection = ? WHERE collection = ? AND {whose}", (new, name, *values)
            )

    def delete(self, owner: str, conversation: str) -> None:
        """Remove a conversation, and its words from the file.

        Raises:
            ConversationError: the owner has no conversation with this id.
        """
        with self._database.transaction():
            self._require(owner, conversation)
            self._database.execute("DELETE FROM conversations WHERE id = ?", (conversation,))

    def rate(self, owner: str, conversation: str, number: int, up: bool | None, why: str = "") -> None:
        """Note what the owner thinks of an answer, and why; None takes it back.

        Raises:
            ConversationError: the owner has no conversation with this id, or it no such turn.
        """
        with self._database.transaction():
            self._require(owner, conversation)
            changed = self._database.execute(
                "UPDATE turns SET up = ?, why = ? WHERE conversation = ? AND number = ?",
                (up, _clean(why)[:WHY_CHARS] if up is not None else "", conversation, number),
            )
            if not changed:
                raise ConversationError(
                    f"the conversation has no turn {number}: it may have been deleted, load it again"
                )

    def rated(self) -> Iterator[tuple[str, tuple[str, ...], StoredTurn]]:
        """(conversation, the questions before it, turn) of every rated turn of everybody, the oldest first.

        For the person whose machine this is; no owner is told to another one.
        """
        rows = self._database.rows(
            f"SELECT conversation, {_TURN_COLUMNS} FROM turns WHERE up IS NOT NULL ORDER BY asked"
        )
        query = "SELECT question FROM turns WHERE conversation = ? AND number < ? ORDER BY number"
        for conversation, *row in rows:
            turn = self._turn(row)
            before = tuple(question for (question,) in self._database.rows(query, (conversation, turn.number)))
            yield conversation, before, turn

    def _turn(self, row: Sequence[Any]) -> StoredTurn:
        number, asked, question, understood, record, sent, up, why = row
        try:
            answer, chunk_ids = answer_of(json.loads(record)), tuple(json.loads(sent))
        except ValueError as error:
            raise self._database.damaged(f"an answer in it cannot be read: {error}") from error
        return StoredTurn(number, asked, question, understood, answer, chunk_ids, None if up is None else bool(up), why)

    def _require(self, owner: str, conversation: str) -> None:
        query = "SELECT 1 FROM conversations WHERE id = ? AND owner = ?"
        if not self._database.rows(query, (conversation, _owner(owner))):
            raise self._unknown()

    def _set_title(self, conversation: str, title: str) -> None:
        self._database.execute(
            "UPDATE conversations SET title = ?, title_keys = ?, title_folded = ? WHERE id = ?",
            (title, *_search_keys(title), conversation),
        )

    def _unknown(self) -> ConversationError:
        return ConversationError("there is no such conversation: it may have been deleted, choose another")


def shown_title(text: str) -> str:
    """A title of one line; a longer one is cut at a word."""
    line = " ".join(_clean(text).split())
    if len(line) <= TITLE_CHARS:
        return line
    cut = line[: TITLE_CHARS - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[TITLE_CHARS // 2 :] else cut}…"


def _searched_words(search: str) -> tuple[str, tuple[str, ...]]:
    """The column to look in, and the keys to look for."""
    words = tuple(dict.fromkeys(syllables(_clean(search))))
    if is_unaccented(search):
        return "folded", tuple(dict.fromkeys(map(fold, words)))
    return "keys", words


def _search_keys(text: str) -> tuple[str, str]:
    """The keys of a text and the same without accents, each word behind a space."""
    keys = "".join(f" {key}" for key in syllables(_clean(text)))
    return keys, fold(keys)


def _clean(text: str) -> str:
    # Half a character, which a browser can send, fits into no file.
    return normalize(text.encode("utf-8", "replace").decode("utf-8"))


def _owner(owner: str) -> str:
    if not owner:
        raise ConversationError("nobody is named as the owner: log in, or reload the page")
    return owner


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
