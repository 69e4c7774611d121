"""Transformer folders of two layers and width 32 with random weights, as their libraries save them."""

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from tests.conftest import SEEDS

WIDTH = 32
TOKENS = 64
_SHAPE = {"vocab_size": 500, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2,
          "intermediate_size": 64, "max_position_embeddings": TOKENS}  # fmt: skip


def write_bare(folder: Path) -> Path:
    """A BERT as transformers saves it: no word on pooling, no modules.json."""
    _seed()
    BertModel(BertConfig(**_SHAPE)).save_pretrained(folder)
    _tokenizer(TOKENS).save_pretrained(folder)
    return folder


def write_roberta(folder: Path) -> Path:
    """A RoBERTa that has places for TOKENS tokens, and a tokenizer that knows no limit, as PhoBERT has them."""
    _seed()
    # It counts places from the one after the padding mark's, 0 here.
    RobertaModel(RobertaConfig(**_SHAPE | {"max_position_embeddings": TOKENS + 1, "pad_token_id": 0})).save_pretrained(
        folder
    )
    _tokenizer(None).save_pretrained(folder)
    return folder


def write_sentence_transformer(folder: Path, pooling: str = "mean", prompts: dict[str, str] | None = None) -> Path:
    """The same BERT as a model of sentence-transformers."""
    write_bare(folder / "bert")
    model = SentenceTransformer(
        modules=[Transformer(str(folder / "bert")), Pooling(WIDTH, pooling)], device="cpu", prompts=prompts
    )
    model.save(str(folder / "tiny"))
    return folder / "tiny"


def write_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A BERT that classifies pairs."""
    _seed()
    model = BertForSequenceClassification(BertConfig(**_SHAPE, num_labels=labels, initializer_range=0.5))
    model.save_pretrained(folder)
    _tokenizer(TOKENS).save_pretrained(folder)
    return folder


def _seed() -> None:
    torch.manual_seed(7)


def _tokenizer(limit: int | None) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.train([str(path) for path in sorted(SEEDS.glob("*.txt"))], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    known = {} if limit is None else {"model_max_length": limit}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", **known,
    )  # fmt: skip
