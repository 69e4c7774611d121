"""Written questions: what may be written over a sheet of passages, and how it is kept and read again."""

import gzip
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))

import written_questions
from training_sets import held_out, question_rows
from writing_sheets import read_line, read_sheets, sheet, suits
from written_questions import WRITTEN_SET, Asked, RawPassage, keep_written, raw_passage, read_written

TEXT = "Vịnh Hạ Long nằm ở tỉnh Quảng Ninh. Vịnh có 1.969 hòn đảo, phần lớn là đảo đá vôi."
PASSAGE = RawPassage("viwiki2017-passages", "vịnh hạ long#1", "vịnh hạ long", TEXT)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Raw text of two passages, and an empty folder of written questions."""
    monkeypatch.setattr(written_questions, "_FOLDER", tmp_path / "written")
    (tmp_path / "text").mkdir()
    rows = [
        {"id": name, "title": "vịnh hạ long", "section": "", "text": text}
        for name, text in (("vịnh hạ long#0", "Một vịnh."), (PASSAGE.id, TEXT + " Khách đến bằng thuyền."))
    ]
    with gzip.open(tmp_path / "text" / "viwiki2017-passages.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def test_an_answer_is_found_in_its_sentence() -> None:
    one = read_line("1.2\tVịnh Hạ Long gồm bao nhiêu đảo?\t1.969 hòn đảo", PASSAGE)
    assert one.answer == "1.969 hòn đảo"
    assert TEXT.startswith(one.answer, one.at)
    assert read_line("1\tVịnh Hạ Long sâu bao nhiêu mét?\t-", PASSAGE) == Asked("Vịnh Hạ Long sâu bao nhiêu mét?")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1.2\tVịnh có bao nhiêu đảo?", "2 fields"),
        ("1.2\tĐảo?\t1.969", "no question"),
        ("1.3\tVịnh có bao nhiêu đảo?\t1.969", "no sentence 1.3"),
        ("1.1\tVịnh có bao nhiêu đảo?\t1.969", "not in 1.1"),
        ("1.1\tVịnh nào nằm ở Quảng Ninh?\tQuảng Ninh", "tells its answer"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_line(line, PASSAGE)


def test_what_is_written_on_a_sheet_is_kept_and_read_as_a_question_set(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "001.txt").write_text(sheet([(7, PASSAGE)]), encoding="utf-8")
    lines = ["7.1\tHạ Long thuộc tỉnh nào?\tQuảng Ninh", "7\tHạ Long sâu bao nhiêu?\t-", "8\tHạ Long sâu mấy mét?\t-"]
    (tmp_path / "001.tsv").write_text("\n".join(lines), encoding="utf-8")
    whole = RawPassage(PASSAGE.source, PASSAGE.id, PASSAGE.title, TEXT + " Khách đến bằng thuyền.")
    keep_written(read_sheets(tmp_path, {(whole.source, whole.id): whole}))
    assert capsys.readouterr().out == "001.tsv, line 3: no passage 8\n"
    answered, unanswered = question_rows(data, WRITTEN_SET)
    assert (answered["question"], answered["answers"], answered["answerable"]) == (
        "Hạ Long thuộc tỉnh nào?", ["Quảng Ninh"], True
    )  # fmt: skip
    assert answered["context"] == unanswered["context"] == TEXT
    assert (unanswered["answers"], unanswered["answerable"]) == ([], False)


def test_an_answer_that_is_not_where_it_was_is_an_error(data: Path) -> None:
    keep_written([(PASSAGE, [Asked("Hạ Long thuộc tỉnh nào?", "Quảng Ninh", 3)])])
    with pytest.raises(ValueError, match="other raw text"):
        list(read_written(data))


def test_tables_and_short_passages_do_not_suit() -> None:
    long = " ".join(f"Câu số {word} nói về một điều khác hẳn những câu đứng trước nó." for word in "abcdefghij")
    assert suits(RawPassage("viwiki2017-passages", "1", "", long))
    assert not suits(RawPassage("viwiki2017-passages", "1", "", long + " 1990 | 1991"))
    assert not suits(PASSAGE)


def test_a_law_goes_by_its_article_and_news_begin_with_the_abstract() -> None:
    assert raw_passage("laws", {"law": "bo-luat-dan-su", "article": "2", "text": "Điều 2."}).id == "bo-luat-dan-su/2"
    news = {"id": "test/1", "title": "T", "abstract": "Tóm tắt.", "body": "Nội dung."}
    assert raw_passage("vietnews-articles", news, 8).text == "Tóm tắt."


def test_what_ships_has_answers_and_passages_of_both_halves() -> None:
    folder = Path(written_questions.__file__).parent / "written"
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    asked = [one for line in lines for one in line["asked"]]
    assert all(one["question"] and ("answer" in one) == ("at" in one) for one in asked)
    assert all(0 <= one["at"] < line["chars"] for line in lines for one in line["asked"] if "at" in one)
    assert 0.1 < sum("at" not in one for one in asked) / len(asked) < 0.25
    assert 0.15 < sum(held_out(line["id"]) for line in lines) / len(lines) < 0.25
