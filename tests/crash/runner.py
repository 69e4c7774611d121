"""Runs one change of an index again and again, each time stopped at another point; prints what is then found, as JSON.

    LD_PRELOAD=points.so python -m tests.crash.runner FOLDER SCENARIO MODE MOST

SCENARIO is a key of `SCENARIOS`, MODE one of `MODES`, MOST how many points are taken at most, 0 for all. Every run is a
process of its own, forked from this one, which has imported everything and opened nothing.
"""

import ctypes
import hashlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rag.config import RagConfig
from rag.embedders.vectors import unit_rows
from rag.errors import IndexMissingError, RagError
from rag.index import open_index
from rag.indexing.updating import IndexReport, update_index
from rag.indexing.verifying import verify_index
from rag.types import FloatMatrix

MODES = {"kill": 2, "tear": 3, "full": 4}
_COUNT = 1
_WORDS = ("mèo", "chó", "gà", "vịt", "đen", "trắng", "kể chuyện", "cừu", "số")

BEFORE = {
    "a.txt": "Chuyện con mèo đen.\n\nCon mèo đen kể chuyện cho con gà nghe mỗi buổi tối.",
    "b.txt": "Chuyện con chó trắng.\n\nCon chó trắng canh nhà, không bao giờ kể chuyện.",
    "copy/a.txt": "Chuyện con mèo đen.\n\nCon mèo đen kể chuyện cho con gà nghe mỗi buổi tối.",
}
AFTER = {
    "b.txt": "Chuyện con chó trắng.\n\nCon chó trắng nay đã già và hay kể chuyện xưa.",
    "doi-ten.txt": BEFORE["a.txt"],
    "c.txt": "Chuyện con vịt.\n\nCon vịt trắng bơi qua sông tìm con gà.",
}
_SHEEP = {f"cuu-{number}.txt": f"Con cừu số {number} qua cầu rồi nằm nghỉ." for number in range(9)}


def _herd(start: int, end: int) -> str:
    """A document of so many passages, each below a heading of its own."""
    told = (f"Con {_WORDS[number % 5]} số {number} {'chạy ' * (number % 7)}qua cầu." for number in range(start, end))
    return "# Đàn\n\n" + "\n\n".join(f"## Con số {number}\n\n{text}" for number, text in enumerate(told, start))


_LISTED = {"dan.md": _herd(0, 1020)}
"""Enough passages for an approximate index."""
SCENARIOS: dict[str, tuple[Mapping[str, str], Mapping[str, str], bool]] = {
    "build": ({}, BEFORE, False),
    "update": (BEFORE, AFTER, False),
    "edit": (_SHEEP, _SHEEP | {"cuu-3.txt": "Con cừu số ba kể chuyện với con mèo."}, False),
    "delete": (BEFORE, {"b.txt": BEFORE["b.txt"]}, False),
    "rebuild": (BEFORE, AFTER, True),
    "lists": ({}, _LISTED, False),
    "beside the lists": (_LISTED, _LISTED | AFTER, False),
    "lists anew": (_LISTED, _LISTED | {"them.md": _herd(1020, 1140)}, False),
}
"""(files that are indexed, files to be indexed next, whether by --rebuild)."""


class Letters:
    """An embedder that counts letters: the same text, the same vector."""

    identity: Mapping[str, str | int] = {"name": "letters", "dimension": 32}

    def __init__(self) -> None:
        self.embedded = 0

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        self.embedded += len(texts)
        return self.embed_queries(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        counts = np.zeros((len(texts), 32), dtype=np.float32)
        for row, text in enumerate(texts):
            np.add.at(counts[row], [ord(char) % 32 for char in text], 1.0)
        return unit_rows(counts)

    def count_truncated(self, texts: Sequence[str]) -> int:
        return 0


def put(corpus: Path, files: Mapping[str, str]) -> None:
    """Make `corpus` hold these files alone. They are young: their stamps are not trusted, and each is hashed."""
    shutil.rmtree(corpus, ignore_errors=True)
    for name, text in files.items():
        file = corpus / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def update(index: Path, corpus: Path, rebuild: bool) -> IndexReport:
    """One run of `rag index`."""
    config = RagConfig()
    config = replace(config, retrieval=replace(config.retrieval, exact_up_to=1000))
    return update_index(index, [corpus], Letters(), config, rebuild=rebuild)


def state(index: Path) -> str:
    """A hash of all that a reader can see: documents, their files, passages, vectors and what both searches find."""
    embedder = Letters()
    try:
        stored = open_index(index, embedder, RagConfig())
    except IndexMissingError:
        return "none"
    with closing(stored):
        documents = [[d.doc_id, d.title, d.text, d.source, dict(d.metadata)] for d in stored.all_documents()]
        found = []
        for words in _WORDS:
            vector = embedder.embed_queries([words])
            for hits in (stored.search_dense(vector, 50), stored.search_lexical(words, 50)):
                passages = [(-round(p.score, 5), p.chunk.chunk_id, p.chunk.text) for p in stored.scored_chunks(hits)]
                found.append(sorted(passages))
        sizes = [stored.documents, stored.chunks, stored.sources()]
    seen = json.dumps([sizes, documents, found], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def in_child(work: Callable[[], Any]) -> tuple[str, Any]:
    """(how a forked process ended, what `work` returned in it): "done", "refused", "killed" or "failed"."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        ending = ("failed", "")
        try:
            ending = ("done", work())
        except RagError as error:
            ending = ("refused", f"{type(error).__name__}: {error}")
        finally:
            if ending[0] == "failed":
                ending = ("failed", traceback.format_exc())
            os.write(writing, json.dumps(ending).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return tuple(json.loads(said)) if said else ("killed", None)


def points(kinds: str, most: int) -> list[int]:
    """Which changes to stop at: when not all, then all syncs, renames and removals, and an even share of the others."""
    if most == 0 or len(kinds) <= most:
        return list(range(len(kinds)))
    rare = [place for place, kind in enumerate(kinds) if kind in "sru"]
    rare = rare if len(rare) <= most * 2 // 3 else rare[:: -(-len(rare) // (most * 2 // 3))]
    others = [place for place in range(len(kinds)) if place not in set(rare)]
    step = max(len(others) // max(most - len(rare), 1), 1)
    return sorted({*rare, *others[step - 1 :: step], len(kinds) - 1})


def main(folder: Path, scenario: str, mode: str, most: int) -> dict[str, Any]:
    """Stop the change at each point; what was found at each."""
    library = ctypes.CDLL(None)
    library.points_kinds.restype = ctypes.c_char_p
    before, after, rebuild = SCENARIOS[scenario]
    corpus, index, template = folder / "corpus", folder / "index", folder / "template"

    def fresh() -> None:
        shutil.rmtree(index, ignore_errors=True)
        if template.exists():
            shutil.copytree(template, index)

    def armed(at: int, how: int) -> Any:
        library.points_arm(str(index).encode(), ctypes.c_long(at), how)
        report = update(index, corpus, rebuild)
        return [library.points_kinds().decode(), report.embedded, report.dense["kind"]]

    def recovered() -> list[Any]:
        report = update(index, corpus, rebuild=False)
        return [report.embedded, verify_index(index).sound, sorted(path.name for path in index.glob("views-*"))]

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if before:
        put(corpus, before)
        in_child(lambda: update(template, corpus, False).documents)
        shutil.rmtree(index, ignore_errors=True)
        shutil.copytree(template, index)
    old = in_child(lambda: state(index))[1]
    put(corpus, after)
    fresh()
    ending, (kinds, embedded, dense) = in_child(lambda: armed(0, _COUNT))
    new = in_child(lambda: state(index))[1]
    found = []
    for at in points(kinds, most):
        fresh()
        run = in_child(partial(armed, at, MODES[mode]))
        seen = in_child(lambda: state(index))
        mended = in_child(recovered) if not rebuild or seen[1] == new else ("done", [0, True, []])
        last = in_child(lambda: update(index, corpus, rebuild).embedded) if rebuild else ("done", 0)
        found.append({
            "at": at, "kind": kinds[at], "run": run[0], "said": run[1] if run[0] != "done" else "",
            "state": seen, "mended": mended, "last": last, "end": in_child(lambda: state(index)),
        })  # fmt: skip
    return {
        "old": old, "new": new, "kinds": kinds, "embedded": embedded, "dense": dense, "found": found, "counted": ending,
    }  # fmt: skip


if __name__ == "__main__":
    place, name, how, number = sys.argv[1:]
    print(json.dumps(main(Path(place), name, how, int(number))))
