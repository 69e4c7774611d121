"""An Answer to JSON that holds all of it, and back: what `Answer.as_json` rounds or leaves out is kept."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rag.types import Answer, AnswerSentence, Chunk, Citation, ScoredChunk, Support


def answer_record(answer: Answer) -> dict[str, Any]:
    """The answer as a JSON object; `answer_of` makes the same answer of it."""
    # `asdict` would copy the timings by their own class, which need not be one that can be copied.
    return {
        "question": answer.question,
        "text": answer.text,
        "sentences": [asdict(sentence) for sentence in answer.sentences],
        "citations": [asdict(citation) for citation in answer.citations],
        "retrieved": [asdict(scored) for scored in answer.retrieved],
        "abstained": answer.abstained,
        "reason": answer.reason,
        "generator": answer.generator,
        "timings_ms": dict(answer.timings_ms),
        "notes": list(answer.notes),
    }


def answer_of(record: Mapping[str, Any]) -> Answer:
    """The answer of a record.

    Raises:
        ValueError: it is no record of an answer.
    """
    try:
        sentences = (
            AnswerSentence(one["text"], Support(one["support"]), tuple(one["citations"])) for one in record["sentences"]
        )
        return Answer(
            question=record["question"],
            text=record["text"],
            sentences=tuple(sentences),
            citations=tuple(Citation(**one) for one in record["citations"]),
            retrieved=tuple(_scored_chunk(one) for one in record["retrieved"]),
            abstained=record["abstained"],
            reason=record["reason"],
            generator=record["generator"],
            timings_ms=dict(record["timings_ms"]),
            notes=tuple(record["notes"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no record of an answer ({error!r})") from error


def _scored_chunk(record: Mapping[str, Any]) -> ScoredChunk:
    plain = {name: value for name, value in record.items() if name not in ("chunk", "other_sources")}
    return ScoredChunk(chunk=Chunk(**record["chunk"]), other_sources=tuple(record["other_sources"]), **plain)
