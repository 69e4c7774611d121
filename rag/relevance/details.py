"""What a question is about in particular, and whether a text speaks of it at all.

"Nhật Bản chi bao nhiêu?" is not answered by a sentence on Hàn Quốc, however well the rest of it fits.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from rag.language.claims import names, unsupported_claims
from rag.relevance.features import AskedFor, Rarity
from rag.text import fold, is_like_a_syllable

_NAME_SYLLABLES = 4
"""Longer runs of capitals are a title or a shout, not a name."""
_RARE = 5.0
"""Rarity (natural logarithm) from which a single capitalised syllable is a name: in one text of 150."""
_UNKNOWN = 9.0
"""In one text of 8,000: a name in small letters, or a slip of the keyboard."""
_SLIP_LIKENESS = 0.7
"""difflib's ratio from which an unknown word is a misspelling of one that is there ("kiệ" for "kiện")."""
_COUNTED = 12
"""Up to here people count in passing: "1 ngày", "thế chiến thứ 2"."""


def not_mentioned(asked: AskedFor, told: str, rarity: Rarity) -> tuple[str, ...]:
    """The names, dates, numbers and unknown words of a question, as written, that a text does not hold.

    A misspelt word is not held against the question.
    """
    text = fold(told) if asked.unaccented else told
    question = asked.text.lower() if asked.text.isupper() else asked.text
    told_keys = set(asked.keys_of(told))
    missing = [
        written
        for written in (
            *_missing_editions(asked, told),
            *unsupported_claims(question, text),
            *_unknown_words(asked, told_keys),
        )
        if _is_detail(written, asked, rarity)
        and not _is_spelled_otherwise(written, asked, told)
        and not _is_told_by_surname(written, asked, told_keys, rarity)
        and not _is_slip(written, asked, told_keys, rarity)
    ]
    return tuple(
        written
        for place, written in enumerate(missing)
        if not any(written.lower() in other.lower() for other in missing[:place])
    )


def holds_asked_kind(asked: AskedFor, sentences: Iterable[str]) -> bool:
    """Whether sentences hold a year where one is asked for, a sum where money is; True where nothing can be demanded.

    "Bà Emily Hamblin sinh năm nào?" is not answered by what she said, though every word but one is about her.
    """
    return any(asked.wanted.is_in(sentence, asked.text) for sentence in sentences)


def _missing_editions(asked: AskedFor, told: str) -> Iterator[str]:
    text = f" {' '.join(asked.keys_of(told))} "
    return (written for written in _editions(asked.text) if f" {' '.join(asked.keys_of(written))} " not in text)


def _editions(question: str) -> Iterator[str]:
    """Names with the number behind them: "Solar Pro 3" is another thing than "Solar Pro 2"."""
    for name in names(question):
        for match in re.finditer(rf"{re.escape(name)}[ -](\d{{1,2}}(?:\.\d)?)(?![\d.,/]*\d)(?! *%)", question):
            # The last two words: what stands before them may be left out.
            yield f"{name.split()[-1]} {match[1]}"


def _unknown_words(asked: AskedFor, told_keys: set[str]) -> Iterator[str]:
    return (
        key
        for key, weight in asked.weights.items()
        if weight > _UNKNOWN and key not in told_keys and not key[0].isdigit()
    )


def _is_detail(written: str, asked: AskedFor, rarity: Rarity) -> bool:
    keys = asked.keys_of(written)
    if written.isdigit() and int(written) <= _COUNTED:
        return False
    if len(keys) == 1 and not written[0].isdigit():
        return rarity.weight(keys[0], asked.unaccented) > _RARE
    return len(keys) <= _NAME_SYLLABLES


def _is_spelled_otherwise(written: str, asked: AskedFor, told: str) -> bool:
    """Whether a text has the abbreviation or reading in a detail in one spelling or another, and the detail's words.

    "UBND Hà Nội" stands in "Ủy ban nhân dân thành phố Hà Nội".
    """
    if not asked.spellings:
        return False
    detail, text = asked.keys_of(written), asked.keys_of(told)
    names = [f" {' '.join(spelling.keys)} " for spelling in asked.spellings]
    held = [name for name in names if name in f" {' '.join(detail)} "]
    return bool(held) and set(detail) <= set(text) and all(name in f" {' '.join(text)} " for name in held)


def _is_told_by_surname(written: str, asked: AskedFor, told_keys: set[str], rarity: Rarity) -> bool:
    """Whether of a foreign name in several words a text has the last: "Roosevelt" for "Franklin Delano Roosevelt".

    Vietnamese names end in what many people are called.
    """
    keys = asked.keys_of(written)
    last = keys[-1]
    return (
        len(keys) > 1
        and last in told_keys
        and last.isalpha()
        and not is_like_a_syllable(last)
        and rarity.weight(last, asked.unaccented) > _RARE
    )


def _is_slip(written: str, asked: AskedFor, told_keys: set[str], rarity: Rarity) -> bool:
    """Whether all that is missing of a detail are unknown words that look like words of the text."""
    absent = [key for key in asked.keys_of(written) if key not in told_keys]
    return bool(absent) and all(
        rarity.weight(key, asked.unaccented) > _UNKNOWN
        and not key[0].isdigit()
        and bool(get_close_matches(key, told_keys, n=1, cutoff=_SLIP_LIKENESS))
        for key in absent
    )
