"""What works on this machine, what does not, and what to type."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rag.config import RagConfig
from rag.errors import RagError

Finding = tuple[str, bool, str]
"""(what was looked at, whether it works, what was seen or what to do)."""

_LOOK_AT_LLAMA_CPP = """
import llama_cpp
print(llama_cpp.__version__, "for the GPU" if llama_cpp.llama_supports_gpu_offload() else "for the CPU")
"""


def findings(index: Path, config: RagConfig) -> list[Finding]:
    """The state of each part, in the order in which a question needs them."""
    return [
        ("python", sys.version_info >= (3, 11), sys.version.split()[0]),
        _tried("embedding", lambda: _embedding(config)),
        _tried("index", lambda: _index(index, config)),
        _tried("evidence", lambda: _evidence(config)),
        *([_tried("reranker", lambda: _reranker(config))] if config.reranking.model else []),
        _llama_cpp(),
        _tried("language model", lambda: _language_model(config)),
    ]


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return name, True, look()
    except RagError as error:
        return name, False, str(error)


def _embedding(config: RagConfig) -> str:
    from rag.embedding import load_embedder

    identity = load_embedder(config.embedding).identity
    return f"{identity['name']}, {identity['dimension']} dimensions"


def _index(folder: Path, config: RagConfig) -> str:
    from rag.embedding import load_embedder
    from rag.index import open_index

    stored = open_index(folder, load_embedder(config.embedding), config)
    try:
        return f"{folder}: {stored.documents} documents, {stored.chunks} passages"
    finally:
        stored.close()


def _evidence(config: RagConfig) -> str:
    from rag.embedding import load_embedder
    from rag.evidence import EvidenceModel
    from rag.matching import load_matcher

    EvidenceModel(config.evidence, load_matcher(config.evidence.matcher, load_embedder(config.embedding)))
    return config.evidence.model


def _reranker(config: RagConfig) -> str:
    from rag.reranking import CrossEncoderReranker

    limit = CrossEncoderReranker(config.reranking).max_tokens
    return f"{config.reranking.model}, {f'{limit} tokens' if limit else 'any length'}"


def _llama_cpp() -> Finding:
    # In a process of its own: a library built for another CPU ends it with an illegal instruction.
    run = subprocess.run(
        [sys.executable, "-P", "-c", _LOOK_AT_LLAMA_CPP],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode == 0:
        return "llama-cpp-python", True, run.stdout.strip()
    cause = f"signal {-run.returncode}" if run.returncode < 0 else (run.stderr.strip().splitlines() or ["?"])[-1]
    return "llama-cpp-python", False, f"{cause}: run `make clean chat`; until then answers quote the documents"


def _language_model(config: RagConfig) -> str:
    from rag.models import NO_LLM, check_model, find_llm

    if config.llm.base_url and config.llm.model != NO_LLM:
        return f"asked at {config.llm.base_url}"
    path = find_llm(config.llm.model)
    if path is None:
        return "none in models/: answers quote the documents; `rag models pull qwen3-4b` gets one"
    report = check_model(path)
    return f"{path.name}: {report['architecture']}, {report['tokens_per_s']} tokens/s"
