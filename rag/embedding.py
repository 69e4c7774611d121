"""Texts to vectors with sentence-transformers models; static ones without importing torch."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from rag.config import EmbeddingConfig, resolve
from rag.errors import ModelError
from rag.types import Embedder, FloatMatrix

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_STATIC_MODULE = "StaticEmbedding"


def load_embedder(config: EmbeddingConfig) -> Embedder:
    """The embedder of the settings.

    A folder whose only encoder is sentence-transformers' StaticEmbedding is read with tokenizers and NumPy, which
    starts in a tenth of a second; everything else goes through sentence-transformers.

    Raises:
        ModelError: there is no such model, or it cannot be loaded.
    """
    folder = resolve(config.model)
    if folder.is_dir() and _is_static(folder):
        return StaticEmbedder(folder, config.query_prefix, config.passage_prefix)
    return TransformerEmbedder(config, str(folder) if folder.is_dir() else config.model)


class StaticEmbedder:
    """The mean of the token vectors, at length 1: what StaticEmbedding computes, in NumPy."""

    def __init__(self, folder: Path, query_prefix: str = "", passage_prefix: str = "") -> None:
        module = _static_folder(folder)
        try:
            self._tokenizer = Tokenizer.from_file(str(module / "tokenizer.json"))
            self._rows, self._row_weights = _static_rows(load_file(module / "model.safetensors"))
        except Exception as error:  # tokenizers raises bare Exception, safetensors its own kinds
            raise ModelError(f"{folder} is not a static embedding ({error}): run `rag models check`") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._query_prefix, self._passage_prefix = query_prefix, passage_prefix
        self._identity: dict[str, str | int] = {
            "name": folder.name,
            "sha256": _sha256(module / "model.safetensors"),
            "dimension": int(self._rows.shape[1]),
            "query_prefix": query_prefix,
            "passage_prefix": passage_prefix,
        }

    @property
    def identity(self) -> Mapping[str, str | int]:
        """Name, sha256 of the weights, dimension and prefixes."""
        return self._identity

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions, shape (len(texts), dimension), rows of length 1 or zero."""
        return self._embed([self._query_prefix + text for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of passages, shape (len(texts), dimension), rows of length 1 or zero."""
        return self._embed([self._passage_prefix + text for text in texts])

    def _embed(self, texts: Sequence[str]) -> FloatMatrix:
        vectors = np.zeros((len(texts), self._rows.shape[1]), dtype=np.float32)
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        for row, encoding in enumerate(encodings):
            if encoding.ids:
                # The sum points where the mean points, and only the direction is kept.
                vectors[row] = self._row_weights[encoding.ids] @ self._rows[encoding.ids].astype(np.float32)
        return unit_rows(vectors)


class TransformerEmbedder:
    """Any sentence-transformers model; loaded at the first text, because importing torch takes seconds."""

    def __init__(self, config: EmbeddingConfig, name: str) -> None:
        self._config = config
        self._name = name

    @cached_property
    def _model(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(self._name, device=self._config.device)
        except Exception as error:  # the libraries below raise OSError, ValueError, RuntimeError and their own kinds
            first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelError(
                f"the embedding model {self._name!r} cannot be loaded ({first_line}): check embedding.model"
            ) from error

    @cached_property
    def identity(self) -> Mapping[str, str | int]:
        """Name, sha256 of the weights (empty for a model that is not a local folder), dimension and prefixes."""
        folder = Path(self._name)
        weights = sorted(folder.rglob("*.safetensors")) if folder.is_dir() else []
        return {
            "name": folder.name if weights else self._name,
            "sha256": _sha256(*weights) if weights else "",
            "dimension": int(self._model.get_embedding_dimension() or 0),
            "query_prefix": self._config.query_prefix,
            "passage_prefix": self._config.passage_prefix,
        }

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions, shape (len(texts), dimension), rows of length 1."""
        return self._embed([self._config.query_prefix + text for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of passages, shape (len(texts), dimension), rows of length 1."""
        return self._embed([self._config.passage_prefix + text for text in texts])

    def _embed(self, texts: list[str]) -> FloatMatrix:
        vectors = self._model.encode(
            texts, batch_size=self._config.batch_size, convert_to_numpy=True, show_progress_bar=False
        )
        return unit_rows(np.asarray(vectors, dtype=np.float32).reshape(len(texts), -1))


def _static_rows(tensors: Mapping[str, npt.NDArray[Any]]) -> tuple[npt.NDArray[Any], FloatMatrix]:
    """The token rows, (tokens, dimension), as stored, and a float32 weight for each.

    sentence-transformers stores "embedding.weight" alone; model2vec "embeddings", with "weights" and "mapping" if any.
    """
    rows = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
    if "mapping" in tensors:
        rows = rows[tensors["mapping"]]
    weights = tensors.get("weights", np.ones(len(rows))).astype(np.float32)
    return rows, weights


def unit_rows(matrix: FloatMatrix) -> FloatMatrix:
    """Rows scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: FloatMatrix = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
    return scaled


def _modules(folder: Path) -> list[dict[str, str]]:
    try:
        listed: list[dict[str, str]] = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return listed


def _is_static(folder: Path) -> bool:
    kinds = [module.get("type", "").rsplit(".", 1)[-1] for module in _modules(folder)]
    return kinds in ([_STATIC_MODULE], [_STATIC_MODULE, "Normalize"])


def _static_folder(folder: Path) -> Path:
    return folder / _modules(folder)[0].get("path", "")


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
