"""The reader's tokenizer: byte-level BPE in the form that GGUF names "smollm", and where its vectors start from.

Digits stand alone, so that a number that was never seen is copied figure by figure; all else is cut as GPT-2 cuts it.
llama.cpp knows exactly this rule by that name, and a test compares the ids of both sides.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from rag.embedding import StaticEmbedder
from rag.llm.span_decoding import CONTROL_TOKENS
from rag.types import FloatMatrix

GGUF_PRE = "smollm"


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer of `size` tokens, the control tokens first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in CONTROL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer without its control tokens: text can never make one, as in llama.cpp."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.encode_special_tokens = True
    return copy


def token_bytes(tokenizer: Tokenizer) -> list[bytes]:
    """The bytes of each token, by id; of control tokens their names."""
    table = _byte_letters()
    pieces = [tokenizer.id_to_token(number) or "" for number in range(tokenizer.get_vocab_size())]
    return [piece.encode() if piece in CONTROL_TOKENS else bytes(table[letter] for letter in piece) for piece in pieces]


def started_rows(tokenizer: Tokenizer, embedder: StaticEmbedder, width: int, seed: int) -> FloatMatrix:
    """First vectors, shape (tokens, width), with a standard deviation of 0.02.

    The first numbers of a token that is one unit of the static embedding are that unit's; all else is random.
    """
    pieces = token_bytes(tokenizer)
    rows = np.random.default_rng(seed).normal(0.0, 0.02, (len(pieces), width)).astype(np.float32)
    known = dict(_units(pieces, embedder))
    if known:
        vectors = embedder.unit_vectors(np.array(list(known.values())))
        # Rare units are long there; here all start at one length, and the training weighs them.
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        shared = min(width, vectors.shape[1])
        rows[list(known), :shared] = vectors[:, :shared] * 0.02 * np.sqrt(shared)
    return rows


def _units(pieces: Sequence[bytes], embedder: StaticEmbedder) -> Iterator[tuple[int, int]]:
    """(token, unit) where the token's text is exactly one unit."""
    for number, piece in enumerate(pieces[len(CONTROL_TOKENS) :], start=len(CONTROL_TOKENS)):
        try:
            text = piece.decode().strip()
        except UnicodeDecodeError:
            continue
        ids = embedder.units(text)[0] if len(text) > 1 and text.isalpha() else []
        if len(ids) == 1 and ids[0] != 0:
            yield number, ids[0]


def _byte_letters() -> dict[str, int]:
    """The printable letters that stand for bytes (https://github.com/openai/gpt-2/blob/master/src/encoder.py)."""
    simple = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in simple]
    return {chr(byte): byte for byte in simple} | {chr(256 + place): byte for place, byte in enumerate(others)}


def load_tokenizer(path: Path) -> Tokenizer:
    """A stored tokenizer."""
    return Tokenizer.from_file(str(path))
