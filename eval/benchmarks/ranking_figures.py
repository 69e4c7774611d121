"""Ranked documents to figures in percent with 95% intervals, by ir-measures and a bootstrap over the questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np

from rag.batch.resampling import bootstrap_interval

NDCG = "ndcg@10"
MEASURES = {
    NDCG: ir_measures.nDCG @ 10,
    "recall@1": ir_measures.R @ 1,
    "recall@5": ir_measures.R @ 5,
    "recall@10": ir_measures.R @ 10,
    "mrr@10": ir_measures.RR @ 10,
}

QuestionValues = dict[str, list[float]]
"""A metric's name to its value for each question, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over questions with its 95% interval, in percent."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """The mean of values between -1 and 1."""
        low, high = bootstrap_interval(values)
        return cls(*(round(100 * one, 2) for one in (float(np.mean(values)), low, high)))


def question_values(ranked: Sequence[Sequence[str]], gold: Sequence[str]) -> QuestionValues:
    """Every metric of every question; `ranked[i]` are the distinct documents found for question i."""
    qrels = {str(place): {source: 1} for place, source in enumerate(gold)}
    # Ranks, not scores, are handed over: equal scores must stay in the order in which they were shown.
    run = {
        str(place): {source: float(len(sources) - rank) for rank, source in enumerate(sources)}
        for place, sources in enumerate(ranked)
    }
    names = {measure: name for name, measure in MEASURES.items()}
    values = {name: [0.0] * len(gold) for name in MEASURES}  # a question that found nothing has no entry of its own
    for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, run):
        values[names[metric.measure]][int(metric.query_id)] = float(metric.value)
    return values


def figures(values: Mapping[str, Sequence[float]]) -> dict[str, Figure]:
    """Each metric's mean with its interval."""
    return {name: Figure.of(one) for name, one in values.items()}


def difference(values: Mapping[str, Sequence[float]], baseline: Mapping[str, Sequence[float]]) -> Figure:
    """nDCG@10 of `values` less that of `baseline` on the same questions, paired."""
    return Figure.of([one - other for one, other in zip(values[NDCG], baseline[NDCG], strict=True)])
