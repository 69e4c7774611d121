"""Questions for what a thing is, and sentences that say it: "Đậu phụ là gì?", "Đậu phụ (…) là một món ăn".

Any sentence about tofu shares as many words with the question as the one that says what tofu is.
"""

import re

from rag.text import fold, syllables

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
OPENING_CHARS = 400
"""Characters of a document in which its first sentences begin."""
_MOST_SYLLABLES = 8
"""Of what is asked for; longer ones are statements of their own."""
_MOST_BEFORE = 10
"""Syllables of a sentence before the thing that it defines: its heading, "theo quy định này"."""
_SAYING = re.compile(
    r"(?:(?:hay|hoac|con|tuc|viet tat)\b(?: \w+){1,14}? )?"
    r"(?:chinh |con |cung |tuc |nghia |co nghia |duoc hieu |duoc dinh nghia |duoc goi |duoc coi |von |hien |tung )*"
    r"la (?!gi\b|ai\b|the nao\b|nhu the nao\b)\w+"
)
_SAYING_LATE = re.compile(r"(?:\w+ ){0,40}?la (?!gi\b|ai\b)\w+")
_BEING = re.compile(r"\bla (?:(?:mot|cac|nhung|vi|nguoi|chiec|con|ten) )*$")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LEAST_NAMED = 3
"""Syllables of a thing that may stand behind "là": "Hà Nội là thủ đô của Việt Nam" says what the capital is, but "kim
loại này là natri" not what natrium is."""


def thing_asked(question: str) -> tuple[str, ...]:
    """The syllables, without marks, of the thing whose meaning is asked; () when something else is."""
    keys = [fold(key) for key in syllables(question)]
    found = _ASKING.fullmatch(" ".join(keys))
    if found is None:
        return ()
    thing = tuple((found["after"] or found["who"] or found["of"] or found["before"]).split())
    return thing if len(thing) <= _MOST_SYLLABLES else ()


def defines(sentence: str, thing: tuple[str, ...], *, opens: bool) -> float:
    """How far a sentence says what the thing, as `thing_asked` gives it, is: OPENING, SAID or 0.

    `opens` tells whether it stands at the beginning of its document, where articles say what they are about.
    """
    before = None
    while before != sentence:
        before, sentence = sentence, _BRACKETS.sub(" ", sentence)
    keys = [fold(key) for key in syllables(sentence)]
    for place in range(len(keys) - len(thing) + 1):
        if tuple(keys[place : place + len(thing)]) != thing:
            continue
        behind = " ".join(keys[place + len(thing) :])
        if place <= _MOST_BEFORE and opens and _SAYING_LATE.match(behind):
            return OPENING
        if place <= _MOST_BEFORE and _SAYING.match(behind):
            return SAID
        if len(thing) >= _LEAST_NAMED and _BEING.search(f"{' '.join(keys[:place])} "):
            return SAID
    return 0.0
