import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from rag.batch.questions import Question, read_questions
from rag.errors import QuestionSetError

GOOD = '{"id": "a", "question": "Thủ đô ở đâu?", "answers": ["Hà Nội"], "docs": ["x.txt"], "context": "Ở Hà Nội."}'


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_json_line_becomes_a_question(tmp_path: Path) -> None:
    path = written(tmp_path, "set.jsonl", GOOD + "\n")
    assert read_questions(path) == [Question("a", "Thủ đô ở đâu?", ("Hà Nội",), ("x.txt",), "Ở Hà Nội.", "", ())]


def test_kind_and_history_are_read(tmp_path: Path) -> None:
    line = {"question": "Còn năm 2045?", "answers": [], "kind": "follow-up", "history": ["Năm 2030 thế nào?"]}
    (question,) = read_questions(written(tmp_path, "set.jsonl", json.dumps(line)))
    assert (question.kind, question.history, question.answerable) == ("follow-up", ("Năm 2030 thế nào?",), False)


def test_a_missing_id_becomes_the_line_number(tmp_path: Path) -> None:
    path = written(
        tmp_path, "set.jsonl", '{"question": "Một?", "answers": []}\n\n{"question": "Hai?", "answers": []}\n'
    )
    assert [question.id for question in read_questions(path)] == ["1", "3"]


def test_a_number_as_id_becomes_text(tmp_path: Path) -> None:
    (question,) = read_questions(written(tmp_path, "set.jsonl", '{"id": 12, "question": "Một?", "answers": []}'))
    assert question.id == "12"


def test_decomposed_letters_become_nfc(tmp_path: Path) -> None:
    (question,) = read_questions(written(tmp_path, "set.jsonl", unicodedata.normalize("NFD", GOOD)))
    assert (question.question, question.answers) == ("Thủ đô ở đâu?", ("Hà Nội",))


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n")
    assert read_questions(path)[0].id == "a"


def test_the_same_answer_of_two_people_counts_once(tmp_path: Path) -> None:
    line = '{"question": "Ở đâu?", "answers": ["Hà Nội", "Huế", "Hà Nội"]}'
    assert read_questions(written(tmp_path, "set.jsonl", line))[0].answers == ("Hà Nội", "Huế")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('["a"]', "is a list"),
        ('{"answers": []}', "'question' is missing"),
        ('{"question": 3, "answers": []}', "'question' is a number"),
        ('{"question": " ?! ", "answers": []}', "a question is empty"),
        ('{"question": "Gì?"}', "'answers' is missing"),
        ('{"question": "Gì?", "answers": "Hà Nội"}', "'answers' is a text"),
        ('{"question": "Gì?", "answers": [1]}', "'answers[0]' is a number"),
        ('{"question": "Gì?", "answers": [""]}', "'answers' holds an empty text"),
        ('{"question": "Gì?", "answers": [], "docs": "x"}', "'docs' is a text"),
        ('{"question": "Gì?", "answers": [], "context": []}', "'context' is a list"),
        ('{"question": "Gì?", "answers": [], "history": ["?"]}', "a question is empty"),
        ('{"id": " ", "question": "Gì?", "answers": []}', "'id' is empty"),
        ('{"id": true, "question": "Gì?", "answers": []}', "'id' is true or false"),
        ('{"question": "G\\ud800?", "answers": []}', "'question' holds half a character"),
        (GOOD, "has the id 'a' of line 1"),
        ('{"turns": {}}', "'turns' is no list of objects"),
        ('{"turns": ["Gì?"]}', "'turns' is no list of objects"),
        ('{"turns": [{"question": "Gì?"}]}', "is no conversation to be judged"),
        ('{"question": "Gì?", "turns": [{"question": "Gì?", "answers": []}]}', "is no conversation to be judged"),
    ],
)
def test_a_wrong_line_refuses_the_whole_set_and_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path, "set.jsonl", f"{GOOD}\n{line}\n")
    with pytest.raises(QuestionSetError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert reason in str(caught.value)


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(GOOD.encode() + b"\n\xff\n")
    with pytest.raises(QuestionSetError, match="line 2: is not UTF-8: save the file as UTF-8"):
        read_questions(path)


@pytest.mark.parametrize("name", ["set.jsonl", "set.csv", "set.json"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(QuestionSetError, match="holds no questions"):
        read_questions(written(tmp_path, name, "\n"))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(QuestionSetError, match="no question set can be read at"):
            read_questions(path)


def test_csv_cells_hold_several_answers(tmp_path: Path) -> None:
    table = 'id,question,answers,docs,kind\na,"Ở đâu, năm nào?",Hà Nội | Huế,x.txt|y.txt,fact\nb,Ai?,,,\n'
    assert read_questions(written(tmp_path, "set.csv", table)) == [
        Question("a", "Ở đâu, năm nào?", ("Hà Nội", "Huế"), ("x.txt", "y.txt"), None, "fact"),
        Question("b", "Ai?"),
    ]


def test_csv_may_be_separated_by_semicolons(tmp_path: Path) -> None:
    (question,) = read_questions(written(tmp_path, "set.csv", "question;answers\nBao nhiêu, thưa ông?;94,6\n"))
    assert (question.id, question.answers) == ("2", ("94,6",))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("question,docs\nAi?,x\n", "line 1: is a header without one column 'answers'"),
        ("question,answers\nAi?,x\nAi,thế?,x\n", "line 3: has 3 cells, the header has 2"),
        ('question,answers\n"Ai\nthế?",x\n,x\n', "line 4: 'question' is missing"),
        ('question,answers\n"Ai?"thế,x\n', "line 2: is not CSV"),
        ("id,question,answers\na,Ai?,\na,Gì?,\n", "line 3: has the id 'a' of line 2"),
    ],
)
def test_a_wrong_csv_line_is_named(tmp_path: Path, table: str, reason: str) -> None:
    path = written(tmp_path, "set.csv", table)
    with pytest.raises(QuestionSetError) as caught:
        read_questions(path)
    assert reason in str(caught.value)


def squad(*asked: Any) -> str:
    return json.dumps(
        {"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": "Ở Huế.", "qas": asked}]}]}
    )


def test_squad_2_is_read_and_impossible_questions_have_no_answer(tmp_path: Path) -> None:
    text = squad(
        {"id": "a", "question": "Ở đâu?", "answers": [{"text": "Huế", "answer_start": 2}], "is_impossible": False},
        {"id": "b", "question": "Ai?", "answers": [{"text": "Huế", "answer_start": 2}], "is_impossible": True},
    )
    assert read_questions(written(tmp_path, "set.json", text)) == [
        Question("a", "Ở đâu?", ("Huế",), (), "Ở Huế."),
        Question("b", "Ai?", (), (), "Ở Huế."),
    ]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"id": "a", "question": "Ai?"}, "has no list 'answers'"),
        ({"id": "a", "question": "Ai?", "answers": ["Huế"]}, "has an answer that is no object"),
        ({"id": "a", "answers": []}, "'question' is missing"),
    ],
)
def test_a_wrong_squad_question_is_named_by_its_place(tmp_path: Path, asked: Any, reason: str) -> None:
    with pytest.raises(QuestionSetError) as caught:
        read_questions(written(tmp_path, "set.json", squad(asked)))
    assert f"data[0].paragraphs[0].qas[0]: {reason}" in str(caught.value)


# Conversations


def test_each_turn_with_answers_is_a_question_with_those_before_it_as_history(tmp_path: Path) -> None:
    turns: list[dict[str, Any]] = [
        {"question": "Vịnh Hạ Long ở đâu?"},
        {"question": "Nó có bao nhiêu đảo?", "answers": ["1.969"]},
        {"question": "Ai sống ở đó?", "answers": [], "kind": "trap", "docs": ["b"]},
    ]
    text = json.dumps({"id": "talk", "docs": ["a"], "kind": "chat", "turns": turns})
    assert read_questions(written(tmp_path, "set.jsonl", text)) == [
        Question("talk.2", turns[1]["question"], ("1.969",), ("a",), None, "chat", ("Vịnh Hạ Long ở đâu?",)),
        Question("talk.3", "Ai sống ở đó?", (), ("b",), None, "trap", ("Vịnh Hạ Long ở đâu?", "Nó có bao nhiêu đảo?")),
    ]


def test_a_wrong_turn_is_named_by_its_line_and_place(tmp_path: Path) -> None:
    path = written(tmp_path, "set.jsonl", '{"turns": [{"question": "Gì?", "answers": []}, {"answers": []}]}')
    with pytest.raises(QuestionSetError, match="line 1, turn 2: 'question' is missing"):
        read_questions(path)
