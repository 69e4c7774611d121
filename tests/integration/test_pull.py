"""`rag models pull` against a hub on loopback: complete and compared with its hash, or not in place."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.file_download as hub_client
import pytest
from huggingface_hub import close_session, constants

from rag import models
from rag.cli import main
from rag.config import load_config
from rag.embedding import load_embedder
from rag.errors import ModelError
from rag.hub import download
from rag.hub.download import only_here
from rag.hub.presets import PRESETS, Preset
from rag.models import find_llm, local_models, preset_place, pull_model
from tests.hub_server import Hub, serving
from tests.tiny_transformers import write_sentence_transformer

ROOT = Path(__file__).resolve().parent.parent.parent
BODY = b"GGUF" + bytes(range(256)) * 12_000  # 3 MB: several pieces for the client


@pytest.fixture
def hub(monkeypatch):
    """A hub with one language model and one embedding, under the names of two presets."""
    llm, embedding = PRESETS["qwen3-0.6b"], PRESETS["multilingual-e5-small"]
    contents = {file: f'{{"{file}": 1}}'.encode() for file in embedding.files} | {"model.safetensors": BODY[4:]}
    files = {path(llm, llm.files[0]): BODY} | {path(embedding, file): content for file, content in contents.items()}
    with serving(files) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setitem(PRESETS, llm.name, replace(llm, sha256=hashlib.sha256(BODY).hexdigest()))
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)  # 10 MB: what a break can lose
        monkeypatch.setattr(hub_client, "time", SimpleNamespace(sleep=lambda _: None))  # between its new attempts
        yield server


def path(preset: Preset, file: str) -> str:
    return f"/{preset.repository}/resolve/{preset.revision}/{file}"


def left_in(folder: Path) -> dict[str, int]:
    """All files below but the empty ones that keep two downloads apart, and their sizes."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".lock"]
    return {str(file.relative_to(folder)): file.stat().st_size for file in files}


def gets(hub: Hub) -> list[str]:
    """The ranges of the transfers."""
    return [wanted for method, _, wanted in hub.asked if method == "GET"]


def test_a_pulled_model_is_complete_and_found_by_the_names_of_preset_and_file(hub, tmp_path):
    pulled = pull_model("qwen3-0.6b", tmp_path)
    assert pulled.path.read_bytes() == BODY
    assert left_in(tmp_path) == {"downloads/Qwen3-0.6B-Q8_0.gguf": len(BODY)}
    for name in ("qwen3-0.6b", "Qwen3-0.6B-Q8_0", "Qwen3-0.6B-Q8_0.gguf"):
        assert find_llm(name, tmp_path) == pulled.path


def test_a_second_pull_transfers_nothing(hub, tmp_path):
    pull_model("qwen3-0.6b", tmp_path)
    hub.asked.clear()
    pull_model("Qwen3-0.6B", tmp_path)
    assert hub.asked == []


def test_a_transfer_that_breaks_is_gone_on_from_at_once(hub, tmp_path):
    hub.break_after = [1_000_000]
    assert pull_model("qwen3-0.6b", tmp_path).path.read_bytes() == BODY
    assert gets(hub) == ["", "bytes=1000000-"]


def test_a_pull_after_the_hub_was_gone_transfers_only_the_rest(hub, tmp_path):
    hub.break_after = [1_500_000] + [0] * 6
    with pytest.raises(ModelError, match=r"run the same command again when there is one, it goes on where it stopped"):
        pull_model("qwen3-0.6b", tmp_path)
    assert local_models(tmp_path) == []
    assert left_in(tmp_path)["downloads/.partial/qwen3-0.6b/Qwen3-0.6B-Q8_0.gguf.part"] == 1_500_000
    hub.asked.clear()
    hub.break_after = []
    assert pull_model("qwen3-0.6b", tmp_path).path.read_bytes() == BODY
    assert gets(hub) == ["bytes=1500000-"]


def test_a_server_without_ranges_is_read_from_the_beginning(hub, tmp_path):
    hub.honours_ranges = False
    hub.break_after = [1_000_000]
    assert pull_model("qwen3-0.6b", tmp_path).path.read_bytes() == BODY


def test_other_bytes_than_the_hub_announced_are_thrown_away(hub, tmp_path):
    """The hash is that of the announced file, the bytes are others: damaged on the way."""
    llm = PRESETS["qwen3-0.6b"]
    where = path(llm, llm.files[0])
    hub.digests[where] = llm.sha256
    hub.files[where] = BODY[:-1] + b"?"
    with pytest.raises(ModelError, match=r"^Qwen3-0\.6B-Q8_0\.gguf arrived damaged and was thrown away: run the same"):
        pull_model(llm.name, tmp_path)
    assert left_in(tmp_path) == {}


def test_another_file_than_the_known_one_is_not_even_transferred(hub, tmp_path):
    llm = PRESETS["qwen3-0.6b"]
    hub.files[path(llm, llm.files[0])] = b"GGUF of somebody else"
    with pytest.raises(ModelError, match=r"is not the file that is known here \(sha256 [0-9a-f]{12}…, not "):
        pull_model(llm.name, tmp_path)
    assert gets(hub) == []


@pytest.mark.parametrize("digest", ["", "main", "../../etc"])
def test_a_file_without_a_hash_is_not_transferred(hub, tmp_path, digest):
    llm = PRESETS["qwen3-0.6b"]
    hub.digests[path(llm, llm.files[0])] = digest
    with pytest.raises(ModelError, match="comes without size and hash: unset HF_ENDPOINT"):
        pull_model(llm.name, tmp_path)
    assert gets(hub) == []


def test_an_embedding_is_a_folder_of_safetensors_put_in_place_whole(hub, tmp_path):
    preset = PRESETS["multilingual-e5-small"]
    large = path(preset, "model.safetensors")
    hub.break_after = [len(hub.files[path(preset, file)]) for file in preset.files[:-1]] + [1_000_000] + [0] * 6
    with pytest.raises(ModelError, match=r"another machine and name its folder in embedding\.model"):
        pull_model(preset.name, tmp_path)
    assert not preset_place(preset, tmp_path).exists()
    hub.asked.clear()
    hub.break_after = []
    pulled = pull_model(preset.name, tmp_path)
    assert gets(hub) == ["bytes=1000000-"]  # the small files were there already
    assert pulled.path == tmp_path / "downloads" / "multilingual-e5-small"
    assert {str(file.relative_to(pulled.path)) for file in pulled.path.rglob("*") if file.is_file()} == set(
        preset.files
    )
    assert (pulled.path / "model.safetensors").read_bytes() == hub.files[large]


def test_a_file_in_a_store_elsewhere_is_fetched_and_the_token_stays_with_the_hub(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serving(hub.files) as store:
        hub.store = store
        store.break_after = [1_000_000]
        assert pull_model("qwen3-0.6b", tmp_path).path.read_bytes() == BODY
        assert gets(store) == ["", "bytes=1000000-"]
        assert set(hub.tokens) == {"Bearer hf_secret"}
        assert store.tokens == []


def test_a_pulled_embedding_loads_with_the_lines_that_are_printed(hub, tmp_path, monkeypatch, capsys):
    preset = PRESETS["multilingual-e5-small"]
    source = write_sentence_transformer(tmp_path)
    capsys.readouterr()
    files = {str(file.relative_to(source)): file.read_bytes() for file in source.rglob("*") if file.is_file()}
    assert "model.safetensors" in files
    hub.files |= {path(preset, name): content for name, content in files.items()}
    monkeypatch.setitem(PRESETS, preset.name, replace(preset, files=tuple(files)))
    monkeypatch.setattr(models.pull_model, "__defaults__", (tmp_path / "models",))
    assert main(["models", "pull", preset.name]) == 0
    shown = capsys.readouterr().out
    lines = tmp_path / "rag.toml"
    lines.write_text(shown[shown.index("[embedding]") :], encoding="utf-8")
    embedder = load_embedder(load_config(lines, environment={}).embedding)
    assert embedder.identity["query_prefix"] == "query: "
    assert embedder.embed_queries(["Trí tuệ nhân tạo là gì?"]).shape == (1, 32)


def test_a_pull_while_the_network_is_switched_off_says_so(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    close_session()  # a client asks when it is made
    try:
        with pytest.raises(ModelError, match="cannot be downloaded while HF_HUB_OFFLINE is set: unset it"):
            pull_model("qwen3-0.6b", tmp_path)
    finally:
        close_session()


def test_a_file_that_the_hub_does_not_have_is_named(hub, tmp_path):
    hub.files.clear()
    with pytest.raises(ModelError, match=r"Qwen3-0\.6B-Q8_0\.gguf cannot be downloaded \(HTTP 404\): choose another"):
        pull_model("qwen3-0.6b", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused_before_the_transfer(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "free_disk", lambda _: 100 << 20)
    with pytest.raises(ModelError, match=r"^0\.1 GB are needed at .+ and 0\.1 GB are free: make room, or choose a"):
        pull_model("qwen3-0.6b", tmp_path)
    assert gets(hub) == []


def test_a_disk_that_fills_up_on_the_way_is_one_line(hub, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub_client, "http_get", full)
    with pytest.raises(ModelError, match=r"cannot be stored \(No space left on device\): check the space"):
        pull_model("qwen3-0.6b", tmp_path)


def test_a_folder_that_cannot_be_written_is_one_line(hub, tmp_path):
    (tmp_path / "downloads").write_text("", encoding="utf-8")
    with pytest.raises(ModelError, match=r"downloads/\.partial cannot be written \(.+\): check the rights there"):
        pull_model("qwen3-0.6b", tmp_path)


def test_two_pulls_of_one_model_do_not_mix(hub, tmp_path):
    with (
        only_here(tmp_path / "downloads" / ".partial" / "qwen3-0.6b"),
        pytest.raises(ModelError, match="is being downloaded already"),
    ):
        pull_model("qwen3-0.6b", tmp_path)


def test_presets_are_pinned_and_none_is_a_pickle():
    for preset in PRESETS.values():
        assert len(preset.revision) == 40
        assert {Path(file).suffix for file in preset.files} <= {".gguf", ".safetensors", ".json", ".model"}
        assert len(preset.files) == 1 or not preset.is_llm
        assert (len(preset.sha256) == 64) is preset.is_llm
    tiers = [(preset.kind, preset.tier) for preset in PRESETS.values()]
    assert len(set(tiers)) == 6


def test_the_settings_of_an_embedding_hold_its_prefixes():
    assert PRESETS["multilingual-e5-base"].settings("models/x") == (
        '[embedding]\nmodel = "models/x"\nquery_prefix = "query: "\npassage_prefix = "passage: "'
    )


def test_an_interrupted_pull_leaves_nothing_in_place(hub, tmp_path):
    """Ctrl-C in the middle, as in a terminal; the command is the real one, only its folder is another."""
    preset = PRESETS["multilingual-e5-small"]
    large = path(preset, "model.safetensors")
    hub.files[large] = bytes(40_000_000)
    hub.hang_after = 30_000_000  # more than one piece of the client's, and never the whole
    code = (
        # Tests that run in a shell's background ignore Ctrl-C, and their children would with them.
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from pathlib import Path; from rag import cli, models;"
        f"models.pull_model.__defaults__ = (Path({str(tmp_path)!r}),);"
        f"sys.exit(cli.main(['models', 'pull', {preset.name!r}]))"
    )
    part = tmp_path / "downloads" / ".partial" / preset.name / "model.safetensors.part"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_ENDPOINT": hub.address, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"},
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(3000):
        if part.is_file() and part.stat().st_size:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, ""), err
    assert err.strip().splitlines()[-1] == f"Stopped; `rag models pull {preset.name}` goes on where it stopped."
    assert "Traceback" not in err
    assert not preset_place(preset, tmp_path).exists()
    assert 0 < part.stat().st_size < len(hub.files[large])
    assert models.local_models(tmp_path) == []
