"""What a language model writes to what a person may read: no thoughts, no talk to itself, no loops, in Vietnamese."""

import re
from collections.abc import Callable, Generator, Iterator

from rag.text import is_vietnamese, sentence_spans
from rag.types import Notice, Remark

Piece = str | Notice

THINKING = "<think>"
_THOUGHTS = re.compile(r"<think>.*?(?:</think>\s*|$)", re.DOTALL)
_STOPS = (
    "\nCâu hỏi:",  # it goes on with the prompt's own pattern
    "\n=== [",
    "<|im_start|>",  # marks of templates that a file does not know as control tokens
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|user|>",
    "<end_of_turn>",
    "<start_of_turn>",
    "[/INST]",
    "</s>",
)
_LEAST_LOOP_CHARS = 60
"""What is repeated has to be at least this long in all; a row of dots or digits in a table is shorter."""
_LOOP_TIMES = 3
_LONGEST_LOOP_CHARS = 400
_TELLING_WORDS = 12
"""An answer in another language is broken off after so many words; a shorter one is judged at its end."""

# "Theo tài liệu [1]", "Dựa vào các đoạn [1], [2]:" with nothing after it.
_LEAD_IN = re.compile(
    r"(?:(?:theo|dựa (?:vào|trên)|căn cứ(?: vào)?|như)?\s*(?:các |những )?(?:thông tin trong |nội dung )?"
    r"(?:tài liệu|đoạn(?: văn| tài liệu)?|nguồn|văn bản)(?:\s+số)?(?:\s+\d{1,3})?)?"
    r"(?:[\s,.;:]|[\[【［(]\s*\^?\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*[\]】］)])*",
    re.IGNORECASE,
)


def reviewed(attempt: Callable[[bool], Iterator[Piece]]) -> Iterator[Piece]:
    """The answer as it may be shown, from what a model writes.

    `attempt(False)` begins the writing. When it turns out not to be Vietnamese, it is closed, a `Notice` makes void
    what was shown, and `attempt(True)` shall insist on the language; what comes then is kept, with a remark if need be.
    """
    for again in (False, True):
        text = ""
        is_last = again
        pieces = _shown(attempt(again))
        for piece in pieces:
            yield piece
            if isinstance(piece, Notice):
                is_last = is_last or piece.remark is Remark.CUT_TIME
                continue
            text += piece
            if (once := _without_loop(text)) is not None:
                pieces.close()
                yield Notice(restarts=True)
                yield once
                yield Notice(Remark.CUT_LOOP)
                text = once
                break
            if not again and not is_vietnamese(text, _TELLING_WORDS):
                pieces.close()
                break
        if is_vietnamese(text):
            return
        if is_last:
            yield Notice(Remark.OTHER_LANGUAGE)
            return
        yield Notice(restarts=True)


def says_nothing(text: str) -> bool:
    """Whether an answer is empty or only leads up to one: "Theo tài liệu [1]:"."""
    return not text.strip() or _LEAD_IN.fullmatch(text.strip()) is not None


def _shown(pieces: Iterator[Piece]) -> Generator[Piece]:
    """The pieces without <think>…</think>, up to a stop sequence, also when these come in parts."""
    written = shown = ""
    for piece in pieces:
        if isinstance(piece, Notice):
            yield piece
            continue
        written += piece
        visible = _THOUGHTS.sub("", written)
        ends = [at for stop in _STOPS if (at := visible.find(stop)) >= 0]
        visible = visible[: min(ends)] if ends else visible[: len(visible) - _waiting(visible)]
        if len(visible) > len(shown):
            yield visible[len(shown) :]
            shown = visible
        if ends:
            return
    if rest := _THOUGHTS.sub("", written)[len(shown) :]:
        yield rest


def _waiting(text: str) -> int:
    """How many of the last characters may become a mark that is not shown: "<thi" waits until that is clear."""
    longest = max(map(len, (THINKING, *_STOPS)))
    tails = (text[-length:] for length in range(min(longest, len(text)), 0, -1))
    return next((len(tail) for tail in tails if any(mark.startswith(tail) for mark in (THINKING, *_STOPS))), 0)


def _without_loop(text: str) -> str | None:
    """The text up to the end of the first round when its end goes round in circles, else None."""
    for period in range(1, min(_LONGEST_LOOP_CHARS, len(text) // _LOOP_TIMES) + 1):
        length = max(_LOOP_TIMES * period, _LEAST_LOOP_CHARS)
        if len(text) >= length and text[-length:-period] == text[-length + period :]:
            begin = len(text) - length
            while begin and text[begin - 1] == text[begin - 1 + period]:
                begin -= 1
            once = text[: begin + period]
            spans = sentence_spans(once)
            # The round may have been cut inside a sentence: without its last, broken one if others are whole.
            return once[: spans[-2][1]] if len(spans) > 1 and not once.rstrip().endswith((".", "]")) else once
    return None
