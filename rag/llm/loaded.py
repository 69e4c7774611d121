"""llama.cpp made ready: its library, a model with its context and sampler, and how they are let go of."""

import ctypes
import logging
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.config import AUTO_LAYERS, LlmConfig, resolve
from rag.errors import ModelError
from rag.llm.kept_states import KeptStates
from rag.machine import physical_cores

BATCH_TOKENS = 512
"""Most tokens of a prompt that are read at once."""
_ALL_LAYERS = 0x7FFFFFFF
_SMALL_BYTES = 32 << 20

_log = logging.getLogger(__name__)


def library() -> Any:
    """The functions of llama.cpp, quiet.

    Raises:
        ModelError: llama-cpp-python is not there or does not load.
    """
    try:
        from llama_cpp import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"llama-cpp-python is not usable ({error}): run `make clean chat`, or use --llm none"
        ) from error
    # What it calls errors is told by exceptions here, and an aborted prompt is none.
    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL)
    llama_cpp.llama_backend_init()
    return llama_cpp


def loaded(cpp: Any, path: Path, config: LlmConfig) -> tuple[Any, Any]:
    """Model and context; with "auto" on the CPU when the GPU cannot hold them.

    Raises:
        ModelError: llama.cpp cannot load it, or layers were asked onto a GPU that the build cannot use.
    """
    layers = config.gpu_layers
    if layers and not cpp.llama_supports_gpu_offload():
        if layers != AUTO_LAYERS:
            raise ModelError(
                f"llm.gpu_layers is {layers}, and llama-cpp-python is built for the CPU: build it for the GPU"
                " (`make llm CMAKE_ARGS=…`), or leave out --gpu-layers"
            )
        _log.warning("llama-cpp-python is built for the CPU: the language model runs there, not on a GPU")
        layers = 0
    tries = (_ALL_LAYERS, 0) if layers == AUTO_LAYERS else (_ALL_LAYERS if layers < 0 else layers,)
    for count in tries:
        parameters = cpp.llama_model_default_params()
        parameters.n_gpu_layers = count
        model = cpp.llama_model_load_from_file(os.fsencode(path), parameters)
        context = cpp.llama_init_from_model(model, _context_parameters(cpp, model, config, count)) if model else None
        if context:
            if layers == AUTO_LAYERS and not count:
                _log.warning("the GPU cannot hold %s: it runs on the CPU", path.name)
            return model, context
        if model:
            cpp.llama_model_free(model)
    raise ModelError(f"llama.cpp cannot load {path}: run `rag models check {path}`")


def states_kept_for(cpp: Any, path: Path, config: LlmConfig) -> KeptStates | None:
    """Where the states of this file, run like this, are kept on disk; None when nothing is to be kept."""
    if not config.cache:
        return None
    file = path.stat()
    # Another processor or build computes other last bits.
    built = cpp.llama_print_system_info().decode(errors="replace")
    made_with = (str(path.resolve()), file.st_size, file.st_mtime_ns, built, version("llama-cpp-python"))
    return KeptStates(resolve(config.cache), (*made_with, config.gpu_layers))


def _context_parameters(cpp: Any, model: Any, config: LlmConfig, layers: int) -> Any:
    parameters = cpp.llama_context_default_params()
    # A model does not know positions past those that it was trained with.
    parameters.n_ctx = min(config.context_tokens, cpp.llama_model_n_ctx_train(model) or config.context_tokens)
    parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
    parameters.n_threads = parameters.n_threads_batch = config.threads or _threads_for(cpp.llama_model_size(model))
    # On a CPU it costs time, the more the longer the prompt: eval/LOG.md.
    parameters.flash_attn_type = cpp.LLAMA_FLASH_ATTN_TYPE_AUTO if layers else cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return parameters


def _threads_for(model_bytes: int) -> int:
    """One thread for a small model: each waits for the other a thousand times a token, and on a busy machine long.

    The reader that ships, beside other programs on two cores: an answer takes 36 ms with one thread, 129 with two.
    """
    return 1 if model_bytes < _SMALL_BYTES else physical_cores()


def abort_flag(cpp: Any, context: Any) -> Any:
    """A text of at most one character; while it is not empty, llama.cpp ends what it computes.

    llama.cpp asks after every step, thousands of times a batch. A function of Python would wait for the interpreter
    each time; the C library's `strlen` does not, and its 0 or 1 are false and true.
    """
    flag = ctypes.create_string_buffer(2)
    library = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
    asked = ctypes.cast(library.strlen, cpp.ggml_abort_callback)
    cpp.llama_set_abort_callback(context, asked, ctypes.cast(flag, ctypes.c_void_p))
    return flag


def sampler(cpp: Any, config: LlmConfig) -> Any:
    """The most probable token at temperature 0, else llama.cpp's usual chain with the seed."""
    chain = cpp.llama_sampler_chain_init(cpp.llama_sampler_chain_default_params())
    if config.temperature == 0:
        links = [cpp.llama_sampler_init_greedy()]
    else:
        links = [
            cpp.llama_sampler_init_top_k(40),
            cpp.llama_sampler_init_top_p(0.95, 1),
            cpp.llama_sampler_init_min_p(0.05, 1),
            cpp.llama_sampler_init_temp(config.temperature),
            cpp.llama_sampler_init_dist(config.seed),
        ]
    for link in links:
        cpp.llama_sampler_chain_add(chain, link)
    return chain


def freed(cpp: Any, model: Any, context: Any, sampler: Any, _flag: Any) -> None:
    """Let go of all; the flag is here only to live as long as the context that looks at it."""
    cpp.llama_sampler_free(sampler)
    cpp.llama_free(context)
    cpp.llama_model_free(model)
