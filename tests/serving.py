"""`rag serve` as people start it, for tests that talk to it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 120


@contextmanager
def served(*arguments: str, data: Path | None = None) -> Iterator[str]:
    """The address of the page, on a free port of loopback; `data` is the setting."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "rag.cli", "serve", "--llm", "none", "--port", str(port), *arguments]
    environment = _environment() | ({"RAG_DATA": str(data)} if data is not None else {})
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        _wait(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)
        assert server.stdout is not None
        server.stdout.close()


def rag(*arguments: str, told: str = "") -> subprocess.CompletedProcess[str]:
    """One command, with `told` on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "rag.cli", *arguments],
        cwd=ROOT, env=_environment(), input=told, capture_output=True, text=True, check=False, timeout=_START_SECONDS,
    )  # fmt: skip


def _environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    return own | {"PYTHONPATH": str(ROOT)}


def _wait(server: "subprocess.Popen[str]", port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise AssertionError(f"the server ended with {server.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not start")
