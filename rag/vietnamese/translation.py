"""An error's message in the language of whoever reads it.

Messages are also kept, as reasons of files that were left out, so they are recognised by their words: a template of the
tables fits a message when its words are there, in order, and its values are taken over as they are.
"""

import re
from collections.abc import Mapping
from functools import cache

from rag.vietnamese import documents, downloads, program, settings

TEMPLATES: tuple[tuple[str, str], ...] = (*documents.PAIRS, *program.PAIRS, *settings.PAIRS, *downloads.PAIRS)
"""(English, Vietnamese), the same values named in both."""

# What the operating system says, which Python leaves in English.
_SYSTEM = {
    "No such file or directory": "không có tệp hay thư mục này",
    "Permission denied": "không có quyền",
    "No space left on device": "đĩa đã đầy",
    "Is a directory": "là một thư mục",
    "Not a directory": "không phải thư mục",
    "Read-only file system": "ổ đĩa chỉ đọc",
    "Disk quota exceeded": "quá hạn mức đĩa",
    "Input/output error": "lỗi đọc ghi đĩa",
    "database or disk is full": "đĩa đã đầy",
    "database is locked": "đang bị khóa",
    "disk I/O error": "lỗi đọc ghi đĩa",
    "not UTF-8": "không phải UTF-8",
    "none yet": "chưa có",
}
_MOST_CHARS = 4000
"""Of a message; a longer one is no sentence of this program."""
_PLACE = re.compile(r"\{(\w+)\}")
_NESTED = 3


def in_language(text: str, lang: str, /) -> str:
    """The message in "en" or "vi"; what has no translation stays as it is."""
    return _vietnamese(text, _NESTED) if lang == "vi" and len(text) <= _MOST_CHARS else text


def _vietnamese(text: str, depth: int) -> str:
    if text in _SYSTEM:
        return _SYSTEM[text]
    for pattern, words, template in _patterns():
        # Cheaper than the pattern, and mostly enough.
        if not all(word in text for word in words):
            continue
        found = pattern.fullmatch(text)
        if found is not None:
            return _filled(template, found.groupdict(), depth)
    name, colon, reason = text.partition(": ")
    # "contract.pdf: pages 3, 4 are pictures …": the name of a file before a message of its own.
    told = _vietnamese(reason, depth - 1) if colon and depth else reason
    return f"{name}: {told}" if told != reason else text


def _filled(template: str, values: Mapping[str, str], depth: int) -> str:
    def value(place: re.Match[str]) -> str:
        return _vietnamese(values[place[1]], depth - 1) if depth else values[place[1]]

    return _PLACE.sub(value, template)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], tuple[str, ...], str], ...]:
    """(pattern, words that must be there, Vietnamese), those with the most words first."""
    rows = []
    for english, vietnamese in TEMPLATES:
        parts = _PLACE.split(english)
        words, names = parts[::2], parts[1::2]
        pattern = re.escape(words[0])
        for place, (name, word) in enumerate(zip(names, words[1:], strict=True)):
            pattern += f"(?P={name})" if name in names[:place] else f"(?P<{name}>.+?)"
            pattern += re.escape(word)
        rows.append((re.compile(pattern, re.DOTALL), tuple(word for word in words if word), vietnamese))
    return tuple(sorted(rows, key=lambda row: -sum(map(len, row[1]))))
