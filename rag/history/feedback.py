"""Thumbs to a question set: what was found right can be asked again, what was found wrong waits for its answer."""

from pathlib import Path
from typing import Any

from rag.history.conversations import ConversationStore, StoredTurn

THUMBS_UP = "thumbs-up"
THUMBS_DOWN = "thumbs-down"

Row = dict[str, Any]


def feedback_rows(store: ConversationStore) -> tuple[list[Row], list[Row]]:
    """The questions that `rag eval` can ask, and those that a person must complete first.

    The answers of the first are the words that the person saw quoted, or the sentences where nothing was quoted; a
    refusal that was found right has none. The second have no "answers", and what was shown instead under "shown".
    """
    judged: list[Row] = []
    waiting: list[Row] = []
    for conversation, before, turn in store.rated():
        row: Row = {"id": f"{conversation}-{turn.number}", "question": turn.question}
        if before:
            row["history"] = list(before)
        if turn.up:
            judged.append(row | _accepted(turn) | {"kind": THUMBS_UP} | _why(turn))
        else:
            row |= {"kind": THUMBS_DOWN} | _why(turn)
            waiting.append(row | {"shown": turn.answer.text, "shown_docs": _sources(turn)})
    return judged, waiting


def file_to_complete(file: Path) -> Path:
    """Where the questions that wait for an answer stand: "set.jsonl" -> "set-to-complete.jsonl"."""
    return file.with_name(f"{file.stem}-to-complete{file.suffix}")


def _accepted(turn: StoredTurn) -> Row:
    answer = turn.answer
    told = [citation.quote for citation in answer.citations] or [sentence.text for sentence in answer.sentences]
    row: Row = {"answers": [] if answer.abstained else list(dict.fromkeys(told))}
    docs = list(dict.fromkeys(citation.source for citation in answer.citations))
    return row | ({"docs": docs} if docs else {})


def _sources(turn: StoredTurn) -> list[str]:
    """The files that were quoted, or for a refusal those of the nearest passages."""
    answer = turn.answer
    return list(dict.fromkeys(one.source for one in answer.citations or answer.retrieved))


def _why(turn: StoredTurn) -> Row:
    return {"why": turn.why} if turn.why else {}
