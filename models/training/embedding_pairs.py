"""(query, passage) pairs for the static embedding, from raw text and from the training halves of the question sets.

Four kinds: what an editor wrote above a text (title, abstract, section, article heading), a sentence with the text
round it, a question made from a sentence, and real questions. The made questions are the bulk: a Vietnamese question
word stands where the answer would, so a statement with one of its spans replaced is nearly a natural question.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from raw_rows import rows
from training_sets import HELD_OUT_SETS, QUESTION_SETS, held_out, question_rows

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[^a-zà-ỹ])|\n+")
_DATE = re.compile(
    r"(?:ngày\s+)?\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?|(?:ngày \d+ )?tháng \d+(?: năm \d+)?|năm \d{4}|thế kỷ \w+"
)
_NUMBER = re.compile(r"(?<![\w/.,-])\d[\d.,]*(?:%| triệu| tỷ| nghìn)?(?![\w/])")
_NAME = re.compile(r"(?<=[^.\s] )(?:[A-ZĐÀ-Ỹ][\w'-]*)(?: (?:[A-ZĐÀ-Ỹ][\w'-]*))*")
_WHEN = ("khi nào", "năm nào", "ngày nào", "vào thời gian nào", "lúc nào", "bao giờ", "thời điểm nào")
_MANY = ("bao nhiêu", "mấy", "bao nhiêu", "con số nào")
_WHO = ("ai", "ở đâu", "nơi nào", "tổ chức nào", "người nào", "quốc gia nào", "gì", "đâu", "nào")
_WHAT = ("gì", "nào", "như thế nào", "ra sao", "những gì", "điều gì", "thế nào")
_OPENING = ("vì sao", "tại sao", "vì lý do gì", "làm thế nào để", "nguyên nhân nào khiến", "điều gì khiến", "theo bạn")


@dataclass(frozen=True)
class Pair:
    """`passage_id` is the same for pairs whose passages must not count as wrong answers to each other's queries."""

    query: str
    passage: str
    passage_id: int


def sentences(text: str) -> list[str]:
    """The sentences of `text`; rough, for making examples only."""
    return [s.strip() for s in _SENTENCE_END.split(text) if s.strip()]


def window(parts: list[str], rng: random.Random, low: int = 40, high: int = 160) -> list[str]:
    """Consecutive sentences from a random start, `low` to `high` syllables in all where the text has that many."""
    target = rng.randint(low, high)
    sizes = [len(p.split()) for p in parts]
    total = sum(sizes)
    if total <= target:
        return parts
    # A start in the last `target` syllables would cut the window short.
    start, seen = 0, 0
    aim = rng.randint(0, total - target)
    while seen + sizes[start] <= aim:
        seen += sizes[start]
        start += 1
    end, length = start, 0
    while end < len(parts) and length < target:
        length += sizes[end]
        end += 1
    return parts[start:end]


class QuestionMaker:
    """Turns statements into something like questions about them."""

    def __init__(self, synonyms: dict[str, list[str]], rng: random.Random) -> None:
        self._synonyms = synonyms
        self._rng = rng

    def make(self, sentence: str, subject: str = "") -> str:
        """A question-like text from `sentence`, led by `subject` where given; empty when the sentence is too short."""
        rng = self._rng
        words = sentence.split()
        if len(words) < 6:
            return ""
        if len(words) > 14 and rng.random() < 0.75:
            size = rng.randint(8, min(len(words), 22))
            start = rng.randint(0, len(words) - size)
            sentence = " ".join(words[start : start + size])
        sentence = self._ask(sentence)
        words = self._thin(self._reword(sentence.split()))
        return f"{subject} {' '.join(words)}".strip()

    def _ask(self, sentence: str) -> str:
        rng = self._rng
        choices: list[tuple[re.Match[str], tuple[str, ...]]] = []
        kinds: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = ((_DATE, _WHEN), (_NUMBER, _MANY), (_NAME, _WHO))
        for pattern, asks in kinds:
            choices += [(match, asks) for match in pattern.finditer(sentence)]
        if choices and rng.random() < 0.7:
            match, asks = rng.choice(choices)
            return f"{sentence[: match.start()]}{rng.choice(asks)}{sentence[match.end() :]}"
        words = sentence.split()
        if rng.random() < 0.3:
            return f"{rng.choice(_OPENING)} {sentence}"
        size = rng.randint(1, min(5, len(words) - 3))
        # Answers stand late in Vietnamese statements more often than early.
        start = rng.randint(len(words) // 3, len(words) - size)
        return " ".join([*words[:start], rng.choice(_WHAT), *words[start + size :]])

    def _reword(self, words: list[str]) -> list[str]:
        result: list[str] = []
        position = 0
        while position < len(words):
            for size in (3, 2, 1):
                phrase = " ".join(words[position : position + size]).lower()
                others = self._synonyms.get(phrase)
                if others and position + size <= len(words) and self._rng.random() < 0.25:
                    result.append(self._rng.choice(others))
                    position += size
                    break
            else:
                result.append(words[position])
                position += 1
        return result

    def _thin(self, words: list[str]) -> list[str]:
        share = self._rng.uniform(0.0, 0.45)
        kept: list[str] = []
        position = 0
        while position < len(words):
            size = self._rng.randint(1, 3)  # words, not syllables, are what a person leaves out
            if self._rng.random() >= share:
                kept += words[position : position + size]
            position += size
        return kept or words


def synonyms(data: Path) -> dict[str, list[str]]:
    """Phrase -> other ways to say it, lower case, from the word net and the abbreviations."""
    table: dict[str, set[str]] = {}
    for row in rows(data / "text" / "vi-wordnet.jsonl.gz"):
        group = [w.lower() for w in row["words"] if len(w.split()) <= 3]
        if 2 <= len(group) <= 8:  # larger groups mix senses
            for word in group:
                table.setdefault(word, set()).update(w for w in group if w != word)
    acronyms = json.loads((data / "text" / "vi-acronyms.json").read_text(encoding="utf-8"))
    for short, readings in acronyms.items():
        readings = [readings] if isinstance(readings, str) else readings
        if len(readings) != 1 or not 2 <= len(short) <= 6:  # several readings: which one is meant is not known
            continue
        for reading in readings:
            table.setdefault(short.lower(), set()).add(reading.lower())
            table.setdefault(reading.lower(), set()).add(short.lower())
    return {k: sorted(v)[:6] for k, v in table.items()}


def news_pairs(data: Path, make: QuestionMaker, rng: random.Random, share: float) -> Iterator[Pair]:
    """Title, abstract and made questions against windows of the body, for a random `share` of the articles."""
    for number, row in enumerate(rows(data / "text" / "vietnews-articles.jsonl.gz")):
        if rng.random() >= share:
            continue
        body = sentences(row["body"])
        if len(body) < 3:
            continue
        first = window([row["abstract"], *body], rng) if rng.random() < 0.3 else window(body, rng)
        second = window(body, rng)
        yield Pair(row["title"], " ".join(first), number)
        yield from _made(make, rng, first, number, 1)
        yield Pair(row["abstract"], " ".join(second), number)
        yield from _made(make, rng, second, number, 1)


def wiki_pairs(data: Path, make: QuestionMaker, rng: random.Random) -> Iterator[Pair]:
    """Title with section, a sentence against its neighbours, and made questions, against windows of a passage."""
    for number, row in enumerate(rows(data / "text" / "viwiki2017-passages.jsonl.gz"), start=1_000_000):
        parts = sentences(row["text"])
        if len(row["text"].split()) < 25:
            continue
        title = re.sub(r" \(.*\)$", "", row["title"])
        first, second = window(parts, rng), window(parts, rng)
        yield Pair(f"{title} {row['section']}", " ".join(first), number)
        yield from _made(make, rng, first, number, 2, title)
        if len(second) > 2:
            # Without the sentence itself: else only its exact words would count.
            left = rng.randrange(len(second))
            rest = " ".join(second[:left] + second[left + 1 :])
            yield Pair(second[left], rest, number)
            yield from _made(make, rng, [second[left]], number, 1, title, rest)
        yield from _made(make, rng, second, number, 2, title)


def law_pairs(data: Path, make: QuestionMaker, rng: random.Random) -> Iterator[Pair]:
    """An article's heading, and made questions, against windows of its text."""
    for number, row in enumerate(rows(data / "text" / "laws.jsonl.gz"), start=2_000_000):
        head, _, text = row["text"].partition("\n")
        parts = sentences(text)
        if sum(len(p.split()) for p in parts) < 20:
            continue
        heading = re.sub(r"^Điều \d+\w*\.?\s*", "", head)
        first, second = window(parts, rng), window([head, *parts], rng)
        yield Pair(heading, " ".join(first), number)
        yield from _made(make, rng, first, number, 2, heading)
        yield from _made(make, rng, second, number, 2, heading)


def _made(
    make: QuestionMaker,
    rng: random.Random,
    parts: list[str],
    number: int,
    count: int,
    subject: str = "",
    passage: str = "",
) -> Iterator[Pair]:
    """Up to `count` questions made from sentences of `parts`, a fifth led by `subject`; the passage is their window."""
    for _ in range(count):
        question = make.make(rng.choice(parts), subject if rng.random() < 0.2 else "")
        if question:
            yield Pair(question, passage or " ".join(parts), number)


def question_pairs(data: Path, name: str, make: QuestionMaker, rng: random.Random) -> Iterator[Pair]:
    """The answerable questions of one set with their passages, held-out passages left out."""
    ids: dict[str, int] = {}
    base = 3_000_000 + 100_000 * QUESTION_SETS.index(name)
    for row in question_rows(data, name):
        context = row["context"]
        if not row["answerable"] or (name in HELD_OUT_SETS and held_out(context)):
            continue
        number = ids.setdefault(context, base + len(ids))
        passage = _around(context, row["answers"], rng)
        yield Pair(row["question"], passage, number)
        yield from _made(make, rng, window(sentences(context), rng), number, 1)


def _around(context: str, answers: list[str], rng: random.Random) -> str:
    """Mostly a window of the passage that holds an answer, as chunks will be; sometimes the whole passage."""
    if rng.random() < 0.3:
        return context
    parts = sentences(context)
    for _ in range(6):
        text = " ".join(window(parts, rng, 40, 200))
        if any(answer in text for answer in answers):
            return text
    return context
