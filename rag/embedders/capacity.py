"""What a loaded transformer can take: how many tokens of a text, and how many texts at once."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from rag.errors import ModelError
from rag.machine import free_ram

if TYPE_CHECKING:
    from sentence_transformers.base.model import BaseModel

Result = TypeVar("Result")

_MOST_ON_CPU = 32
"""More texts at once make a CPU no faster, and pad more."""
_MOST_ON_GPU = 256
_AFTER_PADDING = ("roberta", "camembert", "mpnet", "longformer")
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch's allocators for GPU, CPU on Linux and CPU on Windows say; only the first has a class of its own."""


class Batches:
    """Chooses how many texts go through a model at once, and remembers how many were too many."""

    def __init__(self, model: "BaseModel", wanted: int) -> None:
        """Measure the memory that the loaded model leaves; `wanted` texts at once, 0 for as many as fit."""
        config = getattr(model.transformers_model, "config", None)
        # Names that transformers gives to every architecture; a large model's figures where there is none.
        self._width = int(getattr(config, "hidden_size", 1024))
        self._heads = int(getattr(config, "num_attention_heads", 16))
        # Once: later, torch keeps what it has had, and the system no longer counts it as free.
        self._free = free_bytes(str(model.device))
        self._is_chosen = wanted == 0
        self._most = wanted or (_MOST_ON_CPU if model.device.type == "cpu" else _MOST_ON_GPU)

    def run(self, work: Callable[[int], Result], tokens: int) -> Result:
        """What `work` returns for a number of texts at once, none of which is longer than `tokens`.

        Raises:
            ModelError: not even one text at a time fits into the memory.
        """
        size = self._most
        if self._is_chosen:
            size = min(size, fitting_texts(self._free, self._width, self._heads, tokens))
        result, used = halving(work, size)
        if used < size:
            self._most = used
        return result


def fitting_texts(free: int, width: int, heads: int, tokens: int) -> int:
    """The largest power of two of texts that fit into a quarter of `free` bytes, at least 1.

    At its peak, inside one layer, a text holds 16 numbers of 4 bytes for each token and unit of `width`: hidden state,
    query, key, value and their result, and the feed-forward part, four times as wide, before and after its bend; and
    with plain attention two matrices of tokens x tokens for each head. How many layers there are does not matter:
    without training, each frees what the one before it held. Measured with BERTs of width 384 to 1024 on a CPU: plain
    attention takes 0.7 to 1.0 of this, torch's fused one 0.4 to 0.8.
    """
    text = 4 * tokens * (16 * width + 2 * heads * tokens)
    return 1 << (max(free // 4 // max(text, 1), 1).bit_length() - 1)


def halving(work: Callable[[int], Result], size: int) -> tuple[Result, int]:
    """What `work(size)` returns, and the size; halved as often as `work` runs out of memory.

    Raises:
        ModelError: it does with a size of 1 too.
    """
    while True:
        try:
            return work(size), size
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            if size == 1:
                raise ModelError(
                    "one text at a time does not fit into the memory: lower max_tokens, take a smaller model, or set"
                    ' device = "cpu"'
                ) from error
        # Out here the error is gone, and with it the tensors that its traceback held.
        size //= 2


def limit_tokens(model: "BaseModel", wanted: int, setting: str) -> int:
    """Let the model read `wanted` tokens of a text, 0 for its own limit; how many it reads, 0 without a limit.

    Raises:
        ModelError: it cannot read that many, or cannot be told; `setting` is the name that the message shows.
    """
    places = _places(model)
    if wanted and places and wanted > places:
        raise ModelError(f"{setting} = {wanted}, but the model reads at most {places} tokens: choose 0 to {places}")
    limit = wanted or model.max_seq_length or 0
    if places:
        limit = min(limit or places, places)
    if limit == 0 or limit > 1_000_000:  # tokenizers say "no limit" with 10**30, static models with infinity
        return 0
    if limit != model.max_seq_length:
        try:
            model.max_seq_length = limit
        except AttributeError as error:  # a module that reads whole texts, whatever their length
            raise ModelError(f"{setting} = {wanted}, but this model has no limit to set: leave it at 0") from error
    return int(limit)


def token_counts(model: "BaseModel", texts: Sequence[str], others: Sequence[str] | None = None) -> list[int]:
    """How many tokens each text has, uncut and with the model's marks; with `others`, text and other together.

    All 0 for a model that reads words without a transformer's tokenizer: it has no limit either.
    """
    if not texts or not callable(model.tokenizer):
        return [0] * len(texts)
    pairs = {} if others is None else {"text_pair": list(others)}
    encoded = model.tokenizer(list(texts), **pairs, truncation=False, padding=False, verbose=False)
    return [len(ids) for ids in encoded["input_ids"]]


def free_bytes(device: str) -> int:
    """Memory for a model's work on a torch device: its own, or what the system could give without swapping."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if kind == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return free_ram()


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def _places(model: "BaseModel") -> int:
    """How many tokens have a place of their own in the model; 0 when it does not say.

    RoBERTa's family, PhoBERT among them, numbers places from the one after the padding mark's: 258 of them hold 256
    tokens. Not all tokenizers know, and a token too many ends in an error, not in a cut text.
    """
    config = getattr(model.transformers_model, "config", None)
    places = int(getattr(config, "max_position_embeddings", 0) or 0)
    if any(family in getattr(config, "model_type", "") for family in _AFTER_PADDING):
        places -= int(getattr(config, "pad_token_id", 0) or 0) + 1
    return max(places, 0)
