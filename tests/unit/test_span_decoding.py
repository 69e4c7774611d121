"""Which tokens may follow in a reader's answer: the walk over the cited sentence."""

import numpy as np
import pytest

from rag.llm.span_decoding import MOST_SENTENCES, ReaderIds, SpanWalk, is_none, word_breaks

NOT_THERE, END = 0, 1
CITE = tuple(range(2, 2 + MOST_SENTENCES))
WORDS = [b"Lan", b" h", "\u1ecdc".encode(), b" n\xc4", b"\x83m", b" ", b"2", b"0", b",", b"5", b" trang", b"."]
FIRST = 2 + MOST_SENTENCES
IDS = ReaderIds(NOT_THERE, END, CITE)


def text_of(token: int) -> bytes:
    return WORDS[token - FIRST]


def ids(*places: int) -> list[int]:
    return [FIRST + place for place in places]


# "Lan học 20,5 trang.": 0 Lan, 1 " h", 2 ọc, 5 " ", 6 2, 7 0, 8 ",", 9 5, 10 " trang", 11 "."
SENTENCE = ids(0, 1, 2, 5, 6, 7, 8, 9, 10, 11)


def walk(*sentences: list[int], held: bool = True) -> SpanWalk:
    return SpanWalk(sentences or (SENTENCE,), IDS, text_of, held=held)


def taken(*tokens: int) -> SpanWalk:
    one = walk()
    for token in tokens:
        one.take(token)
    return one


def test_first_comes_a_citation_of_a_sentence_that_is_there_or_not_there() -> None:
    assert walk(SENTENCE, SENTENCE).allowed() == [NOT_THERE, CITE[0], CITE[1]]


def test_a_span_begins_where_a_word_or_number_begins() -> None:
    assert taken(CITE[0]).allowed() == ids(0, 1, 5, 6, 10, 11)


def test_a_span_goes_on_with_its_sentence_and_ends_only_where_a_word_ends() -> None:
    assert taken(CITE[0], *ids(1)).allowed() == ids(2)
    assert taken(CITE[0], *ids(1, 2)).allowed() == [END, *ids(5)]


def test_a_number_is_not_cut_at_its_figures_or_its_decimal_comma() -> None:
    assert taken(CITE[0], *ids(6)).allowed() == ids(7)
    assert taken(CITE[0], *ids(6, 7)).allowed() == ids(8)
    assert taken(CITE[0], *ids(6, 7, 8)).allowed() == ids(9)
    assert taken(CITE[0], *ids(6, 7, 8, 9)).allowed() == [END, *ids(10)]


def test_the_end_of_the_sentence_ends_the_span() -> None:
    assert taken(CITE[0], *ids(10, 11)).allowed() == [END]


def test_what_stands_twice_may_go_on_both_ways() -> None:
    twice = ids(0, 5, 0, 1, 2)  # "Lan Lan học"
    one = walk(twice)
    for token in (CITE[0], *ids(0)):
        one.take(token)
    assert one.allowed() == [END, *ids(1, 5)]


def test_a_token_that_does_not_go_on_is_refused() -> None:
    with pytest.raises(ValueError, match="does not go on"):
        taken(CITE[0], *ids(0)).take(FIRST + 2)


def test_the_most_probable_allowed_token_is_picked_and_its_probability_kept() -> None:
    logits = np.zeros(FIRST + len(WORDS), np.float32)
    logits[FIRST + 2] = 5.0  # more probable than what may come, so never picked
    logits[CITE[0]] = logits[FIRST] = 2.0
    one = walk()
    assert [one.pick(logits) for _ in range(2)] == [CITE[0], FIRST]
    sure = logits.copy()
    sure[END] = 9.0
    assert [one.pick(sure), one.pick(sure)] == [END, None]
    reading = one.reading()
    assert (reading.sentence, reading.tokens) == (0, (FIRST,))
    log = 2 * np.log(np.exp(2.0) / np.exp(logits).sum()) + np.log(np.exp(9.0) / np.exp(sure).sum())
    assert reading.logprob == pytest.approx(float(log) / 3, abs=1e-5)


def test_a_span_ends_only_where_that_is_likelier_than_going_on_in_whatever_way() -> None:
    one = taken(CITE[0], *ids(0))
    logits = np.zeros(FIRST + len(WORDS), np.float32)
    logits[END], logits[FIRST + 2] = 2.0, 3.0  # what may follow has less, but what may not means that it goes on
    assert one.allowed() == [END, *ids(1)]
    assert one.pick(logits) == FIRST + 1


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.0, 10.0])
def test_it_is_not_there_where_reader_and_evidence_step_doubt_it_together(margin: float) -> None:
    said = []
    for certain in np.arange(-8.75, 9.0, 0.5):  # never where the bound lies
        logits = np.full(FIRST + len(WORDS), -99.0, np.float32)
        logits[NOT_THERE], logits[CITE[0]] = certain, 0.0
        one = SpanWalk((SENTENCE,), IDS, text_of, margin=margin)
        said.append(one.pick(logits) == NOT_THERE)
        assert said[-1] == is_none(float(certain), margin)
        assert one.reading().doubt == pytest.approx(certain, abs=0.01)
    assert said == sorted(said)  # once it doubts enough, more doubt changes nothing
    assert any(said) == (margin < 10.0)


def test_the_surer_the_evidence_step_the_more_doubt_it_takes() -> None:
    least = [min(doubt for doubt in np.arange(-60, 60, 0.1) if is_none(doubt, margin)) for margin in (0.0, 1.0, 3.0)]
    assert least == sorted(set(least))


def test_a_reader_alone_says_not_there_from_even_odds_on() -> None:
    logits = np.full(FIRST + len(WORDS), -19.0, np.float32)
    logits[NOT_THERE], logits[CITE[0]] = -0.1, 0.0
    assert walk().pick(logits) == CITE[0]
    logits[NOT_THERE] = 0.1
    assert walk().pick(logits) == NOT_THERE


def test_a_span_begins_rather_where_the_evidence_step_points_to() -> None:
    logits = np.zeros(FIRST + len(WORDS), np.float32)
    logits[CITE[0]], logits[FIRST], logits[FIRST + 10] = 9.0, 1.0, 0.0  # "Lan" before " trang", pointed to
    for pointed, begins in (((), FIRST), ((range(8, 9),), FIRST + 10)):
        one = SpanWalk((SENTENCE,), IDS, text_of, pointed=pointed)
        assert [one.pick(logits), one.pick(logits)] == [CITE[0], begins]
    # The space before a number is no part of the answer.
    spaced = SpanWalk((SENTENCE,), IDS, text_of, pointed=(range(3, 8),))
    assert [spaced.pick(logits), spaced.pick(logits)] == [CITE[0], FIRST + 6]


def test_a_span_ends_inside_what_is_pointed_to_only_where_that_is_all_but_sure() -> None:
    logits = np.full(FIRST + len(WORDS), -19.0, np.float32)
    logits[END] = 1.0
    for certain, ends in ((-4.0, False), (-8.0, True)):
        logits[FIRST + 11] = certain  # a mark that may not follow: e**1 beside e**-4 is 99.3%, beside e**-8 99.99%
        one = SpanWalk((SENTENCE,), IDS, text_of, pointed=(range(3),))
        for token in (CITE[0], *ids(0)):
            one.take(token)
        assert (one.pick(logits) == END) == ends


def test_a_span_ends_behind_what_is_pointed_to_even_where_that_is_not_likely() -> None:
    logits = np.full(FIRST + len(WORDS), -9.0, np.float32)
    logits[END], logits[FIRST + 11] = 1.0, 2.0  # 27%
    for pointed, ends in (((range(3),), True), ((), False)):
        one = SpanWalk((SENTENCE,), IDS, text_of, pointed=pointed)
        for token in (CITE[0], *ids(0, 1, 2)):
            one.take(token)
        assert (one.pick(logits) == END) == ends


def test_not_there_ends_at_once() -> None:
    logits = np.zeros(FIRST + len(WORDS), np.float32)
    logits[NOT_THERE] = 9.0
    one = walk()
    assert [one.pick(logits), one.pick(logits)] == [NOT_THERE, None]
    assert one.reading().sentence is None


def test_free_decoding_takes_any_token_after_the_citation() -> None:
    logits = np.zeros(FIRST + len(WORDS), np.float32)
    logits[FIRST + 2], logits[CITE[0]] = 1.0, 0.5
    one = walk(held=False)
    assert [one.pick(logits), one.pick(logits)] == [CITE[0], FIRST + 2]


def test_words_break_at_spaces_and_marks_not_inside_letters() -> None:
    name = [b"\xe2\x80", b"\x9cLan", b"\xe2\x80\x9d", b" h", "\u1ecdc".encode()]  # “Lan” học
    assert word_breaks(range(5), name.__getitem__) == [True, False, True, True, False, True]
