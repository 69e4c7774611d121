"""BM25 over syllables and adjacent-syllable bigrams, by tantivy."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import tantivy

from rag.text import fold, is_unaccented, syllables

_ANALYZER = "keys"
_WRITER_BYTES = 128 << 20


def lexical_keys(text: str) -> list[str]:
    """The index keys of a text: its syllables, then each pair of neighbours as "a_b".

    The pairs stand in for word segmentation: most Vietnamese words are two syllables.
    """
    keys = syllables(text)
    return keys + [f"{first}_{second}" for first, second in pairwise(keys)]


def build_lexical(folder: Path, passages: Iterable[tuple[int, str]]) -> None:
    """Write a lexical index of (row, text) pairs into an empty folder; it is complete when this returns."""
    folder.mkdir(parents=True)
    index = _registered(tantivy.Index(_schema(), path=str(folder)))
    writer = index.writer(_WRITER_BYTES, num_threads=1)
    for row, text in passages:
        keys = " ".join(lexical_keys(text))
        writer.add_document(tantivy.Document(row=row, keys=keys, folded=fold(keys)))
    writer.commit()
    writer.wait_merging_threads()


class LexicalIndex:
    """A lexical index that was written by `build_lexical`."""

    def __init__(self, folder: Path) -> None:
        self._schema = _schema()
        index = _registered(tantivy.Index.open(str(folder)))
        index.reload()
        self._searcher = index.searcher()

    def search(self, question: str, limit: int) -> list[tuple[int, float]]:
        """The (row, BM25 score) of the best passages, the best first; [] when no key occurs.

        A question typed without any mark is looked up among the folded keys.
        """
        keys = lexical_keys(question)
        field = "keys"
        if is_unaccented(question):
            keys, field = [fold(key) for key in keys], "folded"
        if not keys or self._searcher.num_docs == 0:
            return []
        terms = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, field, key)) for key in dict.fromkeys(keys)
        ]
        found = self._searcher.search(tantivy.Query.boolean_query(terms), limit)
        rows = [(int(self._searcher.doc(address)["row"][0]), float(score)) for score, address in found.hits]
        return sorted(rows, key=lambda hit: (-hit[1], hit[0]))


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=True)
    builder.add_text_field("keys", stored=False, tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_text_field("folded", stored=False, tokenizer_name=_ANALYZER, index_option="freq")
    return builder.build()


def _registered(index: tantivy.Index) -> tantivy.Index:
    index.register_tokenizer(_ANALYZER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index
