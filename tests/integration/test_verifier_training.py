"""The verifier's training in small: examples, company, gap filling, steps that learn, weights that can be loaded."""

import random
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))

import torch
from company_vectors import TEXT_END, company_vectors, counted, write_vectors
from fitting import Fitting, mixed_batches, write_network
from verifier import measure
from verifier_examples import Encoder, Verified
from verifier_network import VerifierNetwork, VerifierSettings, collate, log_sums, loss_of

from rag.relevance.company import CompanyVectors
from rag.relevance.matching import Matcher
from rag.relevance.units import Looked
from rag.relevance.verifying import Verifier
from rag.types import Chunk, ScoredChunk
from tests.seed_questions import question_rows

SETTINGS = replace(VerifierSettings(), width=16, steps=150, batch=8, learning_rate=1e-2, dropout=0.0, unit_dropout=0.0)


def passage(text: str, source: str = "gold") -> ScoredChunk:
    return ScoredChunk(Chunk(source, source, text, 0, len(text)), 1.0, "", source)


@pytest.fixture(scope="module")
def encode(matcher: Matcher) -> Encoder:
    """Examples by the bundled embedding."""
    return Encoder(matcher.rarity, matcher.embedder)


@pytest.fixture(scope="module")
def examples(encode: Encoder) -> list[Verified]:
    """The questions of the shipped set over their paragraph, and each over another one's."""
    rows = question_rows()
    rng = random.Random(5)
    made = []
    for row, other in zip(rows, rows[::-1], strict=True):
        told = encode.example(row["question"], [passage(row["context"])], rng, gold={"gold"}, answers=row["answers"])
        wrong = encode.example(row["question"], [passage(other["context"])], rng)
        made += [replace(one, form="answerable" if one is told else "gold_out") for one in (told, wrong) if one]
    return made


@pytest.fixture(scope="module")
def rows(matcher: Matcher) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The vectors of all units, without their company."""
    return matcher.embedder.unit_vectors(np.arange(matcher.embedder.size))


TEXT = "Luật có hiệu lực từ năm 2026. Bộ trưởng là ông Nguyễn Mạnh Hùng. Trời hôm nay rất đẹp và mát mẻ."


def test_the_sentence_that_answers_comes_first_with_every_annotated_answer(encode: Encoder) -> None:
    answers = ["2026", "từ năm 2026", "Nguyễn Du"]
    one = encode.example(
        "Luật có hiệu lực từ năm nào?", [passage(TEXT)], random.Random(1), gold={"gold"}, answers=answers
    )
    assert one is not None
    assert [len(sentence.answers) for sentence in one.sentences] == [2, 0, 0]
    assert all(0 <= first <= last < len(one.sentences[0].ids) for first, last in one.sentences[0].answers)


def test_without_its_sentence_the_rest_of_the_passage_stays(encode: Encoder) -> None:
    def left(question: str, source: str = "gold", answer: str = "2026") -> Verified | None:
        rng = random.Random(1)
        return encode.example(question, [passage(TEXT, source)], rng, gold={"gold"}, answers=[answer], without=True)

    one = left("Luật có hiệu lực từ năm nào?")
    assert one is not None
    assert [sentence.answers for sentence in one.sentences] == [(), ()]
    assert left("Luật nào?", answer="2027") is None
    # Another document that says the same is none to leave out.
    assert left("Năm nào?", source="other") is None


def test_a_summary_is_told_by_passages_that_hold_its_answer_and_speak_of_the_same_thing(encode: Encoder) -> None:
    other = "Năm 2026 trời mưa nhiều. Lúa chín muộn hơn mọi năm."
    passages = [passage(TEXT), passage(other, "other")]
    told = encode.telling("Đạo luật bắt đầu có hiệu lực năm nào?", "2026", passages, 0.4)
    assert [one.source for one in told] == ["gold"]
    assert encode.telling("Đạo luật bắt đầu có hiệu lực năm nào?", "2027", passages, 0.4) == []


def test_sums_of_an_examples_logits_hold_the_null_where_asked() -> None:
    logits, owner = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0, 0, 1])
    assert log_sums(logits, owner, 2, with_null=True).tolist() == pytest.approx([np.log(3), np.log(1 + np.e)])
    assert log_sums(logits, owner, 2, with_null=False).tolist() == pytest.approx([np.log(2), 1.0])


def test_it_learns_goes_on_where_it_was_and_is_loaded(
    examples: list[Verified], rows: np.ndarray, matcher: Matcher, tmp_path: Path
) -> None:
    assert len(examples) > 60
    rng = random.Random(3)
    torch.manual_seed(3)
    source = mixed_batches(examples, examples, SETTINGS, rng, lambda one: len(one.asked_ids))
    write_vectors(tmp_path, np.zeros((len(rows), 4), dtype=np.float32))
    company = CompanyVectors(tmp_path, matcher.embedder)
    vectors = company(np.arange(len(rows)))
    network = VerifierNetwork(vectors, SETTINGS)
    before = measure(network, examples)
    fitting = Fitting(network, SETTINGS, tmp_path / "checkpoint.pt")
    while fitting.done < SETTINGS.steps:
        fitting.take(loss_of(network, next(source), rng))
    after = measure(network, examples)
    assert after["span_f1"] > before["span_f1"] + 10
    assert after["gold_out"] > 70
    again = VerifierNetwork(vectors, SETTINGS)
    assert Fitting(again, SETTINGS, tmp_path / "checkpoint.pt").done == SETTINGS.steps
    assert measure(again, examples) == after
    write_network(tmp_path / "1", network, asdict(SETTINGS) | {"embedding": dict(matcher.embedder.identity)})
    verifier = Verifier(str(tmp_path), matcher.rarity, company)
    sentence = "Luật có hiệu lực từ ngày 1 tháng 1 năm 2026."
    logits = verifier.read(matcher.analyse("Luật có hiệu lực từ khi nào?"), [Looked(sentence, "", sentence)])
    assert np.isfinite(logits).all()


def test_padding_changes_nothing(examples: list[Verified], rows: np.ndarray) -> None:
    torch.manual_seed(1)
    network = VerifierNetwork(rows, SETTINGS).eval()
    short, long = sorted(examples[:20], key=lambda one: len(one.sentences[0].ids))[:: len(examples[:20]) - 1]
    with torch.no_grad():
        alone, both = collate([short]), collate([short, long])
        told = [
            network(one.ids, one.features, one.asked_ids, one.of_asked, one.kinds, one.owner)[0]
            for one in (alone, both)
        ]
    assert told[0].tolist() == pytest.approx(told[1][: len(told[0])].tolist(), abs=1e-4)


def test_units_in_like_company_have_like_vectors(tmp_path: Path) -> None:
    # 0 and 1 stand between 2 and 3, 4 between 5 and 6; texts end between.
    stream = np.array([2, 0, 3, TEXT_END, 2, 1, 3, TEXT_END, 5, 4, 6, TEXT_END] * 30, dtype=np.int32)
    counts = counted(stream, 200)
    assert counts[2, 0] == 30.0
    assert counts[2, 3] == pytest.approx(60 * 2 / 3)
    assert counts[3, 5] == 0.0
    vectors = company_vectors(counts, seed=1)
    assert vectors.shape == (200, 128)
    assert np.linalg.norm(vectors[:7], axis=1) == pytest.approx([3.0] * 7, abs=1e-3)
    assert vectors[0] @ vectors[1] == pytest.approx(9.0, abs=0.05)
    assert abs(vectors[0] @ vectors[4]) < 0.5
