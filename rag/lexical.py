"""BM25 over syllables and adjacent-syllable bigrams, by tantivy."""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from string import ascii_lowercase
from typing import cast

import tantivy

from rag.language.abbreviations import Abbreviations, Spelling, known_abbreviations
from rag.text import fold, is_unaccented, syllables

LAYOUT = 2
"""Of the fields: an index that was written with others is made again. 1 had the rows among the stored documents."""
_ANALYZER = "keys"
_WRITER_BYTES = 256 << 20
_SEGMENT = 20_000
"""Passages that are written at once: of 200 syllables, more would not fit into the writer's memory."""
_MERGED = 8
"""Segments of one size that tantivy merges into one."""
_NARROWED_FROM = 100_000
"""Passages from which on a word that is common finds none by itself, but still counts where another one is found."""
_COMMON = 0.03
"""Share of the passages: at 309,000 the first ten stay the same for 150 of 150 questions, and 99.95% of a hundred."""
_COUNTS = 4096
"""Keys whose number of passages is kept: one search asks for each of its own twice, most of them in any other too."""
_SLIP_LETTERS = 3
"""Shorter words are too like each other to say which one was meant."""
_SLIP_WORTH = 0.7
"""Of a guessed word, against one that was typed."""


def lexical_keys(text: str) -> list[str]:
    """The index keys of a text: its syllables, then each pair of neighbours as "a_b".

    The pairs stand in for word segmentation: most Vietnamese words are two syllables.
    """
    return _with_pairs(syllables(text))


def build_lexical(folder: Path, passages: Iterable[tuple[int, str]], count: int) -> None:
    """Write a lexical index of (row, text) pairs into an empty folder; it is complete when this returns.

    `count` is how many pairs there are.
    """
    folder.mkdir(parents=True)
    _write(tantivy.Index(_schema(), path=str(folder)), (), passages, count)


def update_lexical(folder: Path, gone: Sequence[int], passages: Iterable[tuple[int, str]], count: int) -> None:
    """Take the rows `gone` out of a lexical index, put `count` (row, text) pairs in; no file of it is changed in place.

    Words of rows that are gone count among the frequencies of words until their part of the index is merged.
    """
    _write(tantivy.Index.open(str(folder)), gone, passages, count)


def _write(index: tantivy.Index, gone: Sequence[int], passages: Iterable[tuple[int, str]], count: int) -> None:
    """Change the index so that what is new ends in one segment, which is searched faster than several.

    tantivy merges eight segments of one size. So few passages are written as one segment, more as eight, many as eight
    times eight, each of a size that the writer's memory holds.
    """
    parts = 1 if count <= _SEGMENT else _MERGED if count <= _MERGED * _SEGMENT else _MERGED**2
    left = iter(passages)
    for start in range(0, parts, _MERGED):
        writer = _registered(index).writer(_WRITER_BYTES, num_threads=1)
        if gone and not start:
            # Not delete_documents_by_term: tantivy-py makes a signed term of an int, which no row has.
            writer.delete_documents_by_query(tantivy.Query.term_set_query(_schema(), "row", list(gone)))
        for part in range(start, min(start + _MERGED, parts)):
            for row, text in islice(left, -(-count // parts) if part < parts - 1 else None):
                keys = " ".join(lexical_keys(text))
                document = tantivy.Document(keys=keys, folded=fold(keys))
                document.add_unsigned("row", row)
                writer.add_document(document)
            writer.commit()
        writer.wait_merging_threads()


class LexicalIndex:
    """A lexical index that was written by `build_lexical`."""

    def __init__(
        self, folder: Path, abbreviations: Abbreviations | None = None, narrowed_from: int = _NARROWED_FROM
    ) -> None:
        self._abbreviations = abbreviations if abbreviations is not None else known_abbreviations()
        self._narrowed_from = narrowed_from
        self._schema = _schema()
        index = _registered(tantivy.Index.open(str(folder)))
        index.reload()
        self._searcher = index.searcher()
        self.passages: int = self._searcher.num_docs
        """How many there are."""
        self._count = lru_cache(_COUNTS)(self._searcher.doc_freq)

    def search(self, question: str, limit: int, among: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The (row, BM25 score) of the best passages, the best first; [] when no key occurs.

        A question typed without any mark is looked up among the folded keys. An abbreviation in it is also looked up
        by its reading, and a reading by its abbreviation; the better of the two counts. A word that no passage holds
        is also looked up as what it was probably meant to be. `among` are the rows that may be found, None is all; how
        rare a word is, is always counted over all.
        """
        unaccented = is_unaccented(question)
        keys = [fold(key) for key in syllables(question)] if unaccented else syllables(question)
        if not keys or self._searcher.num_docs == 0 or (among is not None and not among):
            return []
        field = "folded" if unaccented else "keys"
        spellings = self._abbreviations.spellings(question, folded=unaccented)
        own = {key for spelling in spellings for key in _with_pairs(spelling.keys)}
        rare, common = list[tantivy.Query](), list[tantivy.Query]()
        for key in dict.fromkeys(_with_pairs(keys)):
            if key not in own:
                (common if self._is_common(field, key) else rare).append(self._term(field, key))
        rare += [self._either(field, spelling) for spelling in spellings]
        rare += self._meant(field, keys)
        # Counting all that match would keep tantivy from passing over what cannot be among the best.
        found = self._searcher.search(self._within(_narrowed(rare, common), among), limit, count=False)
        if common and len(found.hits) < limit:
            found = self._searcher.search(self._within(_any_of([*rare, *common]), among), limit, count=False)
        rows = cast(list[int], self._searcher.fast_field_values("row", [address for _, address in found.hits]))
        hits = [(row, score) for row, (score, _) in zip(rows, found.hits, strict=True)]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))

    def _within(self, wanted: tantivy.Query, among: Sequence[int] | None) -> tantivy.Query:
        """What is wanted, of these rows alone; their scores stay as they were."""
        if among is None:
            return wanted
        allowed = tantivy.Query.const_score_query(tantivy.Query.term_set_query(self._schema, "row", list(among)), 0.0)
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, allowed), (tantivy.Occur.Must, wanted)])

    def _either(self, field: str, spelling: Spelling) -> tantivy.Query:
        """The best of a stretch's spellings, each worth as much as the one in the question."""
        own = _with_pairs(spelling.keys)
        queries = [_any_of([self._term(field, key) for key in own])]
        for other in spelling.others:
            keys = _with_pairs(other)
            worth = self._rarity(field, own) / self._rarity(field, keys)
            queries.append(tantivy.Query.boost_query(_any_of([self._term(field, key) for key in keys]), worth))
        # "ai" may also be the word for "who": worth no more than any word.
        queries += [self._term(field, key) for key in spelling.like_words]
        return tantivy.Query.disjunction_max_query(queries)

    def _meant(self, field: str, keys: Sequence[str]) -> list[tantivy.Query]:
        """What the words that no passage holds may be slips of: a letter or any mark away, known beside a neighbour."""
        folded = [fold(key) for key in keys]
        queries = []
        for place, key in enumerate(keys):
            if len(key) < _SLIP_LETTERS or not key.isalpha() or self._count(field, key):
                continue
            before, after = folded[max(place - 1, 0) : place], folded[place + 1 : place + 2]
            best, meant = (0, 0), list[str]()
            for word in _one_slip_away(folded[place]):
                pairs = [f"{other}_{word}" for other in before] + [f"{word}_{other}" for other in after]
                counts = {pair: self._count("folded", pair) for pair in pairs}
                known = [pair for pair, count in counts.items() if count]
                if (len(known), sum(counts.values())) > best:
                    best, meant = (len(known), sum(counts.values())), [word, *known]
            queries += [tantivy.Query.boost_query(self._term("folded", word), _SLIP_WORTH) for word in meant]
        return queries

    def _is_common(self, field: str, key: str) -> bool:
        """Whether so many passages of a large index hold the key that it alone brings none among the best."""
        passages = self._searcher.num_docs
        return passages > self._narrowed_from and self._count(field, key) > _COMMON * passages

    def _rarity(self, field: str, keys: Sequence[str]) -> float:
        """The sum of the keys' inverse document frequencies, as BM25 has them."""
        counts = [self._count(field, key) for key in keys]
        return sum(math.log(1 + (self._searcher.num_docs - count + 0.5) / (count + 0.5)) for count in counts)

    def _term(self, field: str, key: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, key)


def _one_slip_away(word: str) -> list[str]:
    """The word itself, then all that a letter left out, swapped with the next, changed or added makes of it."""
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    shorter = [left + right[1:] for left, right in cuts if right]
    swapped = [left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1]
    changed = [left + letter + right[1:] for left, right in cuts if right for letter in ascii_lowercase]
    longer = [left + letter + right for left, right in cuts for letter in ascii_lowercase]
    return list(dict.fromkeys([word, *shorter, *swapped, *changed, *longer]))


def _with_pairs(keys: Sequence[str]) -> list[str]:
    return [*keys, *(f"{first}_{second}" for first, second in pairwise(keys))]


def _any_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def _narrowed(rare: Sequence[tantivy.Query], common: Sequence[tantivy.Query]) -> tantivy.Query:
    """Any of the queries; where there are rare ones, with one of them at least, the common ones adding to the score."""
    if not rare or not common:
        return _any_of([*rare, *common])
    optional = [(tantivy.Occur.Should, query) for query in common]
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, _any_of(rare)), *optional])


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", indexed=True, fast=True)
    builder.add_text_field("keys", stored=False, tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_text_field("folded", stored=False, tokenizer_name=_ANALYZER, index_option="freq")
    return builder.build()


def _registered(index: tantivy.Index) -> tantivy.Index:
    index.register_tokenizer(_ANALYZER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index
