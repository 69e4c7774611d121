"""Texts to vectors with sentence-transformers models; static ones without importing torch."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from rag.config import EmbeddingConfig, Pooling, resolve
from rag.embedders.loading import read_json
from rag.embedders.transformer_embedding import TransformerEmbedder
from rag.embedders.vectors import PASSAGE_PROMPTS, QUERY_PROMPTS, prefix_of, sha256_of, unit_rows
from rag.errors import ModelError
from rag.types import Embedder, FloatMatrix

_STATIC_MODULE = "StaticEmbedding"
_REMEMBERED_TEXTS = 2048
"""Sentences whose units are kept, about 8 KB each: those of the passages of some thirty questions."""


def load_embedder(config: EmbeddingConfig) -> Embedder:
    """The embedder of the settings.

    A folder whose only encoder is sentence-transformers' StaticEmbedding is read with tokenizers and NumPy, which
    starts in a tenth of a second; everything else goes through sentence-transformers.

    Raises:
        ModelError: there is no such model, or it cannot be loaded.
    """
    folder = resolve(config.model)
    if folder.is_dir() and _is_static(folder):
        return StaticEmbedder(folder, config)
    return TransformerEmbedder(config, str(folder) if folder.is_dir() else config.model)


class StaticEmbedder:
    """The mean of the token vectors, at length 1: what StaticEmbedding computes, in NumPy."""

    def __init__(self, folder: Path, settings: EmbeddingConfig | None = None) -> None:
        """Read the model in the folder; `settings` None reads it as it is.

        Raises:
            ModelError: it is damaged, or a setting asks for what it does not have.
        """
        config = settings if settings is not None else EmbeddingConfig()
        module = _static_folder(folder)
        try:
            self._tokenizer = Tokenizer.from_file(str(module / "tokenizer.json"))
            self._rows, self._row_weights = _static_rows(load_file(module / "model.safetensors"))
        except Exception as error:  # tokenizers raises bare Exception, safetensors its own kinds
            raise ModelError(f"{folder} is not a static embedding ({error}): run `rag models check`") from error
        dimensions = int(self._rows.shape[1])
        if config.dimension > dimensions:
            raise ModelError(
                f"embedding.dimension = {config.dimension}, but {folder.name} gives {dimensions} numbers: choose 0 to"
                f" {dimensions}"
            )
        if config.pooling not in (Pooling.OF_MODEL, Pooling.MEAN):
            raise ModelError(
                f"embedding.pooling = {config.pooling.value!r}, but {folder.name} is a static model, which always takes"
                " the mean: leave it empty"
            )
        self._dimension = config.dimension or dimensions
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._max_tokens = config.max_tokens
        self._units = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._cut)
        prompts = read_json(folder / "config_sentence_transformers.json").get("prompts", {})
        self._query_prefix = prefix_of(prompts, QUERY_PROMPTS, config.query_prefix)
        self._passage_prefix = prefix_of(prompts, PASSAGE_PROMPTS, config.passage_prefix)
        self._identity: dict[str, str | int] = {
            "name": folder.name,
            "sha256": sha256_of(module / "model.safetensors"),
            "dimension": self._dimension,
            "query_prefix": self._query_prefix,
            "passage_prefix": self._passage_prefix,
        }
        if config.max_tokens:
            self._identity["max_tokens"] = config.max_tokens

    @property
    def identity(self) -> Mapping[str, str | int]:
        """Name, sha256 of the weights, dimension, prefixes, and how many tokens are read when that is limited."""
        return self._identity

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions, shape (len(texts), dimension), rows of length 1 or zero."""
        return self._embed([self._query_prefix + text for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of passages, shape (len(texts), dimension), rows of length 1 or zero."""
        return self._embed([self._passage_prefix + text for text in texts])

    def count_truncated(self, texts: Sequence[str]) -> int:
        """How many of these passages are longer than is read; 0 unless `max_tokens` is set."""
        if not self._max_tokens:
            return 0
        prefixed = [self._passage_prefix + text for text in texts]
        encodings = self._tokenizer.encode_batch_fast(prefixed, add_special_tokens=False)
        return sum(len(encoding.ids) > self._max_tokens for encoding in encodings)

    def units(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of the units of a text, and where each stands in it (with the space before it)."""
        ids, spans = self._units(text)
        return list(ids), list(spans)

    def _cut(self, text: str) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return tuple(encoding.ids), tuple(encoding.offsets)

    def unit_vectors(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> FloatMatrix:
        """The vectors of units, shape (len(ids), dimension), of their own lengths: rare ones are longer."""
        vectors: FloatMatrix = self._rows[ids].astype(np.float32) * self._row_weights[ids][:, None]
        return vectors

    @property
    def size(self) -> int:
        """How many units there are; ids are below it."""
        return len(self._rows)

    def _embed(self, texts: Sequence[str]) -> FloatMatrix:
        vectors = np.zeros((len(texts), self._rows.shape[1]), dtype=np.float32)
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        for row, encoding in enumerate(encodings):
            if ids := encoding.ids[: self._max_tokens or None]:
                # The sum points where the mean points, and only the direction is kept.
                vectors[row] = self._row_weights[ids] @ self._rows[ids].astype(np.float32)
        return unit_rows(vectors[:, : self._dimension])


def _static_rows(tensors: Mapping[str, npt.NDArray[Any]]) -> tuple[npt.NDArray[Any], FloatMatrix]:
    """The token rows, (tokens, dimension), as stored, and a float32 weight for each.

    sentence-transformers stores "embedding.weight" alone; model2vec "embeddings", with "weights" and "mapping" if any.
    """
    rows = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
    if "mapping" in tensors:
        rows = rows[tensors["mapping"]]
    weights = tensors.get("weights", np.ones(len(rows))).astype(np.float32)
    return rows, weights


def _modules(folder: Path) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = read_json(folder / "modules.json") or []
    return listed


def _is_static(folder: Path) -> bool:
    kinds = [module.get("type", "").rsplit(".", 1)[-1] for module in _modules(folder)]
    return kinds in ([_STATIC_MODULE], [_STATIC_MODULE, "Normalize"])


def _static_folder(folder: Path) -> Path:
    return folder / _modules(folder)[0].get("path", "")
