"""Questions for the reader, made from statements: what is taken out is the answer, what is left is asked.

rag/language/drafting.py masks what has a kind of its own (a number, a day, a name, a reason), question_forms.py what a
noun stands for; here the end of a clause is masked too, which people ask for with "gì"; definition_questions.py asks
what a thing is. Then the question is shortened, turned, reworded and thinned, because people do not ask in the
words of the text.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from definition_questions import asked_whole
from question_forms import Forms
from swapping import swap

from rag.language.claims import names
from rag.language.drafting import drafts, reworded
from rag.text import fold

_TAIL_WORDS = ("gì", "gì", "gì", "những gì", "điều gì", "như thế nào", "ra sao", "nào", "cái gì")
_ASKING = re.compile(
    r"\b(?:(?:vào )?(?:khi|năm|ngày|lúc|thời gian|nơi|người|tổ chức|đơn vị|cơ quan|tên|cái|điều|những|các thành phần|"
    r"bằng cách) (?:nào|gì|ai)|bao nhiêu|bao giờ|vì sao|tại sao|như thế nào|ra sao|để làm gì|lý do gì|ai|gì|nào|đâu"
    r"|mấy)\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,;.:)]|$")
_BEGINNINGS = {"Ai ": "Ai là người ", "Người nào ": "Ai là người ", "Bao nhiêu ": "Có bao nhiêu ", "Mấy ": "Có mấy "}
_BEGINNING = re.compile("^(?:" + "|".join(_BEGINNINGS) + ")(?!là )")
_WORDLESS = re.compile(r" (?:là|bằng|vào|ở|có tên|tên) (?:gì|ai|bao nhiêu|đâu|khi nào|năm nào|ngày nào|nào)\?$")
"""What people leave out who ask in headwords: "Thủ đô của Pháp?"."""
_FURTHER = 6
"""Masks of the further forms that are drawn from, so that numbers and days do not go under."""
_TURNING = re.compile(r"(?:,|\b(?=(?:trong|tại|vào|ở|khi|sau|trước|theo|với|để|từ|do|của)\b))\s*")


@dataclass(frozen=True, slots=True)
class Made:
    """A question and where its answer stands in the sentence that it was made from."""

    question: str
    start: int
    end: int


def made_questions(
    sentence: str,
    subject: str,
    count: int,
    rng: random.Random,
    synonyms: Mapping[str, Sequence[str]],
    forms: Forms,
) -> Iterator[Made]:
    """At most `count` questions that the sentence answers, in words more or less its own."""
    found: list[Made] = []
    if rng.random() < 0.4:
        found += (Made(*rng.choice(told)) for told in [list(asked_whole(sentence, subject, rng))] if told)
    if rng.random() < 0.08:
        found += _tail_question(sentence, rng)
    if len(found) < count:
        lead = subject if rng.random() < 0.6 else ""
        further = forms.masks(sentence, rng)
        for draft in drafts(sentence, rng, lead, rng.sample(further, min(len(further), _FURTHER))):
            if forms.whole(sentence, draft.start, draft.end):
                found.append(Made(draft.question, draft.start, draft.end))
            if len(found) == count:
                break
    for made in found:
        yield Made(varied(made.question, rng, synonyms), made.start, made.end)


def _tail_question(sentence: str, rng: random.Random) -> Iterator[Made]:
    """The last words of a clause asked for."""
    words = list(re.finditer(r"[^\s,;.:()\"“”]+", sentence))
    ends = [match.start() for match in _CLAUSE_END.finditer(sentence)]
    tails = [place for place in range(6, len(words)) if words[place].end() in ends]
    if not tails:
        return
    last = rng.choice(tails)
    size = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8))
    first = last - size + 1
    start, end = words[first].start(), words[last].end()
    if first < 4 or any(mark in sentence[start:end] for mark in ",;.:()"):
        return
    begin = words[max(0, first - rng.randint(5, 18))].start()
    told = sentence[begin:start].strip(' ,;:.()"“”')
    after = sentence[end:].strip(' ,;:.()"“”').split()[: rng.choice((0, 0, 3, 8))]
    yield Made(f"{told} {rng.choice(_TAIL_WORDS)} {' '.join(after)}".strip() + "?", start, end)


def varied(question: str, rng: random.Random, synonyms: Mapping[str, Sequence[str]]) -> str:
    """The question shorter, in another order, in other words, thinner, without capitals or marks: each by chance."""
    if rng.random() < 0.3:
        question = _BEGINNING.sub(lambda match: _BEGINNINGS[match[0]], question)
    if rng.random() < 0.35:
        question = _shortened(question, rng)
    if rng.random() < 0.3:
        question = _turned(question, rng)
    if rng.random() < 0.15:
        question = _WORDLESS.sub("?", question)
    if rng.random() < 0.75:
        question = reworded(question, rng, synonyms, share=rng.uniform(0.0, 0.3), thin=rng.uniform(0.0, 0.5))
    return respelled(question, rng)


def respelled(question: str, rng: random.Random) -> str:
    """The question as people type it: now and then without capitals, marks or the question mark."""
    way = rng.random()
    if way < 0.04:
        question = fold(question)
    if way < 0.10:
        question = question.lower()
    return question.rstrip("?") if rng.random() < 0.12 else question


def swapped(question: str, pool: Sequence[str], rng: random.Random) -> str | None:
    """The question about another name, year or number; None when it has none. `pool` holds other questions."""
    others = [name for other in rng.sample(pool, min(len(pool), 4)) for name in names(other)] or ["Hà Nội"]
    return swap(question, others, rng)


def _shortened(question: str, rng: random.Random) -> str:
    """The words round the question word, and the names."""
    words = question.rstrip("?").split()
    asking = _ASKING.search(question)
    size = rng.randint(5, 13)
    if asking is None or len(words) <= size:
        return question
    at = len(question[: asking.start()].split())
    long = len(asking[0].split())
    left = rng.randint(0, size - long) if size > long else 0
    begin, end = max(0, at - left), at + long + max(0, size - long - left)
    kept = [word for place, word in enumerate(words) if begin <= place < end or word[:1].isupper()]
    return " ".join(kept) + "?"


def _turned(question: str, rng: random.Random) -> str:
    """A part of the question put before the rest."""
    text = question.rstrip("?")
    cuts = [match for match in _TURNING.finditer(text) if 8 < match.start() < len(text) - 8]
    if not cuts:
        return question
    cut = rng.choice(cuts)
    head, tail = text[: cut.start()].strip(), text[cut.end() :].strip()
    joint = ", " if rng.random() < 0.5 else " "
    return f"{tail[:1].upper()}{tail[1:]}{joint}{head}?"
