"""Documents to passages of whole sentences, with offsets, by langchain-text-splitters."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from langchain_text_splitters import RecursiveCharacterTextSplitter, TextSplitter

from rag.config import ChunkingConfig
from rag.documents import heading_text, is_heading
from rag.language.structure import PATH_MARK, LegalPart, clauses, legal_parts
from rag.text import sentence_spans
from rag.types import Chunk, Document, Place


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
    """The passages of a document in order; `document.text[start_char:end_char] == text` holds for each.

    A passage lies within one heading, and begins on the page that it names: so do all its sentences, and what is quoted
    of it stands where its citation says.
    """
    splitter = SentenceSplitter(chunk_size=config.chunk_chars, chunk_overlap=config.overlap_chars)
    chunks: list[Chunk] = []
    for section_start, heading, section in _sections(document, config.chunk_chars):
        passages = splitter.split_text(section)
        for passage, start in zip(passages, _starts(section, passages), strict=True):
            chunk_id = f"{document.doc_id}-{len(chunks):04d}"
            begin, end = section_start + start, section_start + start + len(passage)
            page, label = _page_and_label(document.places, begin, end)
            chunks.append(Chunk(chunk_id, document.doc_id, passage, begin, end, page, heading, label))
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


def _sections(document: Document, chunk_chars: int) -> list[tuple[int, str, str]]:
    """The (start, heading path, text) of each part; no passage mixes two of them."""
    text = document.text
    starts = _headings(document, chunk_chars)
    pages = _page_starts(document)
    if pages:
        offsets = [start for start, _ in starts]
        paths = {start: starts[bisect_right(offsets, start) - 1][1] for start in pages}
        starts = sorted((paths | dict(starts)).items())
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [
        (start, heading, text[start:end])
        for (start, heading), end in zip(starts, ends, strict=True)
        if text[start:end].strip()
    ]


def _without_bare_headings(document: Document, starts: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """The starts of the parts, where a heading with nothing but narrower ones below it begins the first of those."""
    kept: list[tuple[int, str]] = []
    begins: int | None = None
    for (start, path), (end, following) in pairwise([*starts, (len(document.text), "")]):
        begins = start if begins is None else begins
        above = f"{document.title}\n{path}"
        lines = document.text[start:end].split("\n")
        if following.startswith(f"{path}{PATH_MARK}" if path else "") and all(line in above for line in lines):
            continue
        kept.append((begins, path))
        begins = None
    return kept if begins is None else [*kept, (begins, "")]


def _headings(document: Document, chunk_chars: int) -> list[tuple[int, str]]:
    """The (start, heading path) of each part: the articles of a law, else the file's own headings, else a guess."""
    legal = legal_parts(document.text)
    if legal:
        starts = _from_the_start(list(_legal_headings(document.text, legal, chunk_chars)))
        return _without_bare_headings(document, starts)
    if any(place.heading for place in document.places):
        changes = [(place.start_char, place.heading) for place in document.places]
        headings = [one for one, before in zip(changes, [(0, ""), *changes], strict=False) if one[1] != before[1]]
        return _without_bare_headings(document, _from_the_start(headings))
    return _from_the_start(_guessed_headings(document.text))


def _from_the_start(headings: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The headings, and a part without one for what stands before the first."""
    return headings if headings and headings[0][0] == 0 else [(0, ""), *headings]


def _legal_headings(text: str, parts: Sequence[LegalPart], chunk_chars: int) -> Iterator[tuple[int, str]]:
    ends = [part.start for part in parts[1:]] + [len(text)]
    for part, end in zip(parts, ends, strict=True):
        pieces = clauses(text[part.start : end], chunk_chars)
        if not pieces or pieces[0][0]:
            yield part.start, part.path
        for start, name in pieces:
            yield part.start + start, f"{part.path}{PATH_MARK}{name}"


def _guessed_headings(text: str) -> list[tuple[int, str]]:
    """Short open lines before longer ones, in a text whose file tells nothing."""
    headings: list[tuple[int, str]] = []
    offset = 0
    paragraphs = text.split("\n\n")
    for paragraph, following in pairwise(paragraphs):
        # A short line before another short line, or before the closing "Nguồn: …", is a by-line or a list.
        if is_heading(paragraph) and len(following) > len(paragraph) and not following.startswith("Nguồn"):
            headings.append((offset, heading_text(paragraph)))
        offset += len(paragraph) + 2
    return headings


def _page_starts(document: Document) -> list[int]:
    """Where the first sentence of each page begins; one that runs over from the page before belongs to that page."""
    changes = [place.start_char for before, place in pairwise(document.places) if place.page not in (None, before.page)]
    if not changes:
        return []
    sentences = [start for start, _ in sentence_spans(document.text)]
    found = (bisect_left(sentences, change) for change in changes)
    return list(dict.fromkeys(sentences[place] for place in found if place < len(sentences)))


def _page_and_label(places: Sequence[Place], start: int, end: int) -> tuple[int | None, str]:
    """The page on which a passage begins, and what the file calls its place: "iv", "hàng 5", "hàng 5–12"."""
    if not places:
        return None, ""
    first = max(bisect_right(places, start, key=lambda place: place.start_char) - 1, 0)
    here = places[first : max(bisect_left(places, end, key=lambda place: place.start_char), first + 1)]
    if here[0].page is not None:
        return here[0].page, here[0].label
    # Rows: "hàng 5–12"; the name of a sheet above them has none.
    labels = [place.label for place in here if place.label]
    if not labels or labels[0] == labels[-1]:
        return None, labels[0] if labels else ""
    return None, f"{labels[0]}–{labels[-1].split()[-1]}"
