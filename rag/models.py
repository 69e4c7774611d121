"""Which language models there are, where they lie, and whether they run here."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.config import PROJECT_DIR, RagConfig
from rag.errors import ModelError

MODELS_DIR = PROJECT_DIR / "models"
NO_LLM = "none"
_CHECK_TIMEOUT_S = 300

PRESETS = {
    "qwen3-1.7b": ("Qwen/Qwen3-1.7B-GGUF", "Qwen3-1.7B-Q8_0.gguf", "Apache-2.0"),
    "qwen3-4b": ("Qwen/Qwen3-4B-GGUF", "Qwen3-4B-Q4_K_M.gguf", "Apache-2.0"),
}
"""Name -> (hub repository, file, licence)."""

# Runs in a process of its own: a corrupt file or an instruction that this CPU lacks ends it, not the caller.
_CHECK = """
import json, sys, time
from llama_cpp import Llama
began = time.perf_counter()
llama = Llama(model_path=sys.argv[1], n_ctx=512, verbose=False)
loaded = time.perf_counter()
tokens = llama.tokenize("Xin chào, đây là câu thử.".encode())
written = llama.create_completion(tokens, max_tokens=int(sys.argv[2]), temperature=0.0)
done = time.perf_counter()
print(json.dumps({
    "architecture": llama.metadata.get("general.architecture", ""),
    "name": llama.metadata.get("general.name", ""),
    "context_tokens": int(llama.metadata.get(llama.metadata.get("general.architecture", "") + ".context_length", 0)),
    "chat_template": "tokenizer.chat_template" in llama.metadata,
    "load_s": round(loaded - began, 2),
    "tokens_per_s": round((len(tokens) + written["usage"]["completion_tokens"]) / (done - loaded), 1),
}))
"""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file in models/."""

    name: str
    path: Path
    megabytes: float


def local_models(folder: Path = MODELS_DIR) -> list[LocalModel]:
    """The GGUF files in models/ and below it, by name."""
    return sorted((_local(file) for file in folder.rglob("*.gguf") if file.is_file()), key=lambda model: model.name)


def find_llm(wanted: str, folder: Path = MODELS_DIR) -> Path | None:
    """The GGUF to use; None for the extractive answer.

    `wanted` is a file, the name of a model in models/, "none", or empty for the first model in models/.

    Raises:
        ModelError: there is no such file or name.
    """
    if wanted == NO_LLM:
        return None
    there = local_models(folder)
    if not wanted:
        return there[0].path if there else None
    path = os.path.expanduser(wanted)
    if os.path.isfile(path):  # unlike Path.is_file, false also for what no file can be called
        return Path(path)
    for model in there:
        if wanted in (model.name, model.path.name):
            return model.path
    names = ", ".join(model.name for model in there) or "none yet"
    raise ModelError(f"no language model {wanted!r} (in models/: {names}): name a GGUF file, or use --llm none")


def add_model(path: Path, folder: Path = MODELS_DIR) -> LocalModel:
    """Copy a GGUF file into models/, complete or not at all.

    Raises:
        ModelError: it is not a GGUF file, or a model of this name is there already.
    """
    require_gguf(path)
    # Only what ends in .gguf is found again; other programs leave the ending out.
    target = folder / "downloads" / (path.name if path.suffix == ".gguf" else f"{path.name}.gguf")
    if any(target.name == model.path.name for model in local_models(folder)):
        raise ModelError(f"{target.name} is in models/ already: remove it first or rename the new one")
    partial = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, partial)
        partial.replace(target)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be copied to {target.parent} ({error.strerror}): check the space and the rights there"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return _local(target)


def pull_model(name: str, folder: Path = MODELS_DIR) -> LocalModel:
    """Download a preset from the Hugging Face hub into models/downloads/; a broken download is resumed.

    Raises:
        ModelError: the preset is unknown, or the hub cannot be reached.
    """
    if name not in PRESETS:
        raise ModelError(f"no preset {name!r}: choose one of {', '.join(PRESETS)}, or `rag models add FILE`")
    repository, file, _ = PRESETS[name]
    if (folder / "downloads" / file).is_file():
        return _local(folder / "downloads" / file)
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    try:
        # One quick question first: the download alone tries six times, with a line on stderr each.
        get_hf_file_metadata(hf_hub_url(repository, file))
        path = Path(hf_hub_download(repository, file, local_dir=folder / "downloads"))
    except Exception as error:  # the hub's transport (requests, httpx, xet) changes, and its errors with it
        raise ModelError(
            f"{file} cannot be downloaded ({type(error).__name__}): check the network, or bring the file from another"
            " machine and run `rag models add FILE`"
        ) from error
    return _local(path)


def overview(config: RagConfig) -> dict[str, Any]:
    """What `rag models list` prints: the models that are here, the one in use, and the presets."""
    used = find_llm(config.llm.model)
    return {
        "in_use": used.name if used is not None else None,
        "embedding": config.embedding.model,
        "here": [{"name": model.name, "megabytes": model.megabytes} for model in local_models()],
        "presets": [
            {"name": name, "repository": repository, "file": file, "licence": licence}
            for name, (repository, file, licence) in PRESETS.items()
        ],
    }


def check_model(path: Path, written_tokens: int = 16) -> dict[str, Any]:
    """Run a GGUF in a process of its own and report its architecture, window, template and speed.

    Raises:
        ModelError: it is no GGUF, or the process ended without a report.
    """
    require_gguf(path)
    try:
        run = subprocess.run(
            [sys.executable, "-P", "-c", _CHECK, str(path), str(written_tokens)],
            capture_output=True, text=True, timeout=_CHECK_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path.name} did not load within {_CHECK_TIMEOUT_S} s: try a smaller model") from error
    if run.returncode != 0:
        lines = run.stderr.strip().splitlines()
        cause = f"signal {-run.returncode}" if run.returncode < 0 else (lines[-1] if lines else "no message")
        raise ModelError(
            f"{path.name} does not run here ({cause}): download it again, run `make llm`, or use --llm none"
        )
    report: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return report


def _local(file: Path) -> LocalModel:
    return LocalModel(file.stem, file, round(file.stat().st_size / 1e6, 1))


def require_gguf(path: Path) -> None:
    """Make sure that a file begins like a GGUF.

    Raises:
        ModelError: it cannot be read or does not.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check the path") from error
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF file: download it again or convert it with llama.cpp")
