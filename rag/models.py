"""Which language models there are, where they lie, and whether they run here."""

import json
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
written = llama.create_completion(tokens, max_tokens=16, temperature=0.0)
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


def local_models() -> list[LocalModel]:
    """The GGUF files in models/ and below it, by name."""
    files = sorted(MODELS_DIR.rglob("*.gguf"))
    return [LocalModel(file.stem, file, round(file.stat().st_size / 1e6, 1)) for file in files]


def find_llm(wanted: str) -> Path | None:
    """The GGUF to use; None for the extractive answer.

    `wanted` is a file, the name of a model in models/, "none", or empty for the first model in models/.

    Raises:
        ModelError: there is no such file or name.
    """
    if wanted == NO_LLM:
        return None
    there = local_models()
    if not wanted:
        return there[0].path if there else None
    path = Path(wanted).expanduser()
    if path.is_file():
        return path
    for model in there:
        if wanted in (model.name, model.path.name):
            return model.path
    names = ", ".join(model.name for model in there) or "none yet"
    raise ModelError(f"no language model {wanted!r} (in models/: {names}): name a GGUF file, or use --llm none")


def add_model(path: Path) -> LocalModel:
    """Copy a GGUF file into models/, complete or not at all.

    Raises:
        ModelError: it is not a GGUF file, or a model of this name is there already.
    """
    require_gguf(path)
    target = MODELS_DIR / "downloads" / path.name
    if target.exists():
        raise ModelError(f"{target.name} is in models/ already: remove it first or rename the new one")
    target.parent.mkdir(exist_ok=True)
    partial = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(path, partial)
        partial.replace(target)
    except OSError as error:
        raise ModelError(f"{path} cannot be copied to models/ ({error.strerror}): free some space") from error
    finally:
        partial.unlink(missing_ok=True)
    return LocalModel(target.stem, target, round(target.stat().st_size / 1e6, 1))


def pull_model(name: str) -> LocalModel:
    """Download a preset from the Hugging Face hub into models/downloads/; a broken download is resumed.

    Raises:
        ModelError: the preset is unknown, or the hub cannot be reached.
    """
    if name not in PRESETS:
        raise ModelError(f"no preset {name!r}: choose one of {', '.join(PRESETS)}, or `rag models add FILE`")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    repository, file, _ = PRESETS[name]
    try:
        path = Path(hf_hub_download(repository, file, local_dir=MODELS_DIR / "downloads"))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        raise ModelError(
            f"{file} cannot be downloaded ({type(error).__name__}): check the network, or bring the file from another"
            " machine and run `rag models add FILE`"
        ) from error
    return LocalModel(path.stem, path, round(path.stat().st_size / 1e6, 1))


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


def check_model(path: Path) -> dict[str, Any]:
    """Load a GGUF in a process of its own and report its architecture, window, template and speed.

    Raises:
        ModelError: it is no GGUF, or the process ended without a report.
    """
    require_gguf(path)
    try:
        run = subprocess.run(
            [sys.executable, "-c", _CHECK, str(path)],
            capture_output=True, text=True, timeout=_CHECK_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path.name} did not load within {_CHECK_TIMEOUT_S} s: try a smaller model") from error
    if run.returncode != 0:
        lines = run.stderr.strip().splitlines()
        cause = f"signal {-run.returncode}" if run.returncode < 0 else (lines[-1] if lines else "no message")
        raise ModelError(f"{path.name} does not run here ({cause}): download it again, or rebuild llama-cpp-python")
    report: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return report


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
