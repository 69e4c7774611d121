"""GGUF files with the shapes of real models and random weights: they run at the real model's speed, and say nothing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import numpy.typing as npt

_BLOCK = 1 << 22
"""Random numbers that are drawn; larger tensors repeat them, because the speed does not depend on the values."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides how fast a Qwen3 model is."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_width: int = 128
    vocabulary: int = 151_936


SHAPES = {
    # https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json and its sister; both tie output and embedding.
    "qwen3-0.6b": Shape(layers=28, width=1024, feed_forward=3072, heads=16, kv_heads=8),
    "qwen3-1.7b": Shape(layers=28, width=2048, feed_forward=6144, heads=16, kv_heads=8),
}


def write_q4_k_m(path: Path, shape: Shape, threads: int) -> Path:
    """A Q4_K_M file of this shape, quantized by llama.cpp itself; the float16 one it is made of is removed.

    Raises:
        RuntimeError: llama.cpp could not quantize it.
    """
    half = path.with_suffix(".f16.gguf")
    _write_f16(half, shape)
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.nthread = threads
    settings.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M
    failed = llama_cpp.llama_model_quantize(os.fsencode(half), os.fsencode(path), settings)
    half.unlink()
    if failed:
        raise RuntimeError(f"llama.cpp could not quantize {half}")
    return path


def _write_f16(path: Path, shape: Shape) -> None:
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_context_length(40_960)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    tokens, types = _vocabulary(shape.vocabulary)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(256)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}\n{% endfor %}")
    tensors = list(_tensors(shape))
    for name, dimensions in tensors:
        kind, size = (np.float32, 4) if len(dimensions) == 1 else (np.float16, 2)
        writer.add_tensor_info(name, dimensions, np.dtype(kind), int(np.prod(dimensions)) * size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    noise = (np.random.default_rng(0).standard_normal(_BLOCK, np.float32) * 0.02).astype(np.float16)
    for _, dimensions in tensors:
        writer.write_tensor_data(_values(dimensions, noise))
    writer.close()


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and dimensions, rows first."""
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    yield "token_embd.weight", (shape.vocabulary, shape.width)
    yield "output_norm.weight", (shape.width,)
    for block in (f"blk.{layer}" for layer in range(shape.layers)):
        yield f"{block}.attn_norm.weight", (shape.width,)
        yield f"{block}.attn_q.weight", (queries, shape.width)
        yield f"{block}.attn_k.weight", (keys, shape.width)
        yield f"{block}.attn_v.weight", (keys, shape.width)
        yield f"{block}.attn_output.weight", (shape.width, queries)
        yield f"{block}.attn_q_norm.weight", (shape.head_width,)
        yield f"{block}.attn_k_norm.weight", (shape.head_width,)
        yield f"{block}.ffn_norm.weight", (shape.width,)
        yield f"{block}.ffn_gate.weight", (shape.feed_forward, shape.width)
        yield f"{block}.ffn_up.weight", (shape.feed_forward, shape.width)
        yield f"{block}.ffn_down.weight", (shape.width, shape.feed_forward)


def _values(dimensions: tuple[int, ...], noise: npt.NDArray[np.float16]) -> npt.NDArray[np.float16 | np.float32]:
    if len(dimensions) == 1:
        return np.ones(dimensions, np.float32)
    return np.resize(noise, dimensions)


def _vocabulary(size: int) -> tuple[list[str], list[gguf.TokenType]]:
    """A token for each byte, one that ends an answer, and words without sense up to `size`."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    spelled = [chr(byte) if byte in plain else chr(256 + others.index(byte)) for byte in range(256)]
    words = [f"w{number}" for number in range(size - len(spelled) - 1)]
    types = [gguf.TokenType.NORMAL] * size
    types[len(spelled)] = gguf.TokenType.CONTROL
    return [*spelled, "<|im_end|>", *words], types
