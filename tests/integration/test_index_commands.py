"""`rag index` as it is typed: what it says of bad files, --verify, --watch, and a second one beside it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from rag.cli import _print_passages, main
from rag.config import RagConfig
from rag.embedding import load_embedder
from rag.index import CATALOG, open_index
from rag.store.locking import only_writer
from tests.conftest import ROOT
from tests.crash.runner import put

CAT, DOG = "Con mèo đen ngủ trên mái.", "Con chó trắng canh nhà."


@pytest.fixture
def place(tmp_path: Path) -> Path:
    put(tmp_path / "corpus", {"meo.txt": CAT, "cho.txt": DOG, "sao/meo.txt": CAT})
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_bad_files_are_named_at_the_end_a_line_each_and_the_status_is_0(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    (place / "corpus" / "rỗng\n\x1b[31m.txt").write_bytes(b"")
    os.symlink(place / "nowhere", place / "corpus" / "lien-ket.txt")
    status, out, err = run(capsys, "index", place / "corpus", "--index", place / "index")
    assert status == 0
    assert out.startswith("2 documents, 2 passages: 3 added, ")
    assert "Files that hold the same as another one: 1." in out
    head, *lines = err.splitlines()
    assert head == "rag: 2 could not be read; all else is indexed:"
    assert lines == [
        "rag: lien-ket.txt: the link leads to no file: mend or remove it",
        "rag: rỗng\\n\\x1b[31m.txt: there is no text in it: remove it or give it content",
    ]


def test_verify_says_that_all_is_well_or_what_to_type(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    run(capsys, "index", place / "corpus", "--index", place / "index")
    status, out, err = run(capsys, "index", "--verify", "--index", place / "index")
    assert (status, err) == (0, "")
    assert out.startswith("The index is sound: 2 documents, 2 passages, every checksum right")
    file = next((place / "index").glob("views-*/vectors.faiss"))
    file.write_bytes(file.read_bytes()[:-9])
    (place / "index" / CATALOG).write_bytes((place / "index" / CATALOG).read_bytes().replace(b"canh nh", b"canh mh"))
    status, out, err = run(capsys, "index", "--verify", "--index", place / "index")
    *catalog, views = err.splitlines()
    assert (status, out) == (1, "")
    assert views.startswith(f"rag: {file} is damaged (")
    assert views.endswith(f"run `rag index {place / 'corpus'} --index {place / 'index'}`")
    assert all(line.startswith(f"rag: {place / 'index' / CATALOG} is damaged (") for line in catalog)
    assert all("run `rag index --rebuild " in line for line in catalog)
    status, out, _ = run(capsys, "index", "--verify", "--json", "--index", place / "index")
    found = json.loads(out)
    assert (status, found["sound"], len(found["damages"])) == (1, False, len(err.splitlines()))
    assert list(found["damages"][0]) == ["file", "reason", "command"]
    *_, rebuild = catalog[0].rpartition("run `rag ")
    assert run(capsys, *rebuild[:-1].split())[0] == 0
    assert run(capsys, "index", "--verify", "--index", place / "index")[0] == 0


@pytest.mark.parametrize("more", [["--rebuild"], ["--watch"], ["corpus"]])
def test_verify_goes_alone(capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["index", "--verify", *more])
    assert stopped.value.code == 2
    assert "--verify reads the index alone" in capsys.readouterr().err


def test_a_second_writer_gets_one_line(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    with only_writer(place / "index"):
        status, out, err = run(capsys, "index", place / "corpus", "--index", place / "index")
    assert (status, out) == (1, "")
    assert err == (
        f"rag: another `rag index` is at work on {place / 'index'}: wait until it is done, or end it;"
        " readers need not wait\n"
    )


def test_search_names_every_file_that_holds_a_passage(capsys: pytest.CaptureFixture[str], place: Path) -> None:

    run(capsys, "index", place / "corpus", "--index", place / "index")
    config = RagConfig()
    stored = open_index(place / "index", load_embedder(config.embedding), config)
    _print_passages(stored.scored_chunks(stored.search_lexical("mèo", 1)), "en")
    stored.close()
    assert capsys.readouterr().out.startswith("1. meo.txt, also in sao/meo.txt · ")


@pytest.fixture
def watching(place: Path) -> Iterator[tuple[subprocess.Popen[str], Queue[str]]]:
    """`rag index --watch` at work, and the lines that it prints."""
    arguments = ["index", str(place / "corpus"), "--index", str(place / "index"), "--watch", "--json"]
    # Tests that run in a shell's background ignore Ctrl-C, and their children would with them.
    hearing_ctrl_c = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from rag.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", hearing_ctrl_c, *arguments],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("RAG_")},
    )  # fmt: skip
    lines: Queue[str] = Queue()
    stream = process.stdout
    assert stream is not None

    def read() -> None:
        for line in stream:
            lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    yield process, lines
    process.kill()
    process.wait()


@pytest.mark.slow
def test_watch_follows_the_folder_until_ctrl_c(place: Path, watching: tuple[subprocess.Popen[str], Queue[str]]) -> None:
    process, lines = watching

    def told() -> dict[str, Any]:
        try:
            report: dict[str, Any] = json.loads(lines.get(timeout=60))
        except Empty:
            pytest.fail(f"nothing was told; exit status {process.poll()}")
        return report

    assert told()["added"] == 3
    (place / "corpus" / "ga.txt").write_text("Con gà gáy sáng.", encoding="utf-8")
    assert told()["added"] == 1
    (place / "corpus" / "cho.txt").rename(place / "corpus" / "chó.txt")
    report = told()
    assert (report["renamed"], report["embedded"], report["unchanged"]) == (1, 0, 3)
    (place / "corpus" / "meo.txt").unlink()
    assert told()["removed"] == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert lines.empty()


def test_watch_refuses_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = run(capsys, "index", tmp_path / "nowhere", "--index", tmp_path / "index", "--watch")
    assert status == 1
    assert "no such file or folder" in err
