"""The reader's training in small: data from the shipped articles, steps that learn, a run that goes on where it was."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))

from nouns import NOUNS, Nouns, keep
from reader import Run, Settings, batches, rate_at, train
from reader_corpus import ARTICLES, PARTS, QUESTIONS, SYNONYMS, TOKENIZER, WATCHED, write_lines
from reader_data import POINTERS, ROW_TOKENS, pointers_of, reading_of, write_shards
from reader_export import read_weights
from reader_watch import watched_questions

from rag.config import RagConfig
from rag.llm.span_decoding import CONTROL_TOKENS, ReaderToken
from tests.conftest import ROOT, SEEDS
from tests.seed_questions import question_rows
from tests.tiny_reader import tiny_tokenizer

CPU = torch.device("cpu")
SETTINGS = Settings(
    "tiny", minutes=30.0, rows=2, rate=3e-3, context_weight=0.1, context_share=0.5, real_share=0.25,
    real_share_end=0.5, seed=1, set_heads=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with a corpus of the shipped articles and some shards."""
    work = tmp_path_factory.mktemp("reader-work")
    corpus = work / "corpus"
    corpus.mkdir()
    texts = [file.read_text(encoding="utf-8").splitlines() for file in sorted(SEEDS.glob("*.txt"))]
    articles = [{"title": "", "passages": [line for line in lines if len(line.split()) > 20]} for lines in texts]
    for part in range(PARTS):
        write_lines(corpus / ARTICLES.format(part), articles)
    rows = question_rows()
    assert len(rows) > 50
    write_lines(corpus / QUESTIONS, rows)
    write_lines(corpus / WATCHED, rows[:40])
    write_lines(corpus / SYNONYMS, [{"word": "công ty", "others": ["hãng"]}])
    keep(Nouns(frozenset({"công ty", "mô hình"}), {}), corpus / NOUNS)
    tiny_tokenizer().save(str(corpus / TOKENIZER))
    for half in (0, 1):
        pointer = work / POINTERS.format(half)
        pointer.parent.mkdir(exist_ok=True)
        pointer.symlink_to(ROOT / RagConfig().evidence.pointer)
    made = write_shards(work, 0, 1, seed=1, seconds=20.0, shard_rows=8)
    assert min(made["shards"].values()) >= 1
    return work


def test_the_same_seed_makes_the_same_shard(work: Path, tmp_path: Path) -> None:
    for name in ("corpus", "pointer"):
        (tmp_path / name).symlink_to(work / name)
    write_shards(tmp_path, 0, 1, seed=1, seconds=15.0, shard_rows=8)
    first = sorted(work.glob("shards/made-*.npy"))[0]
    assert np.array_equal(np.load(first), np.load(tmp_path / "shards" / first.name))


def test_rows_hold_questions_that_are_answered_and_some_that_are_not(work: Path) -> None:
    rows = np.concatenate([np.load(path) for path in sorted(work.glob("shards/*.npy"))])
    count = {token: int((rows == CONTROL_TOKENS.index(token)).sum()) for token in ReaderToken}
    assert rows.shape[1] == ROW_TOKENS
    assert count[ReaderToken.QUESTION] == count[ReaderToken.ANSWER]
    assert count[ReaderToken.QUESTION] == count[ReaderToken.END] + count[ReaderToken.NOT_THERE]
    share = count[ReaderToken.NOT_THERE] / count[ReaderToken.QUESTION]
    assert 0.03 < share < 0.35  # of few rows, made in a set time


def test_rate_rises_and_falls_with_the_time() -> None:
    assert rate_at(0.01, SETTINGS) == pytest.approx(0.5 * SETTINGS.rate)
    assert rate_at(SETTINGS.warmup, SETTINGS) == pytest.approx(SETTINGS.rate)
    assert rate_at(1.0, SETTINGS) == pytest.approx(0.02 * SETTINGS.rate)


@pytest.mark.slow
def test_steps_learn_and_a_run_goes_on_from_its_checkpoint(work: Path, tmp_path: Path) -> None:
    run = Run(work, tmp_path / "out", SETTINGS, CPU)
    run.progress.trained_s = 60 * SETTINGS.minutes * SETTINGS.warmup  # past the warm-up
    batch = next(batches(work, SETTINGS, run.progress))
    assert batch.shape == (SETTINGS.rows, ROW_TOKENS)
    losses = [float(run.step(batch)) for _ in range(15)]
    assert losses[-1] < 0.8 * losses[0]
    run.progress.steps = 15
    run.save()
    run.give_weights()
    again = Run(work, tmp_path / "out", SETTINGS, CPU)
    assert again.progress.steps == 15
    with torch.inference_mode():
        assert torch.equal(again.network(batch[:1]), run.network(batch[:1]))
        given = read_weights(tmp_path / "out")(batch[:1])
        assert float((given - run.network(batch[:1])).abs().max()) < 0.05
    with pytest.raises(SystemExit, match="of another run"):
        Run(work, tmp_path / "out", replace(SETTINGS, rate=1.0), CPU)
    longer = Run(work, tmp_path / "out", replace(SETTINGS, minutes=60.0), CPU)
    assert longer.progress.share == pytest.approx(again.progress.share / 2)
    (work / "checkpoint-tiny.pt").unlink()


def test_a_whole_training_ends_by_the_clock_with_its_figures_logged(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        "tiny", minutes=0.05, rows=2, rate=3e-3, context_weight=0.1, context_share=0.5, real_share=0.5,
        real_share_end=0.5, seed=1, set_heads=False,
    )  # fmt: skip
    run = Run(work, tmp_path / "out", settings, CPU)
    corpus = work / "corpus"
    watched = watched_questions(corpus, reading_of(corpus), pointers_of(work)[0], 9)
    assert [len(watched[name]) for name in watched] == [9, 0]
    assert 1 <= sum(not one.answers for one in watched["held_out"]) <= 3
    train(run, watched, stop_s=60.0, every_s=60.0)
    assert capsys.readouterr().out.endswith("done\n")
    last = json.loads((tmp_path / "out" / "log-tiny.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert last["steps"] >= 1
    assert set(last["held_out"]) == {"exact", "f1", "cited", "refused_answerable", "refused_unanswerable"}
    assert run.progress.share == 1.0
