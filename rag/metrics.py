"""Every figure of an evaluation, each in one place, with the paper that defines it.

Values lie between 0 and 1, higher is better unless the docstring says otherwise. Texts are compared by the keys of
their syllables, so that case, punctuation and the two ways of placing a tone mark (hoà, hòa) make no difference.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import product

import ir_measures
import numpy as np
from ir_measures import RR, R, nDCG

from rag.text import syllable_spans, syllables
from rag.types import AnswerSentence, Citation, Support

_RESAMPLES = 2000
"""Enough for intervals that are stable to about a tenth of their width."""
_FLIPS = 10_000
"""Random sign flips of a permutation test; its p-value is then good to about 0.005 near 0.05."""
_EXACT_PAIRS = 12
"""Up to here all 2^n sign flips are tried."""


def recall_at_k(gold: Collection[str], ranked: Sequence[str], k: int) -> float:
    """Share of the gold documents among the first k of `ranked`, by ir-measures.

    A document counts at the first of its ranks. https://arxiv.org/abs/2111.13466 (ir-measures)

    Raises:
        ValueError: `gold` is empty.
    """
    return _ranking(R @ k, gold, ranked)


def mrr_at_k(gold: Collection[str], ranked: Sequence[str], k: int) -> float:
    """1 / rank of the first gold document, 0 when it is not among the first k, by ir-measures.

    Voorhees, TREC-8 question answering track: https://trec.nist.gov/pubs/trec8/papers/qa_report.pdf

    Raises:
        ValueError: `gold` is empty.
    """
    return _ranking(RR @ k, gold, ranked)


def ndcg_at_k(gold: Collection[str], ranked: Sequence[str], k: int) -> float:
    """Discounted gain (1 / log2(rank + 1) for a gold document) over that of the best order, by ir-measures.

    Järvelin and Kekäläinen 2002: https://doi.org/10.1145/582415.582418

    Raises:
        ValueError: `gold` is empty.
    """
    return _ranking(nDCG @ k, gold, ranked)


def _ranking(measure: ir_measures.Measure, gold: Collection[str], ranked: Sequence[str]) -> float:
    if not gold:
        raise ValueError("no gold documents: a question without them has no ranking metric")
    distinct = list(dict.fromkeys(ranked))
    # Ranks, not scores, are handed over: equal scores must stay in the order in which they were shown.
    run = {"q": {document: float(len(distinct) - place) for place, document in enumerate(distinct)}}
    if not distinct:
        return 0.0
    return float(ir_measures.calc_aggregate([measure], {"q": dict.fromkeys(gold, 1)}, run)[measure])


def exact_match(text: str, answers: Sequence[str]) -> float:
    """1 when `text` has the syllables of one of the gold answers and no other.

    Rajpurkar et al. 2016 (SQuAD): https://arxiv.org/abs/1606.05250
    """
    keys = syllables(text)
    return float(any(keys == syllables(answer) for answer in answers))


def token_f1(text: str, answers: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of `text`'s syllables, the best over the gold answers.

    Rajpurkar et al. 2016 (SQuAD): https://arxiv.org/abs/1606.05250; the tokens are syllables.
    """
    keys = syllables(text)
    return max((_f1(keys, syllables(answer)) for answer in answers), default=0.0)


def _f1(told: Sequence[str], gold: Sequence[str]) -> float:
    if not told or not gold:
        return float(told == gold)
    shared = sum((Counter(told) & Counter(gold)).values())
    return 2 * shared / (len(told) + len(gold))


def answer_spans(text: str, answers: Sequence[str]) -> list[tuple[int, int]]:
    """The (start, end) of every place where `text` says a gold answer, its syllables one after another."""
    told = syllable_spans(text)
    keys = [key for key, _, _ in told]
    spans: list[tuple[int, int]] = []
    for answer in answers:
        gold = syllables(answer)
        width = len(gold)
        places = range(len(keys) - width + 1) if width else ()
        spans.extend(
            (told[place][1], told[place + width - 1][2]) for place in places if keys[place : place + width] == gold
        )
    return sorted(set(spans))


def answer_contained(text: str, answers: Sequence[str]) -> float:
    """1 when a gold answer's syllables stand in `text` one after another.

    The "accuracy" of open-domain answers, as in Mallen et al. 2023: https://arxiv.org/abs/2212.10511
    """
    return float(bool(answer_spans(text, answers)))


def is_verbatim(citation: Citation, document_text: str) -> bool:
    """Whether the quote stands in the document at the citation's offsets, letter for letter."""
    return document_text[citation.start_char : citation.end_char] == citation.quote


def citation_precision(citations: Sequence[Citation], gold_sources: Collection[str]) -> float:
    """Share of the citations that quote a gold document; 0 without any.

    After ALCE (Gao et al. 2023, https://arxiv.org/abs/2305.14627), with gold documents in the place of its NLI model.
    """
    return mean([float(citation.source in gold_sources) for citation in citations]) if citations else 0.0


def citation_recall(
    sentences: Sequence[AnswerSentence], citations: Sequence[Citation], gold_sources: Collection[str]
) -> float:
    """Share of the answer's sentences that cite a gold document; a sentence without a citation counts as 0.

    After ALCE (Gao et al. 2023, https://arxiv.org/abs/2305.14627), with gold documents in the place of its NLI model.
    """
    good = {citation.number for citation in citations if citation.source in gold_sources}
    return mean([float(bool(good & set(sentence.citations))) for sentence in sentences]) if sentences else 0.0


def support_share(sentences: Sequence[AnswerSentence], support: Support) -> float:
    """Share of the sentences with this support, as `rag.citations` graded them.

    The share that is attributable to identified sources: Rashkin et al. 2021, https://arxiv.org/abs/2112.12870.

    Raises:
        ValueError: there are no sentences.
    """
    return mean([float(sentence.support is support) for sentence in sentences])


def f1(precision: float, recall: float) -> float:
    """The harmonic mean; 0 when both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Probability that a positive one scores above a negative one, ties counting half.

    Hanley and McNeil 1982: https://doi.org/10.1148/radiology.143.1.7063747

    Raises:
        ValueError: only one class is there.
    """
    above = np.asarray([score for score, label in zip(scores, positive, strict=True) if label])
    below = np.asarray([score for score, label in zip(scores, positive, strict=True) if not label])
    if not len(above) or not len(below):
        raise ValueError("an AUROC needs answerable and unanswerable questions")
    order = np.sort(below)
    smaller, not_larger = np.searchsorted(order, above, "left"), np.searchsorted(order, above, "right")
    return float((smaller + not_larger).sum() / 2 / (len(above) * len(below)))


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


def bootstrap_interval(values: Sequence[float], seed: int = 7, confidence: float = 0.95) -> tuple[float, float]:
    """The percentile interval of the mean over resamples of the questions.

    Efron 1979: https://doi.org/10.1214/aos/1176344552

    Raises:
        ValueError: there are no values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        raise ValueError("no values to resample")
    random = np.random.default_rng(seed)
    means = [
        sample[random.integers(0, len(sample), (rows, len(sample)))].mean(axis=1)
        for rows in _blocks(_RESAMPLES, len(sample))
    ]
    outside = (1 - confidence) / 2 * 100
    low, high = np.percentile(np.concatenate(means), [outside, 100 - outside])
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
        for rows in _blocks(_FLIPS, len(pairs))
    )
    # The observed order is one of the flips, so that p is never 0.
    return float((extreme + 1) / (_FLIPS + 1))


def _blocks(rows: int, columns: int) -> list[int]:
    """`rows` in parts of at most a million values, so that many questions do not fill the memory."""
    part = max(1, min(rows, 1_000_000 // columns))
    return [part] * (rows // part) + ([rows % part] if rows % part else [])
