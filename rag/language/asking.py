"""What a question asks for: a person, a day, an amount of money; and whether a sentence holds such a thing at all.

"Học phí là bao nhiêu tiền?" is not answered by a sentence that names no sum, however well the rest of it fits.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rag.language.claims import dates, names, numbers
from rag.text import both_ways, fold, is_unaccented, syllable_spans, syllables


class AnswerKind(StrEnum):
    """What a question asks for."""

    PERSON = "person"
    PLACE = "place"
    TIME = "time"
    NUMBER = "number"
    REASON = "reason"
    MANNER = "manner"
    LIST = "list"
    OTHER = "other"


# The first pattern that occurs decides; matched on keys without marks, so that unaccented questions count too. In a
# question with marks only the word itself counts: "máy" is no "mấy", and AI is nobody.
_QUESTION_WORDS = {fold(word): word for word in "ai gì nào đâu sao mấy bao nhiêu khi giờ lúc vì tại".split()}
_KIND_PATTERNS = (
    (AnswerKind.REASON, r"\b(vi sao|tai sao|ly do|nguyen nhan|do dau|vi dau|nham muc dich|de lam gi)\b"),
    (
        AnswerKind.TIME,
        r"\b(khi nao|bao gio|luc nao"
        r"|(nam|ngay|thang|thoi gian|thoi diem|hom|tuan|the ky|mua|gio) (nao|may|bao nhieu))\b",
    ),
    (AnswerKind.NUMBER, r"\b(bao nhieu|may|bao lau|bao xa|ty le nao|muc nao)\b"),
    (
        AnswerKind.PLACE,
        r"\b(o dau|tai dau|noi nao|den dau|tu dau|dau la noi"
        r"|(quoc gia|nuoc|thanh pho|tinh|dia diem|dia phuong|chau luc) nao)\b",
    ),
    (AnswerKind.LIST, r"\b(nhung gi|gom|nhung \w+( \w+)? (nao|gi)|cac \w+( \w+)? nao|liet ke|ke ten|neu ten)\b"),
    (AnswerKind.PERSON, r"\b(ai|nguoi nao|ong nao|ba nao|nha \w+ nao|ten gi|ten cua)\b"),
    (AnswerKind.MANNER, r"\b(nhu the nao|the nao|ra sao|lam sao|bang cach nao|cach nao)\b"),
)  # fmt: skip
_KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in _KIND_PATTERNS)

_NUMERAL = r"(?:\d[\d.,]*|một|hai|ba|bốn|năm|sáu|bảy|tám|chín|mười|chục|trăm|nghìn|ngàn|vạn|triệu|tỷ|nửa|vài|nhiều)"
_SCALE = r"(?:\s*(?:mươi|trăm|nghìn|ngàn|vạn|triệu|tỷ|tỉ))*"

_WHO = re.compile(r"\b[Aa]i\b(?! là gì)")
_AI = re.compile(r"\bAI\b")


# What the keys of a question say, and what a sentence that answers it must hold; folded for texts without marks.
_UNITS = tuple(
    (both_ways(asked), both_ways(told))
    for asked, told in (
        (
            r"\b(?:năm|thế kỷ|thập niên|thập kỷ) (?:nào|bao nhiêu|mấy)\b",
            r"\b[12]\d{3}s?\b|\bthế kỷ\b|\bthế kỉ\b|\bthập niên\b|\bthập kỷ\b|\bnăm \d|\d{1,2}/\d{1,2}/\d\d\b",
        ),
        (
            r"\bngày (?:nào|mấy|bao nhiêu|tháng nào)\b",
            r"\d{1,2}[/-]\d{1,2}|\b(?:ngày|mùng|mồng|rằm|hôm|chủ nhật)\b|\d tháng|\bthứ (?:hai|ba|tư|năm|sáu|bảy)\b",
        ),
        (r"\btháng (?:nào|mấy|bao nhiêu)\b", r"\btháng\b|\d{1,2}[/-]\d{1,4}|\bquý\b"),
        (r"\b(?:mấy|bao nhiêu) giờ\b", r"\b\d{1,2}\s*(?:giờ|h|g)\b|\b\d{1,2}[:h]\d\d|\bgiờ\b"),
        (r"\bbao nhiêu phần trăm\b", r"%|\bphần\b|\bnửa\b"),
        (
            r"\bbao nhiêu (?:tiền|kinh phí|vốn|usd|đô la|đồng|won|euro|bảng|yen)\b"
            r"|\b(?:học phí|kinh phí|lệ phí|trị giá|mức lương|ngân sách|số tiền|mức phạt|thu phí) .{0,60}\bbao nhiêu\b"
            r"(?! (?:lần|phần))",
            rf"\b{_NUMERAL}{_SCALE}\s*(?:đồng|đ|vnd|usd|đô la|đô|won|yen|euro|eur|bảng|nhân dân tệ|tệ|rup\w*|franc|baht"
            r"|ruble|rouble|rúp|peso|dinar|krone|mark|xu|cent|lạng|dollars?)\b|[$€£¥]|\bmiễn phí\b|\bkhông thu\b",
        ),
        (
            r"\bbao nhiêu (?:(?:nghìn|ngàn) )?(?:tỷ|triệu)\b",
            rf"\b{_NUMERAL}\s*(?:(?:mươi|trăm|nghìn|ngàn)\s*)*(?:tỷ|tỉ|triệu)\b|\d{{7,}}|\d[.,]\d{{3}}[.,]\d{{3}}",
        ),
        (
            r"\bbao nhiêu (?:m|mét|m2|km|km2|kilomet|kilômét|cây số|dặm|hải lý|cm|mm|inch|feet|foot|ha|hecta|héc ta)\b",
            rf"\b{_NUMERAL}{_SCALE}\s*(?:m|mét|m[23²³]|km|km[2²]|ki ?l[oô] ?mét\w*|cây số|dặm|hải lý|cm|mm|inch|feet"
            r"|foot|ft|ha|héc ?ta|hecta|mẫu|sào)\b",
        ),
        (
            r"\bbao nhiêu (?:kg|kilogram|cân|tạ|tấn|gram|gam|g|mg|lít|ml|calo|kcal)\b",
            rf"\b{_NUMERAL}{_SCALE}\s*(?:kg|k[iý] ?l\w*|cân|tạ|tấn|gram|gam|gr|g|mg|mcg|lít|l|ml|calo\w*|kcal)\b",
        ),
        (r"\b(?:bao nhiêu|mấy) tuổi\b", r"\btuổi\b|\bsinh (?:năm|ngày|tháng)\b|\blên \d"),
        (
            r"\bbao lâu\b",
            rf"\b{_NUMERAL}{_SCALE}\s*(?:giây|phút|giờ|tiếng|ngày|tuần|tháng|năm|thế kỷ|thập kỷ|mùa|học kỳ|đời)\b"
            r"|\b(?:lâu dài|vĩnh viễn|suốt đời|mãi mãi|thời hạn)\b|\b\d{4}\b",
        ),
    )
)
_FOLDED_NUMERAL = re.compile(fold(_NUMERAL))
_COUNTED = re.compile(r"\b(?:bao nhieu|may)\b")
_ORDINAL = re.compile(r"\b(?:thu|giai doan|loai|lop|cap|khoa|hang|muc|lan) (?:may|nao|bao nhieu)\b")
"""Answered by "đầu tiên", "giai đoạn I" or "kém" as well as by a number."""
_NO_NOUN = frozenset(
    "là thì ở của trong trên dưới so với và cho đến từ tại để sau khi phần trăm được có lần thứ hơn triệu tỷ nghìn ngàn"
    " trăm chục".split()
)
_SHORT_NOUNS = frozenset(
    "nguoi nuoc lan nam ngay thang tuan gio phut tinh huyen xa con cai chiec tap trang bai mon lop khoa truong hang"
    " loai bang dao cau tang phong giai ban quan doi ca vu dot ky nhom chi phan buoc cach dieu chuong muc cap"
    .split()
)  # fmt: skip
"""Nouns of one syllable; the others are known by two."""
_AMOUNT = re.compile(
    r"\b(?:hai|ba|bốn|sáu|bảy|tám|chín|mười|chục|trăm|nghìn|ngàn|vạn|triệu|tỷ|tỉ|nửa|đôi|vài|duy nhất"
    r"|(?:một|năm) (?:mươi|trăm|nghìn|ngàn|triệu|tỷ|tỉ|nửa|lần|phần))\b|(?<![\d/])\d/\d{1,2}(?![\d/])",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\b[A-Z][\w.]*[ -]?(?P<number>\d+\.\d{1,2}|(?:19|20)\d\d)\b(?!\s*(?:%|phần|nghìn|ngàn|triệu|tỷ|tỉ))"
)
"""A product's or an event's: "Exaone 4.0", "AI4VN 2023". Vietnamese writes its own fractions with a comma."""
_NAMED = re.compile(r"\b(?:quoc gia|nuoc|thanh pho|tinh|chau luc|cong ty|tap doan) nao\b")
_BARE_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_NEAR = 4
"""Syllables between a number and what it counts: "450 nghìn đồng một tháng"."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer must hold."""

    kind: AnswerKind
    unit: tuple[re.Pattern[str], re.Pattern[str]] | None = None
    """A year, a sum of money …, in a text with marks and in one without; None where any thing of the kind will do."""
    noun: tuple[str, ...] = ()
    """What is counted, one or two syllables without marks: "nha nghien" of "bao nhiêu nhà nghiên cứu"."""
    named: bool = False
    """Whether it must have a name."""
    amount: bool = False
    """Whether any amount will do, and one is needed."""

    def is_in(self, sentence: str, asked: str) -> bool:
        """Whether a sentence holds a thing of the kind, and of the unit; True where none can be demanded.

        An amount must be another than those of the question `asked`, and no date or version of a product.
        """
        if self.unit is not None:
            return self.unit[is_unaccented(sentence)].search(sentence) is not None
        if self.named:
            return has_new_name(sentence, asked)
        if not self.amount:
            return True
        return bool(_AMOUNT.search(sentence)) or has_new_amount(sentence, asked) or self.counts(sentence)

    def counts(self, sentence: str) -> bool:
        """Whether what is counted stands in a sentence behind a number."""
        if not self.noun:
            return False
        keys = tuple(fold(key) for key in syllables(sentence))
        size = len(self.noun)
        places = [place for place in range(len(keys)) if keys[place : place + size] == self.noun]
        return any(
            _FOLDED_NUMERAL.fullmatch(key) is not None
            for place in places
            for key in keys[max(place - _NEAR, 0) : place]
        )


def answer_kind(question: str) -> AnswerKind:
    """The kind of answer that a question asks for, by its question words."""
    plain = _plain(question)
    return next((kind for kind, pattern in _KINDS if pattern.search(plain)), AnswerKind.OTHER)


def wanted(question: str) -> Wanted:
    """What a question asks for."""
    plain, kind = _plain(question), answer_kind(question)
    if kind not in (AnswerKind.TIME, AnswerKind.NUMBER):
        return Wanted(kind, named=_NAMED.search(plain) is not None)
    without_marks = is_unaccented(question)
    keys = " ".join(syllables(question))
    unit = next((told for asked, told in _UNITS if asked[without_marks].search(keys)), None)
    counted = _COUNTED.search(plain)
    after = syllables(question)[plain[: counted.end()].count(" ") + 1 :] if counted is not None else []
    noun: tuple[str, ...] = ()
    if after and kind is AnswerKind.NUMBER and after[0] not in _NO_NOUN:
        noun = tuple(map(fold, after[: 1 if fold(after[0]) in _SHORT_NOUNS else 2]))
    amount = kind is AnswerKind.NUMBER and unit is None and _ORDINAL.search(plain) is None
    return Wanted(kind, unit, noun, amount=amount)


def has_new_amount(sentence: str, asked: str) -> bool:
    """Whether a sentence has a number that the question has not, dates and versions ("Exaone 4.0") aside."""
    known = {value for number in numbers(asked) for value in number.values}
    versions = {match["number"] for match in _VERSION.finditer(sentence)}
    return any(
        not number.values & known and number.written not in versions and _BARE_YEAR.fullmatch(number.written) is None
        for number in numbers(sentence)
    )


def has_new_name(sentence: str, asked: str) -> bool:
    """Whether a sentence has a name with a word that the question has not."""
    known = {fold(key) for key in syllables(asked)}
    return any({fold(key) for key in syllables(name)} - known for name in names(sentence))


def has_new_date(sentence: str, asked_keys: Sequence[str]) -> bool:
    """Whether a sentence has a date whose year the question does not name."""
    years = {str(date.year) for date in dates(sentence) if date.year}
    return bool(dates(sentence)) and not (years and years <= set(asked_keys))


def _plain(text: str) -> str:
    """The keys of a question without marks, but for words that only look like question words without them."""
    has_marks, has_case = not is_unaccented(text), not text.isupper()
    keys = []
    for key, start, end in syllable_spans(text):
        word = _QUESTION_WORDS.get(fold(key), key)
        is_other = (has_marks and word != key) or (has_case and text[start:end].isupper() and end - start > 1)
        keys.append(key.upper() if is_other else fold(key))
    return " ".join(keys)


def with_who(question: str, texts: Iterable[str]) -> str:
    """The question with "người nào" for "ai" where one of the texts speaks of AI: without regard to case both are one.

    A question all in small letters may mean either and stays as it is; so does one without marks.
    """
    if question == question.lower() or is_unaccented(question) or not _WHO.search(question):
        return question
    if not any(map(_AI.search, texts)):
        return question
    return _WHO.sub(lambda who: "Người nào" if who[0] == "Ai" else "người nào", question)
