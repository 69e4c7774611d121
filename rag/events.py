"""What a question's way tells as it goes, and why it may end without an answer."""

from dataclasses import dataclass

from rag.evidence import Finding
from rag.types import Answer, ScoredChunk

NO_PASSAGE = "no_passage"
LOW_EVIDENCE = "low_evidence"
NOT_MENTIONED = "not_mentioned"
"""Followed by ": " and the details of the question that the nearest document does not hold."""
PARTLY = "partly"
"""Followed by ": " and those of several questions that stayed without an answer."""
GENERATOR_REFUSED = "generator_refused"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PassagesFound:
    """The first event of a stream: what was found, before a word is written."""

    understood: str
    """The question as it was searched for; a follow-up is completed from the conversation."""
    passages: tuple[ScoredChunk, ...]


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """What the passages hold, before it is decided whether that is enough to answer."""

    findings: tuple[Finding, ...]
    """One for each of the questions that are asked at once."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """The next piece of the answer, not yet checked; its [n] count the passages of the event `Sending`."""

    text: str


@dataclass(frozen=True, slots=True)
class Sending:
    """The passages that the generator may cite, in the order of their [n]."""

    passages: tuple[ScoredChunk, ...]
    left_out: int = 0
    """Passages with evidence that did not fit into the model's window."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The text pieces so far are void: the answer begins again."""


Event = PassagesFound | EvidenceFound | Sending | TextPiece | Restarted | Answer
