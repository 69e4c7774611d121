"""Flipped and missing bytes in every file of an index, two writers, readers beside a writer."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import tantivy

from rag.config import ChunkingConfig, RagConfig
from rag.embedders.vectors import sha256_of
from rag.errors import IndexBusyError, IndexDamagedError, IndexMissingError, RagError
from rag.index import CATALOG, open_index, passage_text
from rag.indexing.updating import update_index
from rag.indexing.verifying import verify_index
from rag.lexical import lexical_keys
from rag.store.catalog import Catalog
from rag.store.locking import only_writer
from rag.text import fold
from tests.crash.runner import AFTER, BEFORE, Letters, put, state, update

_FLIPS = 70
"""Bytes tried in each file, spread evenly; the smaller files whole."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index and its corpus; tests copy it."""
    folder = tmp_path_factory.mktemp("whole")
    put(folder / "corpus", BEFORE)
    update(folder / "index", folder / "corpus", rebuild=False)
    return folder


@pytest.fixture
def place(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "work")
    return tmp_path / "work"


def files_of(index: Path) -> list[Path]:
    return sorted(path for path in index.rglob("*") if path.is_file() and path.suffix != ".lock")


def verdict(index: Path) -> str:
    """What a person is told: the state of the index, or what is damaged, by opening and reading all, or by --verify."""
    try:
        seen = state(index)
        damages = verify_index(index).damages
    except RagError as error:
        return f"refused: {error}"
    return f"verified: {damages[0].file}: run `{damages[0].command}`" if damages else seen


def positions(size: int) -> list[int]:
    return list(range(0, size, max(size // _FLIPS, 1)))


def test_a_flipped_byte_anywhere_changes_nothing_or_is_named(place: Path) -> None:
    index, untouched = place / "index", state(place / "index")
    unnamed = []
    for file in files_of(index):
        content = file.read_bytes()
        for position in positions(len(content)):
            file.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
            told = verdict(index)
            # SQLite has bytes that mean nothing, and a changed manifest may look like one of other settings.
            named = "run `rag index" in told and (file.name in told or file.name == CATALOG)
            if not named and not (told == untouched and file.name == CATALOG):
                unnamed.append((file.name, position, told))
        for leftover in (index / f"{CATALOG}-wal", index / f"{CATALOG}-shm"):
            leftover.unlink(missing_ok=True)
        file.write_bytes(content)
    assert unnamed == []
    assert state(index) == untouched


def test_a_flipped_byte_in_the_log_brings_the_old_or_the_new_generation(place: Path, tmp_path: Path) -> None:
    index, before = place / "index", state(place / "index")
    put(place / "corpus", AFTER)
    with closing(open_index(index, Letters(), RagConfig())):  # keeps the log from being written into the catalog
        update(index, place / "corpus", rebuild=False)
        shutil.copytree(index, tmp_path / "logged")
    after = state(index)
    log = tmp_path / "logged" / f"{CATALOG}-wal"
    content = log.read_bytes()
    assert content
    seen = set()
    for position in positions(len(content)):
        copy = tmp_path / "flipped"
        shutil.copytree(tmp_path / "logged", copy)
        flipped = content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :]
        (copy / log.name).write_bytes(flipped)
        seen.add(verdict(copy))
        shutil.rmtree(copy)
    assert seen <= {before, after}
    assert before in seen


@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
def test_a_cut_file_is_named(place: Path, left: float) -> None:
    index = place / "index"
    for file in files_of(index):
        content = file.read_bytes()
        if not content:
            continue
        file.write_bytes(content[: int(len(content) * left)])
        if file.name == CATALOG and left == 0.0:
            assert state(index) == "none"
        else:
            with pytest.raises(IndexDamagedError, match=f"{file.name} is damaged .*: run `rag index"):
                state(index)
        file.write_bytes(content)


def test_a_damaged_view_is_made_again_without_embedding(place: Path) -> None:
    index, untouched = place / "index", state(place / "index")
    views = [file.relative_to(index).parts[1:] for file in files_of(index) if file.name != CATALOG]
    assert len(views) > 5
    for kind in {Path(name[-1]).suffix: name for name in views}.values():
        in_force = max(index.glob("views-*"))
        file = next(iter(sorted(in_force.joinpath(*kind[:-1]).glob(f"*{Path(kind[-1]).suffix}"))))
        file.write_bytes(file.read_bytes()[:-1] + b"?")
        (damage,) = verify_index(index).damages
        assert (damage.file, "--rebuild" in damage.command) == (str(file), False)
        assert str(place / "corpus") in damage.command
        assert update(index, place / "corpus", rebuild=False).embedded == 0
        assert (state(index), verify_index(index).sound) == (untouched, True)


def test_a_damaged_text_is_named_when_read_and_a_rebuild_embeds_that_passage_alone(place: Path) -> None:
    index, untouched = place / "index", state(place / "index")
    catalog = index / CATALOG
    content = catalog.read_bytes()
    word = "canh nhà".encode()
    assert content.count(word) == 1
    catalog.write_bytes(content.replace(word, "canh nhè".encode()))
    with pytest.raises(IndexDamagedError, match=r"catalog\.sqlite is damaged .*--rebuild"):
        state(index)
    damages = verify_index(index).damages
    assert {Path(damage.file).name for damage in damages} == {CATALOG}
    assert all("rag index --rebuild" in damage.command for damage in damages)
    assert update(index, place / "corpus", rebuild=True).embedded == 1
    assert (state(index), verify_index(index).sound) == (untouched, True)


def test_what_is_no_database_any_more_is_rebuilt(place: Path) -> None:
    index, untouched = place / "index", state(place / "index")
    (index / CATALOG).write_bytes(b"\0" * 5000)
    with pytest.raises(IndexDamagedError, match="--rebuild"):
        state(index)
    with pytest.raises(IndexDamagedError, match="--rebuild"):
        update(index, place / "corpus", rebuild=False)
    update(index, place / "corpus", rebuild=True)
    assert (state(index), verify_index(index).sound) == (untouched, True)


def test_verify_says_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="run `rag index`"):
        verify_index(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_second_writer_is_told_and_readers_go_on(place: Path) -> None:
    index, untouched = place / "index", state(place / "index")
    with only_writer(index):
        for rebuild in (False, True):
            with pytest.raises(IndexBusyError, match="another `rag index` is at work"):
                update(index, place / "corpus", rebuild)
        assert state(index) == untouched
    assert update(index, place / "corpus", rebuild=False).changes == 0


def test_readers_beside_a_writer_see_whole_generations(place: Path) -> None:
    index = place / "index"
    old = state(index)
    put(place / "corpus", AFTER)
    update(index, place / "corpus", rebuild=False)
    new, seen, done = state(index), set[str](), threading.Event()

    def write() -> Iterator[None]:
        try:
            for number in range(12):
                put(place / "corpus", BEFORE if number % 2 == 0 else AFTER)
                update(index, place / "corpus", rebuild=number % 3 == 2)
        finally:
            done.set()
        yield

    writer = threading.Thread(target=lambda: list(write()))
    writer.start()
    while not done.is_set():
        seen.add(state(index))
    writer.join()
    assert seen == {old, new}


def test_a_rebuild_with_other_settings_can_be_read_by_nobody_but_leaves_its_readers_be(place: Path) -> None:
    index = place / "index"
    other = replace(RagConfig(), chunking=ChunkingConfig(200, 0))
    with closing(open_index(index, Letters(), RagConfig())) as reader:
        update_index(index, [place / "corpus"], Letters(), other, rebuild=True)
        assert len(list(reader.all_documents())) == 2
        assert len(reader.search_lexical("mèo", 9)) == 1
    with closing(open_index(index, Letters(), other)) as stored:
        assert stored.documents == 2


def write_as_before(index: Path) -> None:
    """Put a lexical view as the first version wrote it in place of the index's own, and let the catalog name it so."""
    with closing(Catalog(index / CATALOG)) as catalog:
        views = catalog.manifest()["views"]
        passages = [
            (row, passage_text(document, chunk))
            for document in catalog.documents()
            for row, chunk in catalog.chunk_rows(document)
        ]
    schema = tantivy.SchemaBuilder().add_unsigned_field("row", stored=True, indexed=True)
    for name in ("keys", "folded"):
        schema.add_text_field(name, tokenizer_name="keys", index_option="freq")
    folder = index / views["name"] / "lexical"
    shutil.rmtree(folder)
    folder.mkdir()
    lexical = tantivy.Index(schema.build(), path=str(folder))
    lexical.register_tokenizer("keys", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    writer = lexical.writer(num_threads=1)
    for row, text in passages:
        document = tantivy.Document(keys=" ".join(lexical_keys(text)), folded=fold(" ".join(lexical_keys(text))))
        document.add_unsigned("row", row)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    del views["lexical"]
    views["files"] = {name: told for name, told in views["files"].items() if not name.startswith("lexical/")}
    for file in (file for file in folder.iterdir() if file.suffix != ".lock"):
        views["files"][f"lexical/{file.name}"] = [file.stat().st_size, sha256_of(file)]
    with closing(sqlite3.connect(index / CATALOG, isolation_level=None)) as database:
        database.execute("UPDATE manifest SET value = ? WHERE name = 'views'", (json.dumps(views),))


def test_views_that_an_earlier_version_wrote_are_named_and_made_again_from_the_catalog(place: Path) -> None:
    index, untouched = place / "index", state(place / "index")
    write_as_before(index)
    with pytest.raises(IndexDamagedError, match=r"another version of this program wrote it.*run `rag index`, which"):
        state(index)
    assert [Path(damage.file).name for damage in verify_index(index).damages] == ["lexical"]
    assert update(index, place / "corpus", rebuild=False).embedded == 0
    assert state(index) == untouched
    assert verify_index(index).sound
