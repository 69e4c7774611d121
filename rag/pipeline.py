"""A question's way, step by step: `Bot.stream` reads from top to bottom as the system works."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import takewhile
from typing import Any

from rag.citations import check_answer
from rag.config import EvidenceConfig, RagConfig, Unsupported
from rag.conversation import questions_in, stand_alone
from rag.errors import QuestionError
from rag.events import (
    CANCELLED,
    GENERATOR_REFUSED,
    LOW_EVIDENCE,
    NO_PASSAGE,
    NOT_MENTIONED,
    PARTLY,
    Event,
    EvidenceFound,
    PassagesFound,
    Restarted,
    Sending,
    TextPiece,
)
from rag.evidence import EvidenceModel, Finding, choose
from rag.generation import LlamaGenerator
from rag.index import StoredIndex
from rag.llm.writing import says_nothing
from rag.odds import log_odds
from rag.prompting import REFUSAL
from rag.relevance.details import holds_asked_kind
from rag.retrieval import interleaved
from rag.text import normalize
from rag.types import (
    Answer,
    Chunk,
    Document,
    Generator,
    Notice,
    Remark,
    Reranker,
    Retriever,
    ScoredChunk,
    Task,
    Turn,
)


class Bot:
    """An open index with everything that answers questions from it; safe to share between threads."""

    def __init__(
        self,
        index: StoredIndex,
        retriever: Retriever,
        evidence: EvidenceModel,
        generator: Generator,
        config: RagConfig,
        reranker: Reranker | None = None,
        lock: "threading.Lock | None" = None,
    ) -> None:
        """`lock` is that of other bots with the same models; None makes one."""
        self.index = index
        self.config = config
        self.generator = generator
        self._retriever = retriever
        self._evidence = evidence
        self._reranker = reranker
        self._origin: Bot | None = None
        self._lock = lock if lock is not None else threading.Lock()

    def search(self, question: str, limit: int | None = None, docs: Collection[str] | None = None) -> list[ScoredChunk]:
        """The passages nearest to the question, the best first; `limit` None takes the setting.

        `docs` are the ids of the documents to look in; None is all.

        Raises:
            QuestionError: the question is empty or too long.
        """
        asked = self._checked(question)
        with self._lock:
            return self._retrieved(asked, limit or self.config.retrieval.passages, docs)

    def ask(self, question: str, history: Sequence[Turn] = (), *, docs: Collection[str] | None = None) -> Answer:
        """The answer to a question, its sentences checked; `docs` as in `search`.

        Raises:
            QuestionError: the question is empty or too long.
            GenerationError: the language model failed.
        """
        answer: Answer | None = None
        for event in self.stream(question, history, docs=docs):
            if isinstance(event, Answer):
                answer = event
        if answer is None:
            raise RuntimeError("a stream ends with an Answer")
        return answer

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        cancelled: Callable[[], bool] = lambda: False,
        *,
        docs: Collection[str] | None = None,
    ) -> Iterator[Event]:
        """The same answer as it comes: `PassagesFound`, `EvidenceFound`, `Sending`, `TextPiece`s, the `Answer` last.

        A `Restarted` may stand among the pieces. `docs` as in `search`.

        Raises:
            QuestionError: the question is empty or too long.
            GenerationError: the language model failed.
        """
        clock = _Clock()
        asked = self._checked(question)
        understood = stand_alone(asked, history)

        parts = questions_in(understood)
        with self._lock:
            found = [self._retrieved(part, self.config.retrieval.passages, docs) for part in parts]
        passages = interleaved(found)
        clock.mark("retrieval")
        yield PassagesFound(understood, tuple(passages))

        if cancelled():
            yield self._refusal(asked, passages, CANCELLED, clock)
            return
        findings = [self._evidence.find(part, hits) for part, hits in zip(parts, found, strict=True)]
        clock.mark("evidence")
        yield EvidenceFound(tuple(findings))
        lacks = [lack(finding, self.config.evidence) for finding in findings]
        if all(lacks):
            yield self._refusal(asked, passages, lacks[0], clock)
            return
        answered = [
            _placed(finding, hits, passages)
            for finding, hits, lack in zip(findings, found, lacks, strict=True)
            if not lack
        ]
        unanswered = "; ".join(part for part, lack in zip(parts, lacks, strict=True) if lack)
        whole = self._pointed(_task(understood, passages, answered, self.config.evidence))
        task = _continued(self.generator.fitted(whole), history[-1].sent if history else ())
        left_out = len(whole.passages) - len(task.passages)
        yield Sending(task.passages, left_out)

        written, notes, generator = "", list[str](), self.generator.name
        for piece in self.generator.stream(task, cancelled):
            if isinstance(piece, Notice):
                if piece.restarts:
                    written, notes = "", []
                    yield Restarted()
                if piece.remark is not None:
                    notes.append(str(piece))
                generator = piece.generator or generator
                continue
            if not written:
                clock.mark("first_token")
            written += piece
            yield TextPiece(piece)
        clock.mark("generation")
        if left_out and generator == self.generator.name:
            notes.append(str(Notice(Remark.LEFT_OUT, str(left_out))))
        if says_nothing(written) or written.strip().startswith(REFUSAL.rstrip(".")):
            reason = CANCELLED if cancelled() else GENERATOR_REFUSED
            yield replace(self._refusal(asked, passages, reason, clock), generator=generator, notes=tuple(notes))
            return

        # A reader only points: what it cannot bear out is nothing to be shown.
        unsupported = Unsupported.QUOTE if self._has_reader else self.config.checking.unsupported
        checked = check_answer(normalize(written).strip(), task.passages, unsupported, task.evidence)
        clock.mark("checking")
        yield Answer(
            asked, checked.text, checked.sentences, checked.citations, tuple(passages),
            abstained=False, reason=f"{PARTLY}: {unanswered}" if unanswered else "",
            generator=generator, timings_ms=clock.timings(), notes=tuple(notes),
        )  # fmt: skip

    def document(self, doc_id: str) -> Document:
        """A whole document, for showing a citation in its place.

        Raises:
            DocumentError: the index does not hold it.
        """
        with self._lock:
            return self.index.document(doc_id)

    def neighbours(self, chunk: Chunk, before: int = 1, after: int = 1) -> tuple[list[Chunk], list[Chunk]]:
        """The passages before and after this one in its document, in order; fewer at its ends.

        Raises:
            DocumentError: the index does not hold the passage.
        """
        with self._lock:
            return self.index.neighbours(chunk, before, after)

    def adjusted(self, config: RagConfig, generator: Generator) -> "Bot":
        """The same index and models with other settings and another writer; closing either closes both."""
        other = copy(self)
        other.config, other.generator = config, generator
        other._origin = self  # whoever closes an index that nobody uses any more sees that this one does
        return other

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()

    def _retrieved(self, question: str, limit: int, docs: Collection[str] | None) -> list[ScoredChunk]:
        """At most `limit` passages; the reranker, if any, orders the first `reranking.passages`, whatever the limit."""
        if self._reranker is None:
            return self._retriever.retrieve(question, limit, docs)
        depth = self.config.reranking.passages
        found = self._retriever.retrieve(question, max(limit, depth), docs)
        ranked = self._reranker.rerank(question, found[:depth])
        least = min((passage.score for passage in ranked), default=0.0)
        tail = [replace(passage, score=passage.score * least) for passage in found[depth:]]
        return [*ranked, *tail][:limit]

    @property
    def _has_reader(self) -> bool:
        return isinstance(self.generator, LlamaGenerator) and self.generator.is_reader

    def _pointed(self, task: Task) -> Task:
        """The task with what a reader asks for beside it."""
        if not self._has_reader:
            return task
        return replace(task, evidence=self._evidence.pointed(task.question, task.passages, task.evidence))

    def _checked(self, question: str) -> str:
        asked = " ".join(normalize(question).split())
        if not any(char.isalnum() for char in asked):
            raise QuestionError("the question is empty: type a question")
        limit = self.config.max_question_chars
        if len(asked) > limit:
            raise QuestionError(f"the question has {len(asked)} characters, the limit is {limit}: shorten it")
        return asked

    def _refusal(self, asked: str, passages: Sequence[ScoredChunk], reason: str, clock: "_Clock") -> Answer:
        return Answer(
            asked, REFUSAL, (), (), tuple(passages),
            abstained=True, reason=reason, generator=self.generator.name, timings_ms=clock.timings(),
        )  # fmt: skip


def _placed(finding: Finding, found: Sequence[ScoredChunk], passages: Sequence[ScoredChunk]) -> Finding:
    """The finding with its evidence counted by `passages` instead of by what was found for its part alone."""
    place = {scored.chunk.chunk_id: position for position, scored in enumerate(passages)}
    moved = [replace(one, passage=place[found[one.passage].chunk.chunk_id]) for one in finding.evidence]
    return replace(finding, evidence=tuple(moved))


def lack(finding: Finding, config: EvidenceConfig) -> str:
    """Why the passages do not answer, a reason of rag.events; empty when they do."""
    if not finding.evidence:
        return NO_PASSAGE
    if finding.not_mentioned:
        return f"{NOT_MENTIONED}: {', '.join(finding.not_mentioned)}"
    if finding.answerable < config.threshold:
        return LOW_EVIDENCE
    told = (one.text for one in choose(finding, config.sentences))
    return "" if finding.asked is not None and holds_asked_kind(finding.asked, told) else LOW_EVIDENCE


def _task(question: str, passages: Sequence[ScoredChunk], findings: Sequence[Finding], config: EvidenceConfig) -> Task:
    """The passages in the order in which they matter: those of the chosen sentences, then by their best sentence."""
    chosen = list(dict.fromkeys(one for finding in findings for one in choose(finding, config.sentences)))
    ranked = sorted((one for finding in findings for one in finding.evidence), key=lambda one: -one.score)
    order = list(dict.fromkeys(one.passage for one in [*chosen, *ranked]))
    place = {passage: position for position, passage in enumerate(order)}
    evidence = tuple(replace(one, passage=place[one.passage]) for one in chosen)
    margin = log_odds(max(finding.answerable for finding in findings)) - log_odds(config.threshold)
    return Task(question, tuple(passages[passage] for passage in order), evidence, config.sentences, margin)


def _continued(task: Task, earlier: Sequence[str]) -> Task:
    """The task with those passages first that the turn before began with: a language model has read them already."""
    place = {passage.chunk.chunk_id: position for position, passage in enumerate(task.passages)}
    begin = [place[chunk_id] for chunk_id in takewhile(place.__contains__, earlier)]
    order = list(dict.fromkeys([*begin, *range(len(task.passages))]))
    evidence = tuple(replace(one, passage=order.index(one.passage)) for one in task.evidence)
    return replace(task, passages=tuple(task.passages[position] for position in order), evidence=evidence)


class _Clock:
    """Milliseconds between the steps; `first_token` counts from the question."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._timings: dict[str, float] = {}

    def mark(self, step: str) -> None:
        now = time.perf_counter()
        since = self._began if step == "first_token" else self._last
        self._timings[step] = round((now - since) * 1000, 3)
        if step != "first_token":
            self._last = now

    def timings(self) -> Mapping[str, Any]:
        return {**self._timings, "total": round((time.perf_counter() - self._began) * 1000, 3)}
