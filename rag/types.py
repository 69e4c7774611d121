"""The data that the steps hand to each other, and the protocols that the exchangeable steps obey."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.markup import answer_html

FloatMatrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something begins in a document's text; it holds up to the next place."""

    start_char: int
    heading: str = ""
    """The path of headings down to here, the widest first."""
    page: int | None = None
    """1-based physical page or slide."""
    label: str = ""
    """What the file itself calls the place: the page's label ("iv"), or the row of a sheet ("hàng 5")."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text of the corpus. `text` is NFC; every offset in this package counts its characters."""

    doc_id: str
    title: str
    text: str
    source: str
    """The file's path relative to the indexed folder, with forward slashes."""
    date: str | None = None
    """ISO 8601, when the file says it."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    """In order, where the file has pages, headings or rows; used for cutting passages, and not stored."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: `document.text[start_char:end_char] == text`."""

    chunk_id: str
    doc_id: str
    text: str
    start_char: int
    end_char: int
    page: int | None = None
    """1-based physical page on which it begins; None for files without pages."""
    heading: str = ""
    """The path of headings above it, the widest first."""
    label: str = ""
    """What the file calls the place: a page's label where it is not its number ("iv"), the rows of a sheet."""


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A retrieved passage with its document's name; a higher score is a better match."""

    chunk: Chunk
    score: float
    title: str
    source: str
    date: str | None = None
    other_sources: tuple[str, ...] = ()
    """Further files that hold the same document."""

    def as_json(self, rank: int) -> dict[str, Any]:
        """One entry of the `retrieved` list of the command line's contract; `rank` is 1-based."""
        return {
            "rank": rank,
            "chunk_id": self.chunk.chunk_id,
            "doc_id": self.chunk.doc_id,
            "source": self.source,
            "score": round(self.score, 6),
            "start_char": self.chunk.start_char,
            "end_char": self.chunk.end_char,
            "text": self.chunk.text,
        }


class Support(StrEnum):
    """How far the cited words bear an answer's sentence."""

    SUPPORTED = "supported"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact words behind a sentence: `document.text[start_char:end_char] == quote`."""

    number: int
    """The [n] of the answer, 1-based."""
    doc_id: str
    title: str
    source: str
    page: int | None
    start_char: int
    end_char: int
    quote: str
    label: str = ""
    """As `Chunk.label`."""

    def as_json(self) -> dict[str, Any]:
        """One entry of the `citations` list of the command line's contract; `label` is in it where there is one."""
        return {name: value for name, value in asdict(self).items() if name != "label" or value}


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence of the answer without its [n] marks, and the numbers of the citations that support it."""

    text: str
    support: Support
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of a retrieved passage that may bear the answer."""

    passage: int
    """0-based position of its passage in the retrieved list."""
    start_char: int
    end_char: int
    text: str
    score: float
    """Probability, 0 to 1, that this sentence holds the answer."""
    pointed: tuple[int, int] | None = None
    """The characters of `text` that are the answer most probably; None where that was not looked for."""
    promise: float = 0.0
    """Logit, of the score and of how strongly it is pointed into, that puts the sentences of a reader in order."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What `ask` returns: the text, its checked sentences and everything that they rest on.

    An abstention has no citations; `reason` then says why and `retrieved` holds the nearest passages.
    """

    question: str
    text: str
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    retrieved: tuple[ScoredChunk, ...]
    abstained: bool
    reason: str
    generator: str
    timings_ms: Mapping[str, float]
    notes: tuple[str, ...] = ()
    """What else a person should know, each a `Remark` or "remark: details": passages left out, an answer cut short."""

    def as_json(self) -> dict[str, Any]:
        """The object that `rag ask --json` prints."""
        return {
            "question": self.question,
            "answer": self.text,
            "abstained": self.abstained,
            "reason": self.reason,
            "sentences": [asdict(sentence) for sentence in self.sentences],
            "citations": [citation.as_json() for citation in self.citations],
            "retrieved": [scored.as_json(rank) for rank, scored in enumerate(self.retrieved, start=1)],
            "generator": self.generator,
            "timings_ms": dict(self.timings_ms),
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        return answer_html(self.as_json())


class Remark(StrEnum):
    """What may have happened to an answer on its way."""

    LEFT_OUT = "left_out"
    """So many passages did not fit into the model's window."""
    CUT_TOKENS = "cut_tokens"
    """It ends at the token limit."""
    CUT_TIME = "cut_time"
    """It ends at the time limit."""
    CUT_LOOP = "cut_loop"
    """It ends where the model began to repeat itself."""
    OTHER_LANGUAGE = "other_language"
    """The model did not answer in Vietnamese, asked twice."""
    STOPPED = "stopped"
    """The person stopped it there."""
    SERVER_DOWN = "server_down"
    """The server of the language model gave no answer; the documents are quoted instead."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a generator tells between the pieces of an answer."""

    remark: Remark | None = None
    """For the person who asked; None when there is nothing to tell."""
    details: str = ""
    restarts: bool = False
    """What was written so far is void: the answer begins again with the next piece."""
    generator: str = ""
    """Who writes from here on, when it is another."""

    def __str__(self) -> str:
        return f"{self.remark}: {self.details}" if self.details else f"{self.remark}"


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier exchange of the same conversation, oldest first where several are given."""

    question: str
    answer: str
    sent: tuple[str, ...] = ()
    """The chunk_ids of the passages that the generator was sent, in their order, where that is known."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message for a chat model; `role` is "system", "user" or "assistant"."""

    role: str
    content: str


class Embedder(Protocol):
    """Texts to vectors. Rows are float32 of length 1, or all zero for a text without a known token."""

    @property
    def identity(self) -> Mapping[str, str | int]:
        """What an index must have in common with this embedder: name, dimension and all else its vectors rest on."""

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions, shape (len(texts), dimension)."""

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of passages, shape (len(texts), dimension)."""

    def count_truncated(self, texts: Sequence[str]) -> int:
        """How many of these passages are longer than the model reads: their ends have no part in their vectors."""


class Retriever(Protocol):
    """A question to passages."""

    def retrieve(self, question: str, limit: int, docs: Collection[str] | None = None) -> list[ScoredChunk]:
        """At most `limit` passages, the best first; `docs` are the ids of the documents to look in, None is all."""


class Reranker(Protocol):
    """A second, slower look at the retrieved passages."""

    def rerank(self, question: str, passages: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """The same passages with new scores, the best first."""


@dataclass(frozen=True, slots=True)
class Task:
    """All that a generator may use: `evidence` is in the order in which it is to be told."""

    question: str
    passages: tuple[ScoredChunk, ...]
    evidence: tuple[Evidence, ...]
    sentences: int = 3
    """How long the answer is to be, at most."""
    margin: float = 10.0
    """Log-odds that the passages hold an answer, above those of the least probability that is enough."""


class Generator(Protocol):
    """The evidence to the text of an answer, with [n] for the nth passage of the task."""

    @property
    def name(self) -> str:
        """What `Answer.generator` shows: "extractive", the model's file name, or the model and its server."""

    def fitted(self, task: Task) -> Task:
        """The task with the passages that will be sent; those that find no room are left out, whole."""

    def stream(self, task: Task, cancelled: Callable[[], bool]) -> Iterator[str | Notice]:
        """Pieces of the answer's text, and what is to be told about it; ends early once `cancelled()` is true."""
