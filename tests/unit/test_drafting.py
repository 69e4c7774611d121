"""Statements to questions about them."""

import random

import pytest

from rag.language.asking import AnswerKind
from rag.language.drafting import drafts, reworded


@pytest.mark.parametrize(
    ("sentence", "answer", "kind"),
    [
        ("Hà Nội có diện tích 3.359 km vuông và hơn tám quận.", "3.359", AnswerKind.NUMBER),
        ("Chiến dịch này kết thúc vào năm 1954 với thắng lợi lớn.", "vào năm 1954", AnswerKind.TIME),
        ("Cuốn sách đó do nhà văn Nguyễn Nhật Ánh viết cho thiếu nhi.", "Nguyễn Nhật Ánh", AnswerKind.PERSON),
        ("Hội nghị lần này được tổ chức ở Đà Nẵng với nhiều đại biểu.", "Đà Nẵng", AnswerKind.PLACE),
        (
            "Trận đấu bị hoãn vì sân bãi ngập nước sau cơn mưa lớn.",
            "sân bãi ngập nước sau cơn mưa lớn",
            AnswerKind.REASON,
        ),
    ],
)
def test_what_stands_in_a_statement_can_be_asked_for(sentence: str, answer: str, kind: AnswerKind) -> None:
    found = {draft.answer: draft for draft in drafts(sentence, random.Random(1))}
    draft = found[answer]
    assert draft.kind is kind
    assert sentence[draft.start : draft.end] == answer
    assert answer not in draft.question
    assert draft.question.endswith("?")


def test_a_pronoun_that_begins_a_statement_gives_way_to_the_subject() -> None:
    questions = [
        draft.question
        for draft in drafts("Ông sinh năm 1890 tại một làng nhỏ ở Nghệ An.", random.Random(1), "Trần Văn A")
    ]
    assert questions
    assert all("Trần Văn A" in question for question in questions)


def test_an_aside_in_brackets_is_not_asked_for() -> None:
    sentence = "Thành phố (thành lập năm 1900) là trung tâm lớn của vùng cao."
    assert "năm 1900" not in {draft.answer for draft in drafts(sentence, random.Random(1))}


def test_a_statement_without_anything_to_ask_for_gives_no_draft() -> None:
    assert list(drafts("Trời hôm nay đẹp quá đi thôi.", random.Random(1))) == []


def test_other_words_are_put_and_question_words_stay() -> None:
    question = "Xe hơi chạy nhanh thì ai mua?"
    assert (
        reworded(question, random.Random(1), {"xe hơi": ["ô tô"]}, share=1.0, thin=0.0) == "ô tô chạy nhanh thì ai mua?"
    )
    thinned = reworded(question, random.Random(1), {}, thin=1.0)
    assert "ai" in thinned.rstrip("?").split()
