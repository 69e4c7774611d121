"""The models in a folder: found, added, checked, and a download that cannot be had."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from rag.errors import ModelError
from rag.models import PRESETS, add_model, check_model, find_llm, local_models, pull_model
from tests.tiny_gguf import write_random_gguf

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


def test_no_model_is_wanted_where_there_is_none(tmp_path):
    assert find_llm("", tmp_path) is None


@pytest.mark.parametrize("wanted", ["half", "../small", "~no-such-person/x", "x" * 5000, "a\0b"])
def test_an_unknown_model_is_an_error_that_names_the_known_ones(folder, wanted):
    with pytest.raises(ModelError, match=r"^no language model .+ \(in models/: big\.v2, small\): name a GGUF file, or"):
        find_llm(wanted, folder)


def test_an_added_model_is_a_copy_and_is_found(folder, tmp_path):
    source = gguf(tmp_path / "new.gguf", 2_000_000)
    added = add_model(source, folder)
    assert (added.name, added.path, added.megabytes) == ("new", folder / "downloads" / "new.gguf", 2.0)
    assert added.path.read_bytes() == source.read_bytes()
    assert find_llm("new", folder) == added.path
    assert sorted(file.name for file in (folder / "downloads").iterdir()) == [
        "half.gguf.part",
        "new.gguf",
        "small.gguf",
    ]


def test_the_first_added_model_makes_its_folder(tmp_path):
    assert add_model(gguf(tmp_path / "new.gguf"), tmp_path / "models").path.is_file()


def test_a_gguf_without_its_ending_is_found_after_it_was_added(tmp_path):
    added = add_model(gguf(tmp_path / "blobs" / "sha256-12ab.bin"), tmp_path / "models")
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
def test_a_check_reports_what_the_model_is(tmp_path):
    report = check_model(write_random_gguf(tmp_path / "tiny.gguf"))
    assert report.pop("load_s") >= 0
    assert report.pop("tokens_per_s") > 0
    assert report == {"architecture": "llama", "name": "tiny", "context_tokens": 4096, "chat_template": True}


@needs_llama_cpp
@pytest.mark.llm
def test_a_check_of_what_llama_cpp_cannot_load_is_a_model_error(tmp_path):
    unknown = write_random_gguf(tmp_path / "unknown.gguf", architecture="no-such")
    with pytest.raises(ModelError, match=r"^unknown\.gguf does not run here \(ValueError: Failed to load model"):
        check_model(unknown)
    with pytest.raises(ModelError, match=r"^zeros\.gguf does not run here \(.+\): download it again, "):
        check_model(gguf(tmp_path / "zeros.gguf"))


def test_an_unknown_preset_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(
        ModelError, match=r"^no preset 'no-such': choose one of qwen3-1\.7b, qwen3-4b, or `rag models add"
    ):
        pull_model("no-such", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_preset_that_is_here_is_not_downloaded_again(tmp_path):
    file = PRESETS["qwen3-4b"][1]
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
        r"rag: Qwen3-1\.7B-Q8_0\.gguf cannot be downloaded \(\w+\): check the network, or bring the file from another"
        r" machine and run `rag models add FILE`\n",
        run.stderr,
    )
