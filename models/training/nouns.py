"""The nouns that a question can ask after ("quốc gia nào"), and of what kind the things are that an article is about.

Both are read from raw text, so that made questions ask as people do who do not have the text before them: for "the
country" where the text has the country's name. A noun is what often stands behind a word of number ("các quốc gia"); of
what kind a thing is says the first sentence of its article ("Pháp là một quốc gia ...").
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.embedding import StaticEmbedder

NOUNS = "nouns.json"
_NUMBER_WORDS = frozenset("các những một mỗi nhiều hai ba bốn vài mấy".split())
_POINTERS = frozenset("này đó ấy khác nào".split())
"""Words behind a noun."""
_LEAST_SEEN = 40
_LEAST_SHARE = 0.08
"""Of the places where a noun stands, how many are behind a word of number or before one that points at it."""
_LEAST_SHARE_OF_SYLLABLES = 0.15
"""The same for a single syllable, which may be a part of a rare word."""
_IS_KIND = re.compile(
    r"\blà (?:(?:tên|tên của|một trong những|một trong các|một|những|các|loại|loài|vị|người|nhà nước)\s)*"
    r"(?P<kind>.{2,60})",
    re.DOTALL,
)
_NO_NOUN = frozenset(
    "người lần sự việc cuộc điều cái con số lúc thứ cách khi nơi chút ít phần bên trong đều cùng và của là có không"
    " được bị cho với tại từ đến ra vào trên dưới sau trước như thì mà để vì do bởi nếu cũng rất đã đang sẽ chiếc bản"
    " thế so trường hợp ngày năm tháng tuần giờ phút giây lớn nhỏ mới cũ cao nhà công đại thiết phân danh cựu bộ luật"
    " em anh vũ cơ gì".split()
)
"""What is counted and yet says nothing of what is asked for, and first syllables of longer words."""


@dataclass(frozen=True, slots=True)
class Nouns:
    """What was read from the text."""

    heads: frozenset[str]
    """Nouns in small letters, of one to four syllables."""
    kinds: Mapping[str, str]
    """Titles of articles, in small letters, to the noun that says what their thing is."""


def read_nouns(texts: Iterable[str], articles: Iterable[tuple[str, str]], embedder: StaticEmbedder) -> Nouns:
    """Read raw texts, and articles as title and first passage."""
    heads = frozenset(_heads(texts, embedder))
    kinds: dict[str, str] = {}
    for title, passage in articles:
        kind = _kind(title.casefold(), passage[:400], heads, embedder)
        if kind:
            kinds[title.casefold()] = kind
    return Nouns(heads, kinds)


def keep(nouns: Nouns, path: Path) -> None:
    """Write them down."""
    path.write_text(json.dumps({"heads": sorted(nouns.heads), "kinds": nouns.kinds}, ensure_ascii=False), "utf-8")


def read_kept(path: Path) -> Nouns:
    """What `keep` wrote."""
    kept = json.loads(path.read_text("utf-8"))
    return Nouns(frozenset(kept["heads"]), kept["kinds"])


def words_of(text: str, embedder: StaticEmbedder) -> list[tuple[int, int]]:
    """First and last + 1 character of each word, as the embedding cuts a text; the pieces of a rare word are one."""
    found: list[tuple[int, int]] = []
    for start, end in embedder.units(text)[1]:
        inside = text[start:end]
        start, end = start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip())
        if found and found[-1][1] == start and text[start - 1 : start + 1].isalnum():
            start = found.pop()[0]
        if end > start:
            found.append((start, end))
    return found


def _heads(texts: Iterable[str], embedder: StaticEmbedder) -> Collection[str]:
    seen: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for text in texts:
        words = [text[start:end] for start, end in words_of(text, embedder)]
        for before, word, behind in zip(words, words[1:], words[2:], strict=False):
            if word.islower():  # the parts of names are no nouns
                seen[word] += 1
                counted[word] += before.lower() in _NUMBER_WORDS or behind in _POINTERS
    return [
        word
        for word, count in seen.items()
        if count >= _LEAST_SEEN
        and counted[word] >= (_LEAST_SHARE if " " in word else _LEAST_SHARE_OF_SYLLABLES) * count
        and word not in _NO_NOUN | _NUMBER_WORDS | _POINTERS
        and word.replace(" ", "").isalpha()
    ]


def _kind(title: str, passage: str, heads: Collection[str], embedder: StaticEmbedder) -> str:
    """What the first sentence of an article says that its thing is."""
    found = _IS_KIND.search(passage)
    if found is None or title.split(maxsplit=1)[0] not in passage[: found.start()].casefold():
        return ""
    told = found["kind"]
    words = words_of(told, embedder)
    first = told[slice(*words[0])].lower() if words else ""
    return first if first in heads else ""
