"""The trained reader as a GGUF file that llama.cpp runs by itself: tokenizer, template, and what its tokens mean.

    python models/training/reader_export.py --weights reader-work/out --tokenizer reader-work/corpus/tokenizer.json
        --out reader-work/reader-vi.gguf

`--weights` is the folder of float16 parts that reader.py left. The file is quantized to Q8_0 by llama.cpp itself; that
is the kind whose blocks of 32 fit every row of every size.
"""

import argparse
import json
import os
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from reader import WEIGHTS
from reader_network import Network, Shape
from reader_tokenizer import GGUF_PRE, load_tokenizer
from safetensors.torch import load as load_tensors
from tokenizers import Tokenizer
from torch import Tensor

from rag.llm.span_decoding import CONTROL_TOKENS, READER_KEY, READER_TEMPLATE, ReaderToken

_LAYER_TENSORS = (
    "attn_q",
    "attn_k",
    "attn_v",
    "attn_output",
    "ffn_gate",
    "ffn_up",
    "ffn_down",
    "attn_norm",
    "ffn_norm",
)


def read_weights(folder: Path) -> Network:
    """The network of the parts in a folder.

    Raises:
        SystemExit: there are none.
    """
    parts = sorted(folder.glob(f"{WEIGHTS}.*"))
    if not parts:
        raise SystemExit(f"no {WEIGHTS}.* in {folder}: train first (models/training/reader.py)")
    whole = b"".join(part.read_bytes() for part in parts)
    tensors = load_tensors(whole)
    length = int.from_bytes(whole[:8], "little")
    about: dict[str, str] = json.loads(whole[8 : 8 + length])["__metadata__"]
    sizes: dict[str, Any] = {
        field.name: float(about[field.name]) if field.type is float else int(about[field.name])
        for field in fields(Shape)
    }
    network = Network(Shape(**sizes), len(tensors["token_embd.weight"]))
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return network


def write_gguf(path: Path, network: Network, tokenizer: Tokenizer, name: str) -> None:
    """Write the network in float32, with all that llama.cpp and rag/llm/llama.py ask of it."""
    shape = network.shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_bool(READER_KEY, True)
    _add_tokenizer(writer, tokenizer)
    state = network.state_dict()

    def add(ours: str, theirs: str) -> None:
        weight: Tensor = state[ours]
        writer.add_tensor(theirs, weight.float().cpu().numpy().astype(np.float32))

    add("token_embd.weight", "token_embd.weight")
    add("output_norm.weight", "output_norm.weight")
    for layer in range(shape.layers):
        for part in _LAYER_TENSORS:
            add(f"blk.{layer}.{part}.weight", f"blk.{layer}.{part}.weight")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    stored = json.loads(tokenizer.to_str())
    size = tokenizer.get_vocab_size()
    tokens = [tokenizer.id_to_token(number) or "" for number in range(size)]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in stored["model"]["merges"]]
    types = [gguf.TokenType.CONTROL if token in CONTROL_TOKENS else gguf.TokenType.NORMAL for token in tokens]
    writer.add_vocab_size(size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(GGUF_PRE)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index(ReaderToken.QUESTION))
    writer.add_eos_token_id(tokens.index(ReaderToken.END))
    writer.add_pad_token_id(tokens.index(ReaderToken.PADDING))
    writer.add_add_bos_token(False)
    writer.add_chat_template(READER_TEMPLATE)


def quantize(source: Path, target: Path) -> None:
    """Q8_0, by llama.cpp.

    Raises:
        RuntimeError: llama.cpp says no.
    """
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    parameters.nthread = 1
    status = llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), parameters)
    if status:
        raise RuntimeError(f"llama_model_quantize gave {status} for {source}")


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=Path("reader-work/out"))
    parser.add_argument("--tokenizer", type=Path, default=Path("reader-work/corpus/tokenizer.json"))
    parser.add_argument("--out", type=Path, default=Path("reader-work/reader-vi.gguf"))
    options = parser.parse_args()
    network = read_weights(options.weights)
    with torch.inference_mode(), tempfile.TemporaryDirectory(dir=options.out.parent) as scratch:
        whole = Path(scratch) / "whole.gguf"
        write_gguf(whole, network, load_tokenizer(options.tokenizer), options.out.stem)
        quantize(whole, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
