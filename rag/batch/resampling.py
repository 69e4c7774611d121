"""How sure a figure is: means and percentiles, their intervals by resampling, and a test of paired differences."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

_RESAMPLES = 2000
"""Enough for intervals that are stable to about a tenth of their width."""
_RANK_RESAMPLES = 500
"""Of statistics that sort each resample, which takes longer."""
_FLIPS = 10_000
"""Random sign flips of a permutation test; its p-value is then good to about 0.005 near 0.05."""
_EXACT_PAIRS = 12
"""Up to here all 2^n sign flips are tried."""


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values to average")
    return float(np.mean(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` (0 to 100) of the values lie, interpolated between neighbours."""
    return float(np.percentile(np.asarray(values, dtype=np.float64), percent))


def percentile_interval(
    values: Sequence[float], percent: float, seed: int = 7, confidence: float = 0.95
) -> tuple[float, float]:
    """The percentile interval of `percentile(values, percent)` over resamples of the questions.

    Efron 1979: https://doi.org/10.1214/aos/1176344552

    Raises:
        ValueError: there are no values.
    """
    return _interval(values, lambda drawn: np.percentile(drawn, percent, axis=1), _RANK_RESAMPLES, seed, confidence)


def bootstrap_interval(values: Sequence[float], seed: int = 7, confidence: float = 0.95) -> tuple[float, float]:
    """The percentile interval of the mean over resamples of the questions.

    Efron 1979: https://doi.org/10.1214/aos/1176344552

    Raises:
        ValueError: there are no values.
    """
    return _interval(values, lambda drawn: drawn.mean(axis=1), _RESAMPLES, seed, confidence)


def _interval(
    values: Sequence[float],
    statistic: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    resamples: int,
    seed: int,
    confidence: float,
) -> tuple[float, float]:
    """The percentile interval of a statistic, which maps resamples of shape (rows, values) to (rows,)."""
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        raise ValueError("no values to resample")
    random = np.random.default_rng(seed)
    found = [
        statistic(sample[random.integers(0, len(sample), (rows, len(sample)))])
        for rows in blocks(resamples, len(sample))
    ]
    outside = (1 - confidence) / 2 * 100
    low, high = np.percentile(np.concatenate(found), [outside, 100 - outside])
    return float(low), float(high)


def permutation_p(differences: Sequence[float], seed: int = 7) -> float:
    """The two-sided p-value of paired differences: how often random signs give a mean as far from 0.

    All sign flips up to 12 pairs, 10,000 random ones past that. Smucker, Allan and Carterette 2007:
    https://doi.org/10.1145/1321440.1321528

    Raises:
        ValueError: there are no differences.
    """
    pairs = np.asarray(differences, dtype=np.float64)
    if not len(pairs):
        raise ValueError("no differences to test")
    # Questions on which both runs agree keep the sum whatever their sign.
    pairs = pairs[pairs != 0]
    least = abs(pairs.sum()) - 1e-9
    if len(pairs) <= _EXACT_PAIRS:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(pairs))))
        return float(np.mean(np.abs(signs @ pairs) >= least))
    random = np.random.default_rng(seed)
    extreme = sum(
        int((np.abs(random.choice((-1.0, 1.0), (rows, len(pairs))) @ pairs) >= least).sum())
        for rows in blocks(_FLIPS, len(pairs))
    )
    # The observed order is one of the flips, so that p is never 0.
    return float((extreme + 1) / (_FLIPS + 1))


def blocks(rows: int, columns: int) -> list[int]:
    """`rows` in parts of at most a million values, so that many questions do not fill the memory."""
    part = max(1, min(rows, 1_000_000 // columns))
    return [part] * (rows // part) + ([rows % part] if rows % part else [])
