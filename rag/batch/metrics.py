"""Every figure of an evaluation, each in one place, with the paper that defines it.

Values lie between 0 and 1, higher is better unless the docstring says otherwise. Texts are compared by the keys of
their syllables, so that case, punctuation, the two ways of placing a tone mark (hoà, hòa) and those of writing a number
(94,6 and 94.6, 50.000 and 50000) make no difference.

The ranking metrics are those of ir-measures (2 MB installed); ranx would bring numba and llvmlite (over 200 MB).
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence

import ir_measures
import numpy as np
import numpy.typing as npt
from ir_measures import RR, R, nDCG

from rag.batch.resampling import mean
from rag.language.claims import names, unsupported_claims
from rag.text import syllable_spans
from rag.types import AnswerSentence, Citation, Support

# Digits in groups of three behind the first one to three: separators of thousands. "0,125" and "94,6" are decimals.
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3})+")
_DECIMAL = re.compile(r"(\d+)[.,](\d+)")


def recall_at_k(gold: Collection[str], ranked: Sequence[str], k: int) -> float:
    """Share of the gold documents, or passages, among the first k of `ranked`, by ir-measures.

    One that stands there again counts at the first of its ranks. https://arxiv.org/abs/2111.13466 (ir-measures)

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


def _keyed_spans(text: str) -> list[tuple[str, int, int]]:
    """The syllables of `text` as (key, start, end), each number in one spelling."""
    return [(_number_key(key), start, end) for key, start, end in syllable_spans(text)]


def _keys(text: str) -> list[str]:
    return [key for key, _, _ in _keyed_spans(text)]


def _number_key(key: str) -> str:
    if not key[:1].isdigit():
        return key
    if _GROUPED.fullmatch(key):
        return key.replace(".", "").replace(",", "")
    decimal = _DECIMAL.fullmatch(key)
    return f"{decimal[1]}.{decimal[2]}" if decimal else key


def exact_match(text: str, answers: Sequence[str]) -> float:
    """1 when `text` has the syllables of one of the gold answers and no other.

    Rajpurkar et al. 2016 (SQuAD): https://arxiv.org/abs/1606.05250
    """
    keys = _keys(text)
    return float(any(keys == _keys(answer) for answer in answers))


def token_f1(text: str, answers: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of `text`'s syllables, the best over the gold answers.

    Rajpurkar et al. 2016 (SQuAD): https://arxiv.org/abs/1606.05250; the tokens are syllables.
    """
    keys = _keys(text)
    return max((_f1(keys, _keys(answer)) for answer in answers), default=0.0)


def _f1(told: Sequence[str], gold: Sequence[str]) -> float:
    if not told or not gold:
        return float(told == gold)
    shared = sum((Counter(told) & Counter(gold)).values())
    return 2 * shared / (len(told) + len(gold))


def answer_spans(text: str, answers: Sequence[str]) -> list[tuple[int, int]]:
    """The (start, end) of every place where `text` says a gold answer, its syllables one after another."""
    told = _keyed_spans(text)
    keys = [key for key, _, _ in told]
    spans: list[tuple[int, int]] = []
    for answer in answers:
        gold = _keys(answer)
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


def citation_precision(citations: Sequence[Citation], good: Collection[int]) -> float:
    """Share of the citations whose numbers are `good`, those that quote a gold passage; 0 without any.

    After ALCE (Gao et al. 2023, https://arxiv.org/abs/2305.14627), with gold passages in the place of its NLI model.
    """
    return mean([float(citation.number in good) for citation in citations]) if citations else 0.0


def citation_recall(sentences: Sequence[AnswerSentence], good: Collection[int]) -> float:
    """Share of the answer's sentences with a citation of a gold passage; a sentence without a citation counts as 0.

    `good` holds the numbers of those citations. After ALCE (Gao et al. 2023, https://arxiv.org/abs/2305.14627), with
    gold passages in the place of its NLI model.
    """
    cited = [float(not set(good).isdisjoint(sentence.citations)) for sentence in sentences]
    return mean(cited) if cited else 0.0


def unquoted_claims(sentences: Sequence[AnswerSentence], citations: Sequence[Citation]) -> tuple[list[str], list[str]]:
    """The numbers and dates, and the names, that no quote of their own sentence holds; lower is better.

    Entities that the source does not hold are the commonest hallucination of summaries: Nan et al. 2021,
    https://arxiv.org/abs/2102.09130.
    """
    quotes = {citation.number: citation.quote for citation in citations}
    numbers_found: list[str] = []
    names_found: list[str] = []
    for sentence in sentences:
        spoken_names = names(sentence.text)
        evidence = "\n".join(quotes[number] for number in sentence.citations if number in quotes)
        for claim in unsupported_claims(sentence.text, evidence):
            (names_found if claim in spoken_names else numbers_found).append(claim)
    return numbers_found, names_found


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
    return _area(above, np.sort(below))


def auroc_interval(
    scores: Sequence[float], positive: Sequence[bool], seed: int = 7, resamples: int = 500
) -> tuple[float, float]:
    """The 95% percentile interval of `auroc`, both classes resampled, each at its own size.

    Efron 1979: https://doi.org/10.1214/aos/1176344552

    Raises:
        ValueError: only one class is there.
    """
    above = np.asarray([score for score, label in zip(scores, positive, strict=True) if label])
    below = np.asarray([score for score, label in zip(scores, positive, strict=True) if not label])
    if not len(above) or not len(below):
        raise ValueError("an AUROC needs answerable and unanswerable questions")
    random = np.random.default_rng(seed)
    areas = [
        _area(random.choice(above, len(above)), np.sort(random.choice(below, len(below)))) for _ in range(resamples)
    ]
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(low), float(high)


def _area(above: npt.NDArray[np.float64], sorted_below: npt.NDArray[np.float64]) -> float:
    smaller, not_larger = np.searchsorted(sorted_below, above, "left"), np.searchsorted(sorted_below, above, "right")
    return float((smaller + not_larger).sum() / 2 / (len(above) * len(sorted_below)))
