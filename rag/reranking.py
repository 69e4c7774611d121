"""Found passages in a better order: a cross-encoder reads question and passage together. An option, off by default."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import RerankingConfig, resolve
from rag.embedders.capacity import Batches, limit_tokens, token_counts
from rag.embedders.loading import load_model, only_from_disk, read_json
from rag.errors import ModelError
from rag.types import ScoredChunk

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_TRAINED_TO_SCORE = ("ForSequenceClassification", "ForCausalLM")
"""Ends of the architectures that give a score; another one would get a last layer of random numbers."""


class CrossEncoderReranker:
    """A cross-encoder with one score; loaded at the first question, because importing torch takes seconds."""

    def __init__(self, config: RerankingConfig) -> None:
        folder = resolve(config.model)
        self._config = config
        self._name = str(folder) if folder.is_dir() else config.model

    @cached_property
    def _model(self) -> "CrossEncoder":
        from sentence_transformers import CrossEncoder
        from torch.nn import Sigmoid

        def make() -> CrossEncoder:
            model: CrossEncoder = CrossEncoder(
                self._name,
                device=None if self._config.device == "auto" else self._config.device,
                activation_fn=Sigmoid(),  # some models name none, which would leave scores without bounds
                trust_remote_code=False,
                local_files_only=only_from_disk(self._name),
            )
            return model

        # Looked at before loading too, because transformers would tell at length what it makes up.
        _require_cross_encoder(self._name, read_json(Path(self._name) / "config.json").get("architectures"))
        model = load_model(make, self._name, "reranker", "reranking.model and device")
        _require_cross_encoder(self._name, getattr(model.config, "architectures", None))
        if model.num_labels != 1:
            raise ModelError(
                f"{self._name!r} gives {model.num_labels} scores, a reranker gives one: name another in reranking.model"
            )
        return model

    @cached_property
    def max_tokens(self) -> int:
        """Tokens of question and passage together that are read; 0 without a limit.

        Raises:
            ModelError: the model cannot be loaded, or cannot read that many.
        """
        return limit_tokens(self._model, self._config.max_tokens, "reranking.max_tokens")

    @cached_property
    def _batches(self) -> Batches:
        return Batches(self._model, self._config.batch_size)

    def rerank(self, question: str, passages: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """The same passages, the best first, with the sigmoid of the model's scores, 0 to 1; ties keep their order.

        Raises:
            ModelError: the model cannot be loaded, or does not fit into the memory.
        """
        if not passages:
            return []
        texts = [_with_title(scored) for scored in passages]
        longest = max(token_counts(self._model, [question] * len(texts), texts))
        pairs = [(question, text) for text in texts]

        def work(size: int) -> Any:
            return self._model.predict(pairs, batch_size=size, show_progress_bar=False)

        scores = self._batches.run(work, min(longest, self.max_tokens or longest))
        ranked = [replace(scored, score=float(score)) for scored, score in zip(passages, scores, strict=True)]
        return sorted(ranked, key=lambda scored: -scored.score)


def _require_cross_encoder(name: str, architectures: Sequence[str] | None) -> None:
    if architectures and not architectures[0].endswith(_TRAINED_TO_SCORE):
        raise ModelError(
            f"{name!r} is a {architectures[0]}, not a cross-encoder: name a model for reranking or leave"
            " reranking.model empty"
        )


def _with_title(scored: ScoredChunk) -> str:
    """A passage below its document's title and its heading, as the index holds it."""
    lines = dict.fromkeys((scored.title, scored.chunk.heading))
    return "\n".join([*(line for line in lines if line and line not in scored.chunk.text), scored.chunk.text])
