"""What a person might ask next: questions that the passages of an answer answer, made by code."""

import random
from collections.abc import Callable, Collection

from rag.batch.question_drafts import drafted
from rag.text import syllables
from rag.types import Answer

_PASSAGES = 4
"""The best passages of the cited documents, from which questions are made; those below speak of other things."""
_LONGEST_CHARS = 120
"""A longer question is no offer that one reads in passing."""
_ALIKE = 0.6
"""Share of its syllables that a question has in common with one before, from which it is the same again."""


def follow_ups(
    answer: Answer, asked: Collection[str], text_of: Callable[[str], str], limit: int = 3
) -> tuple[str, ...]:
    """At most `limit` questions about what the answer's passages say besides it, the shortest first.

    `asked` are the questions of the conversation; `text_of` gives the text of the document with an id. What a refusal
    found is about something else: nothing is offered then.
    """
    if answer.abstained:
        return ()
    rng = random.Random(7)  # the same answer has the same offers
    told = [citation.quote for citation in answer.citations]
    seen = [frozenset(syllables(question)) for question in asked]
    found: list[str] = []
    cited = {citation.doc_id for citation in answer.citations}
    for scored in [one for one in answer.retrieved if one.chunk.doc_id in cited][:_PASSAGES]:
        drafts = drafted(scored.chunk.text, text_of(scored.chunk.doc_id), rng)
        for sentence, question, _ in sorted(drafts, key=lambda draft: len(draft[1])):
            keys = frozenset(syllables(question))
            is_new = all(len(keys & other) < _ALIKE * min(len(keys), len(other)) for other in seen)
            if len(question) <= _LONGEST_CHARS and is_new and not any(sentence in quote for quote in told):
                seen.append(keys)
                found.append(question)
    return tuple(sorted(found, key=len)[:limit])
