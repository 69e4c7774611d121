"""Question sets asked by several processes, and under several settings."""

import json
from pathlib import Path
from typing import Any

import pytest

from rag.batch.corpora import Corpus
from rag.config import RagConfig, with_settings
from rag.errors import RagError
from rag.evaluation import RunOptions, evaluate_file
from rag.sweeping import sweep
from tests.small_set import QUESTIONS

CONFIG = with_settings(RagConfig(), {"llm.model": "none"}, "the test")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def set_file(folder: Path) -> Path:
    path = folder / "set.jsonl"
    rows = [
        {"id": one.id, "question": one.question, "answers": one.answers, "context": one.context, "kind": one.kind}
        for one in QUESTIONS
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def without_times(line: dict[str, Any]) -> dict[str, Any]:
    """The line as it reads in a file, where there are no tuples."""
    read: dict[str, Any] = json.loads(json.dumps(line))
    return {name: value for name, value in read.items() if name != "timings_ms"}


def test_workers_write_what_one_process_writes_and_go_on_with_its_run(tmp_path: Path) -> None:
    path, corpus = set_file(tmp_path), Corpus(from_contexts=True)
    evaluate_file(path, CONFIG, corpus, RunOptions(limit=1), out=tmp_path / "run")
    heard: list[tuple[int, int, str]] = []
    told = evaluate_file(
        path, CONFIG, corpus, RunOptions(workers=2), out=tmp_path / "run", progress=lambda *at: heard.append(at)
    )
    alone = evaluate_file(path, CONFIG, corpus, RunOptions())
    assert [without_times(line) for line in told.results] == [without_times(line) for line in alone.results]
    assert lines(tmp_path / "run")[0]["id"] == "lab"
    assert {line["id"] for line in lines(tmp_path / "run")} == {one.id for one in QUESTIONS}
    assert [(done, total) for done, total, _ in heard] == [(2, 4), (3, 4), (4, 4)]


def test_a_sweep_is_a_run_for_each_combination_and_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    path, corpus, out = set_file(tmp_path), Corpus(from_contexts=True), tmp_path / "out"
    settings = ["chunking.chunk_chars=400,900", "retrieval.passages=1,8"]
    options = RunOptions(retrieval_only=True)

    def stop_in_the_third(done: int, total: int, name: str) -> None:
        if name == "run 3/4 sea":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(path, RagConfig(), corpus, options, settings, out=out, progress=stop_in_the_third)
    third = out / "chunking.chunk_chars=900,retrieval.passages=1" / "results.jsonl"
    before = third.read_bytes()
    assert before.count(b"\n") == 2
    asked: list[str] = []
    done = sweep(path, RagConfig(), corpus, options, settings, out=out, progress=lambda _, __, name: asked.append(name))
    assert asked == ["run 3/4 sea", "run 3/4 <b>mars</b>", *(f"run 4/4 {one.id}" for one in QUESTIONS)]
    assert third.read_bytes().startswith(before)
    assert len(list((out / "indexes").iterdir())) == 2
    assert [run for run, _ in done.runs] == [
        {"chunking.chunk_chars": chars, "retrieval.passages": passages}
        for chars in ("400", "900")
        for passages in ("1", "8")
    ]
    stored = json.loads((out / "sweep.json").read_text(encoding="utf-8"))
    assert [run["overall"] for run in stored["runs"]] == [metrics["overall"] for _, metrics in done.runs]
    page = (out / "sweep.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "http:" not in page
    assert "chunking.chunk_chars=900 retrieval.passages=8" in str(done)


@pytest.mark.parametrize(
    ("settings", "corpus", "reason"),
    [
        (["retrieval.passages"], Corpus(from_contexts=True), "write each setting once"),
        (["retrieval.passages=1", "retrieval.passages=2"], Corpus(from_contexts=True), "write each setting once"),
        (["retrieval.passages=,"], Corpus(from_contexts=True), "write each setting once"),
        (["no.such=1"], Corpus(from_contexts=True), "unknown setting no in --sweep"),
        (["retrieval.passages=1,many"], Corpus(from_contexts=True), "a value of type int is needed"),
        (["retrieval.passages=1,1000"], Corpus(from_contexts=True), "out of range"),
        (["chunking.chunk_chars=400,900"], Corpus(), "needs an index for each value: name --corpus"),
    ],
)
def test_a_sweep_is_checked_before_the_first_question(
    tmp_path: Path, settings: list[str], corpus: Corpus, reason: str
) -> None:
    with pytest.raises(RagError, match=reason):
        sweep(set_file(tmp_path), RagConfig(), corpus, RunOptions(), settings, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sweep_of_one_number_is_drawn_as_lines(tmp_path: Path) -> None:
    options = RunOptions(retrieval_only=True)
    done = sweep(
        set_file(tmp_path), RagConfig(), Corpus(from_contexts=True), options, ["retrieval.dense_weight=0,0.5,1"]
    )
    assert done.plot().svg.count("<polyline") == 2
    assert ">retrieval.dense_weight<" in done.plot().svg
