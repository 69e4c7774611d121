"""A reader of a few hundred kilobytes, made by the training's own code: a tokenizer of the seeds, a small network."""

import sys
from pathlib import Path

from tokenizers import Tokenizer

from tests.conftest import ROOT, SEEDS

sys.path.insert(0, str(ROOT / "models" / "training"))

import torch
from reader_export import write_gguf
from reader_network import Network, Shape
from reader_tokenizer import train_tokenizer

SHAPE = Shape(width=64, layers=2, heads=4, kv_heads=2, feed_forward=96, context=512)


def seed_lines() -> list[str]:
    """The lines of the shipped articles."""
    return [line for file in sorted(SEEDS.glob("*.txt")) for line in file.read_text(encoding="utf-8").splitlines()]


def tiny_tokenizer() -> Tokenizer:
    """Byte-level BPE of 1,024 tokens."""
    return train_tokenizer(seed_lines(), 1024)


def tiny_network(tokenizer: Tokenizer, seed: int = 0) -> Network:
    """A network of random weights, its vectors longer than at the start of a training, so that it prefers something."""
    torch.manual_seed(seed)
    network = Network(SHAPE, tokenizer.get_vocab_size())
    with torch.no_grad():
        network.token_embd.weight.mul_(8.0)
    return network.eval()


def write_tiny_reader(path: Path, network: Network, tokenizer: Tokenizer) -> Path:
    """The GGUF of a network."""
    write_gguf(path, network, tokenizer, "tiny-reader")
    return path
