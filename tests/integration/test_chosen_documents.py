"""Asking of chosen documents alone: both sides of the search look in nothing else, and find what is there."""

from dataclasses import replace
from pathlib import Path

import pytest

from rag.config import RagConfig
from rag.index import open_index
from rag.indexing.updating import update_index
from rag.pipeline import Bot
from rag.retrieval import HybridRetriever
from rag.types import Embedder


@pytest.fixture
def by_source(bot: Bot) -> dict[str, str]:
    """The seeds' document ids by the beginning of their files' names."""
    return {document.source[:3]: document.doc_id for document in bot.index.all_documents()}


def test_only_chosen_documents_are_searched(bot: Bot, by_source: dict[str, str]) -> None:
    question = "A.X 4.0 được phát triển dựa trên mô hình nào?"
    everywhere = bot.search(question)
    assert everywhere[0].source.startswith("002")
    for docs in ({"004"}, {"000", "001"}):
        ids = frozenset(by_source[one] for one in docs)
        found = bot.search(question, docs=ids)
        assert {passage.source[:3] for passage in found} <= docs
        assert len(found) >= 5
    all_chosen = bot.search(question, docs=frozenset(by_source.values()))
    assert [one.chunk for one in all_chosen] == [one.chunk for one in everywhere]
    # Products of other shapes round otherwise on some processors.
    assert [one.score for one in all_chosen] == pytest.approx([one.score for one in everywhere], rel=1e-5)
    assert bot.search(question, docs=frozenset()) == bot.search(question, docs={"unknown"}) == []


def test_an_answer_rests_on_chosen_documents_alone(bot: Bot, by_source: dict[str, str]) -> None:
    question = "A.X 4.0 được phát triển dựa trên mô hình nào?"
    answer = bot.ask(question, docs=frozenset({by_source["002"]}))
    assert not answer.abstained
    assert {citation.doc_id for citation in answer.citations} == {by_source["002"]}
    refused = bot.ask(question, docs=frozenset({by_source["004"]}))
    assert refused.abstained
    assert {passage.chunk.doc_id for passage in refused.retrieved} == {by_source["004"]}
    nothing = bot.ask(question, docs=frozenset())
    assert (nothing.reason, nothing.retrieved) == ("no_passage", ())


def test_a_document_behind_thousands_of_better_ones_is_still_found(
    tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(150):
        (folder / f"{number:03d}.txt").write_text(
            f"Thuế thu nhập cá nhân năm {number}: thuế suất thuế thu nhập cá nhân."
        )
    (folder / "far.txt").write_text("Bể bơi mở cửa lúc sáu giờ. Không thu thuế.")
    update_index(tmp_path / "index", [folder], embedder, config)
    index = open_index(tmp_path / "index", embedder, config)
    (far,) = (one.doc_id for one in index.all_documents() if one.source == "far.txt")
    small = replace(config.retrieval, candidates=10, ranked=1)
    retriever = HybridRetriever(index, embedder, small)
    question = "Thuế thu nhập cá nhân là bao nhiêu?"
    assert "far.txt" not in {passage.source for passage in retriever.retrieve(question, 10)}
    (alone,) = retriever.retrieve(question, 10, frozenset({far}))
    assert alone.source == "far.txt"
    rows = index.rows_of({far})
    vector = embedder.embed_queries([question])
    # Each side by itself, with the score that it would have in a search of everything.
    assert index.search_dense(vector, 5, rows) == [(rows[0], pytest.approx(index.cosines(vector, rows)[0]))]
    everything = dict(index.search_lexical(question, 1000))
    assert index.search_lexical(question, 5, rows) == [(rows[0], pytest.approx(everything[rows[0]]))]
    index.close()


def test_the_dense_side_is_the_exact_order_of_the_chosen_rows(
    bot: Bot, embedder: Embedder, by_source: dict[str, str]
) -> None:
    vector = embedder.embed_queries(["Phát triển trí tuệ nhân tạo"])
    rows = bot.index.rows_of({by_source["001"], by_source["003"]})
    everything = [hit for hit in bot.index.search_dense(vector, bot.index.chunks) if hit[0] in set(rows)]
    found = bot.index.search_dense(vector, 3, rows)
    assert [row for row, _ in found] == [row for row, _ in everything[:3]]
    assert [score for _, score in found] == pytest.approx([score for _, score in everything[:3]], abs=1e-6)
