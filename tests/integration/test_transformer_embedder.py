"""Any sentence-transformers model is one setting: shown on a tiny transformer made here, with random weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

import rag
from rag.config import EmbeddingConfig, RagConfig
from rag.embedding import load_embedder, unit_rows
from rag.errors import IndexMismatchError
from rag.index import update_index
from tests.conftest import SEEDS

TEXTS = ["Hàn Quốc đầu tư vào AI.", "Phở bò", "một câu dài hơn " * 30]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT of width 32 with mean pooling, as sentence-transformers saves it."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.train([str(path) for path in sorted(SEEDS.glob("*.txt"))], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=64, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip
    fast.save_pretrained(folder / "bert")
    config = BertConfig(
        vocab_size=500, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"))
    model = SentenceTransformer(modules=[transformer, Pooling(32)], device="cpu")
    model.save(str(folder / "tiny"))
    return folder / "tiny"


def test_vectors_are_those_of_the_model_at_length_one(model_folder: Path) -> None:
    embedder = load_embedder(EmbeddingConfig(model=str(model_folder), batch_size=2))
    theirs = SentenceTransformer(str(model_folder), device="cpu").encode(TEXTS, convert_to_numpy=True)
    vectors = embedder.embed_passages(TEXTS)
    np.testing.assert_allclose(vectors, unit_rows(np.asarray(theirs, dtype=np.float32)), atol=1e-5)
    assert embedder.identity["dimension"] == 32
    assert len(str(embedder.identity["sha256"])) == 64


def test_prefixes_are_put_before_the_texts(model_folder: Path) -> None:
    plain = load_embedder(EmbeddingConfig(model=str(model_folder)))
    prefixed = load_embedder(EmbeddingConfig(model=str(model_folder), query_prefix="hỏi: ", passage_prefix="đoạn: "))
    np.testing.assert_allclose(prefixed.embed_queries(["AI"]), plain.embed_queries(["hỏi: AI"]), atol=1e-6)
    np.testing.assert_allclose(prefixed.embed_passages(["AI"]), plain.embed_passages(["đoạn: AI"]), atol=1e-6)


def test_the_whole_way_works_with_another_model(model_folder: Path, tmp_path: Path, config: RagConfig) -> None:
    other = replace(config, embedding=EmbeddingConfig(model=str(model_folder)))
    update_index(tmp_path / "index", [SEEDS], load_embedder(other.embedding), other)
    answer = rag.open(tmp_path / "index", other, llm="none").ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
    assert "Qwen 2.5" in answer.text
    with pytest.raises(IndexMismatchError, match=r"'tiny'.*'embedding-vi'"):
        rag.open(tmp_path / "index", config, llm="none")
