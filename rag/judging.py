"""One answer against its question: the metrics of `rag.metrics` that apply, and why it is wrong when it is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath

from rag.metrics import (
    answer_contained,
    citation_precision,
    citation_recall,
    exact_match,
    is_verbatim,
    mean,
    mrr_at_k,
    ndcg_at_k,
    recall_at_k,
    support_share,
    token_f1,
)
from rag.questions import Question
from rag.text import normalize
from rag.types import Answer, Support

DEPTH = 10
"""Documents that a ranking metric looks at."""
RIGHT_F1 = 0.5
"""An answer that does not say a gold answer word for word is right from this F1 on: gold answers may be free-form."""

DocumentText = Callable[[str], str]
"""The text of the document with this id."""


class Failure(StrEnum):
    """The first step that went wrong on the way to an answer."""

    NOT_RETRIEVED = "not_retrieved"
    """No passage that was found could have answered."""
    REFUSED_WRONGLY = "refused_wrongly"
    """A passage could have answered, the answer was a refusal."""
    NOT_SELECTED = "not_selected"
    """The answer rests on other sentences than those that say it."""
    NOT_SAID = "not_said"
    """The quotes say it, the text does not."""
    ANSWERED_WRONGLY = "answered_wrongly"
    """The corpus does not answer, and still there was an answer."""


def gold_sources(names: Sequence[str], sources: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The sources that gold document names mean; a name that is not in the corpus stays, as one that is never found.

    `sources` comes from `sources_by_name`.
    """
    return frozenset().union(*(sources.get(normalize(name), frozenset({name})) for name in names))


def sources_by_name(sources: Collection[str]) -> dict[str, frozenset[str]]:
    """What each document may be called: its source or base name, with or without ending.

    The fuller form wins: "a.txt" means a.txt and not b/a.txt when both are there.
    """
    found: dict[str, frozenset[str]] = {}
    paths = [(source, PurePosixPath(normalize(source))) for source in sources]
    for form in (str, lambda path: str(path.with_suffix("")), lambda path: path.name, lambda path: path.stem):
        named: dict[str, set[str]] = {}
        for source, path in paths:
            named.setdefault(form(path), set()).add(source)
        found = {name: frozenset(meant) for name, meant in named.items()} | found
    return found


def ranking_metrics(gold: Collection[str], ranked: Sequence[str]) -> dict[str, float]:
    """The retrieval metrics of distinct sources, the best first; {} without gold documents."""
    if not gold:
        return {}
    recalls = {f"recall@{k}": recall_at_k(gold, ranked, k) for k in (1, 5, DEPTH)}
    return recalls | {f"mrr@{DEPTH}": mrr_at_k(gold, ranked, DEPTH), f"ndcg@{DEPTH}": ndcg_at_k(gold, ranked, DEPTH)}


def answer_metrics(
    question: Question, answer: Answer, gold: Collection[str], document_text: DocumentText
) -> dict[str, float]:
    """The metrics of an answer that apply to it, by name.

    A refusal of an answerable question says nothing: exact match and F1 are 0. Citations and support are measured of
    answers that were given. The mean over the questions is the figure of the run, for refusals too: the mean of
    `refusal_precision`, which only refusals carry, is the share of right ones among them.
    """
    metrics: dict[str, float] = {}
    text = spoken(answer)
    if question.answerable:
        quotes = [answer_contained(citation.quote, question.answers) for citation in answer.citations]
        metrics["exact_match"] = exact_match(text, question.answers)
        metrics["f1"] = token_f1(text, question.answers)
        metrics["answer_in_text"] = answer_contained(text, question.answers)
        metrics["answer_in_quotes"] = max(quotes, default=0.0)
        metrics["false_refusal_rate"] = float(answer.abstained)
    else:
        metrics["refusal_recall"] = float(answer.abstained)
    if answer.abstained:
        return metrics | {"refusal_precision": float(not question.answerable)}
    if answer.citations:
        verbatim = [is_verbatim(citation, document_text(citation.doc_id)) for citation in answer.citations]
        metrics["citation_validity"] = mean([float(letter_for_letter) for letter_for_letter in verbatim])
    if question.answerable and gold:
        metrics["citation_precision"] = citation_precision(answer.citations, gold)
        metrics["citation_recall"] = citation_recall(answer.sentences, answer.citations, gold)
    if answer.sentences:
        metrics |= {support.value: support_share(answer.sentences, support) for support in Support}
    return metrics


def failure_of(
    question: Question, answer: Answer, gold: Collection[str], document_text: DocumentText
) -> Failure | None:
    """Why the answer is wrong; None when it is right."""
    if not question.answerable:
        return None if answer.abstained else Failure.ANSWERED_WRONGLY
    text = spoken(answer)
    if answer_contained(text, question.answers) or token_f1(text, question.answers) >= RIGHT_F1:
        return None
    if not _reached(question, answer, gold, document_text):
        return Failure.NOT_RETRIEVED
    if answer.abstained:
        return Failure.REFUSED_WRONGLY
    if any(answer_contained(citation.quote, question.answers) for citation in answer.citations):
        return Failure.NOT_SAID
    return Failure.NOT_SELECTED


def spoken(answer: Answer) -> str:
    """The answer's words without its citation marks; "" for a refusal."""
    return " ".join(sentence.text for sentence in answer.sentences)


def _reached(question: Question, answer: Answer, gold: Collection[str], document_text: DocumentText) -> bool:
    """Whether a retrieved passage could have answered.

    It says a gold answer; or it is of a gold document that nowhere says one in these words, as free-form answers are.
    """
    found = [scored for scored in answer.retrieved if not gold or scored.source in gold]
    if any(answer_contained(scored.chunk.text, question.answers) for scored in found):
        return True
    documents = {scored.chunk.doc_id for scored in found}
    return bool(gold) and any(not answer_contained(document_text(doc_id), question.answers) for doc_id in documents)
