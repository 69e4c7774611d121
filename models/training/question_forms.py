"""What people ask for that has no shape of its own in a text: things by their noun, and parts of clauses.

rag/language/drafting.py masks what a pattern finds (a number, a day, a reason); these masks need words and nouns that
were read from raw text (nouns.py). Each says by which words it is asked for:

    "Messi ghi bàn ở Barcelona" -> "Messi ghi bàn ở câu lạc bộ nào?"  (an article says what Barcelona is)
    "sông Hồng bắt nguồn từ tỉnh Vân Nam" -> "sông Hồng bắt nguồn từ tỉnh nào?"
    "ông đã sáng lập một trường học" -> "ông đã làm gì?", "ông đã sáng lập cái gì?"
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from nouns import NOUNS, Nouns, read_kept, words_of

from rag.embedding import StaticEmbedder
from rag.language.claims import names
from rag.language.drafting import Mask

_ENDS = frozenset(
    "và nhưng để vì do khi trong tại ở từ với của cho bởi sau trước nhằm theo vào mà là đã được bị nếu hoặc hay rồi thì"
    " như trên dưới đến tới bằng qua giữa khiến làm nên sẽ đang cũng không có".split()
)
"""Words before which a phrase may end."""
_QUANTITIES = frozenset("các những một mỗi nhiều hai ba bốn vài cả mọi".split())
_DOING = frozenset(
    {"đã", "sẽ", "đang", "phải", "cần", "muốn", "định", "bắt đầu", "quyết định", "có thể", "tiếp tục", "tìm cách"}
)
_STOP = re.compile(r"[,;.:()\"“”!?–—]")
_MOST_WORDS = 8


def load_forms(corpus: Path, embedder: StaticEmbedder) -> "Forms":
    """The forms with the nouns of the reader's corpus."""
    return Forms(read_kept(corpus / NOUNS), embedder)


class Forms:
    """Masks of a sentence beyond those that patterns find."""

    def __init__(self, nouns: Nouns, embedder: StaticEmbedder) -> None:
        self._nouns, self._embedder = nouns, embedder

    def masks(self, sentence: str, rng: random.Random) -> list[Mask]:
        """What can be asked for, in no order."""
        words = words_of(sentence, self._embedder)
        return [
            *self._named(sentence, rng), *self._under_noun(sentence, words, rng), *self._phrases(sentence, words, rng),
            *self._deeds(sentence, words, rng),
        ]  # fmt: skip

    def whole(self, sentence: str, start: int, end: int) -> bool:
        """Whether no word is cut by the ends of an answer: "Kịch" is none where the text has "Kịch bản".

        A name behind its noun is one, also where both together are a word to the embedding ("tỉnh Vân Nam").
        """
        return not any(
            begin < end < stop or (begin < start < stop and not sentence[start].isupper())
            for begin, stop in words_of(sentence, self._embedder)
        )

    def _named(self, sentence: str, rng: random.Random) -> Iterator[Mask]:
        """Names of things that an article is about, asked for by the noun that it says they are."""
        at = 0
        for name in names(sentence):
            start = sentence.find(name, at)
            kind = self._nouns.kinds.get(name.casefold(), "")
            if start >= 0:
                at = start + len(name)
                if kind and not sentence[:start].lower().rstrip().endswith(kind):
                    yield Mask(start, at, "thing", f"{kind} {'gì' if rng.random() < 0.15 else 'nào'}")

    def _under_noun(self, sentence: str, words: list[tuple[int, int]], rng: random.Random) -> Iterator[Mask]:
        """A name behind its noun: "tỉnh Vân Nam"."""
        for place in range(1, len(words)):
            start, end = words[place - 1]
            noun = sentence[start:end]
            if noun not in self._nouns.heads or not sentence[words[place][0]].isupper():
                continue
            last = place
            while last + 1 < len(words) and sentence[words[last + 1][0]].isupper():
                if _STOP.search(sentence[words[last][1] : words[last + 1][0]]):
                    break
                last += 1
            if not _STOP.search(sentence[end : words[last][1]]):
                begin = words[place][0] if rng.random() < 0.6 else start
                word = "nào" if begin != start else f"{noun} nào"
                yield Mask(begin, words[last][1], "thing", "gì" if word == "nào" and rng.random() < 0.2 else word)

    def _phrases(self, sentence: str, words: list[tuple[int, int]], rng: random.Random) -> Iterator[Mask]:
        """A noun with what belongs to it, up to where the phrase may end."""
        before = ""
        for place, (start, end) in enumerate(words):
            word, previous = sentence[start:end].lower(), before
            before = word
            counted = word in _QUANTITIES
            if place < 2 or not (counted or word in self._nouns.heads):
                continue
            if previous in _QUANTITIES or previous in self._nouns.heads or previous[:1].isdigit():
                continue
            last = self._end(sentence, words, place, rng)
            if last is None or (counted and last == place):
                continue
            noun_at = place + 1 if counted else place
            noun = sentence[slice(*words[noun_at])].lower()
            plural = word in ("các", "những", "nhiều")
            way = rng.random()
            if noun in self._nouns.heads and last > noun_at and way < 0.5:
                asked = f"{'những ' if plural else ''}{noun} {'nào' if rng.random() < 0.6 else 'gì'}"
            else:
                asked = "những gì" if plural and way < 0.75 else rng.choice(("gì", "gì", "cái gì", "điều gì", "thứ gì"))
            yield Mask(start, words[last][1], "thing", asked)

    def _deeds(self, sentence: str, words: list[tuple[int, int]], rng: random.Random) -> Iterator[Mask]:
        """What somebody did or will do."""
        for place in range(2, len(words) - 1):
            before = sentence[slice(*words[place - 1])].lower()
            if before in _DOING and sentence[slice(*words[place])].lower() not in _ENDS:
                last = self._end(sentence, words, place, rng, most=14)
                if last is not None and last > place:
                    yield Mask(words[place][0], words[last][1], "thing", "làm gì")

    def _end(
        self, sentence: str, words: list[tuple[int, int]], place: int, rng: random.Random, most: int = _MOST_WORDS
    ) -> int | None:
        """The last word of a phrase that begins at `place`; None where it does not end soon."""
        ends = []
        for last in range(place, min(len(words), place + most)):
            behind = sentence[words[last][1] : words[last + 1][0]] if last + 1 < len(words) else "."
            if _STOP.search(behind):
                ends.append(last)
                break
            if sentence[slice(*words[last + 1])].lower() in _ENDS:
                ends.append(last)
        return rng.choice(ends) if ends else None
