import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from rag.batch.metrics import (
    answer_contained,
    answer_spans,
    auroc,
    citation_precision,
    citation_recall,
    exact_match,
    f1,
    is_verbatim,
    mrr_at_k,
    ndcg_at_k,
    recall_at_k,
    support_share,
    token_f1,
    unquoted_claims,
)
from rag.batch.resampling import bootstrap_interval, mean, percentile, percentile_interval, permutation_p
from rag.types import AnswerSentence, Citation, Support


def cited(number: int, source: str, quote: str = "", start: int = 0) -> Citation:
    return Citation(number, source, "", source, None, start, start + len(quote), quote)


def said(support: Support, *numbers: int) -> AnswerSentence:
    return AnswerSentence("câu", support, numbers)


@pytest.mark.parametrize(
    ("gold", "ranked", "k", "recall", "mrr", "ndcg"),
    [
        ("a", "abc", 1, 1.0, 1.0, 1.0),
        ("a", "bca", 1, 0.0, 0.0, 0.0),
        ("a", "bca", 10, 1.0, 1 / 3, 1 / math.log2(4)),
        ("ab", "xa", 10, 0.5, 0.5, (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
        ("ab", "bxa", 10, 1.0, 1.0, (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))),
        ("a", "", 10, 0.0, 0.0, 0.0),
    ],
)
def test_ranking_metrics_equal_worked_examples(
    gold: str, ranked: str, k: int, recall: float, mrr: float, ndcg: float
) -> None:
    values = [metric(set(gold), list(ranked), k) for metric in (recall_at_k, mrr_at_k, ndcg_at_k)]
    assert values == pytest.approx([recall, mrr, ndcg])


def plain_ndcg(gold: set[str], ranked: list[str], k: int) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, name in enumerate(ranked[:k], start=1) if name in gold)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(gold), k) + 1))


def test_ranking_metrics_agree_with_plain_python() -> None:
    shuffled = random.Random(7)
    names = [f"context-{number:02d}" for number in range(30)]
    for _ in range(50):
        ranked = shuffled.sample(names, shuffled.randint(1, 30))
        gold = set(shuffled.sample(names, shuffled.randint(1, 12)))
        first = next((rank for rank, name in enumerate(ranked[:10], start=1) if name in gold), 0)
        assert ndcg_at_k(gold, ranked, 10) == pytest.approx(plain_ndcg(gold, ranked, 10))
        assert recall_at_k(gold, ranked, 5) == pytest.approx(len(gold & set(ranked[:5])) / len(gold))
        assert mrr_at_k(gold, ranked, 10) == pytest.approx(1 / first if first else 0.0)


def test_a_document_counts_at_its_first_rank() -> None:
    assert mrr_at_k({"b"}, ["a", "a", "a", "b"], 10) == 0.5


def test_ranking_metrics_need_gold_documents() -> None:
    with pytest.raises(ValueError, match="no gold documents"):
        recall_at_k(set(), ["a"], 1)


@pytest.mark.parametrize(
    ("text", "answers", "exact", "shared"),
    [
        ("Hà Nội", ["Hà Nội"], 1.0, 1.0),
        ("hà nội.", ["Hà Nội"], 1.0, 1.0),
        ("Hoà Bình", ["Hòa Bình"], 1.0, 1.0),
        ("ở Hà Nội", ["Hà Nội"], 0.0, 0.8),
        ("Nội Hà", ["Hà Nội"], 0.0, 1.0),
        ("Huế", ["Hà Nội", "ở Huế"], 0.0, 2 / 3),
        ("94,6 tỷ won", ["94.6 tỷ won"], 1.0, 1.0),
        ("50.000 người", ["50000 người"], 1.0, 1.0),
        ("1,234,567", ["1.234.567"], 1.0, 1.0),
        ("0,125", ["125"], 0.0, 0.0),
        ("1.5 điểm", ["15 điểm"], 0.0, 0.5),
        ("", ["Hà Nội"], 0.0, 0.0),
        ("Hà Nội", [], 0.0, 0.0),
        ("là là là", ["là"], 0.0, 0.5),
    ],
)
def test_exact_match_and_f1_equal_worked_examples(text: str, answers: list[str], exact: float, shared: float) -> None:
    assert exact_match(text, answers) == exact
    assert token_f1(text, answers) == pytest.approx(shared)


@pytest.mark.parametrize(
    ("text", "answers", "contained"),
    [
        ("Ra mắt tại thủ đô Seoul, ngày 28/10/2024.", ["Seoul"], 1.0),
        ("Ra mắt ngày 28/10/2024.", ["28-10-2024"], 1.0),
        ("Ra mắt ngày 28/10/2024.", ["28/2024"], 0.0),
        ("Tỉnh Hoà Bình", ["hòa bình"], 1.0),
        ("Hoàn thành", ["Hoà"], 0.0),
        ("Có 2028 người", ["202"], 0.0),
        ("Bất kỳ", ["?"], 0.0),
        ("Bất kỳ", [], 0.0),
    ],
)
def test_an_answer_is_contained_when_its_syllables_stand_side_by_side(
    text: str, answers: list[str], contained: float
) -> None:
    assert answer_contained(text, answers) == contained


def test_answer_spans_point_to_the_words() -> None:
    text = "Ở Hà Nội, và ở HÀ NỘI."
    assert [text[start:end] for start, end in answer_spans(text, ["Hà Nội", "hà nội"])] == ["Hà Nội", "HÀ NỘI"]


def test_a_quote_is_verbatim_only_at_its_own_place() -> None:
    assert is_verbatim(cited(1, "a", "Hà Nội", 2), "Ở Hà Nội.")
    assert not is_verbatim(cited(1, "a", "Hà Nội", 1), "Ở Hà Nội.")
    assert not is_verbatim(cited(1, "a", "hà Nội", 2), "Ở Hà Nội.")


def test_citation_precision_is_the_share_of_citations_of_a_gold_passage() -> None:
    assert citation_precision([cited(1, "a"), cited(2, "b"), cited(3, "a")], {1, 3}) == pytest.approx(2 / 3)
    assert citation_precision([], {1}) == 0.0


def test_citation_recall_is_the_share_of_sentences_that_cite_a_gold_passage() -> None:
    sentences = [said(Support.SUPPORTED, 1), said(Support.SUPPORTED, 2), said(Support.UNSUPPORTED)]
    sentences.append(said(Support.PARTIAL, 2, 1))
    assert citation_recall(sentences, {1}) == 0.5
    assert citation_recall([], {1}) == 0.0


def test_numbers_and_names_are_counted_that_the_sentence_s_own_quotes_do_not_hold() -> None:
    quotes = [cited(1, "a", "Hàn Quốc chi 94,6 tỷ won."), cited(2, "b", "Trụ sở ở Busan, mở năm 2030.")]
    told = AnswerSentence("Năm 2030 Hàn Quốc chi 94,6 tỷ won ở Seoul cho 3 viện.", Support.PARTIAL, (1,))
    assert unquoted_claims([told], quotes) == (["2030", "3"], ["Seoul"])
    assert unquoted_claims([AnswerSentence("Nước này chi 94,6 tỷ won.", Support.SUPPORTED, (1,))], quotes) == ([], [])


def test_support_shares_count_sentences() -> None:
    sentences = [said(Support.SUPPORTED)] * 3 + [said(Support.UNSUPPORTED)]
    assert [support_share(sentences, support) for support in Support] == [0.75, 0.0, 0.25]


def test_f1_is_the_harmonic_mean() -> None:
    assert f1(0.5, 1.0) == pytest.approx(2 / 3)
    assert f1(0.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("scores", "positive", "area"),
    [
        ([0.9, 0.8, 0.2, 0.1], [True, True, False, False], 1.0),
        ([0.1, 0.2, 0.8, 0.9], [True, True, False, False], 0.0),
        ([0.5, 0.5, 0.5], [True, False, False], 0.5),
        ([0.9, 0.3, 0.5, 0.1], [True, True, False, False], 0.75),
    ],
)
def test_auroc_is_the_share_of_pairs_in_order(scores: list[float], positive: list[bool], area: float) -> None:
    assert auroc(scores, positive) == area


def test_auroc_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="answerable and unanswerable"):
        auroc([0.5], [True])


def test_percentiles_interpolate() -> None:
    assert [percentile([10, 20, 30, 40, 50], percent) for percent in (50, 95)] == [30.0, 48.0]


def test_an_interval_of_equal_values_is_a_point() -> None:
    assert bootstrap_interval([0.25] * 10) == (0.25, 0.25)


def test_an_interval_is_near_the_normal_one_and_repeatable() -> None:
    values = [0.0, 1.0] * 200
    low, high = bootstrap_interval(values)
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.006)
    assert bootstrap_interval(values) == (low, high)


def test_an_interval_of_a_percentile_holds_it() -> None:
    low, high = percentile_interval(list(range(101)), 50)
    assert low < 50 < high
    assert percentile_interval([3.0] * 5, 95) == (3.0, 3.0)


@pytest.mark.parametrize("statistic", [mean, bootstrap_interval, permutation_p])
def test_no_values_have_no_statistic(statistic: Callable[[list[float]], Any]) -> None:
    with pytest.raises(ValueError, match="no "):
        statistic([])


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([0.0, 0.0], 1.0),
        ([1.0], 1.0),
        ([1.0] * 5, 2 / 32),
        ([1.0] * 5 + [0.0] * 100, 2 / 32),
        ([0.2, 0.3, -0.1], 4 / 8),
    ],
)
def test_a_permutation_test_of_few_pairs_counts_all_sign_flips(differences: list[float], p: float) -> None:
    assert permutation_p(differences) == pytest.approx(p)


def test_a_permutation_test_of_many_pairs_sees_chance_and_difference() -> None:
    assert permutation_p([1.0, -1.0] * 50) > 0.9
    assert permutation_p([1.0] * 60 + [-1.0] * 20) == pytest.approx(1 / 10_001, abs=0.0005)
