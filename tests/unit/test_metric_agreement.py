"""The metrics beside other people's implementations of the same papers."""

import random

import numpy as np
import pytest
from scipy.stats import bootstrap, permutation_test
from sklearn.metrics import ndcg_score, precision_recall_curve, roc_auc_score
from torchmetrics.functional.text import squad

from rag.batch.metrics import answer_contained, auroc, exact_match, ndcg_at_k, token_f1
from rag.batch.resampling import bootstrap_interval, permutation_p
from rag.batch.risk_coverage import Judged, risk_coverage

# SQuAD's script takes out the English articles; "an" and "a" are Vietnamese syllables too, so they stay out of these.
WORDS = "hà nội huế đà nẵng thành phố của là ở miền trung bắc năm sông".split()


def texts(count: int, rng: random.Random) -> list[str]:
    """Random phrases, some in capitals and with full stops."""
    found = []
    for _ in range(count):
        text = " ".join(rng.choices(WORDS, k=rng.randint(1, 6)))
        found.append(rng.choice([text, text.upper(), f"{text}.", f"({text})"]))
    return found


def test_exact_match_and_f1_agree_with_squad_s_script_as_torchmetrics_has_it() -> None:
    rng = random.Random(7)
    seen = set()
    for told, first, second in zip(texts(150, rng), texts(150, rng), texts(150, rng), strict=True):
        answers = [first, rng.choice([second, told.lower()])]
        theirs = squad(
            [{"prediction_text": told, "id": "1"}],
            [{"answers": {"answer_start": [0, 0], "text": answers}, "id": "1"}],
        )
        assert 100 * exact_match(told, answers) == pytest.approx(float(theirs["exact_match"]))
        assert 100 * token_f1(told, answers) == pytest.approx(float(theirs["f1"]), abs=1e-3)
        seen.add(exact_match(told, answers))
    assert seen == {0.0, 1.0}


def test_an_answer_is_contained_as_a_search_in_padded_text_finds_it() -> None:
    rng = random.Random(7)
    found = set()
    for told, answer in zip(texts(300, rng), texts(300, rng), strict=True):
        plain, wanted = (" ".join(text.lower().strip("().").split()) for text in (told, answer))
        assert answer_contained(told, [answer]) == float(f" {wanted} " in f" {plain} ")
        found.add(answer_contained(told, [answer]))
    assert found == {0.0, 1.0}


def test_ndcg_agrees_with_scikit_learn() -> None:
    rng = random.Random(7)
    names = [f"d{number:02d}" for number in range(20)]
    for _ in range(30):
        ranked = rng.sample(names, len(names))
        gold = set(rng.sample(names, rng.randint(1, 8)))
        relevance = [[float(name in gold) for name in ranked]]
        scores = [[float(len(ranked) - place) for place in range(len(ranked))]]
        assert ndcg_at_k(gold, ranked, 10) == pytest.approx(ndcg_score(relevance, scores, k=10))


def test_auroc_agrees_with_scikit_learn_ties_included() -> None:
    rng = random.Random(7)
    for _ in range(30):
        labels = [True, False, *(rng.random() < 0.5 for _ in range(60))]
        scores = [round(rng.random(), 1) for _ in labels]
        assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_risk_is_what_scikit_learn_s_precision_lacks_at_each_threshold() -> None:
    rng = random.Random(7)
    judged = [Judged(round(rng.random(), 1), rng.random() < 0.7) for _ in range(80)]
    precision, _, thresholds = precision_recall_curve([one.right for one in judged], [one.confidence for one in judged])
    theirs = {threshold: 1 - value for threshold, value in zip(thresholds, precision[:-1], strict=True)}
    points = risk_coverage(judged)
    assert {point.threshold: point.risk for point in points} == pytest.approx(theirs)
    assert [point.coverage for point in points] == [
        sum(float(one.confidence or 0) >= point.threshold for one in judged) / 80 for point in points
    ]


def test_bootstrap_intervals_agree_with_scipy() -> None:
    values = np.random.default_rng(3).random(120)
    theirs = bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=1).confidence_interval
    assert bootstrap_interval(values.tolist()) == pytest.approx((theirs.low, theirs.high), abs=0.006)


@pytest.mark.parametrize(("count", "tolerance"), [(9, 1e-9), (60, 0.02)])
def test_permutation_test_agrees_with_scipy(count: int, tolerance: float) -> None:
    differences = np.random.default_rng(5).normal(0.25, 1.0, count)
    theirs = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=9999, random_state=1, vectorized=True
    )
    assert permutation_p(differences.tolist()) == pytest.approx(theirs.pvalue, abs=tolerance)
