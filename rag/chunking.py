"""Documents to passages of whole sentences, with offsets, by langchain-text-splitters."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from langchain_text_splitters import RecursiveCharacterTextSplitter, TextSplitter

from rag.config import ChunkingConfig
from rag.documents import heading_text, is_heading
from rag.text import sentence_spans
from rag.types import Chunk, Document


class SentenceSplitter(TextSplitter):
    """Joins whole sentences up to the chunk size; a sentence that is longer is cut at clauses, then at words."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(strip_whitespace=True, **settings)
        self._inside_sentence = RecursiveCharacterTextSplitter(
            chunk_size=self._chunk_size,
            chunk_overlap=0,
            separators=[r"(?<=[;:])\s", r"(?<=,)\s", r"\s", ""],
            is_separator_regex=True,
            keep_separator="end",
            strip_whitespace=False,
        )

    def split_text(self, text: str) -> list[str]:
        """The passages of `text`, each a substring of it."""
        starts = [0, *(start for start, _ in sentence_spans(text)[1:]), len(text)]
        pieces: list[str] = []
        for start, end in pairwise(starts):
            sentence = text[start:end]
            pieces.extend(
                [sentence] if len(sentence) <= self._chunk_size else self._inside_sentence.split_text(sentence)
            )
        return self._merge_splits(pieces, "")


def split_document(document: Document, config: ChunkingConfig) -> list[Chunk]:
    """The passages of a document in order; `document.text[start_char:end_char] == text` holds for each."""
    splitter = SentenceSplitter(chunk_size=config.chunk_chars, chunk_overlap=config.overlap_chars)
    chunks: list[Chunk] = []
    for section_start, heading, section in _sections(document.text):
        passages = splitter.split_text(section)
        for passage, start in zip(passages, _starts(section, passages), strict=True):
            chunk_id = f"{document.doc_id}-{len(chunks):04d}"
            begin, end = section_start + start, section_start + start + len(passage)
            chunks.append(Chunk(chunk_id, document.doc_id, passage, begin, end, heading=heading))
    return chunks


def _starts(text: str, passages: Sequence[str]) -> Iterator[int]:
    """Where each passage stands: the last place that leaves no word between it and the one before.

    The splitter's own add_start_index takes the first place instead, which in a text that repeats itself is an earlier
    one, and words at the end belong to no passage.
    """
    end = 0
    for passage in passages:
        while end < len(text) and text[end].isspace():
            end += 1
        start = text.rfind(passage, 0, end + len(passage))
        end = start + len(passage)
        yield start


def _sections(text: str) -> list[tuple[int, str, str]]:
    """The (start, heading, text) of each part; a heading begins a part, so that no passage mixes two of them."""
    starts: list[tuple[int, str]] = [(0, "")]
    offset = 0
    paragraphs = text.split("\n\n")
    for paragraph, following in pairwise(paragraphs):
        # A short line before another short line, or before the closing "Nguồn: …", is a by-line or a list.
        if is_heading(paragraph) and len(following) > len(paragraph) and not following.startswith("Nguồn"):
            starts.append((offset, heading_text(paragraph)))
        offset += len(paragraph) + 2
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [
        (start, heading, text[start:end])
        for (start, heading), end in zip(starts, ends, strict=True)
        if text[start:end].strip()
    ]
