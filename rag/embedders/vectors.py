"""What all embedders share: rows of length 1, the model's own prompts, the hash of its files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rag.types import FloatMatrix

QUERY_PROMPTS = ("query",)
PASSAGE_PROMPTS = ("document", "passage", "corpus")
"""The names under which models of sentence-transformers keep their prompts, the preferred one first."""


def unit_rows(matrix: FloatMatrix) -> FloatMatrix:
    """Rows scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: FloatMatrix = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
    return scaled


def prefix_of(prompts: Mapping[str, str | None], names: tuple[str, ...], setting: str) -> str:
    """What is put before a text: the setting, or when that is empty the first of the model's prompts of these names."""
    return setting or next((prompt for name in names if (prompt := prompts.get(name))), "")


def sha256_of(*files: Path) -> str:
    """The hash of the files' bytes, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
