"""Which models there are, where they lie, and how they get here."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.config import PROJECT_DIR, RagConfig
from rag.errors import ModelError
from rag.hub.check import check_model, llama_cpp_is_here, require_gguf, require_runs
from rag.hub.download import fetch, look_up, only_here, require_space
from rag.hub.presets import PRESETS, Preset
from rag.machine import free_disk, free_ram

__all__ = [
    "NO_LLM",
    "LocalModel",
    "add_model",
    "check_model",
    "find_llm",
    "local_models",
    "overview",
    "preset_place",
    "pull_model",
    "require_gguf",
    "require_runs",
]

MODELS_DIR = PROJECT_DIR / "models"
NO_LLM = "none"
BUNDLED = "reader-vi"
"""The reader that ships; what a person has put beside it goes before it."""
_DOWNLOADS = "downloads"
_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file, or the folder of an embedding, in models/."""

    name: str
    path: Path
    megabytes: float


def local_models(folder: Path = MODELS_DIR) -> list[LocalModel]:
    """The GGUF files in models/ and below it, by name; unfinished downloads are none."""
    files = [file for file in folder.rglob("*.gguf") if file.is_file() and _PARTIAL not in file.parts]
    return sorted((_local(file) for file in files), key=lambda model: model.name)


def find_llm(wanted: str, folder: Path = MODELS_DIR) -> Path | None:
    """The GGUF to use; None for the extractive answer.

    `wanted` is a file, the name of a model in models/ or of a preset, "none", or empty for the first model in models/
    that did not come with the program, else the reader that did, where llama-cpp-python is installed to run it.

    Raises:
        ModelError: there is no such file or name.
    """
    if wanted == NO_LLM:
        return None
    there = local_models(folder)
    if not wanted:
        own = [model.path for model in there if model.name != BUNDLED]
        bundled = [model.path for model in there if model.name == BUNDLED and llama_cpp_is_here()]
        return next(iter([*own, *bundled]), None)
    path = os.path.expanduser(wanted)
    if os.path.isfile(path):  # unlike Path.is_file, false also for what no file can be called
        return Path(path)
    preset = PRESETS.get(wanted.lower())
    names = {wanted} | (set(preset.files) if preset is not None else set())
    for model in there:
        if names & {model.name, model.path.name}:
            return model.path
    if preset is not None and preset.is_llm:
        raise ModelError(f"{wanted} is not in models/ yet: run `rag models pull {preset.name}`, or use --llm none")
    if preset is not None:
        raise ModelError(f"{wanted} is an embedding, not a language model: name it in embedding.model of rag.toml")
    known = ", ".join(model.name for model in there) or "none yet"
    raise ModelError(f"no language model {wanted!r} (in models/: {known}): name a GGUF file, or use --llm none")


def add_model(path: Path, folder: Path = MODELS_DIR, *, link: bool = False, tried: bool = True) -> LocalModel:
    """Put a GGUF file into models/, complete or not at all.

    Args:
        path: the file, which stays where it is.
        folder: models/.
        link: a symbolic link instead of a copy, which costs no space and ends when the file is moved away.
        tried: run it first, in a process of its own; left out where llama-cpp-python is not installed.

    Raises:
        ModelError: it is not a GGUF file, does not run here, or a model of this name is there already.
    """
    require_gguf(path)
    # Only what ends in .gguf is found again; other programs leave the ending out.
    target = folder / _DOWNLOADS / (path.name if path.suffix == ".gguf" else f"{path.name}.gguf")
    if os.path.lexists(target) or any(target.name == model.path.name for model in local_models(folder)):
        raise ModelError(f"{target.name} is in models/ already: remove it first or rename the new one")
    if tried and llama_cpp_is_here():
        check_model(path, written_tokens=1)
    partial = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if link:
            target.symlink_to(path.resolve())
        else:
            _require_space(path, target.parent)
            shutil.copyfile(path, partial)
            partial.replace(target)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be copied to {target.parent} ({error.strerror}): check the space and the rights there"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return _local(target)


def preset_place(preset: Preset, folder: Path = MODELS_DIR) -> Path:
    """Where a preset lies once it is here: a GGUF file, or an embedding's folder."""
    return folder / _DOWNLOADS / (preset.files[0] if preset.is_llm else preset.name)


def pull_model(name: str, folder: Path = MODELS_DIR) -> LocalModel:
    """Download a preset from the Hugging Face hub into models/downloads/; a broken download is gone on from.

    It gets its name there once it is complete and its hash is right.

    Raises:
        ModelError: the preset is unknown, the hub cannot be reached, the disk is too small, or the files are damaged.
    """
    preset = PRESETS.get(name.lower())
    if preset is None:
        raise ModelError(f"no preset {name!r}: choose one of {', '.join(PRESETS)}, or `rag models add FILE`")
    target = preset_place(preset, folder)
    if target.exists():
        return _local(target)
    partial = folder / _DOWNLOADS / _PARTIAL / preset.name
    files = [look_up(preset.repository, preset.revision, file, preset.sha256) for file in preset.files]
    try:
        with only_here(partial):
            require_space(files, partial)
            fetched = [fetch(file, partial) for file in files]
            (fetched[0] if preset.is_llm else partial).replace(target)
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ModelError(f"{partial.parent} cannot be written ({error.strerror}): check the rights there") from error
    return _local(target)


def overview(config: RagConfig, folder: Path = MODELS_DIR) -> dict[str, Any]:
    """What `rag models list` prints: what is here, what is in use, the presets, the free memory.

    `in_use` is None for answers that quote; `problem` says why when the model that the settings name is not here.
    """
    problem = ""
    try:
        used = find_llm(config.llm.model, folder)
    except ModelError as error:
        used, problem = None, str(error)
    return {
        "in_use": used.stem if used is not None else None,
        "problem": problem,
        "embedding": config.embedding.model,
        "free_memory_gb": round(free_ram() / 1e9, 1),
        "here": [{"name": model.name, "megabytes": model.megabytes} for model in local_models(folder)],
        "presets": [_described(preset, config, used, folder) for preset in PRESETS.values()],
    }


def _described(preset: Preset, config: RagConfig, used: Path | None, folder: Path) -> dict[str, Any]:
    place = preset_place(preset, folder)
    wanted = Path(config.embedding.model).name
    return {
        "name": preset.name,
        "kind": preset.kind.value,
        "tier": preset.tier.value,
        "repository": preset.repository,
        "revision": preset.revision,
        "file": preset.files[0] if preset.is_llm else "",
        "files": list(preset.files),
        "megabytes": preset.megabytes,
        "licence": preset.licence,
        "memory_gb": preset.memory_gb,
        "good_for": preset.good_for,
        "good_for_vi": preset.good_for_vi,
        "needs": preset.needs,
        "here": place.exists(),
        "in_use": used is not None and used.name == place.name if preset.is_llm else wanted == preset.name,
    }


def _require_space(path: Path, folder: Path) -> None:
    size, free = path.stat().st_size, free_disk(folder)
    if size > free:
        raise ModelError(
            f"{path} needs {size / 1e9:.1f} GB at {folder} and {free / 1e9:.1f} GB are free: make room, or use --link"
        )


def _local(path: Path) -> LocalModel:
    if path.is_dir():
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return LocalModel(path.name, path, round(size / 1e6, 1))
    return LocalModel(path.stem, path, round(path.stat().st_size / 1e6, 1))
