"""A statement to a question about it, by code: a question word stands where the answer stood.

Vietnamese keeps the order of the words when it asks ("A.X 4.0 dựa trên mô hình nào?"), so a statement whose answer is
masked is nearly a natural question. The matcher's training draws its made questions from here.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.language.asking import AnswerKind
from rag.language.claims import names
from rag.text import syllables

_CLAUSE_SYLLABLES = 24
"""A question is seldom longer; the clauses farthest from the answer are left out first."""
_WHEN = re.compile(
    r"(?:vào\s+|từ\s+|đến\s+|trong\s+)?(?:ngày\s+)?\d{1,2}[/-]\d{1,2}(?:[/-]\d{4})?(?![\d/])"
    r"|(?:vào\s+|từ\s+|đến\s+|trong\s+)?(?:ngày \d{1,2}\s+)?tháng \d{1,2}(?:(?:\s*[/,-]?\s*| năm )\d{4})?(?!\d)"
    r"|(?:vào\s+|từ\s+|đến\s+|trong\s+)?năm \d{3,4}(?!\d)"
    r"|(?:vào\s+)?(?:đầu |giữa |cuối )?thế kỷ(?: thứ)? [XIV\d]+\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(
    r"(?<![\w/.,-])\d[\d.,]*(?<![.,])(?:\s*(?:%|phần trăm|nghìn|ngàn|triệu|tỷ|tỉ)(?: tỷ)?)?(?![\w/])"
)
_REASON = re.compile(r"\b(?:vì|do|bởi vì|bởi|nhờ)\s+(?P<answer>[^,;.()]{12,120})")
_PURPOSE = re.compile(r"\b(?:nhằm|để)\s+(?P<answer>[^,;.()]{12,120})")
_MANNER = re.compile(r"\bbằng (?:cách\s+)?(?P<answer>[^,;.()]{8,100})")
_LISTED = re.compile(r"\b(?:bao gồm|gồm có|gồm|như|là)\s+(?P<answer>[^;.()]*?,[^;.()]* và [^;.(),]+)")
_IS = re.compile(r"\b(?:được gọi là|gọi là|có nghĩa là|trở thành|là)\s+(?P<answer>[^,;.()]{6,90})")
_PERSON_BEFORE = re.compile(
    r"\b(?:ông|bà|anh|chị|cô|vua|hoàng đế|công chúa|tướng|tiến sĩ|giáo sư|bác sĩ|nhà văn|nhà thơ|nhạc sĩ|ca sĩ|họa sĩ"
    r"|cầu thủ|tổng thống|thủ tướng|chủ tịch|giám đốc|bộ trưởng|TS|GS|PGS|ThS|BS)\.?\s*$",
    re.IGNORECASE,
)
_PLACE_BEFORE = re.compile(
    r"\b(?:ở|tại|đến|tới|từ|thành phố|TP\.?|tỉnh|quận|huyện|xã|phường|nước|đảo|sông|núi|bang|vùng|thủ đô)\s*$",
    re.IGNORECASE,
)
_GROUP_NAME = re.compile(
    r"^(?:Công ty|Tập đoàn|Ngân hàng|Bộ|Viện|Trường|Đại học|Tổ chức|Đảng|Ủy ban|Liên|Hội|Sở|Cục|Trung tâm|Bệnh viện)\b"
)
_PRONOUN = re.compile(r"^(?:Ông|Bà|Anh|Chị|Cô|Nó|Họ|Đây|Đó|Thành phố này|Nơi này|Tỉnh này)\s+(?=[a-zà-ỹđ])")
_ASKED = {
    "when": ("khi nào", "vào năm nào", "năm nào", "vào thời gian nào", "bao giờ", "vào ngày nào", "lúc nào"),
    "how_many": ("bao nhiêu", "bao nhiêu", "mấy"),
    "person": ("ai", "người nào", "ai"),
    "place": ("đâu", "nơi nào", "đâu"),
    "group": ("tổ chức nào", "đơn vị nào", "cơ quan nào", "đâu"),
    "thing": ("gì", "cái gì", "tên gì", "ai", "nào"),
    "what": ("gì", "như thế nào", "gì"),
    "listed": ("những gì", "những ai", "gì", "các thành phần nào"),
}
_KINDS = {
    "when": AnswerKind.TIME,
    "how_many": AnswerKind.NUMBER,
    "person": AnswerKind.PERSON,
    "place": AnswerKind.PLACE,
    "group": AnswerKind.OTHER,
    "thing": AnswerKind.OTHER,
    "what": AnswerKind.OTHER,
    "listed": AnswerKind.LIST,
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A question with its answer: `sentence[start:end] == answer` in the statement that it was made from."""

    question: str
    answer: str
    start: int
    end: int
    kind: AnswerKind


@dataclass(frozen=True, slots=True)
class Mask:
    """Characters of a statement that can be asked for."""

    start: int
    end: int
    way: str
    asked: str = ""
    """By which words; empty takes some that are usual for the way."""


def drafts(sentence: str, rng: random.Random, subject: str = "", further: Sequence[Mask] = ()) -> Iterator[Draft]:
    """Questions that `sentence` answers, in random order; none when nothing in it can be asked for.

    `subject` is what the text is about (a title): it takes the place of a pronoun that begins the sentence. `further`
    are masks beside those that are found here.
    """
    masks = [mask for mask in (*_masks(sentence), *further) if not _is_aside(sentence, mask)]
    rng.shuffle(masks)
    for mask in masks:
        question = _question(sentence, mask, rng, subject)
        if len(question.split()) >= 5:
            kind = {"reason": AnswerKind.REASON, "purpose": AnswerKind.REASON, "manner": AnswerKind.MANNER}.get(
                mask.way, _KINDS.get(mask.way, AnswerKind.OTHER)
            )
            yield Draft(question, sentence[mask.start : mask.end], mask.start, mask.end, kind)


def reworded(
    question: str, rng: random.Random, synonyms: Mapping[str, Sequence[str]], share: float = 0.2, thin: float = 0.25
) -> str:
    """The question in other words: a `share` of the known phrases replaced, up to `thin` of the words left out.

    `synonyms` gives lower-case phrases of one to three syllables and other ways to say them.
    """
    words = question.rstrip("?").split()
    kept: list[str] = []
    left_out = rng.uniform(0.0, thin)
    position = 0
    while position < len(words):
        for size in (3, 2, 1):
            others = synonyms.get(" ".join(words[position : position + size]).lower())
            if others and position + size <= len(words) and rng.random() < share:
                kept.append(rng.choice(others))
                position += size
                break
        else:
            if rng.random() >= left_out or words[position][:1].isupper() or _asks(words[position]):
                kept.append(words[position])
            position += 1
    return " ".join(kept) + "?"


def _is_aside(sentence: str, mask: Mask) -> bool:
    """Whether the answer stands in brackets: an aside is no statement."""
    before = sentence[: mask.start]
    return before.count("(") > before.count(")") or before.count('"') % 2 == 1


def _asks(word: str) -> bool:
    return word.lower() in ("ai", "gì", "nào", "đâu", "bao", "nhiêu", "mấy", "sao", "khi")


def _masks(sentence: str) -> Iterator[Mask]:
    """What can be asked for in a sentence."""
    taken: list[tuple[int, int]] = []
    for match in _WHEN.finditer(sentence):
        taken.append(match.span())
        yield Mask(match.start(), match.end(), "when")
    for match in _HOW_MANY.finditer(sentence):
        if not any(start < match.end() and match.start() < end for start, end in taken):
            yield Mask(match.start(), match.end(), "how_many")
    at = 0
    for name in names(sentence):
        start = sentence.find(name, at)
        if start < 0:
            continue
        at = start + len(name)
        before = sentence[:start]
        if _GROUP_NAME.match(name):
            way = "group"
        elif _PERSON_BEFORE.search(before):
            way = "person"
        elif _PLACE_BEFORE.search(before):
            way = "place"
        else:
            way = "thing"
        yield Mask(start, at, way)
    for pattern, way in (
        (_REASON, "reason"), (_PURPOSE, "purpose"), (_MANNER, "manner"), (_LISTED, "listed"), (_IS, "what"),
    ):  # fmt: skip
        for match in pattern.finditer(sentence):
            yield Mask(*match.span("answer"), way)


def _question(sentence: str, mask: Mask, rng: random.Random, subject: str) -> str:
    before, after = sentence[: mask.start], sentence[mask.end :]
    if mask.way in ("reason", "purpose"):
        rest = _clause(re.sub(r"\S+\s*$", "", before), after)
        if rng.random() < 0.3:
            return _asked(f"{rest} {'vì sao' if mask.way == 'reason' else 'để làm gì'}", subject)
        return _asked(f"{rng.choice(('Vì sao', 'Tại sao', 'Lý do gì'))} {_lowered(rest)}", subject, 1)
    if mask.way == "manner":
        rest = _clause(re.sub(r"bằng (?:cách )?$", "", before), after)
        return _asked(f"{rest} {rng.choice(('bằng cách nào', 'như thế nào', 'ra sao'))}", subject)
    word = mask.asked or rng.choice(_ASKED[mask.way])
    if mask.way == "when" and rng.random() < 0.7:
        rest = _clause(before, after)
        return _asked(f"{rest} {word}" if rng.random() < 0.75 else f"{word.capitalize()} {_lowered(rest)}", subject)
    if mask.way == "person" and rng.random() < 0.6:
        before = _PERSON_BEFORE.sub("", before)
    left = _last_clauses(before, _CLAUSE_SYLLABLES)
    right = _first_clauses(after, _CLAUSE_SYLLABLES - len(left.split()))
    return _asked(f"{left} {word} {right}", subject)


def _clause(before: str, after: str) -> str:
    """What is left of a sentence whose answer is taken out, without a word for it."""
    left = _last_clauses(before.strip(" ,"), _CLAUSE_SYLLABLES)
    return f"{left} {_first_clauses(after.strip(' ,'), _CLAUSE_SYLLABLES - len(left.split()))}"


def _last_clauses(text: str, limit: int) -> str:
    parts = re.split(r"[,;:]\s+", text.strip())
    while len(parts) > 1 and sum(len(part.split()) for part in parts) > limit:
        parts.pop(0)
    return " ".join(" ".join(parts).split()[-limit:])


def _first_clauses(text: str, limit: int) -> str:
    parts = re.split(r"[,;:]\s+", text.strip())
    while len(parts) > 1 and sum(len(part.split()) for part in parts) > limit:
        parts.pop()
    return " ".join(" ".join(parts).split()[: max(limit, 0)])


def _asked(words: str, subject: str, position: int = 0) -> str:
    text = " ".join(words.split()).strip(" .,;:!?…\"'“”")
    if subject and not set(syllables(subject)) & set(syllables(text)):
        text = _PRONOUN.sub(f"{subject} ", text) if _PRONOUN.match(text) else text
        if subject not in text and position == 0:
            text = f"{text} {subject}" if len(text) % 2 else f"{subject} {text}"
        elif subject not in text:
            text = f"{text} {subject}"
    return f"{text[:1].upper()}{text[1:]}?" if text else ""


def _lowered(text: str) -> str:
    """`text` without the capital that began its sentence; a name keeps its own."""
    first, _, rest = text.partition(" ")
    return text if names(f"x {first}") and rest[:1].isupper() else f"{text[:1].lower()}{text[1:]}"
