"""The store of conversations: what goes in comes out, for its owner alone, whoever else is at work on the file."""

import json
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rag.batch.questions import read_questions
from rag.cli import main
from rag.errors import ConversationError, QuestionSetError
from rag.history.conversations import TITLE_CHARS, ConversationStore, shown_title
from rag.history.feedback import feedback_rows
from rag.history.records import answer_of, answer_record
from rag.history.transcripts import conversation_markdown
from rag.types import Answer, AnswerSentence, Chunk, Citation, ScoredChunk, Support

PASSAGE = ScoredChunk(
    Chunk("d-0001", "d", "Hội nghị họp ở Huế. Đã bế mạc.", 5, 36, 3, "Chương I › Điều 2", "iv"),
    0.1234567890123,
    "Tin *Huế*",
    "a/b_c.pdf",
    "2026-01-02",
    ("copy.pdf",),
)
ANSWER = Answer(
    question="Hội nghị họp ở đâu?",
    text="Hội nghị họp ở Huế. [1]",
    sentences=(AnswerSentence("Hội nghị họp ở Huế.", Support.SUPPORTED, (1,)),),
    citations=(Citation(1, "d", "Tin *Huế*", "a/b_c.pdf", 3, 5, 24, "Hội nghị họp ở Huế.", "iv"),),
    retrieved=(PASSAGE,),
    abstained=False,
    reason="",
    generator="extractive",
    timings_ms={"total": 12.345},
    notes=("cut_tokens: 400",),
)
REFUSAL = replace(
    ANSWER, text="Không tìm thấy thông tin này trong tài liệu.", sentences=(), citations=(), abstained=True,
    reason="low_evidence", notes=(),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path):
    opened = ConversationStore(tmp_path / "data" / "conversations.sqlite")
    yield opened
    opened.close()


def test_an_answer_is_read_back_as_it_was_to_the_last_digit() -> None:
    assert answer_of(json.loads(json.dumps(answer_record(ANSWER)))) == ANSWER
    assert answer_of(json.loads(json.dumps(answer_record(REFUSAL)))) == REFUSAL


@pytest.mark.parametrize("record", [{}, {**answer_record(ANSWER), "citations": [{"number": 1}]}, {"question": 3}])
def test_what_is_no_answer_is_refused(record) -> None:
    with pytest.raises(ValueError, match="no record of an answer"):
        answer_of(record)


def test_a_conversation_outlives_the_store(store: ConversationStore) -> None:
    identity = store.create("lan", collection="luat")
    assert store.append("lan", identity, "Hội nghị họp ở đâu?", ANSWER, understood="", sent=["d-0001"]) == 1
    assert store.append("lan", identity, "Còn năm 2027?", REFUSAL, understood="Hội nghị 2027 họp ở đâu?") == 2
    store.close()
    again = ConversationStore(store.file)
    loaded = again.load("lan", identity)
    again.close()
    assert (loaded.title, loaded.collection) == ("Hội nghị họp ở đâu?", "luat")
    first, second = loaded.turns
    assert (first.answer, first.sent, first.up, second.answer) == (ANSWER, ("d-0001",), None, REFUSAL)
    assert second.as_turn().question == "Hội nghị 2027 họp ở đâu?"
    assert first.as_turn().answer == ANSWER.text


def test_no_other_user_of_the_machine_reads_the_file(store: ConversationStore) -> None:
    store.create("lan")
    for file in store.file.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_latest_question_puts_a_conversation_first(store: ConversationStore) -> None:
    one, two = store.create("lan", "Một"), store.create("lan", "Hai")
    assert [summary.title for summary in store.list("lan")] == ["Hai", "Một"]
    store.append("lan", one, "Hỏi gì?", ANSWER)
    assert [(summary.id, summary.turns) for summary in store.list("lan")] == [(one, 1), (two, 0)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("huế", True),  # in the answer
        ("HUE", True),
        ("hoà", True),  # the title says Hòa
        ("hoa binh", True),
        ("bình hội", True),  # title and question, in any order
        ("hộ", True),  # a word is found while it is typed
        ("hué", False),  # other accents than those of the text
        ("uế", False),
        ("hội xyz", False),
        ("100%", False),
        ("%", False),
        ("  ", True),
    ],
)
def test_search_ignores_case_tone_style_and_missing_accents(store: ConversationStore, search: str, found: bool) -> None:
    identity = store.create("lan", "Hòa Bình")
    store.append("lan", identity, "Hội nghị họp ở đâu?", ANSWER)
    store.create("mai", "Hòa Bình ở Huế, hội nghị")
    assert [summary.id for summary in store.list("lan", search)] == ([identity] if found else [])


def test_nobody_reads_or_changes_the_conversation_of_another(store: ConversationStore) -> None:
    identity = store.create("lan")
    store.append("lan", identity, "Bí mật?", ANSWER)
    for owner, reason in (("mai", "no such conversation"), ("", "owner")):
        with pytest.raises(ConversationError, match=reason):
            store.load(owner, identity)
        with pytest.raises(ConversationError, match=reason):
            store.append(owner, identity, "?", ANSWER)
        with pytest.raises(ConversationError, match=reason):
            store.rename(owner, identity, "x")
        with pytest.raises(ConversationError, match=reason):
            store.delete(owner, identity)
        with pytest.raises(ConversationError, match=reason):
            store.rate(owner, identity, 1, True)
    assert store.list("mai") == store.list("mai", "bí mật") == ()
    (turn,) = store.load("lan", identity).turns
    assert turn.up is None


def test_renaming_with_nothing_gives_the_first_question_back(store: ConversationStore) -> None:
    identity = store.create("lan")
    store.append("lan", identity, "Hội nghị họp ở đâu?", ANSWER)
    assert store.rename("lan", identity, "  Hội\nnghị ") == "Hội nghị"
    assert [one.title for one in store.list("lan", "nghi")] == ["Hội nghị"]
    assert store.rename("lan", identity, " ") == "Hội nghị họp ở đâu?"


def test_a_long_title_is_cut_at_a_word() -> None:
    title = shown_title("từ " * 100)
    assert len(title) <= TITLE_CHARS
    assert title.endswith("từ…")
    assert len(shown_title("x" * 500)) == TITLE_CHARS
    assert shown_title("nửa \ud83d") == "nửa ?"


def test_what_is_deleted_is_gone_from_the_file_too(store: ConversationStore) -> None:
    identity = store.create("lan")
    store.append("lan", identity, "zqxjkvbpw?", ANSWER)
    store.delete("lan", identity)
    assert store.list("lan") == ()
    store.close()
    assert b"zqxjkvbpw" not in store.file.read_bytes()


def test_threads_and_processes_write_at_the_same_time(store: ConversationStore) -> None:
    code = (
        "import sys, json; from pathlib import Path; from rag.history.conversations import ConversationStore\n"
        "from rag.history.records import answer_of\n"
        "store = ConversationStore(Path(sys.argv[1])); answer = answer_of(json.loads(sys.stdin.read()))\n"
        "for n in range(20): store.append('lan', sys.argv[2], f'other {n}', answer)\n"
    )
    identity = store.create("lan")
    other = subprocess.Popen([sys.executable, "-c", code, store.file, identity], stdin=subprocess.PIPE, text=True)
    assert other.stdin is not None
    other.stdin.write(json.dumps(answer_record(ANSWER)))
    other.stdin.close()
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda n: store.append("lan", identity, f"q {n}", ANSWER), range(40)))
    assert other.wait() == 0
    turns = store.load("lan", identity).turns
    assert [turn.number for turn in turns] == list(range(1, 61))
    assert sum(turn.question.startswith("other") for turn in turns) == 20
    assert len(set(numbers)) == 40


def test_stores_opened_at_once_begin_one_file(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: ConversationStore(file), range(8)))
    stores[0].create("lan", "Một")
    assert all([one.title for one in store.list("lan")] == ["Một"] for store in stores)
    for store in stores:
        store.close()


def test_a_damaged_foreign_or_newer_file_is_named_and_left_alone(tmp_path: Path) -> None:
    noise = tmp_path / "noise.sqlite"
    noise.write_bytes(b"not a database" * 100)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    newer = tmp_path / "newer.sqlite"
    ConversationStore(newer).close()
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    torn = tmp_path / "torn.sqlite"
    begun = ConversationStore(torn)
    identity = begun.create("lan")
    for _ in range(30):
        begun.append("lan", identity, "Hội nghị?", ANSWER)
    begun.close()
    whole = torn.read_bytes()
    torn.write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    for file, reason in ((noise, "damaged"), (foreign, "no store"), (newer, "newer version"), (torn, "damaged")):
        before = file.read_bytes()
        with pytest.raises(ConversationError, match=reason) as caught:
            ConversationStore(file)
        assert "\n" not in str(caught.value)
        assert file.read_bytes() == before


def test_a_conversation_as_markdown_has_its_citations_as_footnotes(store: ConversationStore) -> None:
    identity = store.create("lan", "# Tên <b>")
    store.append("lan", identity, "Họp ở đâu?", ANSWER)
    store.append("lan", identity, "Còn đâu nữa?", replace(ANSWER, text="1. [x](y) *Huế* [1]\nMảng [7]"))
    store.append("lan", identity, "Ai?", REFUSAL, understood="Ai họp?")
    text = conversation_markdown(store.load("lan", identity))
    assert text.startswith("# \\# Tên \\<b\\>\n\n## Họp ở đâu?\n\nHội nghị họp ở Huế.[^1]\n")
    assert "1\\. \\[x\\](y) \\*Huế\\*[^2]\nMảng \\[7\\]" in text
    assert "*Hiểu là: Ai họp?*" in text
    assert "1/1 câu có căn cứ trong đoạn trích." in text
    assert "Các đoạn gần nhất không có câu nào trả lời được câu hỏi." in text
    assert text.endswith("[^2]: “Hội nghị họp ở Huế.” — Tin \\*Huế\\*, a/b\\_c.pdf, trang 3 (iv)\n")


def test_thumbs_become_questions_that_can_be_asked_again(store: ConversationStore, tmp_path: Path) -> None:
    identity = store.create("lan")
    for question, answer in (("Họp ở đâu?", ANSWER), ("Ai họp?", REFUSAL), ("Khi nào?", ANSWER), ("Mấy giờ?", ANSWER)):
        store.append("lan", identity, question, answer)
    store.rate("lan", identity, 1, True)
    store.rate("lan", identity, 2, True, "đúng là không có")
    store.rate("lan", identity, 3, False, "không phải\u0000 Huế")
    store.rate("lan", identity, 4, False, "nhầm")
    store.rate("lan", identity, 4, None)
    with pytest.raises(ConversationError, match="no turn 9"):
        store.rate("lan", identity, 9, True)
    judged, waiting = feedback_rows(store)
    file = tmp_path / "set.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in judged), encoding="utf-8")
    right, refused = read_questions(file)
    assert (right.answers, right.docs, right.kind) == (("Hội nghị họp ở Huế.",), ("a/b_c.pdf",), "thumbs-up")
    assert (refused.answers, refused.history) == ((), ("Họp ở đâu?",))
    (row,) = waiting
    assert row == {
        "id": f"{identity}-3", "question": "Khi nào?", "history": ["Họp ở đâu?", "Ai họp?"], "kind": "thumbs-down",
        "why": "không phải Huế", "shown": ANSWER.text, "shown_docs": ["a/b_c.pdf"],
    }  # fmt: skip


def test_the_command_writes_what_can_be_asked_and_what_waits(
    store: ConversationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_DATA", str(store.file.parent))
    identity = store.create("lan")
    store.append("lan", identity, "Họp ở đâu?", ANSWER)
    store.append("lan", identity, "Khi nào?", ANSWER)
    store.rate("lan", identity, 1, True)
    store.rate("lan", identity, 2, False, "sai")
    out = tmp_path / "set.jsonl"
    assert main(["questions", "feedback", "--out", str(out)]) == 0
    assert "1 answers found right, 1 found wrong" in capsys.readouterr().err
    assert [question.question for question in read_questions(out)] == ["Họp ở đâu?"]
    # What waits is refused by `rag eval` with the words that say what to fill in.
    with pytest.raises(QuestionSetError, match="line 1: 'answers' is missing"):
        read_questions(tmp_path / "set-to-complete.jsonl")
    assert main(["questions", "feedback", "--out", str(out)]) == 1  # a person may have worked on them
    assert "is there already" in capsys.readouterr().err
    assert main(["questions", "feedback"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    monkeypatch.setenv("RAG_DATA", str(tmp_path / "empty"))
    assert main(["questions", "feedback"]) == 1
    assert "no conversations at" in capsys.readouterr().err
    assert not (tmp_path / "empty").exists()


def test_conversations_follow_the_new_name_of_their_collection(store: ConversationStore) -> None:
    owners = ("login:lan", "login:mai", "a" * 32, "b" * 32)
    made = {owner: store.create(owner, collection="Thú") for owner in owners}

    def collections() -> list[str]:
        return [store.load(owner, made[owner]).collection for owner in owners]

    store.rename_collection("login:lan", "Thú", "Vườn thú")
    assert collections() == ["Vườn thú", "Thú", "Thú", "Thú"]
    store.rename_collection(None, "Thú", "Sở thú")
    assert collections() == ["Vườn thú", "Thú", "Sở thú", "Sở thú"]
