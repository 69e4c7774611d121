"""What can be measured between a question and a sentence; the evidence model turns it into probabilities.

Training (models/training/evidence.py) and use call the same functions, so that the two cannot drift apart.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from rag.language.abbreviations import Spelling, known_abbreviations, respelled_keys
from rag.language.asking import AnswerKind, Wanted, has_new_amount, has_new_date, wanted
from rag.language.claims import dates, names, numbers
from rag.language.injection import is_command
from rag.language.structure import PATH_MARK
from rag.text import fold, is_unaccented, passage_sentence_spans, syllable_key, syllables
from rag.types import FloatMatrix, ScoredChunk

# Words that ask or that hold a sentence together: finding them says nothing about what a passage is about.
_EMPTY_WORDS = frozenset(
    "ai gì nào đâu sao mấy bao nhiêu thế như khi là của và có được các những cho trong với một để này đó thì mà ở"
    " tại về từ đến do bởi vì hay hoặc không phải ra vào cũng đã sẽ đang bị cái theo trên dưới nên rằng ạ vậy à"
    " nhé em mình tôi bạn xin hỏi biết hãy"
    .split()
)  # fmt: skip
_FOLDED_EMPTY_WORDS = frozenset(map(fold, _EMPTY_WORDS))
_REASON_WORDS = re.compile(r"\b(vì|do|bởi|nhằm|để|nhờ|nguyên nhân|lý do|khiến)\b", re.IGNORECASE)
_PLACE_WORDS = re.compile(r"\b(ở|tại|thành phố|tỉnh|quận|huyện|thủ đô|nước|bang|vùng|khu|đến|từ)\b", re.IGNORECASE)
_STATEMENT_END = re.compile(r"\.[\"'”’»)\]]*$")
_NO_EVIDENCE = re.compile(r"(?:Ảnh|Nguồn|Hình)\s*:")

_RARE_NAME = 5.0
"""Natural logarithm: stands in fewer than one text of 150."""

SENTENCE_FEATURES = (
    "words", "pairs", "words_near", "words_passage", "cosine", "cosine_passage", "reciprocal_rank", "has_kind",
    "lacks_kind", "length", "novelty", "run", "names_missing", "names_missing_passage", "rarest_missing",
    "rarest_missing_passage", "best_words", "is_other", "match", "counts", "lacks_wanted", "verified",
)  # fmt: skip
QUESTION_FEATURES = (
    "words", "words_near", "words_passage", "pairs", "cosine", "cosine_passage", "names_missing",
    "names_missing_anywhere", "rarest_missing", "rarest_missing_anywhere", "has_names", "content_words", "kind_found",
    "run", "match", "match_second", "wanted_found", "verified", "verified_second",
)  # fmt: skip


@dataclass(frozen=True)
class Rarity:
    """Inverse document frequency of syllables, from counts over `documents` texts."""

    counts: Mapping[str, int]
    documents: int

    @cached_property
    def _folded(self) -> dict[str, int]:
        folded: dict[str, int] = {}
        for syllable, count in self.counts.items():
            folded[fold(syllable)] = folded.get(fold(syllable), 0) + count
        return folded

    def weight(self, key: str, folded: bool) -> float:
        """ln((N + 1) / (n + 1)), at least 0: about 9 for what never occurred, near 0 for "của"."""
        count = (self._folded if folded else self.counts).get(key, 0)
        return max(math.log((self.documents + 1) / (count + 1)), 0.0)


@dataclass(frozen=True)
class AskedFor:
    """A question taken apart."""

    text: str
    keys: tuple[str, ...]
    """All its keys in order; without marks when the question has none."""
    weights: Mapping[str, float]
    """Rarity of each key that is not an empty word."""
    wanted: Wanted
    claims: tuple[tuple[str, ...], ...]
    """The keys of each name and number in it."""
    unaccented: bool
    spellings: tuple[Spelling, ...] = ()
    """What it abbreviates or spells out, and how texts spell that otherwise."""
    _read: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def kind(self) -> AnswerKind:
        """What it asks for."""
        return self.wanted.kind

    def keys_of(self, text: str) -> tuple[str, ...]:
        """The keys of a text in the question's own spelling; a text is taken apart once."""
        keys = self._read.get(text)
        if keys is None:
            apart = respelled_keys(text, self.spellings, folded=self.unaccented) if self.spellings else None
            keys = self._read[text] = tuple(_keys(text, self.unaccented) if apart is None else apart)
        return keys


def analyse(question: str, rarity: Rarity) -> AskedFor:
    """What a question asks for and about."""
    unaccented = is_unaccented(question)
    keys = [fold(key) for key in syllables(question)] if unaccented else syllables(question)
    empty = _FOLDED_EMPTY_WORDS if unaccented else _EMPTY_WORDS
    weights = {key: rarity.weight(key, unaccented) for key in keys if key not in empty}
    written = [*_asked_names(question, rarity), *(number.written for number in numbers(question))]
    written += [str(date.year) for date in dates(question) if date.year]
    claims = tuple(claim for claim in dict.fromkeys(tuple(_keys(text, unaccented)) for text in written) if claim)
    spellings = tuple(known_abbreviations().spellings(question, folded=unaccented))
    return AskedFor(question, tuple(keys), weights, wanted(question), claims, unaccented, spellings)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may bear the answer."""

    passage: int
    """0-based position of its passage in the retrieved list."""
    start_char: int
    """In the document's text."""
    end_char: int
    text: str
    near: str
    """The sentence before it and its headings: what its pronouns may mean."""


def candidates(passages: Sequence[ScoredChunk]) -> list[Candidate]:
    """The sentences of the passages in retrieval order, each once; no credits, scraps or commands to the machine."""
    found: list[Candidate] = []
    seen: set[tuple[str, int]] = set()
    for position, scored in enumerate(passages):
        chunk = scored.chunk
        before = ""
        for start, end in passage_sentence_spans(chunk.text):
            text = chunk.text[start:end]
            near = f"{scored.title} {chunk.heading} {before}"
            before = text
            key = (chunk.doc_id, chunk.start_char + start)
            # A text without a title goes by its first sentence, which tells as much as any other.
            is_heading = not _STATEMENT_END.search(text) and text in (scored.title, *chunk.heading.split(PATH_MARK))
            if key in seen or is_heading or len(text.split()) < 4 or _NO_EVIDENCE.match(text) or is_command(text):
                continue
            seen.add(key)
            found.append(Candidate(position, chunk.start_char + start, chunk.start_char + end, text, near))
    return found


def measure(
    asked: AskedFor,
    passages: Sequence[ScoredChunk],
    sentences: Sequence[Candidate],
    sentence_cosines: FloatMatrix,
    passage_cosines: FloatMatrix,
    matches: FloatMatrix,
    verified: FloatMatrix,
) -> tuple[FloatMatrix, FloatMatrix]:
    """The features of the sentences, (len(sentences), len(SENTENCE_FEATURES)), and of the question as a whole, (k,).

    The cosines have shapes (len(sentences),) and (len(passages),), the logits of matcher and verifier
    (len(sentences),). There must be at least one sentence.
    """
    passage_keys = [asked.keys_of(f"{scored.title} {scored.chunk.heading} {scored.chunk.text}") for scored in passages]
    passage_sets = [set(keys) for keys in passage_keys]
    passage_words = [covered(asked, keys) for keys in passage_sets]
    passage_missing = [missing_claims(asked, keys) for keys in passage_keys]
    passage_rarest = [rarest_missing(asked, keys) for keys in passage_sets]
    rows = []
    for sentence, cosine, match, proof in zip(sentences, sentence_cosines, matches, verified, strict=True):
        keys = asked.keys_of(sentence.text)
        near = set(keys) | set(asked.keys_of(sentence.near))
        has_kind = _has_kind(asked, sentence.text)
        known = asked.kind not in (AnswerKind.OTHER, AnswerKind.MANNER, AnswerKind.LIST)
        own = [key for key in keys if key not in asked.weights]
        rows.append((
            covered(asked, set(keys)),
            pairs_covered(asked, keys),
            covered(asked, near),
            passage_words[sentence.passage],
            float(cosine),
            float(passage_cosines[sentence.passage]),
            1.0 / (1 + sentence.passage),
            float(known and has_kind),
            float(known and not has_kind),
            math.log(1 + len(keys)) / 4,
            len(own) / max(len(keys), 1),
            longest_run(asked, keys),
            missing_claims(asked, keys),
            passage_missing[sentence.passage],
            rarest_missing(asked, near),
            passage_rarest[sentence.passage],
            0.0,
            float(not known),
            float(match),
            float(asked.wanted.counts(sentence.text)),
            float(not asked.wanted.is_in(sentence.text, asked.text)),
            float(proof),
        ))  # fmt: skip
    by_sentence = np.array(rows, dtype=np.float32)
    by_sentence[:, SENTENCE_FEATURES.index("best_words")] = by_sentence[:, 0] >= by_sentence[:, 0].max() - 1e-6
    everything: set[str] = set().union(*passage_sets)
    whole = (
        by_sentence[:, 0].max(),
        by_sentence[:, 2].max(),
        max(passage_words),
        by_sentence[:, 1].max(),
        by_sentence[:, 4].max(),
        by_sentence[:, 5].max(),
        min(passage_missing),
        missing_claims(asked, [key for keys in passage_keys for key in keys]),
        min(passage_rarest),
        rarest_missing(asked, everything),
        float(bool(asked.claims)),
        math.log(1 + len(asked.weights)) / 3,
        by_sentence[:, 7].max(),
        by_sentence[:, 11].max(),
        *np.sort(matches)[::-1][[0, min(1, len(matches) - 1)]],
        1.0 - by_sentence[:, 20].min(),
        *np.sort(verified)[::-1][[0, min(1, len(verified) - 1)]],
    )
    return by_sentence, np.array(whole, dtype=np.float32)


def _asked_names(question: str, rarity: Rarity) -> list[str]:
    """The names in a question; its first word is one when it is capitalised and rare ("Samsung được …")."""
    first = question.split(" ", 1)[0].strip("\"'“‘(?,")
    starts_with_name = first[:1].isupper() and rarity.weight(syllable_key(first), folded=False) > _RARE_NAME
    return [*([first] if starts_with_name else []), *names(question)]


def _keys(text: str, unaccented: bool) -> list[str]:
    return [fold(key) for key in syllables(text)] if unaccented else syllables(text)


def covered(asked: AskedFor, keys: set[str]) -> float:
    """The share of the question's rarity that `keys` hold, 0 to 1."""
    total = sum(asked.weights.values())
    return sum(weight for key, weight in asked.weights.items() if key in keys) / total if total else 0.0


def rarest_missing(asked: AskedFor, keys: set[str]) -> float:
    """The rarity, in tens, of the rarest word of the question that is not among `keys`; 0 when all are."""
    return max((weight for key, weight in asked.weights.items() if key not in keys), default=0.0) / 10


def pairs_covered(asked: AskedFor, keys: Sequence[str]) -> float:
    """The share of the rarity of the question's neighbouring pairs that stand as neighbours in `keys`, 0 to 1."""
    told = set(pairwise(keys))
    pairs = [(pair, asked.weights.get(pair[0], 0.0) + asked.weights.get(pair[1], 0.0)) for pair in pairwise(asked.keys)]
    total = sum(weight for _, weight in pairs)
    return sum(weight for pair, weight in pairs if pair in told) / total if total else 0.0


def longest_run(asked: AskedFor, keys: Sequence[str]) -> float:
    """The rarity of the longest run of the question's words that stands in `keys` unbroken, as a share of all."""
    total = sum(asked.weights.values())
    if asked.weights.keys().isdisjoint(keys):
        return 0.0
    text = f" {' '.join(keys)} "
    best = 0.0
    for start in range(len(asked.keys)):
        end = start + 1
        while end <= len(asked.keys) and f" {' '.join(asked.keys[start:end])} " in text:
            end += 1
        # The longest run from here weighs the most of those from here.
        best = max(best, sum(asked.weights.get(key, 0.0) for key in asked.keys[start : end - 1]))
    return min(best / total, 1.0) if total else 0.0


def missing_claims(asked: AskedFor, keys: Sequence[str]) -> float:
    """The share of the question's names and numbers that do not stand in `keys`, 0 to 1."""
    if not asked.claims:
        return 0.0
    text = f" {' '.join(keys)} "
    return sum(f" {' '.join(claim)} " not in text for claim in asked.claims) / len(asked.claims)


def _has_kind(asked: AskedFor, sentence: str) -> bool:
    """Whether the sentence holds something of the asked kind that the question does not hold itself."""
    if asked.kind is AnswerKind.NUMBER:
        return asked.wanted.is_in(sentence, asked.text) and has_new_amount(sentence, asked.text)
    if asked.kind is AnswerKind.TIME:
        return asked.wanted.is_in(sentence, asked.text) and has_new_date(sentence, asked.keys)
    if asked.kind in (AnswerKind.PERSON, AnswerKind.PLACE):
        new = any(not set(asked.keys_of(name)) <= set(asked.keys) for name in names(sentence))
        return new and (asked.kind is AnswerKind.PERSON or bool(_PLACE_WORDS.search(sentence)))
    return asked.kind is AnswerKind.REASON and bool(_REASON_WORDS.search(sentence))
