"""Small models trained here, stored as JSON beside the names of the features that they were trained for."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import ModelError


def read_weights(file: Path, features: Mapping[str, Sequence[str]], recipe: str) -> dict[str, Any]:
    """What is stored in `file`; `features` are the names that the running code measures, by their key in the file.

    Raises:
        ModelError: there is no such file, it is not JSON, or it is for other features; `recipe` makes it anew.
    """
    try:
        stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"no model at {file}: check the settings, or run {recipe}") from error
    except ValueError as error:
        raise ModelError(f"{file} is not a model of this program ({error}): check the settings") from error
    if any(tuple(stored.get(key, ())) != tuple(names) for key, names in features.items()):
        raise ModelError(f"{file} was trained for other features: run {recipe}")
    return stored
