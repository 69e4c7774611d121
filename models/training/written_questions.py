"""Questions that were written for this project over raw passages: where they are kept, and how they are read.

A file of `written/` for each source of passages; a line is a passage and what was asked of it. The passages themselves
are not in the repository: a line names the row of the raw text, and how many characters of it were shown. An answer is
copied from one sentence; a question without one is about what the passage speaks of, and the passage does not say it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raw_rows import rows

from rag.text import normalize

WRITTEN_SET = "written"
"""The name of these questions among the question sets."""
_FOLDER = Path(__file__).parent / "written"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; `at` is where its answer begins in the passage, -1 where the passage does not answer."""

    question: str
    answer: str = ""
    at: int = -1


@dataclass(frozen=True, slots=True)
class RawPassage:
    """The first `chars` characters of a row of raw text, normalized."""

    source: str
    """The file of `text/`, without its endings."""
    id: str
    title: str
    text: str


def raw_passage(source: str, row: dict[str, Any], chars: int | None = None) -> RawPassage:
    """The passage of a row, of the whole of it where `chars` is None."""
    if source == "laws":
        name, title, text = f"{row['law']}/{row['article']}", row["law"], row["text"]
    elif source == "vietnews-articles":
        name, title, text = row["id"], "", f"{row['abstract']}\n{row['body']}"
    else:
        name, title, text = row["id"], row["title"], row["text"]
    return RawPassage(source, name, title, normalize(text)[:chars])


def raw_passages(data: Path, source: str) -> Iterator[RawPassage]:
    """All rows of a file of raw text, whole."""
    return (raw_passage(source, row) for row in rows(data / "text" / f"{source}.jsonl.gz"))


def keep_written(written: Iterable[tuple[RawPassage, list[Asked]]]) -> None:
    """Write the passages' questions, a file for each source, in the order of their names."""
    by_source: dict[str, list[str]] = {}
    for passage, asked in sorted(written, key=lambda one: one[0].id):
        told = [{name: value for name, value in asdict(one).items() if value not in ("", -1)} for one in asked]
        line = {"id": passage.id, "chars": len(passage.text), "asked": told}
        by_source.setdefault(passage.source, []).append(json.dumps(line, ensure_ascii=False))
    _FOLDER.mkdir(exist_ok=True)
    for source, lines in by_source.items():
        (_FOLDER / f"{source}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_written(data: Path) -> Iterator[tuple[RawPassage, list[Asked]]]:
    """The passages and what was asked of them; ValueError where an answer is not where it was."""
    for path in sorted(_FOLDER.glob("*.jsonl")):
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        kept = {line["id"]: line for line in lines}
        for whole in raw_passages(data, path.stem):
            line = kept.get(whole.id)
            if line is None:
                continue
            passage = RawPassage(whole.source, whole.id, whole.title, whole.text[: line["chars"]])
            asked = [Asked(**one) for one in line["asked"]]
            for one in asked:
                if one.at >= 0 and not passage.text.startswith(one.answer, one.at):
                    raise ValueError(f"{path.name}, {passage.id}: no {one.answer!r} at {one.at}; other raw text?")
            yield passage, asked


def written_rows(data: Path) -> Iterator[dict[str, Any]]:
    """The written questions as rows of a question set, as data/README.md describes them."""
    for passage, asked in read_written(data):
        for number, one in enumerate(asked):
            yield {
                "id": f"{passage.source} {passage.id} {number}",
                "question": one.question,
                "answers": [one.answer] if one.at >= 0 else [],
                "context": passage.text,
                "title": passage.title,
                "answerable": one.at >= 0,
            }
