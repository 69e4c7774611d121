"""Untrusted text as HTML: escaped, and marked where it is cited."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.markup import answer_html, cited_text, marked_text

EVIL = "<img src=x onerror=alert(1)> & \"quoted\" 'single' </mark>"


def words_of(markup: str) -> str:
    """The text that a browser shows."""
    return html.unescape(re.sub(r"</?(?:mark|span)[^<>]*>", "", markup))


@pytest.mark.parametrize(
    ("spans", "marked"),
    [
        ([], "một hai ba"),
        ([(0, 3)], "<mark>một</mark> hai ba"),
        ([(4, 7), (0, 3)], "<mark>một</mark> <mark>hai</mark> ba"),
        ([(0, 5), (4, 7)], "<mark>một h</mark><mark>ai</mark> ba"),
        ([(-5, 3), (8, 99)], "<mark>một</mark> hai <mark>ba</mark>"),
        ([(5, 5), (7, 4), (40, 50)], "một hai ba"),
    ],
)
def test_spans_become_marks(spans: list[tuple[int, int]], marked: str) -> None:
    assert marked_text("một hai ba", spans) == marked


def test_the_first_mark_can_carry_an_id() -> None:
    assert marked_text("ab", [(0, 1), (1, 2)], 'x"y') == '<mark id="x&quot;y">a</mark><mark>b</mark>'


@pytest.mark.parametrize(
    ("spans", "marked"),
    [
        ([], "một hai ba"),
        ([(4, 7, 2)], 'một <span id="t2"></span><mark class="c2">hai</mark> ba'),
        (
            [(0, 7, 1), (4, 10, 2)],
            '<span id="t1"></span><mark class="c1">một </mark><span id="t2"></span><mark class="c1 c2">hai</mark>'
            '<mark class="c2"> ba</mark>',
        ),
        ([(0, 3, 1), (0, 3, 2)], '<span id="t1"></span><span id="t2"></span><mark class="c1 c2">một</mark> hai ba'),
        ([(-4, 3, 1)], '<span id="t1"></span><mark class="c1">một</mark> hai ba'),
        ([(3, 3, 1), (30, 40, 2)], "một hai ba"),
    ],
)
def test_citations_mark_their_words_each_with_its_number(spans: list[tuple[int, int, int]], marked: str) -> None:
    assert cited_text("một hai ba", spans, "t") == marked


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(-5, 45), st.integers(-5, 45)), max_size=5))
def test_marking_keeps_every_character_and_lets_no_tag_through(text: str, pairs: list[tuple[int, int]]) -> None:
    spans = [(start, end, number) for number, (start, end) in enumerate(pairs, start=1)]
    for marked in (marked_text(text, pairs), cited_text(text, spans, "t")):
        assert words_of(marked) == text
        assert set(re.findall(r"<(/?\w+)", marked)) <= {"mark", "/mark", "span", "/span"}


def test_a_notebook_answer_escapes_everything() -> None:
    passage = {
        "rank": 1, "chunk_id": "c", "doc_id": "d", "source": EVIL, "score": 1.0,
        "start_char": 10, "end_char": 10 + len(EVIL), "text": EVIL,
    }  # fmt: skip
    citation = {"number": 1, "doc_id": "d", "start_char": 10, "end_char": 14}
    sentence = {"text": EVIL, "support": "partial", "citations": [1]}
    shown = answer_html(
        {
            "question": EVIL,
            "answer": EVIL,
            "abstained": False,
            "reason": "",
            "sentences": [sentence],
            "citations": [citation],
            "retrieved": [passage],
            "generator": "",
            "timings_ms": {},
        }
    )
    assert "<img" not in shown
    assert "<mark>&lt;img</mark>" in shown
    assert "có căn cứ một phần" in shown
