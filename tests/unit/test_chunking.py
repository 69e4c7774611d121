"""Passages are exact substrings of whole sentences."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.chunking import split_document
from rag.config import ChunkingConfig
from rag.documents import SourceFile, document_of, make_document, read_document
from rag.readers.reading import LINE, PARAGRAPH, SAME_LINE, Part, Reading
from rag.store.scanning import scan
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


PARTS = st.builds(
    Part,
    st.lists(WORDS, min_size=1, max_size=25).map(" ".join),
    st.sampled_from([0, 0, 0, 1, 2, 3]),
    st.sampled_from([PARAGRAPH, LINE, SAME_LINE]),
)
LEGAL_LINES = st.sampled_from(
    ["Chương I", "QUY ĐỊNH CHUNG", "Mục 2. Quyền", "Điều 3. Phạm vi", "Điều 4. Nói ngay ở đây.", "1. Khoản một dài ra.",
     "2. Khoản hai gồm có:", "a) điểm một;", "đ) điểm năm.", "Một câu thường, khá là dài để phải cắt ra.", "",
     "y" * 130]
)  # fmt: skip


def check(whole: Document, chunk_chars: int) -> None:
    """Passages are the text between their offsets, in order, and hold every word."""
    chunks = split_document(whole, ChunkingConfig(chunk_chars, 40))
    covered = bytearray(len(whole.text))
    for chunk in chunks:
        assert whole.text[chunk.start_char : chunk.end_char] == chunk.text
        assert 0 < len(chunk.text) <= chunk_chars
        covered[chunk.start_char : chunk.end_char] = b"\1" * len(chunk.text)
    assert all(covered[position] or char.isspace() for position, char in enumerate(whole.text))
    assert [chunk.start_char for chunk in chunks] == sorted(chunk.start_char for chunk in chunks)


@given(st.lists(PARTS, min_size=1, max_size=12), st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_passages_of_pages_and_headings_are_the_text_between_their_offsets(parts: list[Part], pages: list[int]) -> None:
    numbered = [replace(part, page=page) for part, page in zip(parts, sorted(pages), strict=False)]
    check(document_of(Reading((Part("An", page=1), *numbered)), "a.pdf"), 120)


@given(st.lists(LEGAL_LINES, max_size=40), st.sampled_from(["\n", "\n\n"]))
def test_passages_of_laws_are_the_text_between_their_offsets(lines: list[str], joint: str) -> None:
    check(make_document(joint.join(["Điều 1. Tên", *lines]), "a.txt"), 150)


def test_a_sentence_that_runs_over_a_page_belongs_to_the_page_where_it_begins() -> None:
    parts = (
        Part("Câu một ở đây. Câu hai bắt đầu", page=1),
        Part("và hết ở trang sau. Câu ba.", joint=SAME_LINE, page=2, label="ii"),
    )
    chunks = split_document(document_of(Reading(parts), "a.pdf"), ChunkingConfig())
    assert [(chunk.page, chunk.label, chunk.text) for chunk in chunks] == [
        (1, "", "Câu một ở đây. Câu hai bắt đầu và hết ở trang sau."), (2, "ii", "Câu ba."),
    ]  # fmt: skip


# What the figures of eval/ were measured on: (passages, sha256 of their offsets and headings).
SEED_PASSAGES = {
    "000": (6, "0cba963f239ccd86"),
    "001": (5, "8e01fe27d5e8b473"),
    "002": (10, "9e3c96d2522d8acc"),
    "003": (6, "53d6df5ee7ff1318"),
    "004": (6, "99f1132cbe9b9294"),
}


@pytest.mark.parametrize("file", scan(SEEDS).files, ids=lambda file: file.source[:3])
def test_articles_without_structure_are_cut_as_they_were(file: SourceFile) -> None:
    chunks = split_document(read_document(file, 50), ChunkingConfig())
    cuts = repr([(chunk.start_char, chunk.end_char, chunk.heading, chunk.page) for chunk in chunks])
    assert (len(chunks), hashlib.sha256(cuts.encode()).hexdigest()[:16]) == SEED_PASSAGES[file.source[:3]]
