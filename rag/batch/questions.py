"""Question sets: JSON Lines, CSV or SQuAD JSON to Questions; a set with one wrong line is refused whole."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import QuestionSetError
from rag.text import normalize

_FIELDS = ("id", "question", "answers", "docs", "context", "kind", "history")
_LISTS = frozenset({"answers", "docs", "history"})
_SEPARATOR = "|"
"""Between the answers, documents or earlier questions of one CSV cell."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a set; all texts are NFC."""

    id: str
    question: str
    answers: tuple[str, ...] = ()
    """Right answers, each complete in itself; empty means that the corpus does not answer the question."""
    docs: tuple[str, ...] = ()
    """Names of the documents that answer, with or without folder and ending; empty when nobody said."""
    context: str | None = None
    """The passage that the question was asked about; None when the set does not hold it."""
    kind: str = ""
    """A label to report by."""
    history: tuple[str, ...] = ()
    """Earlier questions of the same conversation, the oldest first."""

    @property
    def answerable(self) -> bool:
        """Whether the corpus answers it."""
        return bool(self.answers)


def read_questions(path: str | Path) -> list[Question]:
    """The questions of a file, in order. A missing id becomes the line's number.

    A JSON line with "turns" is a conversation: a question for each of its turns that has answers.

    `.csv` and `.tsv` are tables with a header row and "|" between several answers or documents; a `.json` file with
    "data" is SQuAD 1.1 or 2.0; everything else is JSON Lines.

    Raises:
        QuestionSetError: the file cannot be read, holds no question, or a line is wrong: file, line and reason.
    """
    file = Path(path)
    text = _read_text(file)
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv"):
        rows = _csv_rows(file, text)
    elif suffix == ".json" and (squad := _squad_data(text)) is not None:
        rows = _squad_rows(file, squad)
    else:
        rows = _json_rows(file, text)
    questions = _unique(file, ((place, _question(file, place, number, row)) for place, number, row in rows))
    if not questions:
        raise QuestionSetError(f"{file} holds no questions: write one JSON object a line")
    return questions


# A place ("line 3") to name in an error, the number that stands in for a missing id, and the fields.
_Row = tuple[str, int, Mapping[str, Any]]


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise QuestionSetError(f"{file}, line {line}: is not UTF-8: save the file as UTF-8") from error
    except OSError as error:
        raise QuestionSetError(f"no question set can be read at {file} ({error.strerror}): check the path") from error


def _json_rows(file: Path, text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _wrong(file, place, f"is not JSON ({error})", "write one object a line") from error
        if not isinstance(row, dict):
            raise _wrong(file, place, f"is {_json_type(row)}", 'write an object such as {"question": "…"}')
        if "turns" in row:
            yield from _turn_rows(file, place, number, row)
        else:
            yield place, number, row


def _turn_rows(file: Path, place: str, number: int, row: Mapping[str, Any]) -> Iterator[_Row]:
    """The turns of a conversation as questions, each with those before it as its history.

    A turn has the conversation's kind, docs and context where it names none; one without answers is asked and not
    judged. Their ids are the conversation's with ".1", ".2" and so on.
    """
    turns = row["turns"]
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise _wrong(
            file, place, "'turns' is no list of objects", 'write {"turns": [{"question": "…", "answers": […]}]}'
        )
    if "question" in row or not any("answers" in turn for turn in turns):
        raise _wrong(
            file, place, "is no conversation to be judged", 'put "question" and "answers" into its turns, once at least'
        )
    shared = {name: row[name] for name in ("kind", "docs", "context") if name in row}
    asked: list[Any] = []
    for position, turn in enumerate(turns, start=1):
        where = f"{place}, turn {position}"
        _text(file, where, "question", turn.get("question"))
        if "answers" in turn:
            identity = {"id": f"{row.get('id', number)}.{position}", "history": list(asked)}
            yield where, number, {**shared, **turn, **identity}
        asked.append(turn["question"])


def _csv_rows(file: Path, text: str) -> Iterator[_Row]:
    header_line = text.partition("\n")[0]
    # Spreadsheets write ";" where "," is the decimal sign, as it is in Vietnamese.
    delimiter = max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    began = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _wrong(file, f"line {began}", f"is not CSV ({error})", "check its quotation marks") from error
        if cells is None:
            return
        place, number, began = f"line {began}", began, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(file, place, cells)
            continue
        if len(cells) != len(header):
            raise _wrong(
                file, place, f"has {len(cells)} cells, the header has {len(header)}", "quote cells that hold a comma"
            )
        yield place, number, _table_row(dict(zip(header, cells, strict=True)))


def _header(file: Path, place: str, cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for needed in ("question", "answers"):
        if names.count(needed) != 1:
            raise _wrong(file, place, f"is a header without one column {needed!r}", f"name columns of {_FIELDS}")
    return names


def _table_row(cells: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in cells.items():
        if name in _LISTS:
            row[name] = [part.strip() for part in cell.split(_SEPARATOR) if part.strip()]
        elif cell.strip():
            row[name] = cell
    return row


def _squad_data(text: str) -> list[Any] | None:
    """The articles of SQuAD JSON; None when the text is something else."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return whole["data"] if isinstance(whole, dict) and isinstance(whole.get("data"), list) else None


def _squad_rows(file: Path, data: list[Any]) -> Iterator[_Row]:
    number = 0
    for a, article in enumerate(data):
        for p, paragraph in enumerate(_list_of(file, f"data[{a}]", article, "paragraphs")):
            place = f"data[{a}].paragraphs[{p}]"
            for q, asked in enumerate(_list_of(file, place, paragraph, "qas")):
                number += 1
                where = f"{place}.qas[{q}]"
                given = _list_of(file, where, asked, "answers")
                if not all(isinstance(answer, dict) for answer in given):
                    raise _wrong(file, where, "has an answer that is no object", 'write {"text": "…"}')
                told = [] if asked.get("is_impossible") is True else [answer.get("text") for answer in given]
                kept = {name: asked[name] for name in ("id", "question", "kind", "docs") if name in asked}
                yield where, number, {**kept, "answers": told, "context": paragraph.get("context")}


def _list_of(file: Path, place: str, holder: Any, name: str) -> list[Any]:
    if not isinstance(holder, dict) or not isinstance(holder.get(name), list):
        raise _wrong(file, place, f"has no list {name!r}", "check that the file is SQuAD JSON")
    items: list[Any] = holder[name]
    return items


def _question(file: Path, place: str, number: int, row: Mapping[str, Any]) -> Question:
    texts = {name: _text(file, place, name, row[name]) for name in ("context", "kind") if row.get(name) is not None}
    question = " ".join(_text(file, place, "question", row.get("question")).split())
    if "answers" not in row:
        raise _wrong(file, place, "'answers' is missing", "write [] when the corpus does not answer the question")
    lists = {name: _texts(file, place, name, row.get(name)) for name in ("answers", "docs", "history")}
    if not all(any(char.isalnum() for char in asked) for asked in (question, *lists["history"])):
        raise _wrong(file, place, "a question is empty", "type a question")
    given_id = row.get("id")
    if isinstance(given_id, int) and not isinstance(given_id, bool):
        given_id = str(given_id)
    identity = str(number) if given_id is None else _text(file, place, "id", given_id).strip()
    if not identity:
        raise _wrong(file, place, "'id' is empty", "leave it out or fill it")
    return Question(
        identity, question, lists["answers"], lists["docs"],
        texts.get("context"), texts.get("kind", "").strip(), lists["history"],
    )  # fmt: skip


def _text(file: Path, place: str, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(file, place, f"{name!r} is {_json_type(value)}", "write a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _wrong(file, place, f"{name!r} holds half a character", "save the file as UTF-8 again") from error
    return normalize(value)


def _texts(file: Path, place: str, name: str, value: Any) -> tuple[str, ...]:
    if value is None and name != "answers":
        return ()
    if not isinstance(value, list):
        raise _wrong(file, place, f"{name!r} is {_json_type(value)}", "write a list of texts")
    texts = [_text(file, place, f"{name}[{position}]", item).strip() for position, item in enumerate(value)]
    if not all(texts):
        raise _wrong(file, place, f"{name!r} holds an empty text", "remove it or fill it")
    # Earlier questions may repeat, two annotators' same answer counts once.
    return tuple(texts) if name == "history" else tuple(dict.fromkeys(texts))


def _unique(file: Path, placed: Iterable[tuple[str, Question]]) -> list[Question]:
    places: dict[str, str] = {}
    questions: list[Question] = []
    for place, question in placed:
        if question.id in places:
            before = places[question.id]
            raise _wrong(file, place, f"has the id {question.id!r} of {before}", "give each question its own id")
        places[question.id] = place
        questions.append(question)
    return questions


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "missing"}
    return names.get(type(value), "a number")


def _wrong(file: Path, place: str, reason: str, way_out: str) -> QuestionSetError:
    return QuestionSetError(f"{file}, {place}: {reason}: {way_out}")
