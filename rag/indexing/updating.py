"""Bringing the stored index in step with folders: what changed is read and embedded, then published at once."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rag.chunking import split_document
from rag.config import RagConfig
from rag.documents import SourceFile, read_document
from rag.errors import DocumentError, IndexDamagedError
from rag.index import CATALOG, made_with, passage_text
from rag.indexing.progress import IndexProgress, Meter
from rag.indexing.publishing import publish
from rag.indexing.rebuilding import opened_for_writing
from rag.store.catalog import Catalog
from rag.store.catalog_writing import CatalogWriter, FileKey, KnownFile, passage_key, stored_id
from rag.store.locking import only_writer
from rag.store.scanning import Scan, Stamp, content_key, read_still, scan, stamp
from rag.store.views import dense_record
from rag.types import Document, Embedder, FloatMatrix

_PASSAGES_AT_ONCE = 128
"""Passages embedded between two reports of progress: seconds with a transformer, and some batches of them."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run of `update_index` did, in files, and what the index holds now."""

    added: int
    changed: int
    renamed: int
    """Files found under another name; the old names are not among `removed`."""
    removed: int
    unchanged: int
    failed: tuple[tuple[str, str], ...]
    """(source, reason) of each file, folder or link that could not be read."""
    truncated: int
    """Passages embedded in this run that are longer than the embedding model reads."""
    embedded: int
    """Passages embedded in this run; those whose vector the index already had are not among them."""
    documents: int
    chunks: int
    duplicates: int
    """Files of the index that hold the same as another one: they have no passages of their own."""
    dense: Mapping[str, Any]
    """How vectors are searched: "kind" is "exact" or "approximate", the latter with its index and measured recall."""
    seconds: float

    @property
    def changes(self) -> int:
        """Files that are no longer as they were."""
        return self.added + self.changed + self.renamed + self.removed

    def as_json(self) -> dict[str, Any]:
        """The object that `rag index --json` prints."""
        failed = [{"source": source, "reason": reason} for source, reason in self.failed]
        return asdict(self) | {"failed": failed}


@dataclass(slots=True)
class _Run:
    """A run at work: what it has staged, and counted."""

    catalog: CatalogWriter
    donors: Sequence[Catalog]
    """Catalogs of the same settings that may hold the vectors of passages."""
    embedder: Embedder
    config: RagConfig
    meter: Meter
    counts: Counter[str] = field(default_factory=Counter)
    staged: dict[FileKey, str] = field(default_factory=dict)
    """The staged files with their content keys."""
    restamped: dict[FileKey, Stamp] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)


def update_index(
    folder: Path,
    roots: Sequence[Path],
    embedder: Embedder,
    config: RagConfig,
    *,
    rebuild: bool = False,
    left_out: Collection[FileKey] = (),
    progress: Callable[[IndexProgress], None] | None = None,
) -> IndexReport:
    """Bring the index at `folder` in step with the files under `roots`.

    Documents of other roots stay. A file whose size and times are those of the last run costs a look, one whose bytes
    are known, under whatever name, costs a hash; one that can no longer be read keeps its last readable version. With
    `rebuild` all files are read anew, and a new catalog of these roots alone takes the old one's place; vectors that
    the old one has of the same words are taken over. Readers see the old generation until the new one is complete; a
    run that ends before publishes nothing, and the next one takes up what it has embedded. Files among `left_out` are
    passed over as if they were not there. `progress` is called before each file, every few hundred passages within
    one, and at the end.

    Raises:
        DocumentError: a root does not exist or is empty, or not one file can be read; the index is as before.
        IndexMismatchError: the index was made by another model or settings, or is damaged, and `rebuild` is not set.
        IndexBusyError: another process is writing the index.
        IndexWriteError: the disk is full, or the folder may not be written; the index is as before.
    """
    began = time.monotonic()
    scans = {root_name(root, folder): scan(root, config, folder) for root in roots}
    if left_out:
        scans = {root: _without(root, found, left_out) for root, found in scans.items()}
    files = [(root, file) for root, found in scans.items() for file in found.files]
    if rebuild or not (folder / CATALOG).exists():
        _require_readable(files, config.max_file_mb)
    with (
        only_writer(folder),
        opened_for_writing(folder, made_with(embedder, config.chunking), rebuild) as (catalog, donors),
    ):
        run = _Run(catalog, donors, embedder, config, Meter([file for _, file in files], progress))
        run.failed.extend(problem for found in scans.values() for problem in found.unread)
        gone = _gone(catalog, scans)
        _stage_files(run, files, gone)
        publish(folder, catalog, embedder, config, run.staged, gone)
        if run.restamped:
            catalog.restamp(run.restamped)
        manifest = catalog.manifest()
    contents = manifest["contents"]
    counted = {name: run.counts[name] for name in ("added", "changed", "renamed", "unchanged", "truncated", "embedded")}
    return IndexReport(
        **counted,
        removed=len(gone) - run.counts["renamed"],
        failed=tuple(run.failed),
        documents=contents["documents"],
        chunks=contents["chunks"],
        duplicates=contents["paths"] - contents["documents"],
        dense=dense_record(manifest["views"]),
        seconds=round(time.monotonic() - began, 3),
    )


def index_documents(
    folder: Path, root: str, documents: Sequence[Document], embedder: Embedder, config: RagConfig
) -> None:
    """Make an index of documents that are no files, below the name `root`; one that is there is replaced."""
    with (
        only_writer(folder),
        opened_for_writing(folder, made_with(embedder, config.chunking), rebuild=True) as (catalog, donors),
    ):
        run = _Run(catalog, donors, embedder, config, Meter([], None))
        for document in documents:
            key = (root, document.source)
            catalog.stage(key, "", Stamp(0, 0, 0), [(document.source, _store(run, document))])
            run.staged[key] = ""
        publish(folder, catalog, embedder, config, run.staged, [])


def remove_from_index(folder: Path, files: Collection[FileKey], embedder: Embedder, config: RagConfig) -> None:
    """Publish a generation without these files; the files themselves are not touched, and an update finds them again.

    Raises:
        IndexMismatchError: the index was made by another model or settings, or is damaged.
        IndexBusyError: another process is writing the index.
        IndexWriteError: the disk is full, or the folder may not be written; the index is as before.
    """
    with (
        only_writer(folder),
        opened_for_writing(folder, made_with(embedder, config.chunking), rebuild=False) as (catalog, donors),
    ):
        run = _Run(catalog, donors, embedder, config, Meter([], None))
        gone = set(files) & set(catalog.published_contents())
        publish(folder, catalog, embedder, config, run.staged, gone)


def _without(root: str, found: Scan, left_out: Collection[FileKey]) -> Scan:
    return Scan([file for file in found.files if (root, file.source) not in left_out], found.unread)


def root_name(root: Path, folder: Path) -> str:
    """The root as the index knows it: relative to the index when both stand in one folder, so that both can move."""
    root, folder = root.resolve(), folder.resolve()
    return f"../{root.name}" if root.parent == folder.parent else str(root)


def root_path(root: str, folder: Path) -> Path:
    """The folder or file that `root_name` named."""
    return (folder.resolve() / root).resolve()


def _require_readable(files: Sequence[tuple[str, SourceFile]], max_file_mb: int) -> None:
    """Raise the first file's error when no file can be read, before anything is created."""
    errors: list[DocumentError] = []
    for _, file in files:
        try:
            read_document(file, max_file_mb)
        except DocumentError as error:
            errors.append(error)
        else:
            return
    if errors:
        raise errors[0]


def _gone(catalog: CatalogWriter, scans: Mapping[str, Scan]) -> dict[FileKey, str]:
    """The published files of these roots that are no longer there, with their content keys."""
    there = {(root, file.source) for root, found in scans.items() for file in found.files}
    return {
        key: content
        for key, content in catalog.published_contents().items()
        if key[0] in scans and key not in there and not scans[key[0]].may_hold(key[1])
    }


def _stage_files(run: _Run, files: Sequence[tuple[str, SourceFile]], gone: Mapping[FileKey, str]) -> None:
    """Read and embed what is not known yet, each file in transactions of its own."""
    known, published = run.catalog.known_files(), run.catalog.published_contents()
    left = Counter(gone.values())
    for done, (root, file) in enumerate(files):
        run.meter.begin(done, file)
        key = (root, file.source)
        try:
            content = _staged_content(run, key, file, known.get(key))
        except DocumentError as error:
            run.failed.append((file.source, str(error)))
            run.meter.skip()
            continue
        if content == published.get(key):
            run.counts["unchanged"] += 1
        elif key in published:
            run.counts["changed"] += 1
        elif left[content]:
            left[content] -= 1
            run.counts["renamed"] += 1
        else:
            run.counts["added"] += 1
    run.meter.end()


def _staged_content(run: _Run, key: FileKey, file: SourceFile, before: KnownFile | None) -> str:
    """The file's content key, after it is made sure that the catalog holds, staged or published, what is in it."""
    if before is not None and stamp(file) == before.stamp:
        run.meter.skip()
    else:
        stamped, (content, document) = read_still(file, lambda: _content(run, file, before))
        if document is None:
            run.meter.skip()
        if before is None or content != before.content:
            # The catalog holds the document already, under another name, or it does now.
            held = run.catalog.documents_like(content, file.source)
            read = held if document is None else [(document.source, _store(run, document))]
            if document is not None and "unread" in document.metadata:
                run.failed.append((file.source, f"{file.source}: {document.metadata['unread']}"))
            run.catalog.stage(key, content, stamped, read)
            run.staged[key] = content
            return content
        run.restamped[key] = stamped
    if not before.published:
        run.staged[key] = before.content  # by a run that was killed
    return before.content


def _content(run: _Run, file: SourceFile, before: KnownFile | None) -> tuple[str, Document | None]:
    """The file's content key, and its document unless the catalog holds one of this content."""
    size = stamp(file).size if not file.member else file.member_size
    if file.problem or size > run.config.max_file_mb * 1_000_000:
        return "", read_document(file, run.config.max_file_mb)  # refuses it without the cost of a hash
    content = content_key(file)
    if (before is not None and content == before.content) or run.catalog.documents_like(content, file.source):
        return content, None
    return content, read_document(file, run.config.max_file_mb)


def _store(run: _Run, document: Document) -> str:
    """The id under which the catalog holds the document; its passages are embedded unless their vectors are there."""
    chunks = split_document(document, run.config.chunking)
    doc_id = stored_id(document, chunks)
    if run.catalog.holds(doc_id):
        run.meter.skip()
        return doc_id
    texts = [passage_text(document, chunk) for chunk in chunks]
    keys = [passage_key(text) for text in texts]
    vectors: dict[bytes, FloatMatrix] = {}
    for catalog in (run.catalog, *run.donors):
        vectors |= _taken_over(catalog, keys)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
    new = list(missing.items())
    if not new:
        run.meter.skip()
    for start in range(0, len(new), _PASSAGES_AT_ONCE):
        part = new[start : start + _PASSAGES_AT_ONCE]
        embedded = run.embedder.embed_passages([text for _, text in part])
        vectors |= {key: vector for (key, _), vector in zip(part, embedded, strict=True)}
        run.meter.embedded(len(part), len(new))
    run.counts["embedded"] += len(new)
    run.counts["truncated"] += run.embedder.count_truncated(list(missing.values())) if missing else 0
    run.catalog.store(replace(document, doc_id=doc_id), chunks, keys, [vectors[key] for key in keys])
    return doc_id


def _taken_over(catalog: Catalog, keys: Sequence[bytes]) -> dict[bytes, FloatMatrix]:
    """The vectors that a catalog has of these passages; {} where it is too damaged to say."""
    try:
        return catalog.vectors_of(keys)
    except IndexDamagedError:
        return {}
