"""Questions for what a thing is, and sentences that say it: "Đậu phụ là gì?", "Đậu phụ (…) là một món ăn".

Any sentence about tofu shares as many words with the question as the one that says what tofu is.
"""

import re
from dataclasses import dataclass

from rag.text import fold, syllable_spans, syllables

_ASKING = re.compile(
    r"(?:(?:xin |hay |vui long )?cho (?:toi |em |minh )?(?:biet|hoi) )?(?:the )?(?:"
    r"(?:the nao|nhu the nao|sao) (?:duoc goi |duoc coi |goi )?la (?P<after>.+?)"
    r"|(?:ai|dau|cai gi) (?:chinh )?la (?P<who>(?!gi\b|ai\b).+?)"
    r"|(?:khai niem|dinh nghia) (?:ve |cua )?(?P<of>.+?)(?: la gi| la the nao| nhu the nao)?"
    r"|(?P<before>.+?) (?:chinh |co nghia |nghia |tuc |duoc hieu |duoc dinh nghia )?la (?:cai |con |nguoi )?"
    r"(?:gi|ai|the nao|nhu the nao|nguoi nao))(?: vay| nhi| a| the| day)?"
)
OPENING, SAID = 6.0, 1.0
"""Added to the logit of a sentence that says what the thing is: where its document begins, and elsewhere. Of 260
articles asked for by their title the first sentence shown is then of the article's opening in 93%, without in 56%."""
_OPENING_CHARS = 400
"""Characters of a document in which its first sentences begin."""
_MOST_SYLLABLES = 8
"""Of what is asked for; longer ones are statements of their own."""
_POINTING = frozenset("này đó ấy đấy đây kia".split())
"""The last syllable of what was named before, which no document defines."""
_PRONOUNS = (["nó"], ["họ"], ["ông"], ["bà"], ["cô"], ["anh"], ["chúng"])
_MOST_BEFORE = 10
"""Syllables of a sentence before the thing that it defines: its heading, "theo quy định này"."""
_IS = r"(?<!goi )(?<!viet )(?<!ten )la"
"""What "còn gọi là" gives is another name."""
_SAYING = re.compile(
    r"(?:(?:hay|hoac|con|tuc|viet tat)\b(?: \w+){1,14}? )?"
    r"(?:chinh |con |cung |tuc |nghia |co nghia |duoc hieu |duoc dinh nghia |duoc coi |von |hien |tung )*"
    rf"{_IS} (?!gi\b|ai\b|the nao\b|nhu the nao\b)\w+"
)
_OF = frozenset("cua voi cho tai o trong ve tu boi va".split())
"""Behind these the thing is no subject: "vai trò của nó là …" says what its part is."""
_SAYING_LATE = re.compile(rf"(?:\w+ ){{0,40}}?{_IS} (?!gi\b|ai\b)\w+")
_ASIDE = re.compile(r"\s+[-–—]\s+(?P<said>[^-–—;]{8,160}?)\s+[-–—]\s")
"""What news says of whom it names: "Naver Cloud - đơn vị dịch vụ đám mây - ra mắt …"."""
_BEING = re.compile(r"\bla (?:(?:mot|cac|nhung|vi|nguoi|chiec|con|ten) )*$")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_COMMA = re.compile(r"[,;](?=\s)")
_LEAST_SAID = 3
"""Syllables before a comma that ends it: "một nhà vật lý, nhà thiên văn học …"."""
_LEAST_NAMED = 3
"""Syllables of a thing that may stand behind "là": "Hà Nội là thủ đô của Việt Nam" says what the capital is, but "kim
loại này là natri" not what natrium is."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A sentence that says what a thing is."""

    strength: float
    """OPENING or SAID."""
    start: int
    """Characters of what the thing is said to be."""
    end: int
    """As `start` where that cannot be told."""


def thing_asked(question: str) -> tuple[str, ...]:
    """The syllables, without marks, of the thing whose meaning is asked; () when something else is."""
    written = syllables(question)
    folded = " ".join(fold(key) for key in written)
    found = _ASKING.fullmatch(folded)
    if found is None:
        return ()
    start, end = (folded[:at].count(" ") for at in found.span(found.lastgroup or 0))
    if end - start >= _MOST_SYLLABLES or written[end] in _POINTING or written[start : end + 1] in _PRONOUNS:
        return ()
    return tuple(folded.split()[start : end + 1])


def definition_strength(sentence: str, thing: tuple[str, ...], start_char: int) -> float:
    """OPENING, SAID, or 0 where the sentence, given as to `definition`, does not say what the thing is."""
    found = definition(sentence, thing, start_char)
    return found.strength if found is not None else 0.0


def definition(sentence: str, thing: tuple[str, ...], start_char: int) -> Definition | None:
    """How a sentence says what the thing, as `thing_asked` gives it, is; None when it does not, or none is asked for.

    `start_char` is where it begins in its document: articles say at their beginning what they are about.
    """
    if not thing:
        return None
    opens = start_char < _OPENING_CHARS
    text = _without_brackets(sentence)
    spans = syllable_spans(text)
    keys = [fold(key) for key, _, _ in spans]
    for place in range(len(keys) - len(thing) + 1):
        behind = place + len(thing)
        if tuple(keys[place:behind]) != thing:
            continue
        if place <= _MOST_BEFORE and (place == 0 or keys[place - 1] not in _OF):
            told = " ".join(keys[behind:])
            saying = _SAYING.match(told)
            late = _SAYING_LATE.match(told) if opens else None
            if found := saying or late:
                first = spans[behind + found[0].count(" ")][1]
                return Definition(OPENING if opens else SAID, first, _end(text, first))
            if aside := _ASIDE.match(text, spans[behind - 1][2]):
                return Definition(OPENING if opens else SAID, *aside.span("said"))
        being = _BEING.search(f"{' '.join(keys[:place])} ") if len(thing) >= _LEAST_NAMED else None
        if being is not None:
            named = " ".join(keys[:place])[: being.start()].count(" ")
            return Definition(SAID, spans[0][1], spans[named - 1][2] if named else spans[0][1])
    return None


def _without_brackets(sentence: str) -> str:
    """The sentence with spaces for what stands in brackets, so that places stay."""
    before = ""
    while before != sentence:
        before, sentence = sentence, _BRACKETS.sub(lambda match: " " * len(match[0]), sentence)
    return sentence


def _end(text: str, first: int) -> int:
    """Where what is said from `first` on ends: at a comma behind some words, or with the sentence."""
    for comma in _COMMA.finditer(text, first):
        if len(syllables(text[first : comma.start()])) >= _LEAST_SAID:
            return len(text[: comma.start()].rstrip())
    return len(text.rstrip(" .;:!?…\"”'"))
