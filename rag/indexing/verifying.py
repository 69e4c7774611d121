"""Whether every byte of a stored index that means something is as it was written, and what to type where it is not."""

import shlex
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.errors import IndexDamagedError, IndexMissingError, RagError
from rag.index import CATALOG, open_catalog
from rag.store.catalog import Catalog
from rag.store.locking import only_writer
from rag.store.views import damaged_files


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was written."""

    file: str
    reason: str
    command: str
    """What mends it, without embedding again what is whole."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What `rag index --verify` found."""

    damages: tuple[Damage, ...]
    documents: int
    chunks: int
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damages

    def as_json(self) -> dict[str, Any]:
        """The object that `rag index --verify --json` prints."""
        return {"sound": self.sound, **asdict(self)}


def verify_index(folder: Path) -> Verification:
    """What is damaged in the index at `folder`: reads all of it, and needs no model.

    The catalog is held against SQLite's own check and the seals of its rows, the views against the checksums that the
    catalog has of them.

    Raises:
        IndexMissingError: there is no index, or its first indexing was not completed.
        IndexMismatchError: it has another format.
        IndexBusyError: it is being written.
    """
    began = time.monotonic()
    if not (folder / CATALOG).is_file():
        raise IndexMissingError(f"no index at {folder}: run `rag index`")
    damages: list[Damage] = []
    contents = {"documents": 0, "chunks": 0}
    with only_writer(folder):
        reasons: list[str] = []
        roots: list[str] = []
        try:
            with closing(open_catalog(folder)) as catalog:
                manifest = catalog.begin_snapshot()
                if not manifest["views"]:
                    raise IndexMissingError(f"the first indexing into {folder} was not completed: run `rag index`")
                contents |= manifest["contents"]
                roots = _roots(catalog)
                catalog.check_size()
                reasons.extend(catalog.damages())
                damaged = list(damaged_files(folder, manifest["views"]))
        except IndexDamagedError as error:
            reasons.append(error.reason)
            damaged = []
        damages += [Damage(str(folder / CATALOG), reason, _command(folder, roots, rebuild=True)) for reason in reasons]
        damages += [Damage(str(file), reason, _command(folder, roots)) for file, reason in damaged]
    return Verification(tuple(damages), contents["documents"], contents["chunks"], round(time.monotonic() - began, 3))


def _roots(catalog: Catalog) -> list[str]:
    with suppress(RagError):
        return catalog.roots()
    return []


def _command(folder: Path, roots: Sequence[str], rebuild: bool = False) -> str:
    """The command in full; folders that cannot be told any more are left for the person to name."""
    named = [shlex.quote(str((folder / root).resolve())) for root in roots] or ["FOLDER …"]
    return " ".join(["rag index", *(["--rebuild"] if rebuild else []), *named, "--index", shlex.quote(str(folder))])
