"""The command line's contract: what is printed, and the exit status."""

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from rag.cli import main
from tests.conftest import SEEDS

AX = "A.X 4.0 được phát triển dựa trên mô hình nào?"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_ask_json_has_the_fields_of_the_contract(capsys: pytest.CaptureFixture[str], seeds_index: Path) -> None:
    status, out, err = run(capsys, "ask", "--json", AX, "--index", seeds_index, "--llm", "none")
    answer = json.loads(out)
    assert (status, err) == (0, "")
    assert list(answer) == [
        "question", "answer", "abstained", "reason", "sentences", "citations", "retrieved", "generator", "timings_ms",
        "notes",
    ]  # fmt: skip
    assert list(answer["sentences"][0]) == ["text", "support", "citations"]
    assert list(answer["citations"][0]) == [
        "number", "doc_id", "title", "source", "page", "start_char", "end_char", "quote",
    ]  # fmt: skip
    assert list(answer["retrieved"][0]) == [
        "rank", "chunk_id", "doc_id", "source", "score", "start_char", "end_char", "text",
    ]  # fmt: skip
    assert "Qwen 2.5" in answer["answer"]
    citation = answer["citations"][0]
    assert citation["quote"] in unicodedata.normalize("NFC", (SEEDS / citation["source"]).read_text(encoding="utf-8"))
    assert [passage["rank"] for passage in answer["retrieved"]] == list(range(1, len(answer["retrieved"]) + 1))


def test_search_json_is_the_retrieved_list(capsys: pytest.CaptureFixture[str], seeds_index: Path) -> None:
    status, out, _ = run(capsys, "search", AX, "-k", 3, "--json", "--index", seeds_index)
    passages = json.loads(out)
    assert status == 0
    assert [passage["rank"] for passage in passages] == [1, 2, 3]
    assert passages[0]["source"] == "002_39c1ad4ff5a1a562.txt"


def test_search_shows_the_neighbours_of_each_passage_on_request(
    capsys: pytest.CaptureFixture[str], seeds_index: Path
) -> None:
    status, out, _ = run(capsys, "search", AX, "-k", 1, "--context", 1, "--index", seeds_index)
    head, *lines = out.splitlines()
    assert status == 0
    assert head.startswith("1. 002_39c1ad4ff5a1a562.txt · ")
    places = [tuple(map(int, line[line.index("[") + 1 : line.index("]")].split("-"))) for line in lines]
    assert places == sorted(places)
    assert [line[:3] for line in lines].count(" > ") == 1
    assert len(lines) in (2, 3)
    plain = run(capsys, "search", AX, "-k", 1, "--json", "--index", seeds_index)
    assert run(capsys, "search", AX, "-k", 1, "--json", "--context", 1, "--index", seeds_index) == plain


def test_an_abstention_is_an_answer(capsys: pytest.CaptureFixture[str], seeds_index: Path) -> None:
    status, out, err = run(capsys, "ask", "Cách nấu phở bò như thế nào?", "--index", seeds_index, "--llm", "none")
    assert (status, err) == (0, "")
    assert out.startswith("Không tìm thấy thông tin này trong tài liệu.\n")
    assert "Nearest passages:" in out


@pytest.mark.parametrize(("before", "after"), [([], ["--lang", "vi"]), (["--lang", "vi"], [])])
def test_messages_are_vietnamese_on_request(
    capsys: pytest.CaptureFixture[str], seeds_index: Path, before: list[str], after: list[str]
) -> None:
    _, out, _ = run(capsys, *before, "ask", AX, "--index", seeds_index, "--llm", "none", *after)
    assert "câu có căn cứ trong đoạn trích" in out


def test_index_json_reports_the_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "index", SEEDS, "--index", tmp_path / "index", "--json")
    report = json.loads(out)
    assert status == 0
    assert (report["added"], report["documents"], report["failed"]) == (5, 5, [])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["ask", ""], "the question is empty"),
        (["ask", "a" * 50_000], "the limit is 4000"),
        (["ask", AX, "--llm", "no-such"], "no language model 'no-such'"),
        (["ask", AX, "--llm", str(SEEDS / "000_9ed8113f62ed1f03.txt")], "is not a GGUF file"),
        (["ask", AX, "--config", "no-such.toml"], "cannot be read as TOML"),
        (["search", "?"], "the question is empty"),
        (["models", "add", "no-such.gguf"], "cannot be read"),
        (["models", "pull", "no-such"], "no preset 'no-such'"),
        (["eval", "no-such.jsonl"], "no-such.jsonl"),
    ],
)
def test_wrong_input_gets_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str], seeds_index: Path, arguments: list[str], reason: str
) -> None:
    where = ["--index", str(seeds_index)] if arguments[0] in ("ask", "search", "eval") else []
    status, out, err = run(capsys, *arguments, *where)
    assert (status, out) == (1, "")
    assert err.startswith("rag: ")
    assert reason in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_no_folder_and_an_empty_folder_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, "index", path, "--index", tmp_path / "index")
    assert status == 1
    assert "nowhere" in err or "has no files" in err
    assert not (tmp_path / "index").exists()


def test_no_index_says_what_to_type(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = run(capsys, "ask", AX, "--index", tmp_path / "none")
    assert (status, err) == (1, f"rag: no index at {tmp_path / 'none'}: run `rag index`\n")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["ask"], ["search", "x", "-k", "0"], ["ask", "x", "--jsno"]])
def test_wrong_usage_has_status_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: rag" in capsys.readouterr().err


def test_asking_imports_neither_torch_nor_the_page(seeds_index: Path) -> None:
    script = (
        "import sys; from rag.cli import main; main(sys.argv[1:]);"
        "print([name for name in ('torch', 'transformers', 'gradio', 'sentence_transformers') if name in sys.modules])"
    )
    arguments = ["ask", AX, "--index", str(seeds_index), "--llm", "none"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == "[]"
