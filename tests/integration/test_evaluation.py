import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rag
from rag.batch.comparison import RIGHT, compare
from rag.batch.corpora import Corpus, bot_for, context_documents
from rag.batch.examining import find_documents
from rag.batch.questions import Question
from rag.batch.resampling import mean
from rag.batch.tables import terminal_table
from rag.config import RagConfig
from rag.errors import QuestionSetError
from rag.evaluation import Evaluation, RunOptions, evaluate, evaluate_file
from rag.pipeline import Bot
from tests.small_set import LAB, QUESTIONS


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Bot, list[Question]]]:
    with bot_for(QUESTIONS, RagConfig(), from_contexts=True, llm="none") as (bot, questions):
        yield bot, questions


@pytest.fixture(scope="module")
def evaluation(opened: tuple[Bot, list[Question]]) -> Evaluation:
    return evaluate(*opened)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def stop_at(question_id: str) -> Callable[[int, int, str], None]:
    def progress(done: int, total: int, name: str) -> None:
        if name == question_id:
            raise KeyboardInterrupt

    return progress


def test_each_distinct_context_is_a_document_and_its_questions_gold() -> None:
    again = replace(QUESTIONS[0], id="again")
    documents, asked = context_documents([*QUESTIONS, again])
    assert [document.source for document in documents] == ["context-00001", "context-00002", "context-00003"]
    assert [question.docs for question in asked] == [
        ("context-00001",),
        ("context-00002",),
        ("context-00003",),
        (),
        ("context-00001",),
    ]


def test_a_context_without_words_is_an_error_that_names_the_question() -> None:
    with pytest.raises(QuestionSetError, match="question tea: its context cannot be a document"):
        context_documents([QUESTIONS[0], replace(QUESTIONS[1], context=" … ")])
    with pytest.raises(QuestionSetError, match="no question has a context"):
        context_documents([QUESTIONS[3]])


def test_the_gold_documents_are_found_and_quoted(evaluation: Evaluation) -> None:
    overall = evaluation.metrics["overall"]
    wanted = ("recall@1", "ndcg@10", "answer_in_text", "citation_validity", "citation_precision", "refusal_recall")
    assert {name: overall[name]["value"] for name in wanted} == dict.fromkeys(wanted, 1.0)
    assert evaluation.metrics["failures"] == {}


def test_unanswerable_questions_have_no_retrieval_metric(evaluation: Evaluation) -> None:
    assert (evaluation.metrics["n"], evaluation.metrics["n_answerable"]) == (4, 3)
    assert evaluation.metrics["overall"]["recall@1"]["n"] == 3
    assert evaluation.metrics["by_kind"]["foreign"].keys() == {
        "n", "right", "refusal_precision", "refusal_recall", "refusal_f1",
    }  # fmt: skip


def test_a_line_has_the_fields_of_an_answer_and_of_its_question(evaluation: Evaluation, opened: Any) -> None:
    line = evaluation.results[0]
    asked = opened[0].ask(QUESTIONS[0].question).as_json()
    assert asked.pop("timings_ms").keys() == line["timings_ms"].keys()
    assert {name: line[name] for name in asked} == asked
    assert (line["id"], line["kind"], line["docs"], line["answers"]) == ("lab", "fact", ["context-00001"], ["Seoul"])


def test_a_figure_is_the_mean_of_the_lines(evaluation: Evaluation) -> None:
    for name, figure in evaluation.metrics["overall"].items():
        values = [line["metrics"][name] for line in evaluation.results if name in line["metrics"]]
        if name not in ("refusal_f1", "refusal_auroc"):
            assert (figure["value"], figure["n"]) == (mean(values), len(values))
            assert figure["low"] <= figure["value"] <= figure["high"]


def test_a_notebook_gets_a_table_and_a_frame(evaluation: Evaluation) -> None:
    frame = evaluation.to_frame()
    assert list(frame["id"]) == ["lab", "tea", "sea", "<b>mars</b>"]
    assert list(frame["recall@1"])[:3] == [1.0, 1.0, 1.0]
    assert '<td data-value="recall@1">recall@1</td>' in evaluation._repr_html_()


def test_the_package_evaluates_a_file(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"question": "Vịnh Hạ Long có bao nhiêu hòn đảo?", "answers": ["1.969"]}', encoding="utf-8")
    assert rag.evaluate(opened[0], path).metrics["overall"]["answer_in_text"]["value"] == 1.0


def test_an_earlier_question_completes_a_follow_up(opened: tuple[Bot, list[Question]]) -> None:
    follow_up = Question(
        "next", "Nó có bao nhiêu hòn đảo?", ("1.969",), ("context-00003",), None, "", ("Vịnh Hạ Long nằm ở tỉnh nào?",)
    )
    (line,) = evaluate(opened[0], [follow_up]).results
    assert line["metrics"]["answer_in_text"] == 1.0
    (searched,) = evaluate(opened[0], [follow_up], retrieval_only=True).results
    assert searched["metrics"]["mrr@10"] == 1.0


def test_a_document_that_the_corpus_does_not_hold_is_named_and_never_found(
    opened: tuple[Bot, list[Question]],
) -> None:
    result = evaluate(opened[0], [replace(opened[1][0], docs=("no-such.txt",))], retrieval_only=True)
    assert result.metrics["unknown_docs"] == ["no-such.txt"]
    assert result.metrics["overall"]["recall@10"]["value"] == 0.0
    assert "not in the corpus: no-such.txt" in terminal_table(result.metrics)


def test_a_question_that_is_too_long_is_refused_before_any_is_asked(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="question tea has 5000 characters, the limit is 4000"):
        evaluate(opened[0], [QUESTIONS[0], replace(QUESTIONS[1], question="a" * 5000)], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --retrieval-only


def test_retrieval_only_makes_no_answer(opened: tuple[Bot, list[Question]]) -> None:
    result = evaluate(*opened, retrieval_only=True)
    assert "answer" not in result.results[0]
    names = ["recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10"]
    assert list(result.metrics["overall"]) == [*names, *(f"passage_{name}" for name in names)]
    assert {passage["source"] for passage in result.results[0]["retrieved"]} == {
        "context-00001",
        "context-00002",
        "context-00003",
    }


def test_retrieved_goes_on_to_the_tenth_document(tmp_path: Path) -> None:
    # One file of many passages on the question's words stands before all others.
    paragraph = f"Trà Thái Nguyên thu hoạch trà mùa xuân. {'Đồi trà xanh tốt. ' * 25}"
    (tmp_path / "long.txt").write_text("\n\n".join([paragraph] * 80), encoding="utf-8")
    for number in range(14):
        (tmp_path / f"short-{number:02d}.txt").write_text(f"Tỉnh số {number} có trà và chè.", encoding="utf-8")
    with bot_for(QUESTIONS, RagConfig(), corpus=tmp_path, llm="none") as (bot, _):
        found = [scored.source for scored in find_documents(bot, "trà Thái Nguyên thu hoạch trà mùa xuân")]
        long_passages = bot.index.chunks - 14
    assert long_passages > 40
    assert found == ["long.txt"] * long_passages + found[-9:]
    assert len(set(found[-9:])) == 9


def test_a_file_of_the_corpus_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LAB, encoding="utf-8")
    (tmp_path / "b.pdf").write_text("x", encoding="utf-8")
    heard: list[str] = []
    with bot_for(QUESTIONS, RagConfig(), corpus=tmp_path, llm="none", warn=heard.append) as (bot, _):
        assert bot.index.documents == 1
    assert len(heard) == 1
    assert heard[0].startswith("b.pdf: ")


# --out


def test_a_run_leaves_results_metrics_and_a_report(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    result = evaluate(*opened, out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json", "report.html", "results.jsonl"]
    assert lines(tmp_path) == json.loads(json.dumps(result.results))
    stored = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert (stored["complete"], stored["n"], stored["overall"]) == (True, 4, result.metrics["overall"])
    assert stored["configuration"]["settings"]["retrieval"]["passages"] == RagConfig().retrieval.passages
    assert stored["configuration"]["embedding"]["name"] == "embedding-vi"
    assert stored["configuration"]["generator"] == "extractive"


def test_the_set_s_file_is_named_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(json.dumps({"question": "Ra mắt ở đâu?", "answers": ["Seoul"], "context": LAB}).encode())
    result = evaluate_file(path, RagConfig(), Corpus(from_contexts=True), RunOptions(retrieval_only=True))
    named = result.configuration["questions"]
    assert (named["name"], len(named["sha256"])) == ("set.jsonl", 64)


def test_a_stopped_run_goes_on_and_asks_nothing_twice(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(*opened, out=tmp_path, progress=stop_at("sea"))
    before = (tmp_path / "results.jsonl").read_bytes()
    assert [line["id"] for line in lines(tmp_path)] == ["lab", "tea"]
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["complete"] is False
    result = evaluate(*opened, out=tmp_path)
    assert (tmp_path / "results.jsonl").read_bytes().startswith(before)
    assert [line["id"] for line in result.results] == ["lab", "tea", "sea", "<b>mars</b>"]


def test_a_half_written_last_line_is_done_again(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    evaluate(*opened, out=tmp_path)
    file = tmp_path / "results.jsonl"
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(whole[:3]) + whole[3][:100])
    result = evaluate(*opened, out=tmp_path)
    assert file.read_bytes().splitlines(keepends=True)[:3] == whole[:3]
    assert [line["id"] for line in lines(tmp_path)] == [line["id"] for line in result.results]


def test_a_limited_run_can_be_extended(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    assert evaluate(*opened, out=tmp_path, limit=2).metrics["n"] == 2
    assert evaluate(*opened, out=tmp_path).metrics["n"] == 4


def test_the_results_of_another_run_are_refused_and_kept(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    bot, questions = opened
    evaluate(bot, questions, out=tmp_path)
    before = (tmp_path / "results.jsonl").read_bytes()
    with pytest.raises(QuestionSetError, match=r"another run \(retrieval_only False, now True\): name another folder"):
        evaluate(bot, questions, out=tmp_path, retrieval_only=True)
    with pytest.raises(QuestionSetError, match=r"another run \(questions.content_sha256 "):
        evaluate(bot, questions[:3], out=tmp_path)
    assert (tmp_path / "results.jsonl").read_bytes() == before


def test_a_damaged_line_is_named(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    evaluate(*opened, out=tmp_path, limit=1)
    with (tmp_path / "results.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("{}\n")
    with pytest.raises(QuestionSetError, match=r"results.jsonl, line 2: is damaged"):
        evaluate(*opened, out=tmp_path)


def test_results_cannot_be_kept_in_a_file(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(QuestionSetError, match="results cannot be kept at"):
        evaluate(*opened, out=tmp_path / "file")


# report.html and rag compare


def test_the_report_fetches_nothing_and_escapes_everything(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    bot, questions = opened
    wrong = [replace(question, answers=("không có trong bài",)) for question in questions]
    evaluate(bot, wrong, out=tmp_path)
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in report
    assert "&lt;b&gt;mars&lt;/b&gt;" in report
    assert "<b>mars" not in report
    assert [word for word in ("http:", "https:", " src=", "url(", "@import") if word in report] == []
    assert "default-src 'none'" in report


def test_the_report_marks_the_expected_words_of_a_failure(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    bot, questions = opened
    unfit = replace(questions[3], answers=("200.000 tấn",), docs=("context-00002",))
    evaluate(bot, [unfit], out=tmp_path)
    assert "Mỗi năm tỉnh bán <mark>200.000 tấn</mark> trà." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_run_does_not_differ_from_itself(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    evaluate(*opened, out=tmp_path)
    comparison = compare(tmp_path, tmp_path)
    assert (comparison.n, comparison.changed) == (4, [])
    assert {row["difference"] for row in comparison.metrics.values()} == {0.0}
    assert {row["p"] for row in comparison.metrics.values()} == {1.0}


def test_a_comparison_names_the_questions_that_changed(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    bot, questions = opened
    evaluate(bot, questions, out=tmp_path / "a")
    evaluate(bot, [replace(questions[0], answers=("Busan",)), *questions[1:3]], out=tmp_path / "b")
    comparison = compare(tmp_path / "a", tmp_path / "b")
    assert (comparison.n, comparison.only_a, comparison.only_b) == (3, 1, 0)
    row = comparison.metrics["answer_in_text"]
    assert row["difference"] == pytest.approx(-1 / 3)
    assert (row["a"], row["p"], row["n"]) == (1.0, 1.0, 3)
    assert [(change["id"], change["a"]) for change in comparison.changed] == [("lab", RIGHT)]
    assert "B is right where A was wrong: 0; wrong where A was right: 1" in str(comparison)


def test_runs_of_different_sets_are_not_compared(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    bot, questions = opened
    evaluate(bot, questions[:1], out=tmp_path / "a", retrieval_only=True)
    evaluate(bot, questions[1:2], out=tmp_path / "b", retrieval_only=True)
    evaluate(bot, [replace(questions[1], id="lab")], out=tmp_path / "c", retrieval_only=True)
    with pytest.raises(QuestionSetError, match="share no question"):
        compare(tmp_path / "a", tmp_path / "b")
    with pytest.raises(QuestionSetError, match="the id lab is"):
        compare(tmp_path / "a", tmp_path / "c")
    with pytest.raises(QuestionSetError, match=r"has no metrics\.json"):
        compare(tmp_path / "a", tmp_path / "none")


# What a run tells beyond its answers


def test_a_line_tells_how_sure_the_evidence_was_and_whether_it_was_right(evaluation: Evaluation) -> None:
    told = {line["id"]: (line["confidence"], line["right_if_answered"]) for line in evaluation.results}
    assert all(told[name][1] for name in ("lab", "tea", "sea"))
    assert min(told[name][0] for name in ("lab", "tea", "sea")) >= RagConfig().evidence.threshold
    assert told["<b>mars</b>"][1] is False
    assert evaluation.metrics["overall"]["refusal_auroc"]["value"] == 1.0
    curve = evaluation.metrics["risk_coverage"]
    assert curve["all"]["as_run"] == {"coverage": 0.75, "risk": 0.0}
    assert curve["answerable"]["coverage"][-1] == 1.0


def test_a_refused_question_counts_by_the_sentences_that_it_would_have_rested_on(
    opened: tuple[Bot, list[Question]],
) -> None:
    bot, questions = opened
    strict = replace(bot.config, evidence=replace(bot.config.evidence, threshold=1.0))
    deaf = Bot(bot.index, bot._retriever, bot._evidence, bot.generator, strict)
    (line,) = evaluate(deaf, questions[:1]).results
    assert (line["abstained"], line["failure"], line["right_if_answered"]) == (True, "refused_wrongly", True)
    assert 0 < line["confidence"] < 1


def test_passages_answers_and_memory_are_measured(evaluation: Evaluation) -> None:
    overall = evaluation.metrics["overall"]
    assert overall["passage_recall@1"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 3}
    assert (overall["right"]["value"], overall["unsupported_numbers"]["value"]) == (1.0, 0.0)
    assert evaluation.metrics["by_document"]["context-00001"]["right"] == 1.0
    assert evaluation.metrics["written"]["answers"] == 3
    assert evaluation.metrics["written"]["syllables"] > 5
    assert evaluation.metrics["peak_memory_mb"] > 50
    time = evaluation.metrics["latency_ms"]["total"]
    assert time["p50_low"] <= time["p50"] <= time["p50_high"] <= time["p95_high"]


def test_each_turn_of_a_conversation_is_judged(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    turns = [
        {"question": "Người dân thu hoạch trà vào mùa nào?", "answers": ["mùa xuân"], "docs": ["context-00002"]},
        {"question": "Vịnh Hạ Long nằm ở tỉnh nào?"},
        {"question": "Nó có bao nhiêu hòn đảo?", "answers": ["1.969"]},
    ]
    path = tmp_path / "talk.jsonl"
    path.write_text(json.dumps({"id": "talk", "docs": ["context-00003"], "turns": turns}), encoding="utf-8")
    found = {line["id"]: line["failure"] for line in evaluate(opened[0], path).results}
    assert found == {"talk.1": None, "talk.3": None}


# Charts, and what the pages show


def test_a_run_draws_its_charts(evaluation: Evaluation, opened: tuple[Bot, list[Question]]) -> None:
    names = ("recall", "risk_coverage", "latency", "kinds", "documents")
    assert all(evaluation.plot(name).svg.startswith("<svg") for name in names)
    assert evaluation.plot().svg == evaluation.plot("recall").svg
    assert evaluation._repr_html_().count("<svg") == len(names)
    searched = evaluate(*opened, retrieval_only=True)
    with pytest.raises(QuestionSetError, match="no chart 'risk_coverage': this run has recall, latency"):
        searched.plot("risk_coverage")


def test_the_report_has_charts_and_failures_to_sort_and_to_open(
    opened: tuple[Bot, list[Question]], tmp_path: Path
) -> None:
    bot, questions = opened
    evaluate(bot, [replace(questions[0], answers=("Busan",)), *questions[1:]], out=str(tmp_path))
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.count("<svg") == 5
    assert '<p class="sort" data-list="failures">Sort by: <button data-key="why">' in report
    assert '<details data-why="not_selected" data-kind="fact" data-id="lab"' in report


def test_a_comparison_page_opens_each_changed_question(opened: tuple[Bot, list[Question]], tmp_path: Path) -> None:
    bot, questions = opened
    evaluate(bot, questions, out=tmp_path / "a")
    evaluate(bot, [replace(questions[0], answers=("Busan",)), *questions[1:]], out=tmp_path / "b")
    page = compare(tmp_path / "a", tmp_path / "b").html()
    assert '<details data-a="right" data-b="not_selected" data-id="lab">' in page
    assert "<p>A: Ngày 28/10/2024, Hàn Quốc" in page
    assert page.count("<svg") == 1
    assert [word for word in ("http:", "https:", " src=", "url(") if word in page] == []
