"""What a second run costs, and what it sees: by stamp, by content, under every name."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from rag.config import RagConfig
from rag.index import open_index
from rag.indexing.updating import IndexReport, update_index
from rag.types import FloatMatrix
from tests.crash.runner import Letters, put

CAT, DOG, HEN = "Con mèo đen ngủ trên mái.", "Con chó trắng canh nhà.", "Con gà gáy sáng."


@pytest.fixture
def place(tmp_path: Path) -> Path:
    put(tmp_path / "corpus", {"meo.txt": CAT, "cho.txt": DOG})
    return tmp_path


def run(
    place: Path, embedder: Letters | None = None, roots: Sequence[str] = ("corpus",), rebuild: bool = False
) -> IndexReport:
    folders = [place / root for root in roots]
    return update_index(place / "index", folders, embedder or Letters(), RagConfig(), rebuild=rebuild)


def sources(place: Path) -> dict[str, str]:
    with closing(open_index(place / "index", Letters(), RagConfig())) as stored:
        return stored.sources()


def settle(place: Path) -> None:
    """Wait until the stamps of the files are old enough to be trusted, and have them noted."""
    time.sleep(2.1)
    assert run(place).unchanged == 2


def test_a_renamed_file_costs_no_embedding_and_is_cited_by_its_new_name(place: Path) -> None:
    run(place)
    (place / "corpus" / "meo.txt").rename(place / "corpus" / "mới.txt")
    report = run(place)
    assert (report.renamed, report.added, report.removed, report.unchanged, report.embedded) == (1, 0, 0, 1, 0)
    assert sources(place) == {"cho.txt": "cho.txt", "mới.txt": "mới.txt"}


def test_a_rename_keeps_the_views(place: Path) -> None:
    run(place)
    views = {path.name for path in (place / "index").glob("views-*")}
    (place / "corpus" / "meo.txt").rename(place / "corpus" / "mới.txt")
    run(place)
    assert {path.name for path in (place / "index").glob("views-*")} == views


def test_a_duplicate_is_indexed_once_and_found_under_every_name(place: Path) -> None:
    put(place / "corpus", {"b.txt": CAT, "a/meo.txt": CAT, "cho.txt": DOG})
    report = run(place)
    assert (report.added, report.documents, report.chunks, report.duplicates, report.embedded) == (3, 2, 2, 1, 2)
    assert sources(place) == {"a/meo.txt": "a/meo.txt", "b.txt": "a/meo.txt", "cho.txt": "cho.txt"}
    with closing(open_index(place / "index", Letters(), RagConfig())) as stored:
        (hit,) = stored.scored_chunks(stored.search_lexical("mèo", 5))
        assert (hit.source, hit.other_sources) == ("a/meo.txt", ("b.txt",))
        assert json.loads(stored.document(hit.chunk.doc_id).metadata["other_sources"]) == ["b.txt"]
        assert list(hit.as_json(1))[3] == "source"
    (place / "corpus" / "a" / "meo.txt").unlink()
    assert (run(place).removed, sources(place)) == (1, {"b.txt": "b.txt", "cho.txt": "cho.txt"})


def test_texts_that_read_the_same_are_one_document_whatever_their_bytes(place: Path) -> None:
    (place / "corpus" / "utf16.txt").write_bytes(CAT.encode("utf-16"))
    report = run(place)
    assert (report.documents, report.duplicates, report.embedded) == (2, 1, 2)


def test_the_same_file_below_two_folders_is_one_document(place: Path) -> None:
    put(place / "other", {"meo.txt": CAT, "ga.txt": HEN})
    report = run(place, roots=("corpus", "other"))
    assert (report.documents, report.duplicates) == (3, 1)
    put(place / "other", {"ga.txt": HEN})
    report = run(place, roots=("other",))
    assert (report.removed, report.documents, report.duplicates) == (1, 3, 0)


def test_a_changed_file_embeds_its_new_passages_alone(place: Path) -> None:
    lines = [f"Đoạn {number} nói {'nhiều điều ' * 70}." for number in range(4)]
    put(place / "corpus", {"dai.txt": "\n\n".join(["Tựa đề", *lines])})
    first = run(place)
    lines[3] = lines[3].replace("nhiều điều", "ít lời", 1)
    put(place / "corpus", {"dai.txt": "\n\n".join(["Tựa đề", *lines])})
    report = run(place)
    assert (report.changed, report.chunks) == (1, first.chunks)
    assert 0 < report.embedded < first.embedded


def test_views_that_grew_by_one_file_find_what_views_made_anew_find(place: Path) -> None:
    sheep = {f"cuu-{number}.txt": f"Con cừu số {number} qua cầu." for number in range(12)}
    put(place / "corpus", sheep)
    run(place)
    files = {path.name for path in (place / "index").glob("views-*/lexical/*.store")}
    put(place / "corpus", sheep | {"cuu-3.txt": "Con dê số ba qua cầu.", "ga.txt": HEN})
    assert (run(place).changed, run(place).unchanged) == (1, 13)
    assert files < {path.name for path in max((place / "index").glob("views-*")).glob("lexical/*.store")}
    put(place / "corpus", sheep | {"cuu-3.txt": "Con dê số ba qua cầu.", "ga.txt": HEN})
    update_index(place / "anew", [place / "corpus"], Letters(), RagConfig())
    for words in ("dê", "cừu số 3", "con gà gáy", "qua cầu"):
        found = []
        for name in ("index", "anew"):
            with closing(open_index(place / name, Letters(), RagConfig())) as stored:
                vector = Letters().embed_queries([words])
                both = (stored.search_lexical(words, 50), stored.search_dense(vector, 50))
                found += [sorted(hit.source for hit in stored.scored_chunks(hits)) for hits in both]
        assert found[:2] == found[2:]


def test_a_file_with_the_stamp_of_the_last_run_is_not_opened(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(place)
    settle(place)
    opened: list[str] = []
    system = Path.open

    def noting(self: Path, mode: str = "r") -> object:
        opened.append(self.name)
        return system(self, mode)

    monkeypatch.setattr(Path, "open", noting)
    assert run(place).unchanged == 2
    assert [name for name in opened if name.endswith(".txt")] == []


def test_a_change_that_keeps_size_and_time_of_modification_is_seen(place: Path) -> None:
    run(place)
    settle(place)
    file = place / "corpus" / "meo.txt"
    before = file.stat()
    file.write_text(CAT.replace("đen", "xám"), encoding="utf-8")
    assert file.stat().st_size == before.st_size
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run(place).changed == 1


def test_a_touched_file_is_unchanged_and_its_new_stamp_noted(place: Path) -> None:
    run(place)
    settle(place)
    os.utime(place / "corpus" / "meo.txt")
    assert (run(place).changed, run(place).unchanged) == (0, 2)


def test_a_run_that_is_stopped_publishes_nothing_and_loses_nothing(place: Path) -> None:
    class Stopped(Letters):
        def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
            if self.embedded:
                raise KeyboardInterrupt
            return super().embed_passages(texts)

    run(place)
    put(place / "corpus", {"meo.txt": CAT, "cho.txt": DOG, "ga.txt": HEN, "vit.txt": "Con vịt bơi."})
    with pytest.raises(KeyboardInterrupt):
        run(place, Stopped())
    assert sources(place) == {"cho.txt": "cho.txt", "meo.txt": "meo.txt"}
    report = run(place)
    assert (report.added, report.unchanged, report.embedded, report.documents) == (2, 2, 1, 4)


def test_a_rebuild_takes_over_the_vectors_and_leaves_out_other_folders(place: Path) -> None:
    put(place / "other", {"ga.txt": HEN})
    run(place, roots=("corpus", "other"))
    report = run(place, rebuild=True)
    assert (report.added, report.documents, report.embedded) == (2, 2, 0)


def test_a_rebuild_with_another_embedding_takes_nothing_over(place: Path) -> None:
    class Other(Letters):
        identity: Mapping[str, str | int] = {"name": "other letters", "dimension": 32}

    run(place)
    assert run(place, Other(), rebuild=True).embedded == 2


def test_a_folder_that_cannot_be_listed_keeps_its_documents(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(place / "corpus", {"meo.txt": CAT, "kin/cho.txt": DOG})
    run(place)
    system = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("kin"):
            raise PermissionError(13, "Permission denied", str(path))
        return system(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refusing)
        report = run(place)
    assert (report.removed, report.documents) == (0, 2)
    assert [source for source, _ in report.failed] == ["kin"]


def test_an_index_inside_the_folder_is_not_indexed(place: Path) -> None:
    for _ in range(2):
        report = update_index(place / "corpus" / "index", [place / "corpus"], Letters(), RagConfig())
        assert (report.documents, report.failed) == (2, ())


def test_odd_names_are_indexed_and_named_as_they_are(place: Path) -> None:
    names = ["hai\ndòng.txt", "ta\u0300i lie\u0323\u0302u.txt", "khong-duoi"]
    put(place / "corpus", {name: f"{CAT} {number}" for number, name in enumerate(names)})
    (place / "corpus" / "rong.txt").write_bytes(b"")
    report = run(place)
    assert sorted(sources(place)) == sorted(names)
    assert [source for source, _ in report.failed] == ["rong.txt"]
    assert run(place).unchanged == 3
