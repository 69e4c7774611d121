"""What all tests share: a network that ends at loopback, and one index of the shipped corpus."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rag
from rag.config import RagConfig, resolve
from rag.embedding import load_embedder
from rag.indexing.updating import update_index
from rag.pipeline import Bot
from rag.relevance.company import CompanyVectors
from rag.relevance.matching import Matcher, load_matcher
from rag.relevance.pointing import Pointer
from rag.relevance.verifying import Verifier
from rag.types import Embedder

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")


class NetworkUsedError(AssertionError):
    """A test tried to reach past this machine."""


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail whatever connects to, or looks up, anything but this machine."""
    real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):
            raise NetworkUsedError(f"connection to {address}")
        real_connect(self, address)

    def lookup(host: Any, *arguments: Any, **named: Any) -> Any:
        if host not in (None, "") and not str(host).startswith(_LOOPBACK):
            raise NetworkUsedError(f"look-up of {host}")
        return real_lookup(host, *arguments, **named)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.fixture(scope="session")
def config() -> RagConfig:
    """The default settings, whatever the environment says."""
    return RagConfig()


@pytest.fixture(scope="session")
def embedder(config: RagConfig) -> Embedder:
    """The bundled embedder."""
    return load_embedder(config.embedding)


@pytest.fixture(scope="session")
def matcher(embedder: Embedder, config: RagConfig) -> Matcher:
    """The bundled matcher."""
    return load_matcher(config.evidence.matcher, embedder)


@pytest.fixture(scope="session")
def vectors(matcher: Matcher, config: RagConfig) -> CompanyVectors:
    """The bundled vectors by company."""
    return CompanyVectors(resolve(config.evidence.company), matcher.embedder)


@pytest.fixture(scope="session")
def pointer(matcher: Matcher, vectors: CompanyVectors, config: RagConfig) -> Pointer:
    """The bundled pointer."""
    return Pointer(config.evidence.pointer, matcher.rarity, vectors)


@pytest.fixture(scope="session")
def verifier(matcher: Matcher, vectors: CompanyVectors, config: RagConfig) -> Verifier:
    """The bundled verifier."""
    return Verifier(config.evidence.verifier, matcher.rarity, vectors)


@pytest.fixture(scope="session")
def seeds_index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, config: RagConfig) -> Path:
    """An index of the shipped corpus; tests only read it."""
    folder = tmp_path_factory.mktemp("seeds") / "index"
    update_index(folder, [SEEDS], embedder, config)
    return folder


@pytest.fixture(scope="session")
def bot(seeds_index: Path, config: RagConfig) -> Iterator[Bot]:
    """The default system over the shipped corpus, quoting."""
    opened = rag.open(seeds_index, config, llm="none")
    yield opened
    opened.close()
