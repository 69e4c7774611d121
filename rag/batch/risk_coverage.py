"""Risk against coverage: how often an answer is wrong when only the surest questions are answered.

The curve of selective prediction: El-Yaniv and Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Judged:
    """A question in a risk-coverage curve."""

    confidence: float | None
    """The highest threshold at which it is answered; None when it never is."""
    right: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a threshold makes of the questions."""

    threshold: float
    coverage: float
    """The share of the questions that is answered, 0 to 1."""
    risk: float
    """The share of the answered ones that is wrong, 0 to 1; lower is better."""


def risk_coverage(questions: Sequence[Judged]) -> list[CurvePoint]:
    """Coverage and risk at every threshold that makes a difference, the highest threshold first."""
    everything = sum(one.weight for one in questions)
    answered = wrong = 0.0
    points: list[CurvePoint] = []
    confident = [(one.confidence, one) for one in questions if one.confidence is not None]
    confident.sort(key=lambda pair: -pair[0])
    for threshold, tied in groupby(confident, key=lambda pair: pair[0]):
        for _, one in tied:
            answered += one.weight
            wrong += 0.0 if one.right else one.weight
        points.append(CurvePoint(threshold, answered / everything, wrong / answered))
    return points


def at_threshold(points: Sequence[CurvePoint], threshold: float) -> CurvePoint | None:
    """The point of a curve at a threshold; None when nothing is answered there."""
    reached = [point for point in points if point.threshold >= threshold]
    return reached[-1] if reached else None


def thinned(points: Sequence[CurvePoint], step: float = 0.01) -> list[CurvePoint]:
    """The points of a curve that are at least `step` of coverage apart, and its last one."""
    kept: list[CurvePoint] = []
    for point in points:
        if not kept or point.coverage >= kept[-1].coverage + step:
            kept.append(point)
    return kept if not points or kept[-1] is points[-1] else [*kept, points[-1]]


def threshold_for(confidences: Sequence[float | None], most_refused: float) -> float | None:
    """The highest threshold that refuses at most this share of the questions; None when the rules alone refuse more.

    A question is refused when its confidence is below the threshold, or None.

    Raises:
        ValueError: there are no questions.
    """
    if not confidences:
        raise ValueError("no questions to set a threshold by")
    ordered = sorted((-1.0 if one is None else one) for one in confidences)
    lowest_answered = ordered[min(int(most_refused * len(ordered)), len(ordered) - 1)]
    return lowest_answered if lowest_answered >= 0 else None
