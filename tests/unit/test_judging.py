import pytest

from rag.batch.judging import (
    Failure,
    Gold,
    answer_metrics,
    failure_of,
    gold_of,
    gold_sources,
    ranking_metrics,
    sources_by_name,
)
from rag.batch.questions import Question
from rag.types import Answer, AnswerSentence, Chunk, Citation, Document, ScoredChunk, Support

TEXTS = {"d1": "Ra mắt tại Seoul. Mở cửa năm 2024.", "d2": "Trụ sở ở Hà Nội."}
SOURCES = {"d1": "a.txt", "d2": "b.txt"}
ASKED = Question("1", "Ra mắt ở đâu?", ("Seoul",), ("a",))
UNANSWERABLE = Question("2", "Ai là giám đốc?")
GOLD = Gold(frozenset({"a.txt"}))
SEOUL, OPENING, HANOI = ("d1", "Ra mắt tại Seoul."), ("d1", "Mở cửa năm 2024."), ("d2", "Trụ sở ở Hà Nội.")


def passage(doc_id: str, text: str) -> ScoredChunk:
    start = TEXTS[doc_id].index(text)
    return ScoredChunk(Chunk(f"{doc_id}-{start}", doc_id, text, start, start + len(text)), 1.0, "", SOURCES[doc_id])


def quote(number: int, doc_id: str, text: str) -> Citation:
    start = TEXTS[doc_id].index(text)
    return Citation(number, doc_id, "", SOURCES[doc_id], None, start, start + len(text), text)


def answered(
    text: str, quoted: tuple[str, str], *retrieved: tuple[str, str], support: Support = Support.SUPPORTED
) -> Answer:
    sentence = AnswerSentence(text, support, (1,))
    passages = tuple(passage(*found) for found in retrieved)
    return Answer("?", f"{text} [1]", (sentence,), (quote(1, *quoted),), passages, False, "", "extractive", {})


def refused(*retrieved: tuple[str, str]) -> Answer:
    passages = tuple(passage(*found) for found in retrieved)
    return Answer("?", "Không tìm thấy.", (), (), passages, True, "low_evidence", "extractive", {})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("luật.txt", {"luật.txt"}),
        ("luật", {"luật.txt"}),
        ("cũ/luật.txt", {"cũ/luật.txt"}),
        ("cũ/luật", {"cũ/luật.txt"}),
        ("nghị định 13.2023", {"cũ/nghị định 13.2023.md"}),
        ("nghị định 13.2023.md", {"cũ/nghị định 13.2023.md"}),
        ("luật.pdf", {"luật.pdf"}),
    ],
)
def test_a_gold_name_means_a_source_with_or_without_folder_and_ending(name: str, meant: set[str]) -> None:
    sources = ["luật.txt", "cũ/luật.txt", "cũ/nghị định 13.2023.md"]
    assert gold_sources([name], sources_by_name(sources)) == meant


def test_a_decomposed_file_name_is_found() -> None:
    decomposed = "lua\u0323\u0302t.txt"
    assert gold_sources(["luật"], sources_by_name([decomposed])) == {decomposed}


def test_a_question_without_gold_documents_has_no_ranking_metric() -> None:
    assert ranking_metrics((), ["a.txt"]) == {}
    assert ranking_metrics({"b.txt"}, ["a.txt", "b.txt"])["mrr@10"] == 0.5


def test_a_right_answer_is_measured() -> None:
    assert answer_metrics(ASKED, answered("Ra mắt tại Seoul.", SEOUL, SEOUL), GOLD, TEXTS.__getitem__) == {
        "exact_match": 0.0,
        "f1": 0.4,
        "answer_in_text": 1.0,
        "answer_in_quotes": 1.0,
        "false_refusal_rate": 0.0,
        "citation_validity": 1.0,
        "citation_precision": 1.0,
        "citation_recall": 1.0,
        "supported": 1.0,
        "partial": 0.0,
        "unsupported": 0.0,
        "unsupported_numbers": 0.0,
        "unsupported_names": 0.0,
    }


def test_the_citation_marks_are_no_words_of_the_answer() -> None:
    metrics = answer_metrics(ASKED, answered("Seoul", SEOUL, SEOUL), GOLD, TEXTS.__getitem__)
    assert (metrics["exact_match"], metrics["f1"]) == (1.0, 1.0)


def test_a_quote_of_another_document_is_no_gold_citation() -> None:
    metrics = answer_metrics(ASKED, answered("Ở Hà Nội.", HANOI, SEOUL, HANOI), GOLD, TEXTS.__getitem__)
    assert (metrics["citation_precision"], metrics["citation_recall"], metrics["answer_in_quotes"]) == (0.0, 0.0, 0.0)


def test_a_quote_that_its_document_does_not_hold_is_invalid() -> None:
    metrics = answer_metrics(ASKED, answered("Seoul.", SEOUL, SEOUL), GOLD, {"d1": "Khác hẳn."}.__getitem__)
    assert metrics["citation_validity"] == 0.0


def test_a_refusal_carries_refusal_metrics_and_none_of_citations() -> None:
    assert answer_metrics(UNANSWERABLE, refused(SEOUL), Gold(), TEXTS.__getitem__) == {
        "refusal_recall": 1.0,
        "refusal_precision": 1.0,
    }
    assert answer_metrics(ASKED, refused(SEOUL), GOLD, TEXTS.__getitem__) == {
        "exact_match": 0.0,
        "f1": 0.0,
        "answer_in_text": 0.0,
        "answer_in_quotes": 0.0,
        "false_refusal_rate": 1.0,
        "refusal_precision": 0.0,
    }


@pytest.mark.parametrize(
    ("question", "answer", "failure"),
    [
        (ASKED, answered("Ra mắt tại Seoul.", SEOUL, SEOUL), None),
        (ASKED, answered("Mở cửa năm 2024.", OPENING, SEOUL, OPENING), Failure.NOT_SELECTED),
        (ASKED, answered("Ở Hàn Quốc.", SEOUL, SEOUL), Failure.NOT_SAID),
        (ASKED, answered("Ra mắt tại Seoul.", OPENING, SEOUL, support=Support.UNSUPPORTED), Failure.SAID_UNSUPPORTED),
        (ASKED, answered("Ở Mỹ.", SEOUL, SEOUL, support=Support.UNSUPPORTED), Failure.SAID_UNSUPPORTED),
        (ASKED, answered("Ở Mỹ.", HANOI, HANOI, support=Support.UNSUPPORTED), Failure.NOT_RETRIEVED),
        (ASKED, refused(SEOUL), Failure.REFUSED_WRONGLY),
        (ASKED, refused(OPENING), Failure.NOT_RETRIEVED),
        (ASKED, refused(HANOI), Failure.NOT_RETRIEVED),
        (ASKED, answered("Ở Hà Nội.", HANOI, HANOI), Failure.NOT_RETRIEVED),
        (UNANSWERABLE, refused(SEOUL), None),
        (UNANSWERABLE, answered("Ở Hà Nội.", HANOI, HANOI), Failure.ANSWERED_WRONGLY),
    ],
)
def test_a_failure_is_the_first_step_that_went_wrong(
    question: Question, answer: Answer, failure: Failure | None
) -> None:
    gold = GOLD if question.docs else Gold()
    assert failure_of(question, answer, gold, TEXTS.__getitem__) is failure


def test_a_free_form_answer_is_right_by_its_words() -> None:
    free = Question("3", "Khi nào, ở đâu?", ("Mở năm 2024 tại Seoul",), ("a",))
    assert failure_of(free, answered("Mở cửa năm 2024.", OPENING, OPENING), GOLD, TEXTS.__getitem__) is None


def test_a_free_form_answer_counts_as_retrieved_with_its_document() -> None:
    free = Question("3", "Vì sao?", ("bởi nhiều lẽ khác nhau",), ("a",))
    assert failure_of(free, refused(OPENING), GOLD, TEXTS.__getitem__) is Failure.REFUSED_WRONGLY


# Gold passages

LONG = Document("d3", "Bài", "Mở ở Seoul. Ai cũng vui. Hội nghị kéo dài. Năm sau ở Seoul nữa.", "c.txt")


def parts(*texts: str) -> list[Chunk]:
    starts = [LONG.text.index(text) for text in texts]
    return [
        Chunk(f"p{place}", "d3", text, start, start + len(text))
        for place, (text, start) in enumerate(zip(texts, starts, strict=True))
    ]


PARTS = parts("Mở ở Seoul. Ai cũng vui.", "Ai cũng vui. Hội nghị kéo dài.", "Hội nghị kéo dài. Năm sau ở Seoul nữa.")


@pytest.mark.parametrize(
    ("answers", "context", "passages"),
    [
        (("Seoul",), None, {"p0", "p2"}),
        (("Seoul",), "hội nghị kéo dài.  Năm sau ở Seoul", {"p2"}),
        (("vì nhiều lẽ",), "Ai cũng vui. Hội nghị kéo dài.", {"p1"}),
        (("vì nhiều lẽ",), None, set()),
        (("Seoul",), "Đoạn này không có trong bài.", {"p0", "p2"}),
    ],
)
def test_gold_passages_say_the_answer_within_the_context(
    answers: tuple[str, ...], context: str | None, passages: set[str]
) -> None:
    question = Question("1", "Ở đâu?", answers, ("c",), context)
    assert gold_of(question, frozenset({"c.txt"}), [(LONG, PARTS)]).passages == passages


def test_a_quote_counts_as_gold_by_its_passage_where_that_is_known() -> None:
    whole = Gold(frozenset({"a.txt"}))
    first = Gold(frozenset({"a.txt"}), frozenset(), (("a.txt", 0, 17),))
    assert (whole.holds(quote(1, *OPENING)), first.holds(quote(1, *OPENING))) == (True, False)
    assert first.holds(quote(1, *SEOUL))
    assert not first.holds(quote(1, *HANOI))
