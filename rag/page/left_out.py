"""The files of a collection that people took out of it, which an indexing of their folder is to pass over."""

import json
from collections.abc import Collection
from pathlib import Path

from rag.errors import CollectionError
from rag.store.catalog_writing import FileKey


def read_left_out(file: Path) -> set[FileKey]:
    """The (root, file) of each; none where nothing was taken out.

    Raises:
        CollectionError: the list cannot be read.
    """
    try:
        return {(root, name) for root, name in json.loads(file.read_text(encoding="utf-8"))}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError) as error:
        raise CollectionError(f"{file} cannot be read ({error}): remove it") from error


def write_left_out(file: Path, files: Collection[FileKey]) -> None:
    """Put a list in the place of the one before, whole or not at all.

    Raises:
        CollectionError: it cannot be written.
    """
    if files == read_left_out(file):
        return
    partial = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(sorted(files)), encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        raise CollectionError(f"{file} cannot be written ({error.strerror}): check its permissions") from error
