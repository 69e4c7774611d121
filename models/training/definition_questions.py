"""Questions for what a thing is, and for a thing by what it is, made from sentences that say so.

"Estonia là một nước cộng hòa ở Bắc Âu" -> "Estonia là gì?", "Nước cộng hòa ở Bắc Âu tên là gì?"
"Hoàng Anh Gia Lai (HAGL)" -> "HAGL là viết tắt của gì?"
"""

import random
import re
from collections.abc import Iterator

from rag.text import fold

_SUBJECT = re.compile(
    r"^(?P<subject>[^,;:()\"“”]{2,70}?)(?:\s*\([^)]{0,120}\))?,?\s+(?:chính\s)?là\s+(?P<answer>[^;.()\"“”]{8,160})"
)
_MOST_SUBJECT = 7
_NO_SUBJECT = frozenset(
    "đây đó ông bà nó họ này ấy được gọi nghĩa đã tuy nhiên đọc coi xem cho hiểu vốn thì"
    " cũng hiện vẫn chỉ luôn không tiếc nay do".split()
)
"""Words of a subject that is none, or none that can be asked for by itself."""
_PERSONS = re.compile(
    r"\b(?:người|nhà (?:văn|thơ|toán|vật|hóa|khoa|sử|báo|soạn|triết|cách)|ca sĩ|nhạc sĩ|diễn viên|cầu thủ"
    r"|chính trị gia|vận động viên|vua|hoàng|tướng|giám mục|họa sĩ|đạo diễn|học giả|tổng thống|thủ tướng)\b"
)
_WHAT_IS = (
    "{} là gì?", "{} là gì?", "{} là cái gì?", "{} nghĩa là gì?", "Thế nào là {}?", "{} được hiểu là gì?",
    "{} là thế nào?",
)  # fmt: skip
_WHO_IS = ("{} là ai?", "{} là ai?", "{} là người như thế nào?", "Ai là {}?")
_WHAT_REVERSED = ("{} là gì?", "{} là gì?", "{} tên là gì?", "{}?", "Đâu là {}?", "{} có tên là gì?", "{} là cái nào?")
_WHO_REVERSED = ("{} là ai?", "{} là ai?", "Ai là {}?", "{}?", "{} tên là gì?")
_MOST_TOLD = 14
_NO_BEGINNING = frozenset("một các những là tên trong số vị con cái chiếc".split())
_NO_END = frozenset("và của ở là trong với tại cho từ để được bị do khi nhưng mà đã thì".split())
"""Words with which no question begins or ends that asks by what a thing is."""
_ABBREVIATED = re.compile(
    r"(?P<before>[^,;:()\"“”.]{8,90}) \((?:viết tắt(?: là)?:? )?(?P<letters>[A-ZĐ][A-ZĐ&-]{1,6})\)"
)
_MOST_IN_FULL = 10
_IN_FULL = (
    "{} là gì?", "{} là viết tắt của gì?", "{} là viết tắt của từ gì?", "Tên đầy đủ của {} là gì?", "{} nghĩa là gì?",
)  # fmt: skip
_IN_SHORT = (
    "{} viết tắt là gì?", "Tên viết tắt của {}?", "Tên viết tắt của {} là gì?", "{} được viết tắt như thế nào?",
)  # fmt: skip
Asked = tuple[str, int, int]
"""A question, and where in the sentence its answer stands: first and last + 1 character."""


def asked_whole(sentence: str, title: str, rng: random.Random) -> Iterator[Asked]:
    """Questions that are not the sentence with a word in it for the answer, each in one of its ways."""
    for asked in (definition(sentence, title, rng), reversed_definition(sentence, rng), abbreviation(sentence, rng)):
        if asked is not None:
            yield asked


def abbreviation(sentence: str, rng: random.Random) -> Asked | None:
    """A question for a name in full, or for the letters in brackets behind it; None where there is none."""
    found = _ABBREVIATED.search(sentence)
    if found is None:
        return None
    letters = found["letters"]
    words = list(re.finditer(r"[^\W_]+", found["before"]))[-_MOST_IN_FULL:]
    for place in range(len(words) - 2, -1, -1):
        initials = "".join(word[0][0] for word in words[place:] if word[0] not in ("và", "của"))
        if fold(initials) == fold(re.sub(r"[&-]", "", letters)):
            start = found.start("before") + words[place].start()
            name = sentence[start : found.end("before")]
            if rng.random() < 0.6:
                return rng.choice(_IN_FULL).format(letters), start, found.end("before")
            return rng.choice(_IN_SHORT).format(name), *found.span("letters")
    return None


def reversed_definition(sentence: str, rng: random.Random) -> Asked | None:
    """A question for the subject by what the sentence says that it is; None where it does not say."""
    found = _defined(sentence)
    if found is None:
        return None
    told = found["answer"].partition(",")[0].split()[:_MOST_TOLD]
    while told and told[0].lower() in _NO_BEGINNING:
        told.pop(0)
    while told and told[-1].lower() in _NO_END:
        told.pop()
    if len(told) < 4:
        return None
    ways = _WHO_REVERSED if _PERSONS.search(" ".join(told[:5]).lower()) else _WHAT_REVERSED
    asked = rng.choice(ways).format(" ".join(told))
    subject = found["subject"].rstrip()
    return f"{asked[:1].upper()}{asked[1:]}", found.start("subject"), found.start("subject") + len(subject)


def _defined(sentence: str) -> re.Match[str] | None:
    """A sentence that says what its subject is, if it is one."""
    found = _SUBJECT.match(sentence)
    if found is None or len(found["subject"].split()) > _MOST_SUBJECT:
        return None
    if len(found["answer"].split()) < 3 or set(found["subject"].lower().split()) & _NO_SUBJECT:
        return None
    return found


def definition(sentence: str, title: str, rng: random.Random) -> Asked | None:
    """A question for what the subject of a sentence is; None where the sentence does not say."""
    found = _defined(sentence)
    if found is None:
        return None
    subject, answer = found["subject"].strip(), found["answer"]
    start = found.start("answer")
    first, comma, _ = answer.partition(",")
    if comma and (len(first.split()) >= 4 and rng.random() < 0.5):
        answer = first
    who = bool(_PERSONS.search(" ".join(answer.split()[:5]).lower()))
    asked = rng.choice(_WHO_IS if who else _WHAT_IS).format(title if title and rng.random() < 0.3 else subject)
    return f"{asked[:1].upper()}{asked[1:]}", start, start + len(answer.rstrip())
