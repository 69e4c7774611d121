"""The commands `rag models list|pull|add|check`."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag import models
from rag.config import PROJECT_DIR, RagConfig
from rag.hub.check import ModelReport, llama_cpp_is_here
from rag.hub.presets import PRESETS, Preset
from rag.messages import message
from rag.vietnamese.translation import in_language


def run(options: argparse.Namespace, config: RagConfig) -> int:
    """One of the commands; the exit status.

    Raises:
        RagError: it could not be done.
    """
    commands = {"list": _list, "pull": _pull, "add": _add, "check": _check}
    commands[options.action](options, config)
    return 0


def _list(options: argparse.Namespace, config: RagConfig) -> None:
    overview = models.overview(config)
    if options.json:
        _print_json(overview)
        return
    lang = options.lang
    used = overview["in_use"] or message("quoting", lang)
    print(message("models_in_use", lang, embedding=overview["embedding"], llm=used))
    if overview["problem"]:
        print(in_language(overview["problem"], lang))
    of_presets = {Path(file).stem for preset in PRESETS.values() for file in preset.files}
    for model in overview["here"]:
        if model["name"] not in of_presets:
            print(f"  {model['name']}  {_size(model['megabytes'])}")
    for kind in ("llm", "embedding"):
        print(f"\n{message(f'presets_{kind}', lang)}")
        for preset in overview["presets"]:
            if preset["kind"] == kind:
                _print_preset(preset, overview["free_memory_gb"], lang)
    print(f"\n{message('models_how', lang)}")


def _print_preset(preset: Mapping[str, Any], free_gb: float, lang: str) -> None:
    state = "in_use" if preset["in_use"] else "here" if preset["here"] else ""
    marks = [message(f"state_{state}", lang)] if state else []
    marks += [message("state_large", lang, free=free_gb)] if preset["memory_gb"] > free_gb else []
    needs = message("preset_needs", lang, memory=preset["memory_gb"])
    print(
        f"  {preset['name']:<23}{preset['tier']:<9}{_size(preset['megabytes']):>7}  {needs}  {preset['licence']}"
        + (f"  [{'; '.join(marks)}]" if marks else "")
    )
    print(f"    {preset['good_for_vi' if lang == 'vi' else 'good_for']}")
    print(f"    {preset['repository']}{'/' if preset['file'] else ''}{preset['file']}; {preset['needs']}")


def _pull(options: argparse.Namespace, config: RagConfig) -> None:
    try:
        pulled = models.pull_model(options.name)
    except KeyboardInterrupt:
        print(f"\n{message('pull_stopped', options.lang, name=options.name)}", file=sys.stderr)
        raise
    preset = PRESETS[options.name.lower()]
    if options.json:
        _print_json({"name": preset.name, "path": str(pulled.path), "megabytes": pulled.megabytes})
        return
    print(message("model_added", options.lang, name=pulled.name, megabytes=pulled.megabytes))
    _print_use(preset, pulled.path, config, options.lang)


def _print_use(preset: Preset, path: Path, config: RagConfig, lang: str) -> None:
    place = path.relative_to(PROJECT_DIR) if path.is_relative_to(PROJECT_DIR) else path
    if not preset.is_llm:
        print(f"{message('use_embedding', lang)}\n\n{preset.settings(place.as_posix())}")
        return
    used = models.find_llm(config.llm.model)
    if used != path:
        print(f"{message('use_llm', lang, name=preset.name)}\n\n{preset.settings(place.as_posix())}")
    if not llama_cpp_is_here():
        print(message("no_llama_cpp", lang))


def _add(options: argparse.Namespace, config: RagConfig) -> None:
    added = models.add_model(Path(os.path.expanduser(options.name)), link=options.link)
    if options.json:
        _print_json({"name": added.name, "path": str(added.path), "megabytes": added.megabytes})
        return
    print(message("model_added", options.lang, name=added.name, megabytes=added.megabytes))
    if not llama_cpp_is_here():
        print(message("no_llama_cpp", options.lang))
    elif models.find_llm(config.llm.model) != added.path:
        print(message("use_llm", options.lang, name=added.name))


def _check(options: argparse.Namespace, config: RagConfig) -> None:
    path = models.find_llm(options.name or config.llm.model)
    if path is None:
        _print_json(None) if options.json else print(message("no_llm", options.lang))
        return
    report = models.check_model(path, context_tokens=config.llm.context_tokens, threads=config.llm.threads)
    if options.json:
        _print_json(report.as_json())
    else:
        _print_report(report, config.llm.context_tokens, options.lang)


def _print_report(report: ModelReport, context_tokens: int, lang: str) -> None:
    peak = "?" if report.peak_memory_mb is None else report.peak_memory_mb
    rows = {
        "check_model": f"{report.name or report.file}, {report.architecture}",
        "check_size": f"{_count(report.parameters)}, {report.quantization or '?'}, {_size(report.megabytes)}",
        "check_context": report.context_tokens,
        "check_template": message("yes" if report.chat_template else "no_template", lang),
        "check_load": f"{report.load_s:.1f} s",
        "check_prompt": f"{report.prompt_tokens_per_s:.1f}",
        "check_writing": f"{report.tokens_per_s:.1f}",
        "check_memory": f"{peak} MB ({context_tokens})",
    }
    labels = {name: message(name, lang) for name in rows}
    width = max(map(len, labels.values()))
    for name, value in rows.items():
        print(f"{labels[name]:<{width}}  {value}")


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.1f} M"


def _size(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))
