"""The models in a folder: found, added, checked, and a download that cannot be had."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from rag import models
from rag.cli import main
from rag.config import RagConfig
from rag.errors import ModelError
from rag.hub.presets import PRESETS
from rag.machine import physical_cores
from rag.models import (
    BUNDLED,
    add_model,
    check_model,
    find_llm,
    local_models,
    overview,
    pull_model,
    require_runs,
)
from tests.tiny_gguf import write_random_gguf, write_scripted_gguf

ROOT = Path(__file__).resolve().parent.parent.parent
needs_llama_cpp = pytest.mark.skipif(find_spec("llama_cpp") is None, reason="no language model library: `make llm`")


def gguf(path: Path, size: int = 1000) -> Path:
    """What passes for a GGUF as long as nothing loads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF" + bytes(size - 4))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    gguf(tmp_path / "models" / "downloads" / "small.gguf", 1_500_000)
    gguf(tmp_path / "models" / "big.v2.gguf")
    (tmp_path / "models" / "notes.txt").write_text("không phải mô hình", encoding="utf-8")
    (tmp_path / "models" / "downloads" / "half.gguf.part").write_bytes(b"GGUF")
    return tmp_path / "models"


def test_local_models_are_the_gguf_files_by_name(folder):
    assert [(model.name, model.megabytes) for model in local_models(folder)] == [("big.v2", 0.0), ("small", 1.5)]
    assert local_models(folder / "no-such-folder") == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("none", None),
        ("", "big.v2.gguf"),
        ("small", "downloads/small.gguf"),
        ("small.gguf", "downloads/small.gguf"),
        ("big.v2", "big.v2.gguf"),
    ],
)
def test_a_model_is_found_by_its_name(folder, wanted, found):
    assert find_llm(wanted, folder) == (None if found is None else folder / found)


def test_a_model_is_found_by_its_path(folder, tmp_path):
    elsewhere = gguf(tmp_path / "elsewhere.gguf")
    assert find_llm(str(elsewhere), folder) == elsewhere


def test_a_persons_own_model_goes_before_the_one_that_ships(folder):
    assert find_llm("", folder) == folder / "big.v2.gguf"
    bundled = gguf(folder / BUNDLED / f"{BUNDLED}.gguf")
    assert find_llm("", folder) == folder / "big.v2.gguf"
    assert find_llm(BUNDLED, folder) == bundled


def test_the_model_that_ships_writes_where_its_library_is_and_nowhere_else(tmp_path, monkeypatch):
    bundled = gguf(tmp_path / BUNDLED / f"{BUNDLED}.gguf")
    monkeypatch.setattr(models, "llama_cpp_is_here", lambda: True)
    assert find_llm("", tmp_path) == bundled
    monkeypatch.setattr(models, "llama_cpp_is_here", lambda: False)
    assert find_llm("", tmp_path) is None


def test_no_model_is_wanted_where_there_is_none(tmp_path):
    assert find_llm("", tmp_path) is None


@pytest.mark.parametrize("wanted", ["half", "../small", "~no-such-person/x", "x" * 5000, "a\0b"])
def test_an_unknown_model_is_an_error_that_names_the_known_ones(folder, wanted):
    with pytest.raises(ModelError, match=r"^no language model .+ \(in models/: big\.v2, small\): name a GGUF file, or"):
        find_llm(wanted, folder)


def test_an_added_model_is_a_copy_and_is_found(folder, tmp_path):
    source = gguf(tmp_path / "new.gguf", 2_000_000)
    added = add_model(source, folder, tried=False)
    assert (added.name, added.path, added.megabytes) == ("new", folder / "downloads" / "new.gguf", 2.0)
    assert added.path.read_bytes() == source.read_bytes()
    assert find_llm("new", folder) == added.path
    assert sorted(file.name for file in (folder / "downloads").iterdir()) == [
        "half.gguf.part",
        "new.gguf",
        "small.gguf",
    ]


def test_the_first_added_model_makes_its_folder(tmp_path):
    assert add_model(gguf(tmp_path / "new.gguf"), tmp_path / "models", tried=False).path.is_file()


def test_a_gguf_without_its_ending_is_found_after_it_was_added(tmp_path):
    added = add_model(gguf(tmp_path / "blobs" / "sha256-12ab.bin"), tmp_path / "models", tried=False)
    assert [model.path for model in local_models(tmp_path / "models")] == [added.path]


@pytest.mark.parametrize("name", ["small", "big.v2"])
def test_a_second_model_of_the_same_name_is_refused(folder, tmp_path, name):
    before = {model.path: model.path.read_bytes() for model in local_models(folder)}
    with pytest.raises(ModelError, match=rf"^{name}\.gguf is in models/ already: "):
        add_model(gguf(tmp_path / f"{name}.gguf", 5), folder)
    assert {model.path: model.path.read_bytes() for model in local_models(folder)} == before


def test_what_is_no_gguf_is_not_added(folder, tmp_path):
    text = tmp_path / "text.gguf"
    text.write_text("GGU", encoding="utf-8")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        add_model(text, folder)
    with pytest.raises(ModelError, match=r"cannot be read \(Is a directory\)"):
        add_model(tmp_path, folder)
    assert [model.name for model in local_models(folder)] == ["big.v2", "small"]


@needs_llama_cpp
@pytest.mark.llm
def test_a_model_is_tried_before_it_is_added(tmp_path):
    with pytest.raises(ModelError, match=r"^zeros\.gguf does not run here"):
        add_model(gguf(tmp_path / "zeros.gguf"), tmp_path / "models")
    assert local_models(tmp_path / "models") == []
    added = add_model(write_random_gguf(tmp_path / "tiny.gguf"), tmp_path / "models")
    assert find_llm("tiny", tmp_path / "models") == added.path


def test_a_linked_model_costs_no_space_and_is_not_overwritten(tmp_path):
    source = gguf(tmp_path / "new.gguf")
    added = add_model(source, tmp_path / "models", link=True, tried=False)
    assert (added.path.is_symlink(), added.path.resolve()) == (True, source)
    assert find_llm("new", tmp_path / "models") == added.path
    source.rename(tmp_path / "moved.gguf")  # the link leads nowhere now, and is still a model's name
    with pytest.raises(ModelError, match="is in models/ already"):
        add_model(gguf(tmp_path / "new.gguf"), tmp_path / "models", link=True, tried=False)


def test_a_full_disk_is_one_line_and_nothing_half_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("rag.models.free_disk", lambda _: 10)
    with pytest.raises(ModelError, match=r"needs 0\.0 GB at .+: make room, or use --link"):
        add_model(gguf(tmp_path / "new.gguf"), tmp_path / "models", tried=False)
    assert list((tmp_path / "models" / "downloads").iterdir()) == []


@needs_llama_cpp
@pytest.mark.llm
def test_a_check_reports_what_the_model_is(tmp_path):
    path = write_random_gguf(tmp_path / "tiny.gguf")
    report = check_model(path).as_json()
    for measured in ("load_s", "prompt_tokens_per_s", "tokens_per_s", "parameters", "peak_memory_mb"):
        assert report.pop(measured) > 0, measured
    assert isinstance(report.pop("gpu"), bool)
    assert report == {
        "file": str(path),
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "architecture": "llama",
        "name": "tiny",
        "quantization": "",
        "context_tokens": 4096,
        "chat_template": True,
    }


@needs_llama_cpp
@pytest.mark.llm
def test_a_larger_window_takes_more_memory(tmp_path):
    path = write_random_gguf(tmp_path / "tiny.gguf")
    small, large = (check_model(path, 1, context_tokens=tokens).peak_memory_mb for tokens in (512, 262_144))
    assert small is not None
    assert large is not None
    assert large > small + 30  # keys and values of 2 layers, 2 heads of 16 numbers, 2 bytes each, are 67 MB


@needs_llama_cpp
@pytest.mark.llm
def test_a_check_of_what_llama_cpp_cannot_load_is_a_model_error(tmp_path):
    unknown = write_random_gguf(tmp_path / "unknown.gguf", architecture="no-such")
    with pytest.raises(ModelError, match=r"^unknown\.gguf does not run here \(ValueError: Failed to load model"):
        check_model(unknown)
    with pytest.raises(ModelError, match=r"^zeros\.gguf does not run here \(.+\): download it again, "):
        check_model(gguf(tmp_path / "zeros.gguf"))
    whole = write_random_gguf(tmp_path / "whole.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"^cut\.gguf does not run here \(.+\): download it again, "):
        check_model(cut)


def test_what_ran_here_before_is_not_tried_again(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr("rag.hub.check.check_model", lambda path, **_: tried.append(path))
    first, second, folder = gguf(tmp_path / "a.gguf"), gguf(tmp_path / "b.gguf"), tmp_path / "cache"
    for path in (first, second, first, second):
        require_runs(path, folder)
    assert tried == [first, second]
    os.utime(first, ns=(1, 1))  # another file of the same name
    require_runs(first, folder)
    monkeypatch.setattr("rag.hub.check.free_ram", lambda: first.stat().st_size)
    require_runs(first, folder)  # it may not fit today
    require_runs(first, None)
    (folder / "ran.json").write_text("{")
    require_runs(second, folder)
    assert tried == [first, second, first, first, first, second]


def test_what_does_not_run_is_tried_each_time(tmp_path, monkeypatch):
    tried = []

    def broken(path, **_):
        tried.append(path)
        raise ModelError("it does not run here")

    monkeypatch.setattr("rag.hub.check.check_model", broken)
    for _ in range(2):
        with pytest.raises(ModelError, match="does not run"):
            require_runs(gguf(tmp_path / "a.gguf"), tmp_path / "cache")
    assert len(tried) == 2


def test_a_folder_that_cannot_be_written_costs_time_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("rag.hub.check.check_model", lambda *_, **__: None)
    (tmp_path / "file").write_text("")
    require_runs(gguf(tmp_path / "a.gguf"), tmp_path / "file" / "cache")


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        ("SIGILL", r"\(signal 4: an instruction that this CPU lacks\): run `make llm`, or use --llm none"),
        ("SIGABRT", r"\(signal 6\): download it again, run `make llm`, or use --llm none"),
        ("SIGKILL", r"\(signal 9: killed, as for want of memory\): take a smaller model"),
    ],
)
def test_a_library_that_ends_its_process_is_one_line(tmp_path, monkeypatch, signal, message):
    (tmp_path / "llama_cpp.py").write_text(f"import os, signal\nos.kill(os.getpid(), signal.{signal})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match=rf"^x\.gguf does not run here {message}") as refused:
        check_model(gguf(tmp_path / "x.gguf"))
    assert "\n" not in str(refused.value)


@needs_llama_cpp
@pytest.mark.llm
def test_the_command_shows_a_check_to_people_and_to_programs(tmp_path, capsys):
    path = write_scripted_gguf(tmp_path / "tiny.gguf", ["Xin chào"], template=None)
    assert main(["models", "check", str(path)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^chat template +no: it cannot answer questions", shown, re.MULTILINE)
    assert re.search(r"^reads, tokens/s +[0-9.]+$", shown, re.MULTILINE)
    assert main(["models", "check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chat_template"] is False


def test_the_list_says_what_is_here_and_in_use(folder):
    gguf(folder / "downloads" / "Qwen3-4B-Q4_K_M.gguf")
    listed = overview(RagConfig(), folder)
    assert (listed["in_use"], listed["problem"]) == ("Qwen3-4B-Q4_K_M", "")
    presets = {preset["name"]: preset for preset in listed["presets"]}
    assert [name for name, preset in presets.items() if preset["here"]] == ["qwen3-4b"]
    assert [name for name, preset in presets.items() if preset["in_use"]] == ["qwen3-4b"]
    assert {"licence", "megabytes", "memory_gb", "good_for", "needs", "repository"} <= set(presets["qwen3-4b"])


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_the_list_is_printed_in_both_languages(capsys, lang):
    assert main(["models", "list", "--lang", lang]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in PRESETS)
    assert ("trả lời" in shown) is (lang == "vi")


@pytest.mark.parametrize("action", ["pull", "add"])
def test_a_command_without_a_name_is_wrong_usage(capsys, action):
    with pytest.raises(SystemExit) as ended:
        main(["models", action])
    assert ended.value.code == 2
    assert "the following arguments are required: " in capsys.readouterr().err


def test_an_option_stands_before_the_action_before_the_name_or_after_it(capsys, tmp_path):
    path = str(gguf(tmp_path / "big.v2.gguf"))
    for arguments in (["--json", "check", path], ["check", "--json", path], ["check", path, "--json"]):
        assert main(["models", *arguments]) == 1  # it is no model: the arguments were read, though
        assert "big.v2.gguf does not run here" in capsys.readouterr().err
    for arguments in (["--lang", "vi", "list"], ["list", "--lang", "vi"]):
        assert main(["models", *arguments]) == 0
        assert "đang dùng" in capsys.readouterr().out


def test_a_preset_that_is_not_here_is_an_error_that_says_how_to_get_it(folder):
    with pytest.raises(ModelError, match=r"^qwen3-4b is not in models/ yet: run `rag models pull qwen3-4b`, or use"):
        find_llm("qwen3-4b", folder)


def test_an_embedding_is_no_language_model(folder):
    with pytest.raises(ModelError, match=r"^multilingual-e5-small is an embedding, not a language model: name it in"):
        find_llm("multilingual-e5-small", folder)


def test_the_cores_are_those_that_this_process_may_use():
    assert 1 <= physical_cores() <= (os.cpu_count() or 1)


def test_an_unknown_preset_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(
        ModelError,
        match=r"^no preset 'no-such': choose one of qwen3-0\.6b, qwen3-1\.7b, qwen3-4b, .+, or `rag models add",
    ):
        pull_model("no-such", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_preset_that_is_here_is_not_downloaded_again(tmp_path):
    file = PRESETS["qwen3-4b"].files[0]
    there = gguf(tmp_path / "downloads" / file)
    assert pull_model("qwen3-4b", tmp_path).path == there


def test_a_download_without_a_network_ends_in_one_line(tmp_path):
    # The hub's address is read when its library is imported. Nothing listens on port 9.
    settings = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path), "NO_PROXY": "*"}
    run = subprocess.run(
        [sys.executable, "-m", "rag.cli", "models", "pull", "qwen3-1.7b"],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)}, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (1, "")
    assert re.fullmatch(
        r"rag: no network: Qwen3-1\.7B-Q8_0\.gguf cannot be downloaded \(ConnectError: .+\): run the same command again"
        r" when there is one, it goes on where it stopped; or fetch http://127\.0\.0\.1:9/Qwen/Qwen3-1\.7B-GGUF/resolve/"
        r"[0-9a-f]{40}/Qwen3-1\.7B-Q8_0\.gguf on another machine and run `rag models add FILE` here\n",
        run.stderr,
    )
