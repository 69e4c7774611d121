"""The approximate index of vectors: what it finds, what it says of itself, how it grows, damaged and made twice."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.config import RagConfig
from rag.embedders.vectors import unit_rows
from rag.errors import IndexDamagedError
from rag.index import CATALOG, StoredIndex, open_index
from rag.indexing.updating import index_documents, update_index
from rag.indexing.verifying import verify_index
from rag.store.catalog import Catalog
from rag.store.views import Views, damaged_files
from rag.types import Document, FloatMatrix

PASSAGES = 4000
NEAR = 10


class Directions:
    """An embedder that gives the text with number n the n-th of some random directions, in groups as topics are."""

    identity: Mapping[str, str | int] = {"name": "directions", "dimension": 32}

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        topics = random.normal(size=(60, 32))
        self.vectors = unit_rows(
            (
                topics[random.integers(60, size=PASSAGES + 1000)] + 0.4 * random.normal(size=(PASSAGES + 1000, 32))
            ).astype(np.float32)
        )

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        return self.vectors[[int(text.split()[-1].rstrip(".")) for text in texts]]

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return unit_rows(self.embed_passages(texts) + 0.05)

    def count_truncated(self, texts: Sequence[str]) -> int:
        return 0


def documents(start: int, end: int) -> list[Document]:
    return [Document(f"d{n}", f"Tin {n}", f"Bản tin mang số {n}.", f"{n:05d}.txt", "", {}) for n in range(start, end)]


def settings(exact_up_to: int) -> RagConfig:
    config = RagConfig()
    return replace(config, retrieval=replace(config.retrieval, exact_up_to=exact_up_to))


LARGE, SMALL = settings(1000), settings(100_000)


def write_files(folder: Path, start: int, end: int) -> Path:
    folder.mkdir(exist_ok=True)
    for n in range(start, end):
        (folder / f"{n:05d}.txt").write_text(f"Tin {n}\n\nBản tin mang số {n}.", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def directions() -> Directions:
    return Directions()


@pytest.fixture(scope="module")
def approximate(tmp_path_factory: pytest.TempPathFactory, directions: Directions) -> Path:
    folder = tmp_path_factory.mktemp("dense") / "index"
    index_documents(folder, "x", documents(0, PASSAGES), directions, LARGE)
    return folder


@pytest.fixture
def stored(approximate: Path, directions: Directions) -> Iterator[StoredIndex]:
    opened = open_index(approximate, directions, LARGE)
    yield opened
    opened.close()


def views_of(index: Path) -> dict[str, Any]:
    catalog = Catalog(index / CATALOG)
    views: dict[str, Any] = catalog.manifest()["views"]
    catalog.close()
    return views


def nearest(directions: Directions, vector: FloatMatrix, numbers: range) -> list[int]:
    cosines = directions.vectors[numbers.start : numbers.stop] @ vector[0]
    return [numbers.start + int(place) for place in np.argsort(-cosines)[:NEAR]]


def numbers_of(stored: StoredIndex, hits: list[tuple[int, float]]) -> list[int]:
    return [int(scored.chunk.text.split()[-1].rstrip(".")) for scored in stored.scored_chunks(hits)]


def recall(stored: StoredIndex, directions: Directions, numbers: range) -> float:
    found = 0
    asked = list(numbers)[:: max(len(numbers) // 100, 1)]
    for number in asked:
        vector = directions.embed_queries([f"số {number}"])
        hits = stored.search_dense(vector, NEAR)
        found += len(set(numbers_of(stored, hits)) & set(nearest(directions, vector, numbers)))
    return found / (NEAR * len(asked))


def test_few_passages_are_compared_exactly_and_many_are_not(
    approximate: Path, tmp_path: Path, directions: Directions
) -> None:
    index_documents(tmp_path / "index", "x", documents(0, 1000), directions, LARGE)
    assert views_of(tmp_path / "index")["dense"] == {"kind": "exact", "passages": 1000}
    dense = views_of(approximate)["dense"]
    assert (dense["kind"], dense["passages"], dense["index"]) == ("approximate", PASSAGES, "IVF64,PQ16x4fs")
    assert 0 < dense["probes"] < 64
    assert dense["sample"] == 256


def test_the_recall_in_the_manifest_is_the_one_that_questions_get(
    approximate: Path, stored: StoredIndex, directions: Directions
) -> None:
    told = views_of(approximate)["dense"]["recall@10"]
    assert told >= 0.99
    assert recall(stored, directions, range(PASSAGES)) == pytest.approx(told, abs=0.02)


def test_scores_are_cosines(stored: StoredIndex, directions: Directions) -> None:
    vector = directions.embed_queries(["số 17"])
    hits = stored.search_dense(vector, 50)
    exact = [float(directions.vectors[number] @ vector[0]) for number in numbers_of(stored, hits)]
    assert [score for _, score in hits] == pytest.approx(exact, abs=1e-3)
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)
    assert stored.cosines(vector, [row for row, _ in hits]) == pytest.approx([score for _, score in hits], abs=1e-6)


def test_two_builds_are_the_same_byte_for_byte(approximate: Path, tmp_path: Path, directions: Directions) -> None:
    index_documents(tmp_path / "index", "x", documents(0, PASSAGES), directions, LARGE)
    one, two = views_of(approximate), views_of(tmp_path / "index")
    assert one["dense"] == two["dense"]
    for name in ("lists.faiss", "vectors.f16", "vectors.faiss", "rows.npy", "gone.npy"):
        assert one["files"][name] == two["files"][name]


def test_what_comes_and_goes_is_found_beside_the_lists_until_it_is_much(tmp_path: Path, directions: Directions) -> None:
    index, corpus = tmp_path / "index", write_files(tmp_path / "corpus", 0, 2000)
    assert update_index(index, [corpus], directions, LARGE).dense["kind"] == "approximate"
    lists = index / views_of(index)["name"] / "lists.faiss"
    inode = lists.stat().st_ino
    write_files(corpus, 2000, 2100)
    for number in range(20):
        (corpus / f"{number:05d}.txt").unlink()
    dense = update_index(index, [corpus], directions, LARGE).dense
    assert (dense["passages"], dense["added"], dense["gone"]) == (2000, 100, 20)
    assert (index / views_of(index)["name"] / "lists.faiss").stat().st_ino == inode
    stored = open_index(index, directions, LARGE)
    assert recall(stored, directions, range(20, 2100)) >= 0.98
    assert stored.search_dense(directions.embed_passages(["số 2050"]), 1)[0][1] == pytest.approx(1.0, abs=1e-3)
    gone = numbers_of(stored, stored.search_dense(directions.embed_passages(["số 5"]), 50))
    assert min(gone) >= 20
    stored.close()
    write_files(corpus, 2100, 2300)
    for number in range(20, 40):
        (corpus / f"{number:05d}.txt").unlink()
    dense = update_index(index, [corpus], directions, LARGE).dense
    assert (dense["passages"], dense["added"], dense["gone"]) == (2260, 0, 0)
    stored = open_index(index, directions, LARGE)
    assert recall(stored, directions, range(40, 2300)) >= 0.98
    stored.close()
    assert verify_index(index).sound


def test_vectors_that_are_written_block_by_block_are_the_same(
    approximate: Path, tmp_path: Path, directions: Directions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.store.dense._BLOCK", 300)
    index_documents(tmp_path / "index", "x", documents(0, PASSAGES), directions, LARGE)
    one, two = views_of(approximate), views_of(tmp_path / "index")
    for name in ("vectors.f16", "rows.npy"):
        assert one["files"][name] == two["files"][name]
    corpus = write_files(tmp_path / "corpus", PASSAGES, PASSAGES + 450)
    dense = update_index(tmp_path / "index", [corpus], directions, LARGE).dense
    assert (dense["passages"], dense["added"], dense["gone"]) == (PASSAGES + 450, 0, 0)
    stored = open_index(tmp_path / "index", directions, LARGE)
    assert recall(stored, directions, range(PASSAGES + 450)) >= 0.98
    stored.close()


def test_an_index_goes_over_the_threshold_and_back(tmp_path: Path, directions: Directions) -> None:
    index, corpus = tmp_path / "index", write_files(tmp_path / "corpus", 0, 900)
    assert update_index(index, [corpus], directions, LARGE).dense["kind"] == "exact"
    write_files(corpus, 900, 1100)
    assert update_index(index, [corpus], directions, LARGE).dense["kind"] == "approximate"
    assert update_index(index, [corpus], directions, SMALL).dense == {"kind": "exact", "passages": 1100}
    assert update_index(index, [corpus], directions, LARGE).dense["kind"] == "approximate"
    for number in range(150):
        (corpus / f"{number:05d}.txt").unlink()
    report = update_index(index, [corpus], directions, LARGE)
    assert (report.dense, report.embedded) == ({"kind": "exact", "passages": 950}, 0)
    stored = open_index(index, directions, LARGE)
    assert recall(stored, directions, range(150, 1100)) == 1.0
    stored.close()


@pytest.mark.parametrize("name", ["lists.faiss", "vectors.f16", "vectors.faiss", "rows.npy", "gone.npy"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_file_is_named_and_made_again_without_embedding(
    tmp_path: Path, directions: Directions, name: str, cut: bool
) -> None:
    index, corpus = tmp_path / "index", write_files(tmp_path / "corpus", 0, 1200)
    update_index(index, [corpus], directions, LARGE)
    file = index / views_of(index)["name"] / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content[:-1] if cut else content)
    with pytest.raises(IndexDamagedError, match=f"{name} is damaged .*: run `rag index"):
        open_index(index, directions, LARGE)
    (damage,) = verify_index(index).damages
    assert Path(damage.file).name == name
    assert update_index(index, [corpus], directions, LARGE).embedded == 0
    assert not list(damaged_files(index, views_of(index)))
    open_index(index, directions, LARGE).close()


def test_both_sides_at_once_find_what_each_finds_alone_for_many_callers_and_leave_no_thread(
    approximate: Path, directions: Directions
) -> None:
    views = Views(approximate, views_of(approximate), side_by_side_from=PASSAGES)
    asked = [(f"bản tin số {number}", directions.embed_queries([f"số {number}"])) for number in range(200)]
    alone = [(views.search_dense(vector, NEAR), views.search_lexical(question, NEAR)) for question, vector in asked]
    assert not second_threads()
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda one: views.search(one[0], one[1], NEAR), asked))
    assert found == alone
    assert len(second_threads()) == 1
    views.close()
    assert not second_threads()


def test_a_small_index_is_searched_on_one_thread(approximate: Path, directions: Directions) -> None:
    with closing(open_index(approximate, directions, LARGE)) as stored:
        vector = directions.embed_queries(["số 7"])
        assert stored.search("số 7", vector, 3) == (stored.search_dense(vector, 3), stored.search_lexical("số 7", 3))
        assert not second_threads()


def second_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("dense-search")]
