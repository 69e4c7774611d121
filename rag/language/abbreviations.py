"""Abbreviations and what they stand for: "UBND" and "ủy ban nhân dân" are one thing to whoever asks."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rag.text import fold, is_like_a_syllable, readable, syllable_spans, syllables

_TABLE = Path(__file__).with_name("abbreviations.json")

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A stretch of a question that texts also spell otherwise."""

    keys: Keys
    others: tuple[Keys, ...]
    """The other spellings, each unlike a word."""
    capitals: tuple[str, ...] = ()
    """Abbreviations that are like a word when they are not in capitals, as written: AI."""
    like_words: Keys = ()
    """Their keys: "ai"."""


class Abbreviations:
    """Groups of spellings of one thing: its reading, and its abbreviations as they are written."""

    def __init__(self, groups: Iterable[Sequence[str]]) -> None:
        """Keep the groups; the first spelling of each is the reading. Of a spelling in two groups the first counts."""
        self._groups = tuple(tuple(group) for group in groups)
        self._accented = self._by_first_key(folded=False)
        self._folded = self._by_first_key(folded=True)

    def spellings(self, question: str, *, folded: bool) -> list[Spelling]:
        """What a question abbreviates or spells out, each once, the longest spelling from each place on.

        `folded` compares without marks. What a question spells in two ways itself is left out.
        """
        spans = syllable_spans(question)
        keys = [fold(key) if folded else key for key, _, _ in spans]
        table = self._folded if folded else self._accented
        has_case = len(keys) == 1 or not question.isupper()
        ways: dict[int, set[Keys]] = {}
        place = 0
        while place < len(keys):
            is_capital = has_case and any(map(str.isupper, question[spans[place][1] + 1 : spans[place][2]]))
            for spelling, group in table.get(keys[place], ()):
                end = place + len(spelling)
                if tuple(keys[place:end]) == spelling and (is_capital or not _is_like_a_word(spelling)):
                    ways.setdefault(group, set()).add(spelling)
                    place = end - 1
                    break
            place += 1
        return [self._spelling(own.pop(), group, folded) for group, own in ways.items() if len(own) == 1]

    def _spelling(self, own: Keys, group: int, folded: bool) -> Spelling:
        others = {_keys(written, folded): written for written in self._groups[group]}
        others.pop(own)
        plain = tuple(keys for keys in others if not _is_like_a_word(keys))
        like_words = {keys[0]: written for keys, written in others.items() if _is_like_a_word(keys)}
        return Spelling(own, plain, tuple(like_words.values()), tuple(like_words))

    def _by_first_key(self, folded: bool) -> dict[str, list[tuple[Keys, int]]]:
        of: dict[Keys, int] = {}
        for number, group in enumerate(self._groups):
            for written in group:
                of.setdefault(_keys(written, folded), number)
        table: dict[str, list[tuple[Keys, int]]] = {}
        for keys, number in sorted(of.items(), key=lambda item: -len(item[0])):
            table.setdefault(keys[0], []).append((keys, number))
        return table


def respelled_keys(text: str, spellings: Sequence[Spelling], *, folded: bool) -> list[str]:
    """The keys of a text, spelled as a question spells them: "ubnd" for "ủy ban nhân dân" where it says UBND."""
    text = readable(text)
    for spelling in spellings:
        for written in spelling.capitals:
            text = re.sub(rf"\b{re.escape(written)}\b", " ".join(spelling.keys), text)
    keys = syllables(text)
    told = f" {' '.join(map(fold, keys) if folded else keys)} "
    others = [(other, spelling.keys) for spelling in spellings for other in spelling.others]
    for other, own in sorted(others, key=lambda pair: -len(pair[0])):
        told = told.replace(f" {' '.join(other)} ", f" {' '.join(own)} ")
    return told.split()


@cache
def known_abbreviations() -> Abbreviations:
    """The table that ships, made by models/training/abbreviations.py."""
    return Abbreviations(json.loads(_TABLE.read_text(encoding="utf-8"))["groups"])


def _keys(written: str, folded: bool) -> Keys:
    return tuple(fold(key) if folded else key for key in syllables(written))


def _is_like_a_word(keys: Keys) -> bool:
    """Whether this is a single key that may be a syllable: never true of a reading, which has several.

    Such an abbreviation is one only in capitals: AI is not "ai", nor TƯ "tư".
    """
    return len(keys) == 1 and is_like_a_syllable(keys[0])
