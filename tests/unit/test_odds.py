"""Probabilities as log-odds."""

import math

import pytest

from rag.odds import log_odds


@pytest.mark.parametrize("probability", [0.1, 0.28, 0.5, 0.9])
def test_log_odds_are_those_of_the_probability(probability: float) -> None:
    assert log_odds(probability) == pytest.approx(math.log(probability / (1 - probability)))
    assert log_odds(1 - probability) == pytest.approx(-log_odds(probability))


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_what_is_certain_has_log_odds_that_others_can_be_added_to(certain: float) -> None:
    assert abs(log_odds(certain)) == pytest.approx(13.8, abs=0.1)
