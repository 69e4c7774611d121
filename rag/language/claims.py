"""The parts of a sentence that can be checked word for word: numbers, percentages, dates and names."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rag.text import syllables

_NUMBER = re.compile(
    r"(?<![\w.,])(\d+(?:[.,]\d+)*)\s*(%|phần trăm\b|tỷ\b|tỉ\b|triệu\b|nghìn\b|ngàn\b|vạn\b)?(?:\s*(tỷ\b|tỉ\b))?",
    re.IGNORECASE,
)
_SCALES = {
    "tỷ": Decimal(10) ** 9,
    "tỉ": Decimal(10) ** 9,
    "triệu": Decimal(10) ** 6,
    "nghìn": Decimal(10) ** 3,
    "ngàn": Decimal(10) ** 3,
    "vạn": Decimal(10) ** 4,
}
_UNITS = {
    "không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4, "năm": 5, "lăm": 5, "nhăm": 5, "sáu": 6,
    "bảy": 7, "bẩy": 7, "tám": 8, "chín": 9,
}  # fmt: skip
_TENS = frozenset({"mươi", "chục"})
# "thế kỷ XX", "lần thứ XIII": only after such a word, because a capital alone may be anything.
_ROMAN = re.compile(
    r"\b(?:thế k[ỷỉ](?: thứ)?|thứ|lần|kh[óo][áa]|quý|kỳ|chương|phần|mục)\s+(?P<roman>[IVXLC]{1,6})\b(?! [A-ZĐ])"
)
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_DATE = re.compile(
    r"(?:ngày\s+)?(?<![\d/.,])(?P<day>\d{1,2})\s*(?:/|\s+tháng\s+)\s*(?P<month>\d{1,2})(?:\s*(?:/|,?\s*năm\s+)\s*(?P<year>\d{4}))?(?![\d/])"
    r"|tháng\s+(?P<month2>\d{1,2})(?:\s*(?:/|,?\s*năm\s+)\s*(?P<year2>\d{4}))?(?![\d/])"
    r"|(?<![\d/.,])(?P<month3>\d{1,2})\s*/\s*(?P<year3>\d{4})(?![\d/])"
    r"|năm\s+(?P<year4>\d{4})(?!\d)",
    re.IGNORECASE,
)
# Upper and lower case alternate in the Vietnamese block of Unicode, so no range of it is one case.
_UPPER = "A-Z" + "".join(char for char in map(chr, range(0xC0, 0x1EFA)) if char.isupper())
_CAPITALISED = rf"[{_UPPER}]\w*(?:[.&][{_UPPER}]\w*)*"
_NAME = re.compile(rf"\b{_CAPITALISED}(?:[ -]{_CAPITALISED})*")
_OPENERS = frozenset(
    "theo tại ở trong với ông bà anh chị cô từ đến ngày tháng năm khi sau trước do vì để và nhưng còn các những một hai"
    " ba nếu tuy bên ngoài hiện đây đó cả cùng của là về trên dưới giữa qua nhờ như cho phía người ai bởi riêng chỉ"
    " mỗi mọi vào cuối đầu đặc ngay được bị việc viết có cách quỹ bộ sở viện trường hãng startup"
    .split()
)  # fmt: skip
_SENTENCE_BEGIN = re.compile(r"(?:^|[.!?:…\n])[\s\"'“‘«(\[–—-]*$")


@dataclass(frozen=True, slots=True)
class DateClaim:
    """A date as far as it is told; None stands for a part that is not."""

    day: int | None
    month: int | None
    year: int | None

    def within(self, other: "DateClaim") -> bool:
        """Whether `other` says all that this one says."""
        pairs = ((self.day, other.day), (self.month, other.month), (self.year, other.year))
        return all(mine is None or mine == theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class NumberClaim:
    """A number with the values that its spelling can mean ("50.000" is fifty thousand or fifty)."""

    written: str
    values: frozenset[Decimal]
    percent: bool


def dates(text: str) -> list[DateClaim]:
    """The dates of a text in order: 28/10/2024, ngày 28 tháng 10 năm 2024, tháng 9/2024, 10/2024, năm 2030."""
    return [_date_claim(match) for match in _DATE.finditer(text) if _is_date(match)]


def numbers(text: str) -> list[NumberClaim]:
    """The numbers of a text that are no part of a date, in order, scaled by tỷ, triệu, nghìn."""
    masked = _DATE.sub(lambda match: " " * len(match[0]) if _is_date(match) else match[0], text)
    found: list[NumberClaim] = []
    for match in _NUMBER.finditer(masked):
        unit = (match[2] or "").lower()
        scale = _SCALES.get(unit, Decimal(1)) * _SCALES.get((match[3] or "").lower(), Decimal(1))
        values = frozenset(value * scale for value in _readings(match[1]))
        found.append(NumberClaim(match[0].strip(), values, unit in ("%", "phần trăm")))
    return [*found, *_roman_numbers(text)]


def names(text: str) -> list[str]:
    """The proper names of a text in order; a capital that only begins a sentence does not make one."""
    found: list[str] = []
    counted = {match.start("roman") for match in _ROMAN.finditer(text)}
    for match in _NAME.finditer(text):
        if match.start() in counted:
            continue
        name = match[0]
        if _SENTENCE_BEGIN.search(text[: match.start()]):
            first, _, rest = name.partition(" ")
            # One capitalised word may owe its capital to the sentence; "Việt Nam" and "NATIF" do not.
            if first.lower() in _OPENERS or (not rest and first[1:] == first[1:].lower()):
                name = rest
        if len(name) > 1:
            found.append(name)
    return found


def unsupported_claims(sentence: str, evidence: str) -> list[str]:
    """The numbers, dates and names of `sentence`, as written, that `evidence` does not hold; [] when all are there."""
    words = syllables(evidence)
    missing = [_written(date) for date in dates(sentence) if not _told_date(date, dates(evidence), words)]
    told = _told_values(evidence, words)
    percents = {value for number in numbers(evidence) if number.percent for value in number.values}
    missing += [
        number.written for number in numbers(sentence) if not number.values & (percents if number.percent else told)
    ]
    joined = f" {' '.join(words)} "
    return missing + [name for name in names(sentence) if f" {' '.join(syllables(name))} " not in joined]


def _told_date(date: DateClaim, told: Iterable[DateClaim], words: Iterable[str]) -> bool:
    """Whether a date that is told says as much; a year alone may also stand as a plain number."""
    if any(date.within(other) for other in told):
        return True
    return date.day is None and date.month is None and str(date.year) in words


def _told_values(evidence: str, words: Iterable[str]) -> set[Decimal]:
    """Every value that the evidence tells, in digits, in words or as a part of a date."""
    values = {value for number in numbers(evidence) for value in number.values}
    values |= set(_spelled_numbers(list(words)))
    return values | {Decimal(part) for date in dates(evidence) for part in (date.day, date.month, date.year) if part}


def _roman_numbers(text: str) -> list[NumberClaim]:
    found = []
    for match in _ROMAN.finditer(text):
        digits = [_ROMAN_VALUES[char] for char in match["roman"]]
        signed = [-one if one < after else one for one, after in zip(digits, [*digits[1:], 0], strict=True)]
        found.append(NumberClaim(match["roman"], frozenset({Decimal(sum(signed))}), percent=False))
    return found


def _spelled_numbers(words: Sequence[str]) -> Iterator[Decimal]:
    """The numbers in words, up to hundreds: "hai mươi mốt" tells 21, and each word by itself what it says alone."""
    for place, word in enumerate(words):
        if word not in _UNITS and word != "mười":
            continue
        yield Decimal(_UNITS.get(word, 10))
        hundreds, rest = 0, place
        if words[place + 1 : place + 2] == ["trăm"]:
            hundreds, rest = 100 * _UNITS.get(word, 10), place + 2
            yield Decimal(hundreds)
            rest += words[rest : rest + 1] in (["linh"], ["lẻ"])
        tens, rest = _tens(words, rest)
        yield Decimal(hundreds + tens + (_UNITS.get(words[rest], 0) if rest < len(words) else 0))


def _tens(words: Sequence[str], place: int) -> tuple[int, int]:
    """The tens that are told from `place` on, and where what follows them stands."""
    if words[place : place + 1] == ["mười"]:
        return 10, place + 1
    if place + 1 < len(words) and words[place] in _UNITS and words[place + 1] in _TENS:
        return 10 * _UNITS[words[place]], place + 2
    return 0, place


def _written(date: DateClaim) -> str:
    return "/".join(str(part) for part in (date.day, date.month, date.year) if part is not None)


def _is_date(match: re.Match[str]) -> bool:
    date = _date_claim(match)
    return 1 <= (date.day or 1) <= 31 and 1 <= (date.month or 1) <= 12


def _date_claim(match: re.Match[str]) -> DateClaim:
    parts = [(name, int(value)) for name, value in match.groupdict().items() if value]
    day, month, year = (
        next((value for name, value in parts if name.startswith(kind)), None) for kind in ("day", "month", "year")
    )
    return DateClaim(day, month, year)


def _readings(digits: str) -> Iterable[Decimal]:
    """What a number's separators can mean: "." groups thousands in Vietnamese, and so does "," in English."""
    parts = re.split(r"[.,]", digits)
    plain = Decimal("".join(parts))
    if len(parts) == 1:
        return [plain]
    grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    if len(parts) > 2:
        mixed = Decimal("".join(parts[:-1]) + "." + parts[-1])
        return [plain, mixed] if grouped else [mixed]
    decimal = Decimal(f"{parts[0]}.{parts[1]}")
    return [plain, decimal] if grouped else [decimal]
