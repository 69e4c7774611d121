"""What was asked: a follow-up made to stand alone, and several questions in one told apart."""

import re
from collections.abc import Sequence

from rag.language.claims import names
from rag.text import both_ways, fold, is_unaccented, syllables
from rag.types import Turn

# Matched without marks, so that unaccented follow-ups are seen too.
_OPENING = re.compile(r"^(?:vay|the|vay the)?\s*(?:thi)?\s*con\b", re.IGNORECASE)
_TAIL = re.compile(r"\s*(?:thì sao|thi sao|thế nào|the nao|ra sao|thì|thi)?\s*(?:vậy|vay)?\s*\?*\s*$", re.IGNORECASE)
_OPENING_WORDS = re.compile(r"^\s*(?:(?:vậy|vay|thế|the)\s+)?(?:thì\s+|thi\s+)?(?:còn|con)\s+", re.IGNORECASE)
_PRONOUN = re.compile(
    r"\b(?:(ông|bà|anh|chị|cô|ong|ba|co) (ấy|ta|này|đó|ay|nay|do)|"
    r"(?:công ty|tổ chức|dự án|mô hình|sự kiện|nước|quỹ|cơ quan|cong ty|to chuc|du an|mo hinh|su kien|nuoc|quy|co quan)"
    r" (?:này|đó|ấy|trên|nay|do|ay|tren)"
    r"|(?:điều|việc|cái|dieu|viec|cai) (?:này|đó|nay|do)|họ(?! (?:và )?(?:tên|hàng|nhà|tộc)\b)|nó|ở đó|o do|tại đó"
    r"|tai do)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_SHORT_KEYS = 4
_REMEMBERED = 6
"""Turns that a chain of follow-ups may reach back."""
_PERSON_WORDS = frozenset({"ong", "ba", "anh", "chi", "co", "nguoi"})
_TITLE = re.compile(
    r"\b(?:ong|ba|anh|chi|co|ts|gs|pgs|ths|bs|tien si|giao su|bac si|luat su|dai su|bo truong|thu truong|thu tuong"
    r"|tong thong|chu tich|giam doc|tong giam doc|chuyen gia|nha \w+|ceo)\.?$"
)
_WHO = re.compile(r"\b(?:ai|nguoi nao|ten gi)\b")


# "viện đó", "buổi này", but not "sau đó" or "gì đó".
_KNOWN_THING = both_ways(
    r"\b(?!(?:sau|trước|trong|do|từ|khi|lúc|nào|gì|ai|đâu|nhờ|vì|theo|năm|hôm|ngày|bên|trên|dưới|ngoài)\b)\w{2,}"
    r" (?:đó|này|ấy|vừa rồi|nói trên)\b"
)
_IN_PASSING = both_ways(r"^(?:thế|vậy|rồi)\b(?! (?:giới|kỷ|hệ|vận|năng|vì|lúc|lớp|trận|nào|thì)\b)|\bvậy\s*\??$")
_ASKS = both_ways(
    r"\b(?:(?:vào|từ|đến|ở|tại) )?(?:(?:hôm|ngày|năm|tháng|giờ|lúc|khi|nơi|cơ quan|đơn vị|mô hình|người|nước|thành phố"
    r"|tỉnh|những \w+|các \w+) )?(?:nào|bao giờ|đâu)\b|\b(?:là )?(?:những )?(?:ai|gì)\b"
    r"|\b(?:bao nhiêu|mấy)(?: phần trăm)?\b|\b(?:như )?thế nào\b|\bra sao\b|\b(?:vì|tại) sao\b"
)
_DEFINITION = re.compile(r"\bla (?:gi|ai|sao)\b|\bnghia la\b")
_OF_SOMETHING = re.compile(  # what a thing has, not what it is
    r"(?:muc (?:tieu|dich)|nguyen nhan|ly do|ket qua|ngan sach|chi phi|gia|thoi (?:han|gian)|dia diem|ten|chuc vu"
    r"|so luong|tac dung|loi ich|han che|dieu kien|vai tro|y nghia|noi dung|thu do|dan so|tac gia|nguoi \w+)\b"
)


# Where one question ends and the next begins in the same breath: "…, và …", "…, còn …", "…; …", "…? …".
_SEAM = re.compile(r"\s*[,;]\s*(?:và|còn|va|con)\s+|\s*;\s*|\?\s+(?=\S)", re.IGNORECASE)
_ASKING = re.compile(r"\b(?:ai|gi|nao|dau|may|bao nhieu|bao lau|bao gio|vi sao|tai sao|the nao|ra sao|lam sao|la gi)\b")
_PART_KEYS = 4


def questions_in(question: str) -> list[str]:
    """The questions that are asked at once, in order; the question itself where it is one.

    It is parted only where each side asks something of its own in at least four words.
    """
    pieces = [piece.strip() for piece in _SEAM.split(question) if piece.strip()]
    whole = all(len(syllables(piece)) >= _PART_KEYS and _ASKING.search(fold(piece).lower()) for piece in pieces)
    return pieces if len(pieces) > 1 and whole else [question]


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """`question` with what it takes from the conversation; unchanged when it stands by itself.

    "Còn năm 2045 thì sao?" puts 2045 in the place of the last question's year, a pronoun becomes the name that it most
    likely means, and any other fragment is put behind the last question. The last question is completed first, so that
    follow-ups may follow each other.
    """
    if not history:
        return question
    *earlier, last = history[-_REMEMBERED:]
    last = Turn(stand_alone(last.question, earlier), last.answer)
    if _OPENING.match(fold(question).strip()):
        return _with_replacement(question, last)
    pronoun = _PRONOUN.search(question)
    if pronoun is not None:
        name = _meant_by(pronoun[0], last)
        if name:
            return f"{question[: pronoun.start()]}{name}{question[pronoun.end() :]}".strip()
    if pronoun is not None or _points_back(question):
        return f"{_topic(last.question)}: {question}"
    return question


def _points_back(question: str) -> bool:
    """Whether a question without names is a fragment, or speaks of a thing as known: "Tổ chức hôm nào vậy?"."""
    size = len(syllables(question))
    without_marks = is_unaccented(question)
    if _KNOWN_THING[without_marks].search(question):
        return not names(question) or size <= _SHORT_KEYS
    if names(question) or _is_definition(question):
        return False
    return size <= _SHORT_KEYS or (size <= 2 * _SHORT_KEYS and _IN_PASSING[without_marks].search(question) is not None)


def _topic(question: str) -> str:
    """What a question is about: its words without those that ask."""
    # In capitals AI is no question word.
    words = re.sub(r"\bAI\b", "::", question)
    asking = [match.span() for match in _ASKS[is_unaccented(question)].finditer(words)]
    kept = "".join(char for at, char in enumerate(question) if not any(start <= at < end for start, end in asking))
    return " ".join(kept.split()).strip(" ?,:") or question.rstrip(" ?")


def _is_definition(question: str) -> bool:
    """Whether it asks what a thing is; "Mục tiêu là gì?" asks for something of what was spoken of."""
    plain = fold(question).lower()
    return _DEFINITION.search(plain) is not None and _OF_SOMETHING.match(plain) is None


def _with_replacement(question: str, last: Turn) -> str:
    topic = _TAIL.sub("", _OPENING_WORDS.sub("", question)).strip()
    years, last_years = _YEAR.findall(topic), _YEAR.findall(last.question)
    if years and last_years and len(syllables(topic)) <= _SHORT_KEYS:
        return last.question.replace(last_years[0], years[0])
    new_names, old_names = names(f"x {topic}"), names(f"x {last.question}")
    if new_names and old_names and len(syllables(topic)) <= 6:
        return last.question.replace(old_names[0], new_names[0])
    return f"{last.question.rstrip(' ?')}, {topic}?"


def _meant_by(pronoun: str, turn: Turn) -> str:
    """The name that a pronoun most likely means; empty when none was spoken of.

    One that the same word stands before ("ông Choi Youngsam" for "ông ấy", "công ty Upstage" for "công ty này"); for a
    person then one behind a title, the longest that was asked about, the first answered. What is no person is known by
    the whole question better than by a name in it.
    """
    word = fold(pronoun).lower().rsplit(" ", 1)[0]
    asked, answered = names(f"x {turn.question}"), names(f"x {turn.answer}")
    spoken = [(name, f"x {turn.question}") for name in asked] + [(name, f"x {turn.answer}") for name in answered]
    before = [(name, fold(text[: text.find(name)]).lower().rstrip()) for name, text in spoken]
    for name, words in before:
        if " " in pronoun and words.endswith(f" {word}"):
            return name
    if word not in _PERSON_WORDS:
        return ""
    for name, words in before:
        if _TITLE.search(words):
            return name
    if asked and not _WHO.search(fold(turn.question).lower()):
        return max(asked, key=len)
    new = [name for name in answered if name not in asked]
    return next(iter([*new, *asked]), "")
