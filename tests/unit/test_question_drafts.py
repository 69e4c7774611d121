"""A first question set from documents, by code."""

import json
from pathlib import Path

import pytest

from rag.batch.corpora import context_documents
from rag.batch.metrics import answer_contained
from rag.batch.question_drafts import UNANSWERABLE, Row, draft_questions, read_corpus, write_questions
from rag.batch.questions import read_questions
from rag.config import RagConfig
from rag.documents import make_document
from rag.errors import DocumentError, QuestionSetError
from rag.types import Document
from tests.conftest import SEEDS

BAY = make_document(
    "Vịnh Hạ Long\n\nVịnh Hạ Long nằm ở tỉnh Quảng Ninh của Việt Nam. Vịnh Hạ Long có 1.969 hòn đảo lớn nhỏ các loại."
    " Tuy nhiên, vịnh Hạ Long được công nhận là di sản thế giới vào năm 1994. Nó rất đẹp vào mùa hè hằng năm ở đây."
    " Du khách đến vịnh Hạ Long đông hơn hẳn mọi nơi khác nhờ phong cảnh núi non hùng vĩ.",
    "bay.txt",
)
TEA = make_document(
    "Trà Thái Nguyên\n\nCây chè được trồng ở tỉnh Thái Nguyên từ rất lâu đời. Nhà máy chè đầu tiên khánh thành vào năm"
    " 1962 với nhiều công nhân. Năm 1975 có hai nghìn hộ dân trồng chè ở huyện Đại Từ"
    " của tỉnh Thái Nguyên. Mỗi năm người dân tỉnh này bán 200.000 tấn chè khô ra nước ngoài.",
    "tea.txt",
)


def drafted(count: int, *documents: Document, seed: int = 7) -> list[Row]:
    return draft_questions(documents, RagConfig(), count, seed)


def by_answer(rows: list[Row]) -> dict[str, str]:
    return {row["answers"][0]: row["question"] for row in rows if row["answers"]}


def test_a_question_word_stands_where_the_answer_stood_and_the_rest_is_kept() -> None:
    found: dict[str, str] = {}
    for seed in range(12):  # which detail of a statement is asked for is drawn
        found |= by_answer(drafted(20, BAY, seed=seed))
    assert found["1.969"] == "Vịnh Hạ Long có bao nhiêu hòn đảo lớn nhỏ các loại?"
    assert found["vào năm 1994"] == "Vịnh Hạ Long được công nhận là di sản thế giới vào năm nào?"
    assert found["phong cảnh núi non hùng vĩ"] == "Vì sao du khách đến vịnh Hạ Long đông hơn hẳn mọi nơi khác?"


def test_a_time_is_right_with_and_without_its_little_words() -> None:
    row = next(row for seed in range(12) for row in drafted(20, BAY, seed=seed) if row["kind"] == "time")
    assert row["answers"] == ["vào năm 1994", "năm 1994", "1994"]


def test_what_points_to_an_earlier_sentence_is_not_asked() -> None:
    assert not [row for seed in range(5) for row in drafted(20, BAY, seed=seed) if row["sentence"].startswith("Nó")]


def test_the_answer_stands_in_the_sentence_the_context_and_the_document_and_not_in_the_question() -> None:
    rows = [row for row in drafted(40, *read_corpus(SEEDS, RagConfig())) if row["answers"]]
    texts = {document.source: document.text for document in read_corpus(SEEDS, RagConfig())}
    assert len(rows) >= 8
    for row in rows:
        (source,) = row["docs"]
        assert row["context"] in texts[source]
        assert row["sentence"] in row["context"]
        assert answer_contained(row["sentence"], row["answers"][:1])
        assert not answer_contained(row["question"], row["answers"][:1])


def test_questions_are_spread_over_the_documents_and_differ() -> None:
    rows = drafted(4, BAY, TEA)
    assert {row["docs"][0] for row in rows if row["docs"]} == {"bay.txt", "tea.txt"}
    assert len({row["sentence"] for row in rows}) == len(rows)


def test_an_unanswerable_question_has_a_detail_that_no_document_holds_with_the_rest() -> None:
    rows = [row for seed in range(8) for row in drafted(5, BAY, TEA, seed=seed) if not row["answers"]]
    assert rows
    for row in rows:
        assert (row["docs"], row["kind"]) == ([], UNANSWERABLE)
        assert row["question"].rstrip("?") not in row["sentence"]
        told = set(row["question"].replace("?", "").split())
        assert not any(told - {"nào", "gì", "đâu", "bao", "nhiêu"} <= set(text.text.split()) for text in (BAY, TEA))


def test_the_same_seed_gives_the_same_set() -> None:
    assert drafted(6, BAY, TEA) == drafted(6, BAY, TEA)


def test_the_set_is_read_back_and_is_a_corpus_of_its_contexts(tmp_path: Path) -> None:
    rows = drafted(6, BAY, TEA)
    text = write_questions(rows, tmp_path / "set.jsonl")
    questions = read_questions(tmp_path / "set.jsonl")
    assert [json.loads(line) for line in text.splitlines()] == rows
    assert [(one.id, list(one.answers), list(one.docs)) for one in questions] == [
        (row["id"], row["answers"], row["docs"]) for row in rows
    ]
    documents, _ = context_documents(questions)
    assert {document.text for document in documents} <= {row["context"] for row in rows}


def test_a_file_that_a_person_may_have_edited_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(QuestionSetError, match="is there already"):
        write_questions([], path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_documents_without_statements_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="no sentence of these documents"):
        drafted(5, make_document("Danh sách\n\nmột\n\nhai", "list.txt"))
    (tmp_path / "bad.txt").write_bytes(b"\xff\xff\xff")
    with pytest.raises(DocumentError, match=r"bad\.txt"):
        read_corpus(tmp_path, RagConfig())
