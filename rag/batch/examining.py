"""One question asked of a bot and measured: a line of `results.jsonl`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rag.batch.judging import (
    DEPTH,
    Failure,
    Gold,
    answer_metrics,
    failure_of,
    gold_of,
    gold_sources,
    is_told,
    ranking_metrics,
    sources_by_name,
    spoken,
)
from rag.batch.questions import Question
from rag.batch.results import Line
from rag.chunking import split_document
from rag.conversation import stand_alone
from rag.events import GENERATOR_REFUSED, NO_PASSAGE, NOT_MENTIONED, EvidenceFound, TextPiece
from rag.evidence import Finding, choose
from rag.pipeline import Bot
from rag.text import syllables
from rag.types import Answer, Chunk, Document, ScoredChunk, Turn

_REMEMBERED = 512
"""Answers to earlier questions that are kept: the turns of a conversation stand side by side in a set."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """All that a bot told on the way to an answer."""

    answer: Answer
    findings: tuple[Finding, ...]
    pieces: int
    """Pieces of text that the generator streamed: about one for each token of a language model."""


class Examiner:
    """Asks questions of one bot and measures what comes; documents and earlier turns are looked up once."""

    def __init__(self, bot: Bot, *, retrieval_only: bool = False) -> None:
        """With `retrieval_only` no answer is made, unless a conversation needs one."""
        self.bot = bot
        self.documents = sorted((document.source, document.doc_id) for document in bot.index.all_documents())
        self._ids = dict(self.documents)
        # A document is found under its first file's name; a set may name it by any.
        first = bot.index.sources()
        self._by_name = {name: frozenset(first[one] for one in meant) for name, meant in sources_by_name(first).items()}
        self._retrieval_only = retrieval_only
        self._split: dict[str, tuple[Document, list[Chunk]]] = {}
        self._turns: dict[tuple[str, ...], Turn] = {}

    def line(self, question: Question) -> Line:
        """The question asked, its answer and its metrics.

        Raises:
            GenerationError: the language model failed.
        """
        return self._search_line(question) if self._retrieval_only else self._answer_line(question)

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Those of these document names that the corpus does not hold."""
        return [name for name in names if gold_sources([name], self._by_name).isdisjoint(self._ids)]

    def _search_line(self, question: Question) -> Line:
        gold = self._gold(question)
        understood = stand_alone(question.question, self._history(question))
        began = time.perf_counter()
        found = find_documents(self.bot, understood)
        timings = {"retrieval": round((time.perf_counter() - began) * 1000, 3)}
        metrics = _rankings(question, gold, found)
        missed = metrics.get(f"recall@{DEPTH}") == 0.0
        retrieved = [scored.as_json(rank) for rank, scored in enumerate(found, start=1)]
        return {
            **_asked(question),
            "question": question.question,
            "retrieved": retrieved,
            "timings_ms": timings,
            "failure": Failure.NOT_RETRIEVED if missed else None,
            "metrics": metrics,
        }

    def _answer_line(self, question: Question) -> Line:
        gold = self._gold(question)
        turns = self._history(question)
        heard = _heard(self.bot, question.question, turns)
        answer = heard.answer
        # An answer looks at a few passages, a ranking metric at ten documents: those of the answer come first.
        found = [*answer.retrieved, *find_documents(self.bot, stand_alone(question.question, turns))]
        failure = failure_of(question, answer, gold, self._text)
        probability = max((finding.answerable for finding in heard.findings), default=0.0)
        return {
            **_asked(question),
            **answer.as_json(),
            "ranked_docs": list(dict.fromkeys(scored.source for scored in found))[:DEPTH],
            "confidence": None if _by_rule(self.bot, answer, probability) else round(probability, 6),
            "right_if_answered": _right_if_answered(self.bot, question, heard, failure),
            "written": {"pieces": heard.pieces, "syllables": len(syllables(spoken(answer)))},
            "failure": failure,
            "metrics": _rankings(question, gold, found)
            | {"right": float(failure is None)}
            | answer_metrics(question, answer, gold, self._text),
        }

    def _gold(self, question: Question) -> Gold:
        sources = gold_sources(question.docs, self._by_name)
        if not question.answerable:
            return Gold(sources)
        return gold_of(question, sources, [self._passages(source) for source in sources if source in self._ids])

    def _passages(self, source: str) -> tuple[Document, list[Chunk]]:
        if source not in self._split:
            document = self.bot.document(self._ids[source])
            # The index was opened with these settings, so that these are its passages.
            self._split[source] = document, split_document(document, self.bot.config.chunking)
        return self._split[source]

    def _text(self, doc_id: str) -> str:
        return self.bot.document(doc_id).text

    def _history(self, question: Question) -> list[Turn]:
        """The conversation before the question, its earlier questions asked of the same bot."""
        turns: list[Turn] = []
        for place, earlier in enumerate(question.history, start=1):
            asked = question.history[:place]
            if asked not in self._turns:
                if len(self._turns) >= _REMEMBERED:
                    self._turns.clear()
                self._turns[asked] = Turn(earlier, self.bot.ask(earlier, turns).text)
            turns.append(self._turns[asked])
        return turns


def find_documents(bot: Bot, question: str) -> list[ScoredChunk]:
    """Passages, the best first, until they come from ten distinct documents; all passages when there are fewer."""
    limit = 2 * DEPTH
    while True:
        found = bot.search(question, limit)
        first_of_each = {scored.source: place for place, scored in reversed(list(enumerate(found)))}
        if len(first_of_each) >= DEPTH:
            return found[: sorted(first_of_each.values())[DEPTH - 1] + 1]
        if len(found) < limit:
            return found
        limit *= 4


def _asked(question: Question) -> Line:
    return {"id": question.id, "kind": question.kind, "docs": list(question.docs), "answers": list(question.answers)}


def _heard(bot: Bot, question: str, turns: Sequence[Turn]) -> _Heard:
    answer: Answer | None = None
    findings: tuple[Finding, ...] = ()
    pieces = 0
    for event in bot.stream(question, turns):
        if isinstance(event, EvidenceFound):
            findings = event.findings
        elif isinstance(event, TextPiece):
            pieces += 1
        elif isinstance(event, Answer):
            answer = event
    if answer is None:
        raise RuntimeError("a stream ends with an Answer")
    return _Heard(answer, findings, pieces)


def _rankings(question: Question, gold: Gold, found: Sequence[ScoredChunk]) -> dict[str, float]:
    """The ranking metrics by document, and by passage where the gold passages are known."""
    if not question.answerable:
        return {}
    by_document = ranking_metrics(gold.sources, [scored.source for scored in found])
    return by_document | ranking_metrics(gold.passages, [scored.chunk.chunk_id for scored in found], "passage_")


def _by_rule(bot: Bot, answer: Answer, probability: float) -> bool:
    """Whether it was refused for another reason than its probability: no threshold would let it pass."""
    if not answer.abstained:
        return False
    rule = answer.reason.partition(":")[0] in (NO_PASSAGE, NOT_MENTIONED, GENERATOR_REFUSED)
    return rule or probability >= bot.config.evidence.threshold


def _right_if_answered(bot: Bot, question: Question, heard: _Heard, failure: Failure | None) -> bool:
    """Whether the answer is right; of a refusal, whether the sentences that it would have rested on say it."""
    if not question.answerable or not heard.answer.abstained:
        return question.answerable and failure is None
    chosen = (one for finding in heard.findings for one in choose(finding, bot.config.evidence.sentences))
    return is_told(" ".join(one.text for one in chosen), question.answers)
