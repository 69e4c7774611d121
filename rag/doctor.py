"""What works on this machine, what does not, and what to type."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rag.config import EmbeddingConfig, EvidenceConfig, RagConfig, RetrievalConfig, resolve
from rag.errors import IndexMismatchError, RagError, first_line
from rag.hub.check import check_model, ended_by, llama_cpp_is_here
from rag.hub.presets import PRESETS
from rag.machine import free_disk, free_ram
from rag.models import MODELS_DIR, NO_LLM, find_llm, local_models
from rag.readers import scan
from rag.types import Embedder

_LEAST_PYTHON = (3, 11)
_LEAST_DISK_BYTES = 1 << 30
"""Enough for an index of some ten thousand passages."""
_PACKAGES = ("faiss-cpu", "gradio", "numpy", "safetensors", "sentence-transformers", "tantivy", "tokenizers", "torch")
_WORK_BYTES = 800_000_000
"""What a language model needs beside its file: KV cache and work space, see `rag.hub.presets`."""

_LOOK_AT_LLAMA_CPP = """
import llama_cpp
print(llama_cpp.__version__)
print(int(llama_cpp.llama_supports_gpu_offload()))
print(llama_cpp.llama_print_system_info().decode())
"""
_CPU_FEATURES = ("SSE3", "AVX", "AVX2", "FMA", "F16C", "AVX512", "AVX_VNNI", "NEON", "DOTPROD", "SVE")


class State(StrEnum):
    """What became of a look."""

    OK = "ok"
    NOTE = "note"
    """It works without this, or does less."""
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    state: State
    detail: str
    """What was seen."""
    command: str = ""
    """What to type; never empty for a failure."""

    def line(self) -> str:
        """As the terminal shows it."""
        return f"{self.state:<5}{self.name}: {self.detail}" + (f" -> {self.command}" if self.command else "")

    def as_json(self) -> dict[str, Any]:
        """The fields, `state` as ok, note or fail."""
        return {
            "name": self.name,
            "state": self.state.value.lower(),
            "detail": self.detail,
            "command": self.command,
        }


def findings(index: Path, config: RagConfig) -> list[Finding]:
    """The state of each part, in the order in which a question needs them."""
    packages = _packages()
    load = cache(lambda: _load_embedder(config))  # three looks, one loading
    embedding = _after(packages, "embedding", lambda: _embedding(load()), _embedding_command(config))
    return [
        _python(),
        packages,
        _weights(),
        embedding,
        _stored(index, load(), config) if embedding.state is State.OK else _blocked("index", embedding),
        _after(embedding, "evidence", lambda: _evidence(load(), config), "git checkout -- models"),
        *_wanted_reranker(packages, config),
        *_language_model(config),
        _disk(index),
        Finding("network", State.OK, "not needed; only `rag models pull` and models named by their hub name use one"),
        _tesseract(),
    ]


def _after(cause: Finding, name: str, look: Callable[[], str], command: str) -> Finding:
    """What `look` says; a failure that `command` mends, or that of `cause` when it failed already."""
    if cause.state is not State.OK:
        return _blocked(name, cause)
    try:
        return Finding(name, State.OK, look())
    except RagError as error:
        return Finding(name, State.FAIL, " ".join(str(error).split()), command)
    except (ImportError, OSError) as error:  # a package that is there, and broken
        return Finding(name, State.FAIL, first_line(error), "make clean chat")


def _wanted_reranker(packages: Finding, config: RagConfig) -> list[Finding]:
    if not config.reranking.model:
        return []
    return [_after(packages, "reranker", lambda: _reranker(config), "export RAG_RERANKING_MODEL=")]


def _blocked(name: str, cause: Finding) -> Finding:
    return Finding(name, State.FAIL, f"not looked at, it needs the {cause.name}", cause.command)


def _python() -> Finding:
    seen = sys.version.split()[0]
    if sys.version_info >= _LEAST_PYTHON:
        return Finding("python", State.OK, seen)
    return Finding("python", State.FAIL, f"{seen}, and 3.11 is the oldest that works", "make chat PYTHON=python3.11")


def _packages() -> Finding:
    missing, there = [], []
    for package in _PACKAGES:
        try:
            there.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        return Finding("packages", State.FAIL, f"missing: {', '.join(missing)}", "make chat")
    return Finding("packages", State.OK, ", ".join(there))


def _weights() -> Finding:
    evidence = EvidenceConfig()
    networks = (evidence.matcher, evidence.company, evidence.verifier, evidence.pointer)
    bundled = (EmbeddingConfig().model, RetrievalConfig().ranker, evidence.model, *networks)
    missing = [name for name in bundled if not resolve(name).exists()]
    if missing:
        return Finding("bundled weights", State.FAIL, f"missing: {', '.join(missing)}", "git checkout -- models")
    return Finding("bundled weights", State.OK, ", ".join(bundled))


def _load_embedder(config: RagConfig) -> Embedder:
    from rag.embedding import load_embedder

    return load_embedder(config.embedding)


def _embedding(embedder: Embedder) -> str:
    identity = embedder.identity
    return f"{identity['name']}, {identity['dimension']} dimensions"


def _embedding_command(config: RagConfig) -> str:
    name = Path(config.embedding.model).name
    if name in PRESETS:
        return f"rag models pull {name}"
    return "git checkout -- models" if config.embedding == EmbeddingConfig() else "rag models list"


def _stored(folder: Path, embedder: Embedder, config: RagConfig) -> Finding:
    try:
        from rag.index import open_index

        stored = open_index(folder, embedder, config)
    except IndexMismatchError as error:
        return Finding(
            "index", State.FAIL, " ".join(str(error).split()), f"rag index --rebuild{_where(folder, config)}"
        )
    except RagError as error:
        return Finding("index", State.FAIL, " ".join(str(error).split()), f"rag index{_where(folder, config)}")
    except (ImportError, OSError) as error:
        return Finding("index", State.FAIL, first_line(error), "make clean chat")
    try:
        return Finding("index", State.OK, f"{folder}: {stored.documents} documents, {stored.chunks} passages")
    finally:
        stored.close()


def _where(folder: Path, config: RagConfig) -> str:
    return "" if folder == resolve(config.index) else f" --index {folder}"


def _evidence(embedder: Embedder, config: RagConfig) -> str:
    from rag.evidence import EvidenceModel
    from rag.relevance.matching import load_matcher

    EvidenceModel(config.evidence, load_matcher(config.evidence.matcher, embedder))
    return config.evidence.model


def _reranker(config: RagConfig) -> str:
    from rag.reranking import CrossEncoderReranker

    limit = CrossEncoderReranker(config.reranking).max_tokens
    return f"{config.reranking.model}, {f'{limit} tokens' if limit else 'any length'}"


def _language_model(config: RagConfig) -> list[Finding]:
    """The library, what is in models/, and whether the model in use runs here."""
    if config.llm.base_url and config.llm.model != NO_LLM:
        asked = Finding("language model", State.OK, f"asked at {config.llm.base_url}")
        return [_llama_cpp(is_wanted=False), asked]
    try:
        path = find_llm(config.llm.model)
    except RagError as error:
        preset = PRESETS.get(config.llm.model.lower())
        command = f"rag models pull {preset.name}" if preset is not None and preset.is_llm else "rag models list"
        return [_llama_cpp(is_wanted=True), Finding("language model", State.FAIL, str(error), command)]
    library = _llama_cpp(is_wanted=path is not None)
    if path is None:
        best = _fitting_preset()
        return [library, Finding("language model", State.NOTE, "none: answers quote the documents", best)]
    if library.state is not State.OK:
        return [library, Finding("language model", State.FAIL, f"{path.name} cannot run without it", library.command)]
    return [library, _runs(path, config)]


def _llama_cpp(*, is_wanted: bool) -> Finding:
    name, bad = "llama-cpp-python", State.FAIL if is_wanted else State.NOTE
    if not llama_cpp_is_here():
        return Finding(name, bad, "not installed: answers quote the documents", "make llm")
    # In a process of its own: a library built for another CPU ends it with an illegal instruction.
    run = subprocess.run(
        [sys.executable, "-P", "-c", _LOOK_AT_LLAMA_CPP],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = run.stdout.strip().splitlines()
    if run.returncode != 0 or len(lines) < 3:
        cause = ended_by(run.returncode) or (run.stderr.strip().splitlines() or ["no message"])[-1]
        return Finding(name, bad, f"does not run ({cause}): answers quote the documents", "make llm")
    info = f" {lines[2].replace('|', ' ')} "
    features = [feature for feature in _CPU_FEATURES if f" {feature} = 1 " in info]
    gpu = "uses a GPU with --gpu-layers" if lines[1] == "1" else "CPU only, no GPU offload"
    return Finding(name, State.OK, f"{lines[0]}, {gpu}, built for {' '.join(features) or 'any CPU'}")


def _runs(path: Path, config: RagConfig) -> Finding:
    name, needed, free = "language model", path.stat().st_size + _WORK_BYTES, free_ram()
    there = f"{path.name} of {len(local_models())} in models/"
    if needed > free:
        detail = f"{there} needs about {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free"
        return Finding(name, State.FAIL, detail, _fitting_preset())
    try:
        report = check_model(path, context_tokens=config.llm.context_tokens, threads=config.llm.threads)
    except RagError as error:
        return Finding(name, State.FAIL, str(error), f"rag models check {path}")
    peak = "" if report.peak_memory_mb is None else f", {report.peak_memory_mb / 1000:.1f} GB of memory"
    speed = f"reads {report.prompt_tokens_per_s:.0f} and writes {report.tokens_per_s:.1f} tokens/s"
    if not report.chat_template:
        return Finding(name, State.FAIL, f"{there} has no chat template, so it cannot answer", _fitting_preset())
    return Finding(name, State.OK, f"{there}: {report.architecture}, {speed}{peak}")


def _fitting_preset() -> str:
    """The command for the default language model, the largest that the free memory holds below it, or none."""
    free_gb = free_ram() / 1e9
    fitting = [preset.name for preset in PRESETS.values() if preset.is_llm and preset.memory_gb <= free_gb]
    return (
        f"rag models pull {'qwen3-1.7b' if 'qwen3-1.7b' in fitting else fitting[-1]}"
        if fitting
        else "rag ask --llm none"
    )


def _disk(index: Path) -> Finding:
    places = {"index": index, "models": MODELS_DIR}
    try:
        free = {name: free_disk(place) for name, place in places.items()}
    except OSError as error:
        return Finding("disk", State.NOTE, f"free space unknown ({error.strerror})")
    seen = ", ".join(f"{size / 1e9:.1f} GB free for {name}" for name, size in free.items())
    if min(free.values()) < _LEAST_DISK_BYTES:
        return Finding("disk", State.FAIL, f"{seen}, too little to index much", "du -sh models/downloads index")
    return Finding("disk", State.OK, seen)


def _tesseract() -> Finding:
    if problem := scan.missing():
        return Finding("tesseract", State.NOTE, f"only scanned PDFs cannot be read: {problem}")
    return Finding("tesseract", State.OK, f"{shutil.which('tesseract')}, reads scanned PDFs in Vietnamese")
