"""Any sentence-transformers model is one setting: shown on tiny transformers made here, with random weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

import rag
from rag.cli import main
from rag.config import Backend, EmbeddingConfig, Pooling, RagConfig
from rag.embedders.vectors import unit_rows
from rag.embedding import load_embedder
from rag.errors import IndexMismatchError, ModelError
from rag.indexing.updating import update_index
from tests.conftest import SEEDS
from tests.tiny_transformers import TOKENS, WIDTH, write_bare, write_roberta, write_sentence_transformer

SHORT = ["Hàn Quốc đầu tư vào AI.", "Phở bò"]
LONG = "một câu dài hơn " * 30
TEXTS = [*SHORT, LONG]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With mean pooling, as sentence-transformers saves it."""
    return write_sentence_transformer(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def bare_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As transformers saves it."""
    return write_bare(tmp_path_factory.mktemp("bare") / "bare")


def vectors(folder: Path, texts: list[str] = TEXTS, **settings: Any) -> Any:
    return load_embedder(EmbeddingConfig(model=str(folder), **settings)).embed_passages(texts)


def token_vectors(folder: Path, text: str) -> Any:
    """What the model's last layer says of each token, shape (tokens, WIDTH)."""
    model = SentenceTransformer(str(folder), device="cpu")
    return np.asarray(model.encode(text, output_value="token_embeddings"))


def test_vectors_are_those_of_the_model_at_length_one(model_folder: Path) -> None:
    embedder = load_embedder(EmbeddingConfig(model=str(model_folder)))
    theirs = SentenceTransformer(str(model_folder), device="cpu").encode(TEXTS, convert_to_numpy=True)
    ours = embedder.embed_passages(TEXTS)
    np.testing.assert_allclose(ours, unit_rows(np.asarray(theirs, dtype=np.float32)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1.0, atol=1e-6)
    assert embedder.embed_queries([]).shape == (0, WIDTH)
    assert embedder.identity["dimension"] == WIDTH
    assert len(str(embedder.identity["sha256"])) == 64


def test_prefixes_are_put_before_the_texts(model_folder: Path) -> None:
    plain = load_embedder(EmbeddingConfig(model=str(model_folder)))
    prefixed = load_embedder(EmbeddingConfig(model=str(model_folder), query_prefix="hỏi: ", passage_prefix="đoạn: "))
    np.testing.assert_allclose(prefixed.embed_queries(["AI"]), plain.embed_queries(["hỏi: AI"]), atol=1e-6)
    np.testing.assert_allclose(prefixed.embed_passages(["AI"]), plain.embed_passages(["đoạn: AI"]), atol=1e-6)


@pytest.mark.parametrize("name", ["passage", "document"])
def test_the_model_s_own_prompts_are_prefixes_where_the_settings_name_none(tmp_path: Path, name: str) -> None:
    folder = write_sentence_transformer(tmp_path, prompts={"query": "hỏi: ", name: "đoạn: "})
    own = load_embedder(EmbeddingConfig(model=str(folder)))
    assert (own.identity["query_prefix"], own.identity["passage_prefix"]) == ("hỏi: ", "đoạn: ")
    plain = load_embedder(EmbeddingConfig(model=str(folder / ".." / "bert")))
    np.testing.assert_allclose(own.embed_queries(["AI"]), plain.embed_queries(["hỏi: AI"]), atol=1e-6)
    np.testing.assert_allclose(own.embed_passages(["AI"]), plain.embed_passages(["đoạn: AI"]), atol=1e-6)
    told = load_embedder(EmbeddingConfig(model=str(folder), query_prefix="q ", passage_prefix="p "))
    assert (told.identity["query_prefix"], told.identity["passage_prefix"]) == ("q ", "p ")


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [
        (Pooling.OF_MODEL, lambda tokens: tokens.mean(axis=0)),
        (Pooling.MEAN, lambda tokens: tokens.mean(axis=0)),
        (Pooling.CLS, lambda tokens: tokens[0]),
        (Pooling.MAX, lambda tokens: tokens.max(axis=0)),
        (Pooling.LAST_TOKEN, lambda tokens: tokens[-1]),
    ],
)
def test_pooling_is_that_of_the_settings(bare_folder: Path, pooling: Pooling, pooled: Any) -> None:
    expected = np.stack([pooled(token_vectors(bare_folder, text)) for text in TEXTS])
    np.testing.assert_allclose(vectors(bare_folder, pooling=pooling), unit_rows(expected), atol=1e-5)


def test_the_settings_win_over_the_pooling_of_the_folder(tmp_path: Path) -> None:
    folder = write_sentence_transformer(tmp_path, pooling="cls")
    np.testing.assert_allclose(vectors(folder), vectors(folder, pooling=Pooling.CLS), atol=1e-6)
    np.testing.assert_allclose(
        vectors(folder, pooling=Pooling.MEAN), vectors(folder / ".." / "bert", pooling=Pooling.MEAN), atol=1e-6
    )


def test_a_text_is_read_up_to_the_limit_and_only_longer_ones_change(model_folder: Path) -> None:
    whole, cut = vectors(model_folder), vectors(model_folder, max_tokens=16)
    np.testing.assert_allclose(cut[:2], whole[:2], atol=1e-6)
    assert np.abs(cut[2] - whole[2]).max() > 0.01


def test_passages_longer_than_the_model_reads_are_counted(model_folder: Path) -> None:
    embedder = load_embedder(EmbeddingConfig(model=str(model_folder)))
    model = SentenceTransformer(str(model_folder), device="cpu")
    fits = next(text for n in range(1, 99) if len(model.tokenizer(text := "AI " * n)["input_ids"]) == TOKENS)
    assert embedder.count_truncated([*SHORT, fits]) == 0
    assert embedder.count_truncated([fits + "AI", LONG, "AI"]) == 2
    assert load_embedder(EmbeddingConfig(model=str(model_folder), max_tokens=8)).count_truncated(TEXTS) == 2


def test_more_tokens_than_the_model_has_places_for_are_refused(model_folder: Path) -> None:
    with pytest.raises(ModelError, match=f"max_tokens = 65, but the model reads at most {TOKENS} tokens"):
        vectors(model_folder, max_tokens=TOKENS + 1)


def test_a_tokenizer_without_a_limit_gets_that_of_the_model(tmp_path: Path) -> None:
    embedder = load_embedder(EmbeddingConfig(model=str(write_roberta(tmp_path / "roberta"))))
    assert embedder.identity["max_tokens"] == TOKENS
    assert embedder.count_truncated([LONG]) == 1
    assert embedder.embed_passages([LONG]).shape == (1, WIDTH)


def test_a_cut_dimension_is_the_beginning_at_length_one(model_folder: Path) -> None:
    np.testing.assert_allclose(vectors(model_folder, dimension=8), unit_rows(vectors(model_folder)[:, :8]), atol=1e-6)
    with pytest.raises(ModelError, match=r"dimension = 33, but .* gives 32 numbers"):
        vectors(model_folder, dimension=33)


def test_the_batch_size_changes_no_vector(model_folder: Path) -> None:
    one_by_one = vectors(model_folder, TEXTS * 3, batch_size=1)
    for size in (0, 2, 9):
        np.testing.assert_allclose(vectors(model_folder, TEXTS * 3, batch_size=size), one_by_one, atol=1e-5)


def test_device_auto_is_one_that_works_here(model_folder: Path) -> None:
    np.testing.assert_allclose(vectors(model_folder, device="auto"), vectors(model_folder), atol=1e-3)
    with pytest.raises(ModelError, match=r"cannot be loaded .* check embedding.model, device and backend"):
        vectors(model_folder, device="no-such-device")


@pytest.mark.parametrize("backend", [Backend.ONNX, Backend.OPENVINO])
def test_a_backend_that_is_not_installed_says_what_to_install(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], backend: Backend
) -> None:
    import rag.embedders.transformer_embedding

    monkeypatch.setattr(rag.embedders.transformer_embedding, "find_spec", lambda name: None)
    monkeypatch.setenv("RAG_EMBEDDING_MODEL", str(model_folder))
    monkeypatch.setenv("RAG_EMBEDDING_BACKEND", backend.value)
    assert main(["index", str(SEEDS), "--index", str(model_folder / "index")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert f'`pip install "sentence-transformers[{backend.value}]"`' in lines[0]


def test_no_code_of_a_model_is_run(tmp_path: Path) -> None:
    folder = write_sentence_transformer(tmp_path)
    listed = (folder / "modules.json").read_text(encoding="utf-8")
    (folder / "modules.json").write_text(
        listed.replace("sentence_transformers.sentence_transformer.modules.pooling.Pooling", "custom.Pooling"),
        encoding="utf-8",
    )
    (folder / "custom.py").write_text("raise SystemExit('code of the model was run')", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be loaded"):
        vectors(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"query_prefix": "q "}, {"passage_prefix": "p "}, {"pooling": Pooling.CLS}, {"max_tokens": 16},
        {"dimension": 8},
    ],
    ids=lambda settings: next(iter(settings)),
)  # fmt: skip
def test_the_identity_changes_with_what_changes_the_vectors(model_folder: Path, settings: dict[str, Any]) -> None:
    plain = load_embedder(EmbeddingConfig(model=str(model_folder)))
    changed = load_embedder(EmbeddingConfig(model=str(model_folder), **settings))
    assert changed.identity != plain.identity
    assert load_embedder(EmbeddingConfig(model=str(model_folder), batch_size=1)).identity == plain.identity


def test_the_identity_changes_with_the_files_of_the_model(tmp_path: Path) -> None:
    folder = write_sentence_transformer(tmp_path)
    before = load_embedder(EmbeddingConfig(model=str(folder))).identity
    (folder / "README.md").write_text("another card", encoding="utf-8")
    assert load_embedder(EmbeddingConfig(model=str(folder))).identity == before
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert load_embedder(EmbeddingConfig(model=str(folder))).identity["sha256"] != before["sha256"]


def test_the_whole_way_works_with_another_model(model_folder: Path, tmp_path: Path, config: RagConfig) -> None:
    other = replace(config, embedding=EmbeddingConfig(model=str(model_folder)))
    report = update_index(tmp_path / "index", [SEEDS], load_embedder(other.embedding), other)
    assert report.truncated == report.chunks
    answer = rag.open(tmp_path / "index", other, llm="none").ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
    assert "Qwen 2.5" in answer.text
    with pytest.raises(IndexMismatchError, match=r"'tiny'.*'embedding-vi'"):
        rag.open(tmp_path / "index", config, llm="none")
    pooled = replace(config, embedding=replace(other.embedding, pooling=Pooling.CLS))
    with pytest.raises(IndexMismatchError, match=r"\(different: pooling\)"):
        rag.open(tmp_path / "index", pooled, llm="none")


def test_indexing_says_how_many_passages_were_cut(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_EMBEDDING_MODEL", str(model_folder))
    assert main(["index", str(SEEDS), "--index", str(tmp_path / "index")]) == 0
    captured = capsys.readouterr()
    passages = captured.out.split(" passages")[0].split()[-1]
    assert captured.err.startswith(f"rag: {passages} passages are longer than the embedding model reads")
    assert captured.err.count("\n") == 1
