"""A bot asked over what its search finds, over what is left without the gold document, or over given passages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from answer_questions import GOLD_OUT, still_answered, unanswerable

from rag.batch.judging import Failure, Gold, answer_metrics, failure_of, spoken
from rag.batch.metrics import answer_contained
from rag.batch.questions import Question
from rag.chunking import split_document
from rag.embedding import load_embedder
from rag.events import EvidenceFound
from rag.evidence import EvidenceModel
from rag.language.claims import unsupported_claims
from rag.pipeline import Bot
from rag.relevance.matching import load_matcher
from rag.types import Answer, Retriever, ScoredChunk, Support

_DEPTH = 100
"""Passages that distractors are taken from, and the gold passage its place among them."""
_OF_A_DOCUMENT = 40
"""More passages than a document of the corpus has."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, answered or refused."""

    id: str
    kind: str
    question: str
    probability: float
    """That the passages answer, 0 to 1, as the evidence model says; of several questions in one, the highest."""
    reason: str
    """Why it was refused, without the details; "" for an answer."""
    by_rule: bool
    """Refused whatever the threshold: for a name that the passages do not hold, or a year or amount."""
    gold_rank: int | None
    """1-based, of the first passage of the gold document that says a gold answer; None when none was found."""
    metrics: Mapping[str, float]
    """Those of `rag.batch.judging`, and those of `shown_metrics`."""
    failure: Failure | None
    timings_ms: Mapping[str, float]

    @property
    def confidence(self) -> float | None:
        """The highest threshold at which it is answered; None when it never is."""
        return None if self.by_rule else self.probability

    def as_json(self) -> dict[str, Any]:
        """One line of the file that `--lines` writes."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "metrics": dict(self.metrics), "timings_ms": dict(self.timings_ms)}


@dataclass(frozen=True, slots=True)
class Search:
    """The search of a bot, with the documents of some sources left out."""

    bot: Bot
    without: Collection[str] = ()

    def retrieve(self, question: str, limit: int, docs: Collection[str] | None = None) -> list[ScoredChunk]:
        """At most `limit` passages, the best first."""
        depth = limit + _OF_A_DOCUMENT * len(self.without)
        return [found for found in self.bot.search(question, depth, docs) if found.source not in self.without][:limit]


@dataclass(frozen=True, slots=True)
class Given:
    """Passages that are found whatever is asked."""

    passages: tuple[ScoredChunk, ...]

    def retrieve(self, question: str, limit: int, docs: Collection[str] | None = None) -> list[ScoredChunk]:  # noqa: ARG002  (the protocol's signature)
        """The first `limit` of them that stand in `docs`."""
        return [one for one in self.passages if docs is None or one.chunk.doc_id in docs][:limit]


class Examiner:
    """Asks questions of a bot and of the same bot over other passages, and measures what it says."""

    def __init__(self, bot: Bot) -> None:
        """Load a second evidence model for the other passages, so that the bot's own is timed on new questions only."""
        self.bot = bot
        matcher = load_matcher(bot.config.evidence.matcher, load_embedder(bot.config.embedding))
        self._evidence = EvidenceModel(bot.config.evidence, matcher)
        self._documents = {document.source: document for document in bot.index.all_documents()}
        self._texts = {document.doc_id: document.text for document in self._documents.values()}

    def ask(self, question: Question) -> Outcome:
        """The question asked of the bot as it is."""
        return self._outcome(question, *answer_of(self.bot, question.question), Search(self.bot))

    def ask_without_gold(self, question: Question) -> Outcome | None:
        """The question asked with its gold documents left out; None when another passage still says a gold answer."""
        search = Search(self.bot, question.docs)
        answer, probability = answer_of(self._over(search), question.question)
        if still_answered(question, answer.retrieved):
            return None
        return self._outcome(unanswerable(question, GOLD_OUT), answer, probability, search)

    def ask_beside(self, question: Question, counts: Sequence[int]) -> list[Outcome]:
        """The question asked over its gold passage and so many others, for each of the counts."""
        found = self.bot.search(question.question, _DEPTH)
        outcomes: list[Outcome] = []
        for count in counts:
            given = Given(self._gold_beside(question, found, count))
            answer, probability = answer_of(self._over(given), question.question)
            outcomes.append(self._outcome(replace(question, kind=beside(count)), answer, probability, given))
        return outcomes

    def _gold_beside(self, question: Question, found: Sequence[ScoredChunk], count: int) -> tuple[ScoredChunk, ...]:
        """The gold passage and the `count` best ones of other documents, in the order of the search."""
        others = [passage for passage in found if passage.source not in question.docs][:count]
        rank = gold_rank(question, found)
        if rank is None:
            return (*others, self._gold_passage(question))
        gold = found[rank - 1]
        return tuple(passage for passage in found if passage is gold or passage in others)

    def _gold_passage(self, question: Question) -> ScoredChunk:
        """The first passage of the gold document that says a gold answer; its first one when none does."""
        document = self._documents[question.docs[0]]
        chunks = split_document(document, self.bot.config.chunking)
        says = [chunk for chunk in chunks if answer_contained(chunk.text, question.answers)]
        return ScoredChunk((says or chunks)[0], 0.0, document.title, document.source, document.date)

    def _over(self, retriever: Retriever, *, threshold: float | None = None) -> Bot:
        """The same bot over what another retriever finds; `threshold` None keeps its own."""
        config = self.bot.config
        if threshold is not None:
            config = replace(config, evidence=replace(config.evidence, threshold=threshold))
        if isinstance(retriever, Given):
            config = replace(config, retrieval=replace(config.retrieval, passages=len(retriever.passages)))
        return Bot(self.bot.index, retriever, self._evidence, self.bot.generator, config)

    def _outcome(self, question: Question, answer: Answer, probability: float, retriever: Retriever) -> Outcome:
        """What is kept of an answer; a refused question is asked again without the threshold."""
        chosen = answer
        if answer.abstained:
            chosen, _ = answer_of(self._over(retriever, threshold=0.0), question.question)
        gold = Gold(frozenset(question.docs))
        return Outcome(
            id=question.id,
            kind=question.kind,
            question=question.question,
            probability=probability,
            reason=answer.reason.partition(":")[0] if answer.abstained else "",
            by_rule=chosen.abstained,
            gold_rank=gold_rank(question, answer.retrieved),
            metrics=answer_metrics(question, answer, gold, self._texts.__getitem__)
            | shown_metrics(question, answer, chosen),
            failure=failure_of(question, answer, gold, self._texts.__getitem__),
            timings_ms=answer.timings_ms,
        )


def beside(count: int) -> str:
    """The kind of a question that is asked over its gold passage and so many others."""
    return f"beside {count}"


def answer_of(bot: Bot, question: str) -> tuple[Answer, float]:
    """The answer, and the probability that there is one, which a refusal does not tell."""
    answer: Answer | None = None
    probability = 0.0
    for event in bot.stream(question):
        if isinstance(event, EvidenceFound):
            probability = max(finding.answerable for finding in event.findings)
        elif isinstance(event, Answer):
            answer = event
    if answer is None:
        raise RuntimeError("a stream ends with an Answer")
    return answer, probability


def gold_rank(question: Question, passages: Sequence[ScoredChunk]) -> int | None:
    """The 1-based rank of the first passage of a gold document that says a gold answer; None when there is none."""
    return next(
        (
            rank
            for rank, passage in enumerate(passages, start=1)
            if passage.source in question.docs and answer_contained(passage.chunk.text, question.answers)
        ),
        None,
    )


def shown_metrics(question: Question, answer: Answer, chosen: Answer) -> dict[str, float]:
    """What `rag.batch.judging` does not measure; `chosen` is the answer that the threshold would have let pass.

    `gold_found`, `gold_first`: the gold passage is among the retrieved, is their first. `answer_in_first`: a gold
    answer stands in the first sentence shown; a refusal shows none. `given_in_first`, `given_in_text`: the same of
    answers that were given, and of all their sentences. `chosen_in_first`, `chosen_in_text`: the same of what would be
    shown without the threshold. `unmarked_number`: a sentence marked as supported has a number that its quotes do not
    hold.
    """
    metrics: dict[str, float] = {}
    if question.answerable:
        rank = gold_rank(question, answer.retrieved)
        metrics |= {"gold_found": float(rank is not None), "gold_first": float(rank == 1)}
        metrics["answer_in_first"] = in_first(answer, question.answers)
        metrics["chosen_in_first"] = in_first(chosen, question.answers)
        metrics["chosen_in_text"] = answer_contained(spoken(chosen), question.answers)
    if question.answerable and not answer.abstained:
        metrics["given_in_first"] = metrics["answer_in_first"]
        metrics["given_in_text"] = answer_contained(spoken(answer), question.answers)
    if not answer.abstained:
        metrics["unmarked_number"] = float(bool(unmarked_numbers(answer)))
    return metrics


def in_first(answer: Answer, answers: Sequence[str]) -> float:
    """1 when a gold answer stands in the first sentence of the answer."""
    return answer_contained(answer.sentences[0].text, answers) if answer.sentences else 0.0


def unmarked_numbers(answer: Answer) -> list[str]:
    """The numbers and dates of sentences marked as supported that the sentences' own quotes do not hold."""
    quotes = {citation.number: citation.quote for citation in answer.citations}
    return [
        claim
        for sentence in answer.sentences
        if sentence.support is Support.SUPPORTED
        for claim in unsupported_claims(sentence.text, "\n".join(quotes[number] for number in sentence.citations))
        if claim[:1].isdigit()
    ]
