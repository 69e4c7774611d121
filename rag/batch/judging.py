"""One answer against its question: the metrics of `rag.batch.metrics` that apply, and why it is wrong when it is."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from rag.batch.metrics import (
    answer_contained,
    answer_spans,
    citation_precision,
    citation_recall,
    exact_match,
    is_verbatim,
    mrr_at_k,
    ndcg_at_k,
    recall_at_k,
    support_share,
    token_f1,
    unquoted_claims,
)
from rag.batch.questions import Question
from rag.batch.resampling import mean
from rag.text import normalize
from rag.types import Answer, Chunk, Citation, Document, Support

DEPTH = 10
"""Documents, or passages, that a ranking metric looks at."""
RANKS = (1, 2, 3, 5, DEPTH)
"""The ks of recall@k."""
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
    SAID_UNSUPPORTED = "said_unsupported"
    """What is said in answer, rightly or wrongly, no quote bears out."""
    ANSWERED_WRONGLY = "answered_wrongly"
    """The corpus does not answer, and still there was an answer."""


@dataclass(frozen=True, slots=True)
class Gold:
    """Where the answer of one question stands in the corpus, as far as the question set tells."""

    sources: frozenset[str] = frozenset()
    """The gold documents; empty when nobody said."""
    passages: frozenset[str] = frozenset()
    """chunk_ids of their passages that bear the answer; empty when that cannot be told."""
    places: tuple[tuple[str, int, int], ...] = ()
    """(source, start_char, end_char) wherever a gold document holds the question's context."""

    def holds(self, citation: Citation) -> bool:
        """Whether the quote is of the gold passage; of a gold document when the set names no passage."""
        if not self.places:
            return citation.source in self.sources
        return any(
            citation.source == source and citation.start_char < end and citation.end_char > start
            for source, start, end in self.places
        )


def gold_of(question: Question, sources: frozenset[str], documents: Iterable[tuple[Document, Sequence[Chunk]]]) -> Gold:
    """The gold passages of a question: those that say a gold answer, within its context where it has one.

    Without a gold answer in so many words, as free-form answers are, they are those that lie in the context for more
    than half of their length. `documents` are the gold documents that the corpus holds, with their passages.
    """
    places: list[tuple[str, int, int]] = []
    saying: list[tuple[str, Chunk]] = []
    all_passages: list[tuple[str, Chunk]] = []
    for document, chunks in documents:
        if question.context is not None:
            spans = answer_spans(document.text, [question.context])
            places += [(document.source, start, end) for start, end in spans]
        all_passages += [(document.source, chunk) for chunk in chunks]
    saying = [(source, chunk) for source, chunk in all_passages if answer_contained(chunk.text, question.answers)]
    if places:
        saying = [(source, chunk) for source, chunk in saying if _shared(source, chunk, places)]
        saying = saying or [
            (source, chunk)
            for source, chunk in all_passages
            if 2 * _shared(source, chunk, places) > chunk.end_char - chunk.start_char
        ]
    return Gold(sources, frozenset(chunk.chunk_id for _, chunk in saying), tuple(places))


def _shared(source: str, chunk: Chunk, places: Iterable[tuple[str, int, int]]) -> int:
    """The most characters that a passage has in common with one of the places."""
    common = [min(chunk.end_char, end) - max(chunk.start_char, start) for name, start, end in places if name == source]
    return max(0, *common) if common else 0


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


def ranking_metrics(gold: Collection[str], ranked: Sequence[str], prefix: str = "") -> dict[str, float]:
    """The retrieval metrics of sources, or with the prefix "passage_" of passages, the best first; {} without gold."""
    if not gold:
        return {}
    metrics = {f"recall@{k}": recall_at_k(gold, ranked, k) for k in RANKS}
    metrics |= {f"mrr@{DEPTH}": mrr_at_k(gold, ranked, DEPTH), f"ndcg@{DEPTH}": ndcg_at_k(gold, ranked, DEPTH)}
    return {f"{prefix}{name}": value for name, value in metrics.items()}


def answer_metrics(question: Question, answer: Answer, gold: Gold, document_text: DocumentText) -> dict[str, float]:
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
    if question.answerable and gold.sources:
        good = {citation.number for citation in answer.citations if gold.holds(citation)}
        metrics["citation_precision"] = citation_precision(answer.citations, good)
        metrics["citation_recall"] = citation_recall(answer.sentences, good)
    if answer.sentences:
        unquoted_numbers, unquoted_names = unquoted_claims(answer.sentences, answer.citations)
        metrics["unsupported_numbers"] = float(len(unquoted_numbers))
        metrics["unsupported_names"] = float(len(unquoted_names))
        metrics |= {support.value: support_share(answer.sentences, support) for support in Support}
    return metrics


def failure_of(question: Question, answer: Answer, gold: Gold, document_text: DocumentText) -> Failure | None:
    """Why the answer is wrong; None when it is right: it says a gold answer, in a sentence that its quotes bear out."""
    if not question.answerable:
        return None if answer.abstained else Failure.ANSWERED_WRONGLY
    if is_told(spoken(answer), question.answers):
        borne_out = " ".join(one.text for one in answer.sentences if one.support is not Support.UNSUPPORTED)
        return None if is_told(borne_out, question.answers) else Failure.SAID_UNSUPPORTED
    if not _reached(question, answer, gold.sources, document_text):
        return Failure.NOT_RETRIEVED
    if answer.abstained:
        return Failure.REFUSED_WRONGLY
    if all(sentence.support is Support.UNSUPPORTED for sentence in answer.sentences):
        return Failure.SAID_UNSUPPORTED
    if any(answer_contained(citation.quote, question.answers) for citation in answer.citations):
        return Failure.NOT_SAID
    return Failure.NOT_SELECTED


def is_told(text: str, answers: Sequence[str]) -> bool:
    """Whether a text counts as right: it says a gold answer, or has half of one's words (F1 of 0.5)."""
    return bool(answer_contained(text, answers)) or token_f1(text, answers) >= RIGHT_F1


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
