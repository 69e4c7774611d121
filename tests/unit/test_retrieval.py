"""Fusion, on scores small enough to add up by hand."""

import pytest

from rag.retrieval import fuse, interleaved
from rag.types import Chunk, ScoredChunk


def test_each_side_is_divided_by_its_best_and_weighted() -> None:
    fused = fuse({1: 0.8, 2: 0.4}, {2: 10.0, 3: 5.0}, dense_weight=0.25)
    assert fused == [(2, pytest.approx(0.875)), (3, pytest.approx(0.375)), (1, pytest.approx(0.25))]


def test_a_side_that_found_nothing_leaves_its_weight_to_the_other() -> None:
    assert fuse({}, {5: 3.0}, 0.4) == [(5, 1.0)]
    assert fuse({5: 0.3}, {}, 0.4) == [(5, 1.0)]
    assert fuse({}, {}, 0.4) == []


def test_a_negative_cosine_counts_as_zero() -> None:
    assert fuse({1: -0.2, 2: 0.5}, {}, 0.4) == [(2, 1.0), (1, 0.0)]


def test_ties_stand_in_the_order_of_the_rows() -> None:
    assert [row for row, _ in fuse({9: 0.5, 3: 0.5}, {9: 1.0, 3: 1.0}, 0.5)] == [3, 9]


def test_lists_are_interleaved_and_each_passage_stands_once() -> None:
    one, two, three = (
        ScoredChunk(Chunk(name, "d", name, 0, 1), score, "t", "s")
        for name, score in (("a", 0.9), ("b", 0.5), ("c", 0.1))
    )
    assert interleaved([[one, two], [three, one]]) == [one, three, two]
    assert interleaved([[], []]) == []
