"""Which catalog a run writes into: the one that is there, or for a rebuild one beside it that takes its place."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from rag.errors import IndexDamagedError, RagError
from rag.index import CATALOG
from rag.store.catalog import Catalog
from rag.store.catalog_writing import CatalogWriter
from rag.store.views import remove_views


@contextmanager
def opened_for_writing(
    folder: Path, manifest: Mapping[str, Any], rebuild: bool
) -> Iterator[tuple[CatalogWriter, list[Catalog]]]:
    """The catalog to write into, and those whose vectors may be taken over.

    A rebuild writes into a catalog beside the one that is there and, left without an exception, puts it in its place.
    """
    target, working = folder / CATALOG, folder / f"{CATALOG}.new"
    before = _named_views(target) or []
    if not rebuild or not target.exists():
        _delete_catalog(working)
        with closing(CatalogWriter(target)) as catalog:
            catalog.prepare(manifest)
            yield catalog, []
    else:
        with _rebuilt(working, target, manifest) as opened:
            yield opened
        _take_place(working, target)
    now = _named_views(target)
    if now is not None:
        # The generation before this one may still be about to be opened by a reader.
        remove_views(folder, [*before, *now])


@contextmanager
def _rebuilt(working: Path, target: Path, manifest: Mapping[str, Any]) -> Iterator[tuple[CatalogWriter, list[Catalog]]]:
    with ExitStack() as opened:
        donors = [opened.enter_context(closing(donor)) for donor in _donors(target, manifest)]
        catalog = opened.enter_context(closing(_resumed(working, manifest)))
        try:
            yield catalog, donors
        except IndexDamagedError:
            catalog.close()
            _delete_catalog(working)
            raise


def _named_views(target: Path) -> list[str] | None:
    """The name of the views that a catalog stands by, in a list; None when it cannot be read, on a full disk say."""
    if not target.exists():
        return []
    with suppress(RagError), closing(Catalog(target)) as catalog:
        return [name for name in [catalog.manifest()["views"].get("name")] if name]
    return None


def _donors(target: Path, manifest: Mapping[str, Any]) -> list[Catalog]:
    """The catalog that is there, when its vectors are those that these settings make."""
    with suppress(RagError):
        catalog = Catalog(target)
        try:
            if catalog.manifest()["embedding"] == manifest["embedding"]:
                return [catalog]
        except RagError:
            catalog.close()
            raise
        catalog.close()
    return []


def _resumed(working: Path, manifest: Mapping[str, Any]) -> CatalogWriter:
    """The catalog of a rebuild: the one that a killed rebuild has left, as a store of vectors, or an empty one."""
    if working.exists():
        with suppress(RagError):
            catalog = CatalogWriter(working)
            try:
                catalog.prepare(manifest)
                catalog.forget_paths()
                return catalog
            except RagError:
                catalog.close()
                raise
    _delete_catalog(working)
    catalog = CatalogWriter(working)
    catalog.prepare(manifest)
    return catalog


def _take_place(working: Path, target: Path) -> None:
    """Put the new catalog where the old one is, in one step for all readers."""
    with closing(CatalogWriter(working)) as catalog:
        try:
            catalog.put_into(target)
        except IndexDamagedError:
            # No database, so no reader has it open, and nothing in it or its log is worth keeping.
            catalog.settle()
        else:
            catalog.close()
            _delete_catalog(working)
            return
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    working.replace(target)


def _delete_catalog(path: Path) -> None:
    # The log last: a catalog without its log could be taken for a whole one.
    for suffix in ("", "-shm", "-wal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
