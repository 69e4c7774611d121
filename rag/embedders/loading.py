"""Models of sentence-transformers loaded: without bars on the terminal, and with one line when that fails."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rag.errors import ModelError, first_line

Model = TypeVar("Model")


def load_model(make: Callable[[], Model], name: str, what: str, settings: str) -> Model:
    """What `make` returns.

    Raises:
        ModelError: it failed, whatever the reason; the message calls the model `what` and names the `settings`.
    """
    try:
        with _without_bars(is_local=Path(name).is_dir()):
            return make()
    except Exception as error:  # the libraries below raise OSError, ValueError, RuntimeError and their own kinds
        raise ModelError(f"the {what} {name!r} cannot be loaded ({first_line(error)}): check {settings}") from error


def only_from_disk(name: str) -> bool:
    """Whether a model must be on this disk: it is a folder, or the hub's name cannot be looked up.

    Without network the hub's client tries again for a minute, and says so in a dozen lines, before it gives up.
    """
    from huggingface_hub.constants import ENDPOINT

    if Path(name).is_dir():
        return True
    try:
        socket.getaddrinfo(urlsplit(ENDPOINT).hostname, None)
    except OSError:
        return True
    return False


def read_json(file: Path) -> Any:
    """What is in a file of a model's folder; an empty object when there is none, or it is no JSON."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


@contextmanager
def _without_bars(*, is_local: bool) -> Iterator[None]:
    """No "Loading weights: 100%" on stderr; but a download from the hub shows how far it is."""
    from transformers.utils import logging

    silenced = is_local and logging.is_progress_bar_enabled()
    if silenced:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if silenced:
            logging.enable_progress_bar()
