"""`rag doctor`: every part named, every failure with the command that mends it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rag import doctor
from rag.cli import main
from rag.config import EmbeddingConfig, LlmConfig, RagConfig, load_config
from rag.doctor import Finding, State, findings
from rag.models import find_llm
from tests.tiny_gguf import write_random_gguf, write_scripted_gguf


def by_name(index: Path, config: RagConfig) -> dict[str, Finding]:
    found = findings(index, config)
    for finding in found:
        assert finding.command or finding.state is not State.FAIL, finding
        assert "\n" not in finding.line()
    return {finding.name: finding for finding in found}


def without_llm(config: RagConfig) -> RagConfig:
    return replace(config, llm=LlmConfig(model="none"))


def test_a_working_machine_has_no_failure_and_fits_on_a_page(seeds_index, config):
    found = by_name(seeds_index, without_llm(config))
    assert [finding for finding in found.values() if finding.state is State.FAIL] == []
    assert list(found) == [
        "python",
        "packages",
        "bundled weights",
        "embedding",
        "index",
        "evidence",
        "llama-cpp-python",
        "language model",
        "disk",
        "network",
        "tesseract",
    ]
    assert found["index"].detail.startswith(f"{seeds_index}: 5 documents, ")
    assert found["language model"].detail == "none: answers quote the documents"


def test_a_missing_index_ends_with_the_command_that_makes_it(tmp_path, config):
    missing = by_name(tmp_path / "none", without_llm(config))["index"]
    assert (missing.state, missing.command) == (State.FAIL, f"rag index --index {tmp_path / 'none'}")
    assert missing.line().endswith(f" -> rag index --index {tmp_path / 'none'}")


def test_an_index_of_another_model_ends_with_a_rebuild(seeds_index, config):
    other = replace(without_llm(config), embedding=EmbeddingConfig(query_prefix="query: ", max_tokens=64))
    refused = by_name(seeds_index, other)["index"]
    assert (refused.state, refused.command) == (State.FAIL, f"rag index --rebuild --index {seeds_index}")


def test_a_missing_package_stops_what_needs_it_and_no_more(seeds_index, config, monkeypatch):
    monkeypatch.setattr(doctor, "_PACKAGES", ("numpy", "no-such-package"))
    found = by_name(seeds_index, without_llm(config))
    assert found["packages"] == Finding("packages", State.FAIL, "missing: no-such-package", "make chat")
    for name in ("embedding", "index", "evidence"):
        assert (found[name].state, found[name].command) == (State.FAIL, "make chat")
    assert found["disk"].state is State.OK


def test_a_broken_package_is_a_finding_and_no_traceback(seeds_index, config, monkeypatch):
    monkeypatch.setitem(sys.modules, "rag.index", None)  # what an import of it then says is an ImportError
    broken = by_name(seeds_index, without_llm(config))["index"]
    assert (broken.state, broken.command) == (State.FAIL, "make clean chat")


def test_a_preset_that_is_named_and_not_here_ends_with_its_pull(seeds_index, config, tmp_path, monkeypatch):
    settings = replace(
        config,
        llm=LlmConfig(model="qwen3-1.7b"),
        embedding=EmbeddingConfig(model="models/embedding-vi", dimension=100_000 // 2),
    )
    monkeypatch.setattr(doctor, "find_llm", lambda wanted: find_llm(wanted, tmp_path))
    found = by_name(seeds_index, settings)
    assert found["language model"].command == "rag models pull qwen3-1.7b"
    assert (found["embedding"].state, found["embedding"].command) == (State.FAIL, "rag models list")


@pytest.mark.llm
def test_a_model_is_run_and_its_speed_told(seeds_index, config, tmp_path):
    pytest.importorskip("llama_cpp")
    tiny = write_random_gguf(tmp_path / "tiny.gguf")
    found = by_name(seeds_index, replace(config, llm=LlmConfig(model=str(tiny))))
    assert found["language model"].state is State.OK
    assert "tokens/s" in found["language model"].detail
    assert found["llama-cpp-python"].state is State.OK


@pytest.mark.llm
def test_a_model_that_cannot_answer_is_a_failure(seeds_index, config, tmp_path):
    pytest.importorskip("llama_cpp")
    base = write_scripted_gguf(tmp_path / "base.gguf", ["Xin chào"], template=None)
    found = by_name(seeds_index, replace(config, llm=LlmConfig(model=str(base))))["language model"]
    assert (found.state, "no chat template" in found.detail) == (State.FAIL, True)


@pytest.mark.llm
def test_a_model_larger_than_the_memory_is_not_even_loaded(seeds_index, config, tmp_path, monkeypatch):
    pytest.importorskip("llama_cpp")
    monkeypatch.setattr(doctor, "free_ram", lambda: 1_000_000_000)
    monkeypatch.setattr(doctor, "check_model", lambda *_, **__: pytest.fail("it was loaded"))
    large = tmp_path / "large.gguf"
    large.write_bytes(b"GGUF")
    with large.open("r+b") as stream:
        stream.truncate(3_000_000_000)  # a hole: it takes no space
    found = by_name(seeds_index, replace(config, llm=LlmConfig(model=str(large))))["language model"]
    assert "needs about 3.8 GB of memory and 1.0 GB are free" in found.detail
    assert found.command == "rag ask --llm none"


def test_a_library_for_another_cpu_is_a_failure_only_where_a_model_needs_it(seeds_index, config, tmp_path, monkeypatch):
    (tmp_path / "llama_cpp.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(doctor, "llama_cpp_is_here", lambda: True)
    found = by_name(seeds_index, without_llm(config))["llama-cpp-python"]
    assert (found.state, found.command) == (State.NOTE, "make llm")
    assert "signal 4: an instruction that this CPU lacks" in found.detail
    model = tmp_path / "x.gguf"
    model.write_bytes(b"GGUF")
    wanted = by_name(seeds_index, replace(config, llm=LlmConfig(model=str(model))))
    assert (wanted["llama-cpp-python"].state, wanted["language model"].state) == (State.FAIL, State.FAIL)


def test_the_command_ends_with_1_where_something_fails_and_prints_json(seeds_index, tmp_path, capsys):
    assert main(["doctor", "--index", str(seeds_index), "--llm", "none", "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert {finding["state"] for finding in seen} <= {"ok", "note"}
    assert set(seen[0]) == {"name", "state", "detail", "command"}
    assert main(["doctor", "--index", str(tmp_path / "none"), "--llm", "none"]) == 1
    assert "FAIL index: " in capsys.readouterr().out


def test_no_look_at_a_machine_needs_settings(seeds_index):
    assert by_name(seeds_index, load_config(environment={}, overrides={"llm.model": "none"}))
