"""Real GGUF files of a few hundred kilobytes: one whose weights are random, one that says what it was told to say.

Both are llama models with attention, feed-forward layers, Q8_0 weights, a byte-level BPE vocabulary in which every text
round-trips, and a chat template. In the scripted one the output projections of attention and feed-forward are zero, so
the last hidden state is the embedding of the last token alone; the output matrix then holds "what follows what".
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import gguf
import numpy as np
from gguf.quants import quantize

from rag.types import FloatMatrix

BOS, END = "<|bos|>", "<|im_end|>"
ASSISTANT = "<|assistant|>"
"""The last token of a prompt in `CHAT_TEMPLATE`, and of no other template: the scripted answer begins after it."""
QUIET = "<|quiet|>"
INST = "[INST]"
"""A control token that does not look like one."""
THINK = "<think>"
_CONTROL = (BOS, END, "<|system|>", "<|user|>", ASSISTANT, QUIET, INST)

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

_LAYERS, _HEADS, _KV_HEADS, _FEED_FORWARD = 2, 4, 2, 128
_MERGES = ((b"t", b"h"), (b"n", b"g"), (b"n", b"h"), (b" ", b"t"), (b" ", b"c"), (b"\xc4", b"\x91"), (b"\xc6", b"\xb0"))
"""th, ng, nh, " t", " c", đ and ư."""


def write_random_gguf(path: Path, seed: int = 0, *, architecture: str = "llama") -> Path:
    """A model that writes digits and signs without sense and never ends: no letters, which could be of a language."""
    tokens, types = _vocabulary([])
    width = 64
    random = np.random.default_rng(seed)
    embedding = random.normal(size=(len(tokens), width)).astype(np.float32)
    output = np.zeros((len(tokens), width), np.float32)
    signs = [tokens.index(chr(code)) for code in range(ord("!"), ord("~") + 1) if not chr(code).isalpha()]
    output[signs] = random.normal(size=(len(signs), width))
    _write(path, tokens, types, embedding, output, random, mixing=0.2, architecture=architecture)
    return path


def write_scripted_gguf(
    path: Path,
    pieces: Sequence[bytes | str],
    *,
    start: str = ASSISTANT,
    template: str | None = CHAT_TEMPLATE,
    others: Mapping[str, Sequence[bytes | str]] = MappingProxyType({}),
    endless: bool = False,
) -> Path:
    """A model that writes `pieces`, one token each, once the prompt's last token is `start`; else it writes nothing.

    A piece may hold a part of a UTF-8 character. `others` holds more scripts by the token that each starts after. An
    `endless` model begins its script again instead of ending.

    Raises:
        ValueError: a piece occurs twice or is a single byte: a token can have only one follower.
    """
    scripts = {
        begin: [piece.encode() if isinstance(piece, str) else piece for piece in script]
        for begin, script in ({start: pieces} | dict(others)).items()
    }
    raw = [piece for script in scripts.values() for piece in script]
    if len(set(raw)) < len(raw) or any(len(piece) < 2 for piece in raw):
        raise ValueError("the pieces must be distinct and longer than one byte")
    tokens, types = _vocabulary(raw)
    links: list[tuple[int, int]] = []
    first = len(tokens) - len(raw)
    for begin, script in scripts.items():
        chain = [tokens.index(begin), *range(first, first + len(script))]
        links += pairwise([*chain, chain[1] if endless else tokens.index(END)])
        first += len(script)
    # A multiple of 32 (the Q8_0 block) with a dimension for each link, and dimension 0 for all the other tokens.
    width = 64 * (len(links) // 64 + 1)
    embedding = np.zeros((len(tokens), width), np.float32)
    embedding[:, 0] = 1.0
    output = np.zeros((len(tokens), width), np.float32)
    output[tokens.index(END), 0] = 10.0
    for link, (token, follower) in enumerate(links, start=1):
        embedding[token] = 0.0
        embedding[token, link] = 1.0
        output[follower, link] = 10.0
    _write(path, tokens, types, embedding, output, np.random.default_rng(0), mixing=0.0, template=template)
    return path


def _vocabulary(pieces: Sequence[bytes]) -> tuple[list[str], list[gguf.TokenType]]:
    """The tokens in the byte-level spelling of GPT-2, and their types; the pieces come last."""
    merged = [first + second for first, second in _MERGES]
    normal = [bytes([byte]) for byte in range(256)] + merged + list(pieces)
    if len(set(normal)) < len(normal):
        raise ValueError(f"a piece is among the tokens of every text: {', '.join(map(repr, merged))}")
    tokens = [*_CONTROL, THINK, *map(_spelled, normal)]
    types = [gguf.TokenType.CONTROL] * len(_CONTROL) + [gguf.TokenType.USER_DEFINED]
    return tokens, types + [gguf.TokenType.NORMAL] * len(normal)


def _spelled(piece: bytes) -> str:
    """The printable letters that stand for bytes (https://github.com/openai/gpt-2/blob/master/src/encoder.py)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return "".join(chr(byte) if byte in plain else chr(256 + others.index(byte)) for byte in piece)


def _write(
    path: Path,
    tokens: Sequence[str],
    types: Sequence[gguf.TokenType],
    embedding: FloatMatrix,
    output: FloatMatrix,
    random: np.random.Generator,
    *,
    mixing: float,
    template: str | None = CHAT_TEMPLATE,
    architecture: str = "llama",
) -> None:
    """Write the file; `mixing` scales what attention and feed-forward add to the embedding."""
    width = embedding.shape[1]
    head_width = width // _HEADS
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(head_width)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(map(_spelled, pair)) for pair in _MERGES])
    writer.add_bos_token_id(tokens.index(BOS))
    writer.add_eos_token_id(tokens.index(END))
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)

    def matrix(name: str, rows: int, columns: int, scale: float = 0.2) -> None:
        quantized(name, (random.normal(size=(rows, columns)) * scale).astype(np.float32))

    def quantized(name: str, values: FloatMatrix) -> None:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(f"{name}.weight", quantize(values, kind), raw_dtype=kind)

    def ones(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    quantized("token_embd", embedding)
    ones("output_norm")
    quantized("output", output)
    for block in (f"blk.{layer}" for layer in range(_LAYERS)):
        ones(f"{block}.attn_norm")
        matrix(f"{block}.attn_q", width, width)
        matrix(f"{block}.attn_k", _KV_HEADS * head_width, width)
        matrix(f"{block}.attn_v", _KV_HEADS * head_width, width)
        matrix(f"{block}.attn_output", width, width, mixing)
        ones(f"{block}.ffn_norm")
        matrix(f"{block}.ffn_gate", _FEED_FORWARD, width)
        matrix(f"{block}.ffn_up", _FEED_FORWARD, width)
        matrix(f"{block}.ffn_down", width, _FEED_FORWARD, mixing)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
