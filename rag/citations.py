"""The check: an answer's text against the passages that were sent, down to the exact words.

Whatever a generator wrote, quotation or prose, goes through `check_answer`. The marks [n] that it set are hints: a
right one is kept, a wrong or missing one is repaired when a passage that was sent bears the sentence, and dropped
otherwise.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.config import Unsupported
from rag.language.abbreviations import Spelling, known_abbreviations, respelled_keys
from rag.language.claims import unsupported_claims
from rag.language.listing import LIST_ITEM
from rag.quoting import named_title
from rag.text import passage_sentence_spans, sentence_spans, syllables
from rag.types import AnswerSentence, Citation, Evidence, ScoredChunk, Support

UNSUPPORTED_NOTE = "[chưa có căn cứ]"
PARTIAL_NOTE = "[căn cứ một phần]"

# [1] · [1, 2] · 【1】 · ［1］ · [^1] · [Đoạn 1]: the ways in which models write a citation.
_MARK = re.compile(
    r"\s*[\[【［]\s*\^?(?:(?:đoạn|tài liệu|nguồn)\s*)?(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*[\]】］]", re.IGNORECASE
)
# How `rag.quoting.attribution` says whose words follow; models write it too.
_ATTRIBUTION = re.compile(r"Theo “([^”]+)”\s*[:,]\s*", re.IGNORECASE)
_NEGATIONS = frozenset({"không", "chưa", "chẳng", "đừng", "chớ"})
_WINDOW_SENTENCES = 3
_SUPPORTED_COVERAGE = 0.7
_LOCATED_COVERAGE = 0.5
"""Fewer than half of a sentence's words found: there is nothing that could honestly be highlighted."""


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer whose sentences carry their support.

    `text` has [n] for the nth citation after each sentence, and a note in words after one that is not fully supported.
    """

    text: str
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """Words of a passage that may bear a sentence; offsets are the document's."""

    passage: ScoredChunk
    start_char: int
    end_char: int
    text: str
    coverage: float


def check_answer(
    text: str,
    passages: Sequence[ScoredChunk],
    unsupported: Unsupported = Unsupported.MARK,
    quotations: Sequence[Evidence] = (),
) -> CheckedAnswer:
    """Each sentence of `text` with its support among `passages`, where [n] means the nth of them.

    Sentences without support are marked, left out, or replaced by `quotations` one by one, as `unsupported` says. Where
    nothing would be left, the quotations are the answer.
    """
    checked = _check(text, passages, unsupported, quotations)
    if checked.sentences or not quotations:
        return checked
    return _check(" ".join(f"{one.text} [{one.passage + 1}]" for one in quotations), passages, Unsupported.MARK, ())


def _check(
    text: str, passages: Sequence[ScoredChunk], unsupported: Unsupported, quotations: Sequence[Evidence]
) -> CheckedAnswer:
    clean, marks = _without_marks(text)
    left = [one for one in quotations if one.text not in clean]
    spans = sentence_spans(clean)
    sentences: list[AnswerSentence] = []
    citations: list[Citation] = []
    parts: list[str] = []
    done = 0
    for position, (start, end) in enumerate(spans):
        next_start = spans[position + 1][0] if position + 1 < len(spans) else len(clean) + 1
        cited = [number for place, number in marks if start < place <= next_start or (position == 0 and place == 0)]
        # "1." counts the items of an answer, it is no number of the documents.
        mark = LIST_ITEM.match(clean, start, end)
        sentence = clean[mark.end() if mark else start : end]
        support, found = _attributed_support(sentence, cited, passages, clean)
        before = clean[done : mark.end() if mark else start]
        done = end
        if support is Support.UNSUPPORTED and unsupported is not Unsupported.MARK:
            if unsupported is Unsupported.DROP or not left:
                continue
            one = left.pop(0)
            sentence = " ".join(one.text.split())
            support, found = (
                Support.SUPPORTED,
                [_Span(passages[one.passage], one.start_char, one.end_char, one.text, 1.0)],
            )
        numbers = tuple(dict.fromkeys(_cite(span, citations) for span in found))
        sentences.append(AnswerSentence(sentence, support, numbers))
        note = "".join(f"[{number}]" for number in numbers) or UNSUPPORTED_NOTE
        if support is Support.PARTIAL:
            note = f"{note} {PARTIAL_NOTE}"
        parts.append(f"{before}{sentence} {note}")
    return CheckedAnswer("".join(parts).strip(), tuple(sentences), tuple(citations))


def _without_marks(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its citation marks, and (offset in that text, number) for each."""
    parts: list[str] = []
    marks: list[tuple[int, int]] = []
    done = length = 0
    for match in _MARK.finditer(text):
        parts.append(text[done : match.start()])
        length += match.start() - done
        done = match.end()
        marks.extend((length, int(number)) for number in re.findall(r"\d+", match[1]))
    return "".join([*parts, text[done:]]), marks


def _attributed_support(
    sentence: str, cited: Sequence[int], passages: Sequence[ScoredChunk], answer: str
) -> tuple[Support, list[_Span]]:
    """The support of a sentence of an answer; where it says whose words it tells ("Theo “…”: "), by theirs alone."""
    hinted = [passages[number - 1] for number in dict.fromkeys(cited) if 1 <= number <= len(passages)]
    others = [passage for passage in passages if passage not in hinted]
    lead = _ATTRIBUTION.match(sentence)
    named = {passage.chunk.doc_id for passage in passages if lead is not None and named_title(passage) == lead[1]}
    if lead is None or not named:
        return _support(sentence, hinted, others, answer)
    body = sentence[lead.end() :]
    own, beside = ([passage for passage in part if passage.chunk.doc_id in named] for part in (hinted, others))
    support, found = _support(body, own, beside, answer)
    if support is Support.SUPPORTED:
        return support, found
    support, found = _support(body, hinted, others, answer)
    return (Support.PARTIAL if support is Support.SUPPORTED else support), found


def _support(
    sentence: str, hinted: Sequence[ScoredChunk], others: Sequence[ScoredChunk], answer: str
) -> tuple[Support, list[_Span]]:
    """The support of a sentence among the passages that it cites, and then among the other ones."""
    quoted = next((span for passage in [*hinted, *others] if (span := _verbatim(sentence, passage, answer))), None)
    if quoted is not None:
        return Support.SUPPORTED, [quoted]
    told = _Told.of(sentence)
    if not told.keys:
        return Support.UNSUPPORTED, []
    by_hint = _best(told, hinted)
    if by_hint[0] is Support.SUPPORTED:
        return by_hint
    by_any = _best(told, others)
    if by_any[0] is Support.SUPPORTED:
        return by_any
    together = _together(told, hinted if len(hinted) > 1 else [*hinted, *others])
    if together[0] is Support.SUPPORTED:
        return together
    return by_hint if by_hint[0] is Support.PARTIAL else by_any


def _verbatim(sentence: str, passage: ScoredChunk, answer: str) -> _Span | None:
    """The sentence of a passage that holds these very words: one that the answer tells in full rather than another.

    A single word stands nearly everywhere, so that only a sentence which the answer tells, too, bears it.
    """
    words = sentence.split()
    chunk = passage.chunk
    if not words or words[0] not in chunk.text:
        return None
    # A line of the document may break inside the sentence.
    wording = r"\s+".join(map(re.escape, words))
    found = [_sentence_round(passage, match) for match in re.finditer(rf"(?<!\w){wording}(?!\w)", chunk.text)]
    told = " ".join(answer.split())
    of_answer = [span for span in found if (text := " ".join(span.text.split())) in told and text != sentence]
    if of_answer:
        return of_answer[0]
    return found[0] if found and len(words) > 1 else None


def _sentence_round(passage: ScoredChunk, match: re.Match[str]) -> _Span:
    """The sentence of a passage in which words stand; the words alone where they are of several."""
    chunk = passage.chunk
    start, end = match.span()
    for first, last in passage_sentence_spans(chunk.text):
        if first <= start and end <= last:
            start, end = first, last
            break
    return _Span(passage, chunk.start_char + start, chunk.start_char + end, chunk.text[start:end], 1.0)


def _best(told: "_Told", passages: Sequence[ScoredChunk]) -> tuple[Support, list[_Span]]:
    """The best support that one passage alone gives; earlier passages win ties."""
    spans = sorted((_widest(told, passage) for passage in passages), key=lambda span: -span.coverage)
    graded = [(_grade(told, [span]), [span]) for span in spans]
    for wanted in (Support.SUPPORTED, Support.PARTIAL):
        for support, found in graded:
            if support is wanted:
                return support, found
    return Support.UNSUPPORTED, []


def _together(told: "_Told", passages: Sequence[ScoredChunk]) -> tuple[Support, list[_Span]]:
    """The support that two passages give together, for a sentence that joins what they say."""
    spans = sorted((_widest(told, passage) for passage in passages), key=lambda span: -span.coverage)[:4]
    for position, first in enumerate(spans):
        for second in spans[position + 1 :]:
            if _grade(told, [first, second]) is Support.SUPPORTED:
                return Support.SUPPORTED, [first, second]
    return Support.UNSUPPORTED, []


@dataclass(frozen=True, slots=True)
class _Told:
    """A sentence of an answer taken apart; texts are read in its own spelling of what is abbreviated."""

    sentence: str
    keys: tuple[str, ...]
    spellings: tuple[Spelling, ...]

    @classmethod
    def of(cls, sentence: str) -> "_Told":
        spellings = tuple(known_abbreviations().spellings(sentence, folded=False))
        return cls(sentence, tuple(syllables(sentence)), spellings)

    def keys_of(self, text: str) -> list[str]:
        return respelled_keys(text, self.spellings, folded=False) if self.spellings else syllables(text)

    def missing_in(self, text: str) -> list[str]:
        """The numbers, dates and names of the sentence that a text does not hold."""
        respelled = " ".join(self.keys_of(text)) if self.spellings else ""
        return unsupported_claims(self.sentence, f"{text}\n{respelled}")


def _grade(told: _Told, spans: Sequence[_Span]) -> Support:
    text = "\n".join(span.text for span in spans)
    held = set(told.keys_of(text))
    coverage = sum(key in held for key in told.keys) / len(told.keys)
    if coverage < _LOCATED_COVERAGE:
        return Support.UNSUPPORTED
    # A name may stand in the title above the words that tell of it; a number must be in the words themselves.
    above = " ".join(f"{span.passage.title}. {span.passage.chunk.heading}." for span in spans)
    missing = told.missing_in(text)
    missing = [claim for claim in missing if claim[:1].isdigit() or claim in told.missing_in(above)]
    negated = bool(_NEGATIONS & set(told.keys)) != bool(_NEGATIONS & held)
    if missing or negated or coverage < _SUPPORTED_COVERAGE:
        return Support.PARTIAL
    return Support.SUPPORTED


def _widest(told: _Told, passage: ScoredChunk) -> _Span:
    """The run of one to three sentences of a passage that holds most of the keys; the shortest of equals."""
    chunk = passage.chunk
    spans = passage_sentence_spans(chunk.text)
    held = [set(told.keys_of(chunk.text[start:end])) for start, end in spans]
    best = _Span(passage, chunk.start_char, chunk.start_char, "", 0.0)
    for count in range(1, _WINDOW_SENTENCES + 1):
        for first in range(len(spans) - count + 1):
            window = set().union(*held[first : first + count])
            coverage = sum(key in window for key in told.keys) / len(told.keys)
            if coverage > best.coverage + (0.05 if count > 1 else 0.0):
                start, end = spans[first][0], spans[first + count - 1][1]
                best = _Span(passage, chunk.start_char + start, chunk.start_char + end, chunk.text[start:end], coverage)
    return best


def _cite(span: _Span, citations: list[Citation]) -> int:
    """The number of the citation of these words, added when it is new."""
    chunk = span.passage.chunk
    for citation in citations:
        if (citation.doc_id, citation.start_char, citation.end_char) == (chunk.doc_id, span.start_char, span.end_char):
            return citation.number
    number = len(citations) + 1
    citations.append(
        Citation(
            number, chunk.doc_id, span.passage.title, span.passage.source, chunk.page,
            span.start_char, span.end_char, span.text, chunk.label,
        )
    )  # fmt: skip
    return number
