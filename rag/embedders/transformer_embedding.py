"""Texts to vectors with any model that sentence-transformers loads; nothing of it is imported before the first text."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.config import Backend, EmbeddingConfig, Pooling
from rag.embedders.capacity import Batches, limit_tokens, token_counts
from rag.embedders.loading import load_model, only_from_disk
from rag.embedders.vectors import PASSAGE_PROMPTS, QUERY_PROMPTS, prefix_of, sha256_of, unit_rows
from rag.errors import ModelError
from rag.types import FloatMatrix

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_PACKAGES = {
    Backend.TORCH: ("torch",),
    Backend.ONNX: ("optimum", "onnxruntime"),
    Backend.OPENVINO: ("optimum", "openvino"),
}
_WEIGHTS = {Backend.TORCH: (), Backend.ONNX: ("*.onnx",), Backend.OPENVINO: ("openvino*.bin", "openvino*.xml")}
"""Files that hold a backend's own form of the weights, next to torch's."""
_OTHER_FILES = ("*.json", "*.txt", "*.model")
"""Tokenizer, pooling and the other modules' settings: the vectors depend on them too."""


class TransformerEmbedder:
    """Any sentence-transformers model; loaded at the first text, because importing torch takes seconds."""

    def __init__(self, config: EmbeddingConfig, name: str) -> None:
        """Keep the settings for the model in a folder, or of a name on the hub.

        Raises:
            ModelError: the backend is not installed.
        """
        missing = [package for package in _PACKAGES[config.backend] if find_spec(package) is None]
        if missing:
            raise ModelError(
                f"embedding.backend = {config.backend.value!r} needs {' and '.join(missing)}: run"
                f' `pip install "sentence-transformers[{config.backend.value}]"` or leave the backend at "torch"'
            )
        self._config = config
        self._name = name

    @cached_property
    def _model(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer

        config = self._config

        def make() -> SentenceTransformer:
            return SentenceTransformer(
                self._name,
                device=None if config.device == "auto" else config.device,
                backend=config.backend.value,
                truncate_dim=config.dimension or None,
                trust_remote_code=False,
                local_files_only=only_from_disk(self._name),
            )

        model = load_model(make, self._name, "embedding model", "embedding.model, device and backend")
        dimension = int(model.get_embedding_dimension() or 0)
        if config.dimension > dimension:
            raise ModelError(
                f"embedding.dimension = {config.dimension}, but {self._name!r} gives {dimension} numbers: choose 0 to"
                f" {dimension}"
            )
        if config.pooling is not Pooling.OF_MODEL:
            _set_pooling(model, config.pooling)
        return model

    @cached_property
    def _max_tokens(self) -> int:
        """Tokens of a text that are read; 0 without a limit."""
        return limit_tokens(self._model, self._config.max_tokens, "embedding.max_tokens")

    @cached_property
    def _batches(self) -> Batches:
        return Batches(self._model, self._config.batch_size)

    @cached_property
    def _query_prefix(self) -> str:
        return prefix_of(self._model.prompts, QUERY_PROMPTS, self._config.query_prefix)

    @cached_property
    def _passage_prefix(self) -> str:
        return prefix_of(self._model.prompts, PASSAGE_PROMPTS, self._config.passage_prefix)

    @cached_property
    def identity(self) -> Mapping[str, str | int]:
        """All that the vectors depend on: name, hash of the files, dimension, prefixes, pooling, length, backend.

        `sha256` is empty for a model that is not a local folder; `revision` is then its commit on the hub.
        """
        folder = Path(self._name)
        is_local = folder.is_dir()
        revision = getattr(getattr(self._model.transformers_model, "config", None), "_commit_hash", None)
        return {
            "name": folder.name if is_local else self._name,
            "sha256": sha256_of(*_model_files(folder, self._config.backend)) if is_local else "",
            "revision": "" if is_local else revision or "",
            "dimension": int(self._model.get_embedding_dimension() or 0),
            "query_prefix": self._query_prefix,
            "passage_prefix": self._passage_prefix,
            "pooling": _pooling(self._model),
            "max_tokens": self._max_tokens,
            "backend": self._config.backend.value,
        }

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions, shape (len(texts), dimension), rows of length 1."""
        return self._embed(texts, self._query_prefix, self._model.encode_query)

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of passages, shape (len(texts), dimension), rows of length 1."""
        return self._embed(texts, self._passage_prefix, self._model.encode_document)

    def count_truncated(self, texts: Sequence[str]) -> int:
        """How many of these passages are longer than the model reads."""
        if not self._max_tokens:
            return 0
        counts = token_counts(self._model, [self._passage_prefix + text for text in texts])
        return sum(count > self._max_tokens for count in counts)

    def _embed(self, texts: Sequence[str], prefix: str, encode: Callable[..., Any]) -> FloatMatrix:
        if not texts:
            return np.zeros((0, int(self.identity["dimension"])), dtype=np.float32)
        longest = max(token_counts(self._model, [prefix + text for text in texts]))

        def work(size: int) -> Any:
            return encode(list(texts), prompt=prefix, batch_size=size, show_progress_bar=False)

        vectors = self._batches.run(work, min(longest, self._max_tokens or longest))
        return unit_rows(np.asarray(vectors, dtype=np.float32))


def _set_pooling(model: "SentenceTransformer", pooling: Pooling) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling as PoolingModule

    for place, module in enumerate(model):
        if isinstance(module, PoolingModule):
            model[place] = PoolingModule(module.embedding_dimension, pooling.value, module.include_prompt)
            return
    raise ModelError(f"embedding.pooling = {pooling.value!r}, but the model has no pooling to set: leave it empty")


def _pooling(model: "SentenceTransformer") -> str:
    """The model's pooling, as "mean" or "cls+max"; empty when it has none."""
    modes: Any = next((module.pooling_mode for module in model if hasattr(module, "pooling_mode")), "")
    return modes if isinstance(modes, str) else "+".join(modes)


def _model_files(folder: Path, backend: Backend) -> list[Path]:
    weights = list(folder.rglob("*.safetensors")) or list(folder.rglob("*.bin"))
    others = [file for pattern in (*_WEIGHTS[backend], *_OTHER_FILES) for file in folder.rglob(pattern)]
    return sorted({*weights, *others})
