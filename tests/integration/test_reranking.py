"""A cross-encoder puts the found passages in order: shown on a tiny one made here, with random weights."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder

import rag
from rag.config import RagConfig, RerankingConfig
from rag.doctor import Finding, State, findings
from rag.errors import ModelError
from rag.pipeline import Bot
from rag.reranking import CrossEncoderReranker
from rag.types import Chunk, ScoredChunk
from tests.tiny_transformers import TOKENS, write_bare, write_cross_encoder

QUESTION = "Hàn Quốc đầu tư bao nhiêu vào AI?"


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cross_encoder(tmp_path_factory.mktemp("cross") / "tiny")


@pytest.fixture(scope="module")
def reranking_bot(seeds_index: Path, config: RagConfig, model_folder: Path) -> Iterator[Bot]:
    """Reranks the first six passages."""
    settings = replace(config, reranking=RerankingConfig(model=str(model_folder), passages=6))
    bot = rag.open(seeds_index, settings, llm="none")
    yield bot
    bot.close()


def passages(*texts: str) -> list[ScoredChunk]:
    return [
        ScoredChunk(Chunk(f"c{n}", "d", text, 0, len(text), heading="Mục 1"), 1.0 / (n + 1), "Tựa", "a.txt")
        for n, text in enumerate(texts)
    ]


def test_the_order_is_that_of_the_cross_encoder(model_folder: Path) -> None:
    given = passages("Phở bò.", "Hàn Quốc đầu tư vào AI.", "Tựa của bài.", "một câu dài hơn " * 30)
    ranked = CrossEncoderReranker(RerankingConfig(model=str(model_folder))).rerank(QUESTION, given)
    texts = ["Tựa\nMục 1\nPhở bò.", "Tựa\nMục 1\nHàn Quốc đầu tư vào AI.", "Mục 1\nTựa của bài."]
    pairs = [(QUESTION, text) for text in [*texts, f"Tựa\nMục 1\n{given[3].chunk.text}"]]
    theirs = CrossEncoder(str(model_folder), device="cpu").predict(pairs, activation_fn=torch.nn.Identity())
    assert [scored.chunk.chunk_id for scored in ranked] == [f"c{n}" for n in np.argsort(-theirs)]
    scores = [scored.score for scored in ranked]
    np.testing.assert_allclose(scores, np.sort(1 / (1 + np.exp(-theirs)))[::-1], atol=1e-6)
    assert CrossEncoderReranker(RerankingConfig(model=str(model_folder))).rerank(QUESTION, []) == []


def test_the_batch_size_changes_no_score_and_the_limit_only_long_pairs(model_folder: Path) -> None:
    given = passages("Phở bò.", "một câu dài hơn " * 30)

    def scores(**settings: Any) -> dict[str, float]:
        reranker = CrossEncoderReranker(RerankingConfig(model=str(model_folder), **settings))
        return {scored.chunk.chunk_id: scored.score for scored in reranker.rerank("AI", given)}

    whole = scores()
    assert scores(batch_size=1) == pytest.approx(whole, abs=1e-5)
    cut = scores(max_tokens=32)
    assert cut["c0"] == pytest.approx(whole["c0"], abs=1e-5)
    assert abs(cut["c1"] - whole["c1"]) > 1e-4


def test_search_and_answer_show_the_reranked_passages_first(bot: Bot, reranking_bot: Bot, model_folder: Path) -> None:
    found = bot.search(QUESTION, 12)
    order = CrossEncoderReranker(RerankingConfig(model=str(model_folder))).rerank(QUESTION, found[:6])
    names = [scored.chunk.chunk_id for scored in [*order, *found[6:]]]
    assert names[:6] != [scored.chunk.chunk_id for scored in found[:6]]
    reranked = reranking_bot.search(QUESTION, 12)
    assert [scored.chunk.chunk_id for scored in reranked] == names
    assert [scored.score for scored in reranked] == sorted((scored.score for scored in reranked), reverse=True)
    assert reranking_bot.search(QUESTION, 3) == reranked[:3]
    assert list(reranking_bot.ask(QUESTION).retrieved) == reranked[: reranking_bot.config.retrieval.passages]


def test_a_model_that_is_no_reranker_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also what the libraries say on stderr counts."""
    folders = [
        (write_bare(tmp_path / "bare"), "is a BertModel, not a cross-encoder"),
        (write_cross_encoder(tmp_path / "three", labels=3), "gives 3 scores, a reranker gives one"),
        (tmp_path / "nothing-here", "cannot be loaded"),
    ]
    capsys.readouterr()
    for folder, reason in folders:
        with pytest.raises(ModelError, match=reason) as refused:
            CrossEncoderReranker(RerankingConfig(model=str(folder))).rerank(QUESTION, passages("AI"))
        assert "\n" not in str(refused.value)
        assert capsys.readouterr().err == ""


def test_the_doctor_names_the_reranker(seeds_index: Path, config: RagConfig, model_folder: Path) -> None:
    settings = replace(config, reranking=RerankingConfig(model=str(model_folder)))
    assert Finding("reranker", State.OK, f"{model_folder}, {TOKENS} tokens") in findings(seeds_index, settings)
    assert "reranker" not in [finding.name for finding in findings(seeds_index, config)]
