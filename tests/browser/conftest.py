"""The real page, served as people start it, and a browser that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "tests" / "screenshots"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
_START_SECONDS = 120
_ANSWER_MS = 30_000

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def address(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of `rag serve` over the shipped corpus, quoting."""
    with served_page(seeds_index, tmp_path_factory.mktemp("page")) as at:
        yield at


@contextmanager
def served_page(index: Path, data: Path, port: int = 0, root: Path = ROOT) -> Iterator[str]:
    """The page of `rag serve` over an index, quoting, until the end of the block; what people leave goes to `data`.

    `root` is the checkout whose program and models it is.
    """
    port = port or _free_port()
    with _served(
        ["-m", "rag.cli", "serve", "--index", str(index), "--port", str(port), "--llm", "none"], port, data, root
    ) as at:
        yield at


@pytest.fixture(scope="session")
def slow_address(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same page with a generator that takes a minute for an answer."""
    port = _free_port()
    script = Path(__file__).with_name("slow_page.py")
    with _served([str(script), str(seeds_index), str(port)], port, tmp_path_factory.mktemp("slow")) as at:
        yield at


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    executable = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if executable is None:
        pytest.fail(f"no browser: install Chromium so that one of {', '.join(_BROWSERS)} is on the PATH")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*_FLAGS, "--no-sandbox"] if root else list(_FLAGS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens an address in a window of its own; afterwards nothing may have been asked of another host.

    Errors on the page fail the test too.
    """
    asked: list[str] = []
    errors: list[str] = []
    contexts = []

    def open_page(address: str, width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="vi-VN",
        )
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.set_default_timeout(_ANSWER_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#box textarea")
        return page

    yield open_page
    for context in contexts:
        context.close()
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts <= {"127.0.0.1"}
    assert errors == []


@contextmanager
def _served(arguments: list[str], port: int, data: Path, root: Path = ROOT) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    environment |= {"PYTHONPATH": str(root), "RAG_DATA": str(data)}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        yield _once_up(f"http://127.0.0.1:{port}/", process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _once_up(address: str, process: "subprocess.Popen[str]") -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the page ended at once:\n{process.communicate()[0]}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return address
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"no page at {address} after {_START_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
