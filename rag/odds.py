"""Probabilities as log-odds, in which the opinions of several add up."""

import math

_SUREST = 1e-6
"""Nobody is surer than that: of what is certain no other opinion could say anything."""


def log_odds(probability: float) -> float:
    """ln(p / (1 - p)) of a probability, 0 to 1; -13.8 to 13.8."""
    inside = min(max(probability, _SUREST), 1.0 - _SUREST)
    return math.log(inside / (1.0 - inside))
