"""Ways in which people type the same question: without marks, with the other tone-mark style, with a slip, in capitals.

Pure functions of NFC text; the same text and seed give the same result in every run.
"""

import random
import re
import unicodedata
from collections.abc import Callable

from rag.text import fold

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS_OF_A_SLIP = 3
"""Shorter words leave no room for a slip that can still be read."""

_OLD = "òa óa ỏa õa ọa òe óe ỏe õe ọe ùy úy ủy ũy ụy".split()
_NEW = "oà oá oả oã oạ oè oé oẻ oẽ oẹ uỳ uý uỷ uỹ uỵ".split()
_OTHER_STYLE = dict(zip(_OLD + _NEW, _NEW + _OLD, strict=True))
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def clean(text: str, seed: int) -> str:  # noqa: ARG001  (all variants have one signature)
    """`text` as it is."""
    return text


def unaccented(text: str, seed: int) -> str:  # noqa: ARG001
    """`text` without Vietnamese marks, as it is typed without an input method."""
    return fold(text)


def other_tone_style(text: str, seed: int) -> str:  # noqa: ARG001
    """`text` with the tone mark of every open oa, oe and uy on its other vowel: hoà <-> hòa, Thuỷ <-> Thủy."""
    return _WORD.sub(_in_other_style, text)


def in_capitals(text: str, seed: int) -> str:  # noqa: ARG001
    """`text` in capital letters."""
    return text.upper()


def typing_slip(text: str, seed: int) -> str:
    """`text` with one slip in one random word of three letters or more; unchanged when there is no such word.

    The kind of the slip is drawn first: two letters change places, one is left out, typed twice, replaced by a letter
    of a to z, or, where the word has a tone mark, another one or none is typed.
    """
    rng = random.Random(f"{seed}\n{text}")
    words = [match for match in _WORD.finditer(text) if len(match[0]) >= _LETTERS_OF_A_SLIP]
    if not words:
        return text
    word = rng.choice(words)
    slips = [made for made in (kind(word[0]) for kind in _SLIPS) if made]
    return text[: word.start()] + rng.choice(rng.choice(slips)) + text[word.end() :]


def transposed(word: str) -> list[str]:
    """Every word in which two neighbouring, different letters have changed places."""
    return [
        word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        for place in range(len(word) - 1)
        if word[place] != word[place + 1]
    ]


def dropped(word: str) -> list[str]:
    """Every word with one letter less."""
    return [word[:place] + word[place + 1 :] for place in range(len(word))]


def doubled(word: str) -> list[str]:
    """Every word with one letter typed twice."""
    return [word[:place] + word[place] + word[place:] for place in range(len(word))]


def replaced(word: str) -> list[str]:
    """Every word with another letter of a to z in the place of one, in its case."""
    return [
        word[:place] + (letter.upper() if old.isupper() else letter) + word[place + 1 :]
        for place, old in enumerate(word)
        for letter in _ALPHABET
        if letter != old.lower()
    ]


def retoned(word: str) -> list[str]:
    """The word with each other tone mark in the place of its first one, and without it; [] when it has none."""
    letters = unicodedata.normalize("NFD", word)
    place = next((place for place, char in enumerate(letters) if char in _TONES), None)
    if place is None:
        return []
    others = [tone for tone in ("", *_TONES) if tone != letters[place]]
    return [unicodedata.normalize("NFC", letters[:place] + tone + letters[place + 1 :]) for tone in others]


def _in_other_style(match: re.Match[str]) -> str:
    word = match[0]
    other = _OTHER_STYLE.get(word[-2:].lower())
    # After q the u belongs to the consonant: quý has one vowel.
    if other is None or word[-3:-2].lower() == "q":
        return word
    return word[:-2] + "".join(new.upper() if old.isupper() else new for new, old in zip(other, word[-2:], strict=True))


_SLIPS: tuple[Callable[[str], list[str]], ...] = (transposed, dropped, doubled, replaced, retoned)

QUESTION_VARIANTS: dict[str, Callable[[str, int], str]] = {
    "clean": clean,
    "unaccented": unaccented,
    "other-tone-style": other_tone_style,
    "typing-slip": typing_slip,
    "capitals": in_capitals,
}
"""Each takes a question and a seed."""
