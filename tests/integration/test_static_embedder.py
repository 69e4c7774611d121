"""The settings of a static embedding, and that the bundled one is what it always was."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.config import EmbeddingConfig, Pooling, RagConfig, resolve
from rag.embedders.vectors import unit_rows
from rag.embedding import load_embedder
from rag.errors import IndexMismatchError, ModelError
from rag.index import open_index
from rag.indexing.progress import IndexProgress
from rag.indexing.updating import update_index
from rag.types import Embedder
from tests.conftest import SEEDS

TEXTS = ["Hàn Quốc đầu tư vào trí tuệ nhân tạo.", "Phở bò"]


def with_settings(**settings: Any) -> Embedder:
    return load_embedder(EmbeddingConfig(**settings))


def test_the_identity_of_the_bundled_model_has_no_other_parts(embedder: Embedder, config: RagConfig) -> None:
    weights = resolve(config.embedding.model) / "0_StaticEmbedding" / "model.safetensors"
    assert embedder.identity == {
        "name": "embedding-vi",
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "dimension": embedder.embed_queries(TEXTS).shape[1],
        "query_prefix": "",
        "passage_prefix": "",
    }
    same = with_settings(pooling=Pooling.MEAN, device="auto", batch_size=7)
    assert same.identity == embedder.identity


def test_a_cut_dimension_is_the_beginning_at_length_one(embedder: Embedder) -> None:
    cut = with_settings(dimension=16)
    assert cut.identity["dimension"] == 16
    np.testing.assert_allclose(cut.embed_queries(TEXTS), unit_rows(embedder.embed_queries(TEXTS)[:, :16]), atol=1e-6)
    with pytest.raises(ModelError, match=r"dimension = 9999, but embedding-vi gives \d+ numbers"):
        with_settings(dimension=9999)


def test_a_limit_of_tokens_changes_longer_texts_only_and_counts_them(embedder: Embedder) -> None:
    texts = ["Phở bò", "mèo " * 8 + "chó " * 8]
    limited = with_settings(max_tokens=8)
    whole, cut = embedder.embed_passages(texts), limited.embed_passages(texts)
    np.testing.assert_allclose(cut[0], whole[0], atol=1e-6)
    np.testing.assert_allclose(cut[1], embedder.embed_passages(["mèo " * 8])[0], atol=1e-6)
    assert (embedder.count_truncated(texts), limited.count_truncated(texts)) == (0, 1)
    assert limited.identity == {**embedder.identity, "max_tokens": 8}


def test_a_static_model_has_no_pooling_but_the_mean() -> None:
    with pytest.raises(ModelError, match="pooling = 'cls', but embedding-vi is a static model"):
        with_settings(pooling=Pooling.CLS)


def test_the_model_s_own_prompts_are_prefixes_where_the_settings_name_none(
    tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    folder = tmp_path / "prompted"
    shutil.copytree(resolve(config.embedding.model), folder)
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "hỏi ", "document": "đoạn "}}), encoding="utf-8"
    )
    own = with_settings(model=str(folder), passage_prefix="văn bản ")
    np.testing.assert_array_equal(own.embed_queries(["AI"]), embedder.embed_queries(["hỏi AI"]))
    np.testing.assert_array_equal(own.embed_passages(["AI"]), embedder.embed_passages(["văn bản AI"]))


def test_indexing_reports_its_progress_to_the_end(tmp_path: Path, embedder: Embedder, config: RagConfig) -> None:
    heard: list[IndexProgress] = []
    report = update_index(tmp_path / "index", [SEEDS], embedder, config, progress=heard.append)
    size = sum(path.stat().st_size for path in SEEDS.glob("*.txt"))
    last = max(path.name for path in SEEDS.glob("*.txt"))
    assert heard[-1] == IndexProgress(5, 5, last, report.chunks, size, size)
    assert [at.files_done for at in heard] == sorted(at.files_done for at in heard)
    assert [at.bytes_done for at in heard] == sorted(at.bytes_done for at in heard)
    heard.clear()
    update_index(tmp_path / "index", [SEEDS], embedder, config, progress=heard.append)
    assert heard[-1] == IndexProgress(5, 5, last, 0, 0, 0)


def test_a_limit_of_tokens_needs_another_index(tmp_path: Path, embedder: Embedder, config: RagConfig) -> None:
    limited = replace(config, embedding=EmbeddingConfig(max_tokens=64))
    report = update_index(tmp_path / "index", [SEEDS], load_embedder(limited.embedding), limited)
    assert 0 < report.truncated <= report.chunks
    with pytest.raises(IndexMismatchError, match=r"\(different: max_tokens\)"):
        open_index(tmp_path / "index", embedder, config)
