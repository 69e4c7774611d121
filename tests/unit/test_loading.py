"""Models that must be on the disk are looked for there alone."""

import socket
from pathlib import Path
from typing import Any

import pytest

from rag.embedders.loading import only_from_disk


def test_a_folder_is_taken_from_the_disk(tmp_path: Path) -> None:
    assert only_from_disk(str(tmp_path))


def test_without_network_a_name_is_looked_for_on_the_disk_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert only_from_disk("some/model")


def test_with_network_a_name_may_be_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    assert not only_from_disk("some/model")
