"""Passages are exact substrings of whole sentences."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.chunking import split_document
from rag.config import ChunkingConfig
from rag.documents import read_document
from rag.scanning import scan
from rag.text import sentence_spans
from rag.types import Document
from tests.conftest import SEEDS

WORDS = st.sampled_from(
    "Hàn Quốc đầu tư AI, tỷ. won! Ảnh: Nguồn \n\n \n x yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy … “ ”; 94,6".split(" ")
)


def document(text: str) -> Document:
    return Document("d", "t", text, "a.txt")


@given(st.lists(WORDS, max_size=120), st.integers(100, 400), st.integers(0, 50))
def test_every_passage_is_the_text_between_its_offsets(words: list[str], chunk_chars: int, overlap_chars: int) -> None:
    whole = document(" ".join(words))
    for chunk in split_document(whole, ChunkingConfig(chunk_chars, overlap_chars)):
        assert whole.text[chunk.start_char : chunk.end_char] == chunk.text
        assert 0 < len(chunk.text) <= chunk_chars


@given(st.lists(WORDS, max_size=120))
@example(["y" * 32] * 4)
def test_no_word_is_lost(words: list[str]) -> None:
    whole = document(" ".join(words))
    covered = bytearray(len(whole.text))
    for chunk in split_document(whole, ChunkingConfig(120, 40)):
        covered[chunk.start_char : chunk.end_char] = b"\1" * len(chunk.text)
    assert all(covered[position] or char.isspace() for position, char in enumerate(whole.text))


@pytest.mark.parametrize("file", scan(SEEDS).files, ids=lambda file: file.source[:3])
def test_shipped_articles_are_cut_between_sentences(file: object) -> None:
    whole = read_document(file, 50)  # type: ignore[arg-type]
    starts = {start for start, _ in sentence_spans(whole.text)}
    ends = {end for _, end in sentence_spans(whole.text)}
    for chunk in split_document(whole, ChunkingConfig()):
        assert whole.text[chunk.start_char : chunk.end_char] == chunk.text
        assert chunk.start_char in starts
        assert chunk.end_char in ends


def test_neighbours_share_a_sentence_when_it_fits() -> None:
    sentences = [f"Câu số {number} nói một điều gì đó ngắn thôi." for number in range(8)]
    first, second, *_ = split_document(document(" ".join(sentences)), ChunkingConfig(150, 50))
    assert second.start_char < first.end_char


def test_a_heading_begins_a_passage_and_names_it() -> None:
    text = "Mở đầu một câu khá dài ở đây.\n\nLG AI Research\n\nLG phát triển Exaone 4.0 từ trước.\n\nHọ bán nó."
    chunks = split_document(document(text), ChunkingConfig())
    assert [(chunk.heading, chunk.text.split("\n")[0]) for chunk in chunks] == [
        ("", "Mở đầu một câu khá dài ở đây."),
        ("LG AI Research", "LG AI Research"),
    ]
