"""The pointer's training in small: steps that learn, a run that goes on where it was, weights that can be loaded."""

import random
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))

from fitting import Fitting, mixed_batches, read_network, write_network
from pointer import PointerSettings
from pointer_data import Encoder, Pointed, real_pointed
from pointer_network import PointerNetwork, loss_of, measure

from rag.relevance.company import CompanyVectors
from rag.relevance.matching import Matcher
from rag.relevance.pointing import Pointer
from rag.relevance.units import Looked
from tests.seed_questions import question_rows

SETTINGS = replace(PointerSettings(), width=16, steps=400, batch=8, learning_rate=1e-2, dropout=0.0, unit_dropout=0.0)


@pytest.fixture(scope="module")
def examples(matcher: Matcher) -> list[Pointed]:
    """The questions of the shipped set whose answer stands in a paragraph of their article."""
    return list(real_pointed(question_rows(), Encoder(matcher.rarity, matcher.embedder), None))


def network_of(vectors: CompanyVectors) -> PointerNetwork:
    return PointerNetwork(vectors(np.arange(vectors.embedder.size)), SETTINGS)


def test_every_annotated_answer_is_kept_with_its_set(examples: list[Pointed]) -> None:
    assert len(examples) > 30
    assert {one.source for one in examples} == {"seeds"}
    assert {one.fold for one in examples} == {0, 1}
    assert all(0 <= first <= last < len(one.ids) for one in examples for first, last in one.answers)


def test_batches_keep_the_share_of_real_examples_and_see_all_before_one_again() -> None:
    settings = replace(SETTINGS, real_share=0.75)
    source = mixed_batches(range(48), range(100, 116), settings, random.Random(1), lambda one: one % 50)
    drawn = [next(source) for _ in range(8)]
    assert {len(batch) for batch in drawn} == {settings.batch}
    assert sorted(one for batch in drawn for one in batch) == [*range(48), *range(100, 116)]
    assert all(max(one % 50 for one in batch) - min(one % 50 for one in batch) < 16 for batch in drawn)
    assert max(next(mixed_batches(range(48), [], replace(settings, real_share=1.0), random.Random(1), abs))) < 48
    with pytest.raises(ValueError, match="48 real and 0 made"):
        next(mixed_batches(range(48), [], settings, random.Random(1), abs))


def test_it_learns_goes_on_where_it_was_and_is_loaded(
    examples: list[Pointed], matcher: Matcher, vectors: CompanyVectors, tmp_path: Path
) -> None:
    rng = random.Random(3)
    source = mixed_batches(examples, examples, SETTINGS, rng, lambda one: len(one.ids))
    network = network_of(vectors)
    before = measure(network, examples)
    fitting = Fitting(network, SETTINGS, tmp_path / "checkpoint.pt")
    assert fitting.done == 0
    while fitting.done < SETTINGS.steps:
        fitting.take(loss_of(network, next(source), rng))
    after = measure(network, examples)
    assert after["f1"] > before["f1"] + 10
    again = network_of(vectors)
    assert Fitting(again, SETTINGS, tmp_path / "checkpoint.pt").done == SETTINGS.steps
    assert measure(again, examples) == after
    write_network(tmp_path / "out", network, asdict(SETTINGS) | {"embedding": dict(matcher.embedder.identity)})
    read_network(tmp_path / "out", begun := network_of(vectors))
    assert measure(begun, examples)["f1"] == pytest.approx(after["f1"], abs=1.0)
    pointer = Pointer(str(tmp_path / "out"), matcher.rarity, vectors)
    sentence = "Luật có hiệu lực từ ngày 1 tháng 1 năm 2026."
    (place,) = pointer.point(matcher.analyse("Luật có hiệu lực từ khi nào?"), [Looked(sentence, "", sentence)])
    assert 0 <= place.start < place.end <= len(sentence)
