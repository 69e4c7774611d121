"""Settings: file, environment, arguments, and what is refused."""

from pathlib import Path

import pytest

from rag.config import AUTO_LAYERS, Backend, LlmConfig, Pooling, RagConfig, load_config, remote_server
from rag.errors import ConfigError


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(environment={}) == RagConfig()


def test_arguments_win_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "rag.toml"
    file.write_text(
        'index = "a"\n[retrieval]\npassages = 3\n[llm]\nmodel = "file"\ntemperature = 1\n', encoding="utf-8"
    )
    config = load_config(
        file, {"RAG_LLM_MODEL": "env", "RAG_RETRIEVAL_PASSAGES": "5"}, {"llm.model": "arg", "index": None}
    )
    assert (config.index, config.retrieval.passages, config.llm.model, config.llm.temperature) == ("a", 5, "arg", 1.0)


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("indx = 'a'", "unknown setting indx"),
        ("[retrieval]\npasages = 3", "unknown setting retrieval.pasages"),
        ("[retrieval]\npassages = 'many'", "a value of type int is needed"),
        ("[retrieval]\npassages = 2.5", "a value of type int is needed"),
        ("[retrieval]\npassages = 0", "retrieval.passages = 0 is out of range: choose 1 to 100"),
        ("[retrieval]\ndense_weight = 1.5", "out of range"),
        ("retrieval = 3", "write \\[retrieval\\]"),
        ("[index]\nx = 1", "is a value, not a section"),
        ("[embedding]\npooling = 'average'", "choose one of '', 'mean', 'cls', 'max', 'lasttoken'"),
        ("[embedding]\nbackend = 1", "choose one of 'torch', 'onnx', 'openvino'"),
        ("[embedding]\nmax_tokens = 3", "embedding.max_tokens = 3 is out of range: choose 8"),
        ("[reranking]\npassages = 0", "reranking.passages = 0 is out of range"),
        ("[llm]\ngpu_layers = 'all'", "a value of type int is needed"),
        ("[llm]\nbase_url = 'localhost:8080'", "write an address such as http://127.0.0.1:8080/v1"),
        ("[llm]\napi_key = 'x'", "a key belongs in no file, set the variable RAG_LLM_API_KEY"),
        ("[llm]\ntime_limit_s = 0", "llm.time_limit_s = 0 is out of range"),
        ("index = ", "cannot be read as TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, toml: str, reason: str) -> None:
    file = tmp_path / "rag.toml"
    file.write_text(toml, encoding="utf-8")
    with pytest.raises(ConfigError, match=reason):
        load_config(file, {})


def test_a_closed_choice_becomes_an_enum() -> None:
    embedding = load_config(environment={"RAG_EMBEDDING_POOLING": "cls", "RAG_EMBEDDING_BACKEND": "onnx"}).embedding
    assert (embedding.pooling, embedding.backend) == (Pooling.CLS, Backend.ONNX)
    assert isinstance(embedding.pooling, Pooling)
    assert isinstance(embedding.backend, Backend)


@pytest.mark.parametrize(("given", "layers"), [("auto", AUTO_LAYERS), ("-1", -1), ("12", 12), (12, 12)])
def test_gpu_layers_are_a_number_or_automatic(given: str | int, layers: int) -> None:
    assert load_config(environment={}, overrides={"llm.gpu_layers": given}).llm.gpu_layers == layers


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("", ""),
        ("http://127.0.0.1:8080/v1", ""),
        ("http://localhost/v1", ""),
        ("http://[::1]:80/v1", ""),
        ("https://api.example.com/v1", "api.example.com"),
        ("https://user:secret@api.example.com:8443/v1", "api.example.com:8443"),
        ("http://127.0.0.1.example.com/v1", "127.0.0.1.example.com"),
        ("http://10.0.0.1/v1", "10.0.0.1"),
    ],
)
def test_a_server_on_this_machine_is_told_from_others(url: str, remote: str) -> None:
    assert remote_server(LlmConfig(base_url=url)) == remote
    assert remote_server(LlmConfig(base_url=url, model="none")) == ""


def test_a_servers_key_is_no_setting_and_no_error() -> None:
    assert load_config(environment={"RAG_LLM_API_KEY": "secret"}) == RagConfig()


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown variable RAG_LLM_MODLE"):
        load_config(environment={"RAG_LLM_MODLE": "x"})


def test_a_settings_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml", {})
