"""Vietnamese text: one form at the door, keys for comparing, sentences with offsets."""

import re
import unicodedata
from functools import lru_cache

# Invisible characters that PDF exports and web pages leave inside words, and look-alikes of Vietnamese letters:
# U+00D0 (Icelandic eth) is drawn like U+0110 and old keyboards produce it.
_DOOR = {ord(char): None for char in "\ufeff\u200b\u200c\u200d\u2060\u00ad"} | {
    ord("\u00a0"): " ",
    ord("\u202f"): " ",
    ord("\u00d0"): "Đ",
    ord("\u2028"): "\n",
    ord("\u2029"): "\n",
    ord("\x0c"): "\n",
    ord("\x0b"): "\n",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")

# A number keeps its separators (94,6 · 50.000); a date's slashes separate, so that its parts are found one by one.
_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")
# Scans and OCR write a small L for the capital I of AI.
_MISREAD_AI = re.compile(r"\bAl\b")

_NEW_STYLE = dict(
    zip(
        "oà oá oả oã oạ oè oé oẻ oẽ oẹ uỳ uý uỷ uỹ uỵ".split(),
        "òa óa ỏa õa ọa òe óe ỏe õe ọe ùy úy ủy ũy ụy".split(),
        strict=True,
    )
)
_I_TO_Y = str.maketrans("iìíỉĩị", "yỳýỷỹỵ")
_I_OR_Y = re.compile(r"(?:[hklmst]|qu)[iìíỉĩị]")

_SENTENCE_END = re.compile(r"(?:[.!?]+|…)[\"'”’»)\]]*(?=\s|$)")
_SENTENCE_START = re.compile(r"\s*([\"'“‘«(\[–—•*-]*)\s*([^\W_])")
_WORD_BEFORE = re.compile(r"(\S+)$")
_ABBREVIATION = re.compile(
    r"(?:TP|Tp|TX|TT|TS|ThS|Ths|PGS|GS|BS|BSCK[I]+|KS|NCS|NSND|NSƯT|LS|ĐH|CĐ|Q|P|F|H|Mr|Mrs|Ms|Dr|Prof|St|Jr|No|Co|Ltd"
    r"|Inc|vs|tr|Tr|Nxb|NXB|Đ/c|đ/c)\.(?:[A-ZĐ][A-Za-zĐđ]{0,3}\.)*",
)
_INITIAL = re.compile(r"[\"'“(]*(?:[A-ZĐ]\.)*[A-ZĐ]\.")
_LIST_NUMBER = re.compile(r"[(]?(?:\d{1,3}|[a-zđ]|[IVX]{1,5})[.)]\.?")


def normalize(text: str) -> str:
    """`text` in NFC with plain line ends and spaces, without invisible and control characters.

    Everything that enters the system, documents and questions alike, passes here once; offsets count the result.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_DOOR)
    return unicodedata.normalize("NFC", _CONTROL.sub("", text))


# How a Vietnamese syllable is built, without its marks.
_SYLLABLE = re.compile(
    r"(?:b|ch?|d|gh?|gi|k|kh|h|l|m|n|ngh?|nh|ph?|qu|r|s|th?|tr|v|x)?[aeiouy]{1,3}(?:ch?|m|n|nh|ng|p|t)?"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_LEAST_MARKED = 0.2
"""Two in three words of Vietnamese carry a mark; of French one in five, of English none."""
_OWN_LETTER = re.compile("[\u0111\u0103\u01a1\u01b0\u0129\u0169\u1ea0-\u1ef9]")
"""đ, ă, ơ, ư, ĩ, ũ and the letters with two marks or a dot below: no other large language has them."""
_MANY_WORDS = 10
"""Nearly every second word of Vietnamese has such a letter, so among ten there is one."""
_MARKS = re.compile("[\u0300-\u036f]+")


def fold(text: str) -> str:
    """`text` without Vietnamese marks ("Đường" -> "Duong"); the same length as NFC input of Vietnamese letters."""
    return _MARKS.sub("", unicodedata.normalize("NFD", text)).replace("đ", "d").replace("Đ", "D")


def both_ways(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A pattern for texts with marks and the same for texts without, to be chosen by `is_unaccented`."""
    return re.compile(pattern, re.IGNORECASE), re.compile(fold(pattern), re.IGNORECASE)


@lru_cache(maxsize=200_000)
def syllable_key(syllable: str) -> str:
    """One key for the spellings of a syllable: case, hoà/hòa, thuỷ/thủy, lí/lý, quí/quý."""
    key = syllable.lower()
    ending = _NEW_STYLE.get(key[-2:])
    if ending is not None and not (key.startswith("qu") and key[-2] == "u"):
        key = key[:-2] + ending
    elif _I_OR_Y.fullmatch(key):
        key = key[:-1] + key[-1].translate(_I_TO_Y)
    return key


def readable(text: str) -> str:
    """`text` with "Al" read as AI, of the same length."""
    return _MISREAD_AI.sub("AI", text)


def syllable_spans(text: str) -> list[tuple[str, int, int]]:
    """The syllables, words and numbers of `text` as (key, start, end), in order."""
    return [(syllable_key(match[0]), match.start(), match.end()) for match in _TOKEN.finditer(readable(text))]


def syllables(text: str) -> list[str]:
    """The keys of the syllables, words and numbers of `text`, in order."""
    return [syllable_key(token) for token in _TOKEN.findall(readable(text))]


def is_unaccented(text: str) -> bool:
    """Whether `text` has letters but no Vietnamese mark at all, as when it was typed without an input method."""
    return any(char.isalpha() for char in text) and fold(text) == unicodedata.normalize("NFC", text)


def is_like_a_syllable(key: str) -> bool:
    """Whether a key is built as a Vietnamese syllable is, marks aside: "duong" is, "policy" is not."""
    return _SYLLABLE.fullmatch(fold(key)) is not None


def is_vietnamese_without_marks(text: str) -> bool:
    """Whether an unaccented text reads as Vietnamese: four in five of its words are built as syllables are."""
    words = [key for key in syllables(text) if key.isalpha()]
    alike = sum(is_like_a_syllable(key) for key in words)
    return is_unaccented(text) and alike >= 0.8 * len(words)


def is_vietnamese(text: str, least_words: int = 5) -> bool:
    """Whether a text is in Vietnamese with its marks; also true when fewer than `least_words` of its words tell.

    Names and abbreviations, which have a capital letter, tell nothing: they are written alike in many languages.
    """
    others = sum(not _is_latin(char) for char in text if char.isalpha())
    words = [word for word in _LETTERS.findall(text) if word.islower() and _is_latin(word[0])]
    # Without spaces between words, as in Chinese, a letter is about half a word.
    if len(words) + others // 2 < least_words:
        return True
    marked = sum(fold(word) != word for word in words)
    own = len(words) < _MANY_WORDS or any(_OWN_LETTER.search(word) for word in words)
    return others < len(words) and marked >= _LEAST_MARKED * len(words) and own


def _is_latin(letter: str) -> bool:
    return letter < "\u0370" or "\u1e00" <= letter <= "\u1eff" or "\uff21" <= letter <= "\uff5a"


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The (start, end) of each sentence, without the white space around it; a line break always ends one.

    Abbreviations (TP. HCM, PGS. TS.), initials, decimal points and list numbers do not end a sentence.
    """
    spans: list[tuple[int, int]] = []
    line_start = 0
    for line in text.split("\n"):
        spans.extend((line_start + start, line_start + end) for start, end in _line_sentences(line))
        line_start += len(line) + 1
    return spans


@lru_cache(maxsize=2048)
def passage_sentence_spans(passage: str) -> tuple[tuple[int, int], ...]:
    """`sentence_spans` of a passage; what was asked about lately is remembered, since passages come up again."""
    return tuple(sentence_spans(passage))


def _line_sentences(line: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(line):
        if match.end() < len(line) and not _ends_sentence(line, start, match):
            continue
        span = _stripped(line, start, match.end())
        if span is not None:
            spans.append(span)
        start = match.end()
    rest = _stripped(line, start, len(line))
    if rest is not None:
        spans.append(rest)
    return spans


def _ends_sentence(line: str, start: int, match: re.Match[str]) -> bool:
    after = _SENTENCE_START.match(line, match.end())
    if after is None or after[2].islower():
        return False
    if match[0] != ".":
        # A quoted title that ends in its own mark: a bracket that follows is about it.
        return not (match[0][-1] in "\"'”’»" and after[1].startswith("("))
    before = line[start : match.end()]
    word = _WORD_BEFORE.search(before)
    if word is None:
        return True
    if _ABBREVIATION.fullmatch(word[1].lstrip("(\"'“")):
        return False
    head = before[: word.start()].split()
    if not head:
        return not (_LIST_NUMBER.fullmatch(word[1]) or _INITIAL.fullmatch(word[1]))
    # "George W. Bush" and "trợ lý A. (A-dot)" go on, "vitamin C. Các …" ends: an initial follows a name.
    return not (_INITIAL.fullmatch(word[1]) and (head[-1][:1].isupper() or after[1].startswith("(")))


def _stripped(line: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and line[start].isspace():
        start += 1
    while end > start and line[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
