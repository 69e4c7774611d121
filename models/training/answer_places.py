"""Where an answer stands in a sentence."""

from collections.abc import Sequence

from rag.text import syllable_spans, syllables


def answer_span(sentence: str, answers: Sequence[str]) -> tuple[int, int] | None:
    """Where one of the answers stands in the sentence, syllable for syllable; None when none does."""
    told = syllable_spans(sentence)
    keys = [key for key, _, _ in told]
    for answer in answers:
        wanted = syllables(answer)
        for at in range(len(keys) - len(wanted) + 1):
            if wanted and keys[at : at + len(wanted)] == wanted:
                return told[at][1], told[at + len(wanted) - 1][2]
    return None
