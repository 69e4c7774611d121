"""The collections that the page shows: documents listed, handed in, taken out, and a bot that knows of it at once."""

import hashlib
import logging
import shutil
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rag.assembly import Models, bot_over, load_models
from rag.config import RagConfig, resolve
from rag.documents import SourceFile
from rag.errors import CollectionError, DocumentError, IndexMissingError, RagError
from rag.index import generation_of, open_catalog
from rag.indexing.progress import IndexProgress
from rag.indexing.updating import IndexReport, index_documents, remove_from_index, root_name, root_path, update_index
from rag.page.document_rows import DocumentRow, document_row, file_of, source_of
from rag.page.left_out import read_left_out, write_left_out
from rag.page.uploads import collection_name, take_in
from rag.pipeline import Bot
from rag.store.catalog import ListedDocument
from rag.store.catalog_writing import FileKey

DEFAULT = ""
"""The collection of the setting `index`, which the command line asks too; the others have names."""
_LEFT_OUT = "left_out.json"

_log = logging.getLogger(__name__)

Progress = Callable[[IndexProgress], None]


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of files that were handed in, or of a folder that was named."""

    added: tuple[str, ...]
    """The sources that are indexed now."""
    failed: tuple[tuple[str, str], ...]
    """(name, reason) of each file that is not."""
    report: IndexReport | None
    """What the indexing did; None when no file got that far."""


@dataclass(slots=True)
class _Opened:
    """The bot over one generation of a collection."""

    bot: Bot
    generation: int | None


class Library:
    """The collections below one folder, and the default one beside them; safe to share between threads.

    One change at a time is made to a collection, while its bot answers from the generation before.
    """

    def __init__(
        self,
        index: Path,
        config: RagConfig,
        models: Models,
        *,
        allow_folders: bool,
        data: Path | None = None,
        shared: "Library | None" = None,
    ) -> None:
        """Over the default collection's index and what is in `data`, `config.data` unless named.

        `allow_folders` lets people name folders of this machine: only where nobody but its user reaches the page. The
        default collection of another library, `shared`, is read through it, and cannot be changed here.
        """
        self.allow_folders = allow_folders
        self._index = index
        self._data = resolve(config.data) if data is None else data
        self._shared = shared
        self._config = config
        self._models = models
        self._opened: dict[str, _Opened] = {}
        self._opening = threading.RLock()
        self._writing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def for_person(self, name: str) -> "Library":
        """A library of one person's own collections, in a folder of this name; the default one is this library's."""
        return Library(
            self._index, self._config, self._models, allow_folders=False, data=self._data / "people" / name, shared=self
        )

    def may_change(self, collection: str) -> bool:
        """Whether documents can be put into a collection and taken out of it here."""
        return collection != DEFAULT or self._shared is None

    def collections(self) -> list[str]:
        """The names of all collections, `DEFAULT` first, the others in order."""
        folder = self._data / "collections"
        names = [path.name for path in folder.iterdir() if (path / "index").is_dir()] if folder.is_dir() else []
        return [DEFAULT, *sorted(names, key=str.casefold)]

    def create(self, name: str) -> str:
        """Make an empty collection; its name as it is kept.

        Raises:
            CollectionError: the name cannot be used, or there is one that differs in case alone.
        """
        name = collection_name(name)
        with self._opening:
            if name.casefold() in map(str.casefold, self.collections()):
                raise CollectionError(f"there is a collection {name!r} already: choose another name")
            folder = self._folder(name) / "index"
            index_documents(folder, root_name(self._uploads(name), folder), [], self._models.embedder, self._config)
        return name

    def delete(self, name: str) -> None:
        """Remove a collection with its index and the files handed in; folders that were named are not touched.

        Raises:
            CollectionError: there is no such collection, or it is the default one.
        """
        if name == DEFAULT:
            raise CollectionError("the first collection stays: remove its documents instead")
        self._require(name)
        with self._writing[name], self._opening:
            self._opened.pop(name, None)
            shutil.rmtree(self._folder(name))

    def rename(self, name: str, new: str) -> str:
        """Give a collection another name, its documents staying as they are; the name as it is kept.

        Raises:
            CollectionError: there is no such collection, it is the default one, or the new name cannot be used.
        """
        if name == DEFAULT:
            raise CollectionError("the first collection has no name of its own: rename another one")
        self._require(name)
        new = collection_name(new)
        with self._writing[name], self._opening:
            if new.casefold() in (other.casefold() for other in self.collections() if other != name):
                raise CollectionError(f"there is a collection {new!r} already: choose another name")
            self._opened.pop(name, None)
            try:
                self._folder(name).rename(self._folder(new))
            except OSError as error:
                raise CollectionError(f"{name} cannot be renamed ({error.strerror}): try it again") from error
        return new

    def documents(self, collection: str = DEFAULT) -> list[DocumentRow]:
        """The documents of a collection, by folder and name.

        Raises:
            CollectionError: there is no such collection.
        """
        if self._shared is not None and collection == DEFAULT:
            return self._shared.documents()
        folder = self._require(collection)
        uploads = root_name(self._uploads(collection), folder)
        return [document_row(document, folder, uploads) for document in self._listing(folder)]

    def file(self, collection: str, doc_id: str) -> Path | None:
        """The file that a document was read from, an archive where it stands in one; None when it is gone.

        Raises:
            CollectionError: there is no such collection.
            DocumentError: or no such document in it.
        """
        folder = self._require(collection)
        found = next((one for one in self._listing(folder) if one.doc_id == doc_id), None)
        if found is None:
            raise DocumentError(f"the index has no document {doc_id!r}: load the list again")
        return next((path for one in found.files if (path := file_of(one, folder)) is not None), None)

    def source(self, collection: str, doc_id: str) -> SourceFile | None:
        """The same as it can be read, out of its archive too.

        Raises:
            CollectionError: there is no such collection.
            DocumentError: or no such document in it, or its archive cannot be opened.
        """
        folder = self._require(collection)
        found = (one for document in self._listing(folder) if document.doc_id == doc_id for one in document.files)
        sources = (source_of(one, folder, self._config) for one in found)
        return next((source for source in sources if source is not None), None)

    def add(self, collection: str, files: Sequence[Path], progress: Progress | None = None) -> AddReport:
        """Copy files into a collection and index them; a file that cannot be read is not kept.

        Raises:
            CollectionError: there is no such collection, or it cannot be changed here.
            IndexMismatchError, IndexBusyError, IndexWriteError: as `update_index`; nothing is kept.
        """
        folder = self._require_own(collection)
        uploads = self._uploads(collection)
        with self._writing[collection]:
            there = {path.name for path in uploads.iterdir()} if uploads.is_dir() else set()
            names, failed = take_in(files, uploads, self._config)
            if not names:
                return AddReport((), tuple(failed), None)
            new = [name for name in names if name not in there]
            root = root_name(uploads, folder)
            again = {key for key in self._left_out(collection) if key[0] == root and key[1].partition("/")[0] in names}
            self._leave_out(collection, self._left_out(collection) - again)
            try:
                report = self._update(folder, [uploads], self._left_out(collection), progress)
            except BaseException:
                _delete(uploads, new)
                raise
            failed += [(name, reason) for name, reason in report.failed if name.partition("/")[0] in names]
            unread = {name for name, _ in failed}
            # Of an archive some files may be there all the same.
            indexed = {one.file for document in self._listing(folder) for one in document.files}
            _delete(uploads, [name for name in new if name in unread and name not in indexed])
        added = [name for name in names if name in indexed or any(one.startswith(f"{name}/") for one in indexed)]
        return AddReport(tuple(dict.fromkeys(added)), tuple(failed), report)

    def add_folder(self, collection: str, path: Path, progress: Progress | None = None) -> AddReport:
        """Index a folder of this machine where it stands; what was taken out of it before comes back.

        Raises:
            CollectionError: there is no such collection, or folders may not be named here.
            DocumentError: there is no such folder, or nothing in it can be read.
        """
        folder = self._require_own(collection)
        if not self.allow_folders:
            raise CollectionError("folders cannot be named on a page that other machines reach: hand the files in")
        root = path.expanduser()
        if not root.is_absolute() or not root.is_dir() or root.resolve() == Path(root.anchor):
            raise DocumentError(f"{path} is no folder of documents: name one by its whole path")
        if self._data.resolve() in (root.resolve(), *root.resolve().parents):
            raise DocumentError(f"{path} belongs to this program: name another folder")
        name = root_name(root, folder)
        with self._writing[collection]:
            self._leave_out(collection, {key for key in self._left_out(collection) if key[0] != name})
            report = self._update(folder, [root], (), progress)
            indexed = [one.source for document in self._listing(folder) for one in document.files if one.root == name]
        return AddReport(tuple(indexed), report.failed, report)

    def refresh(self, collection: str, progress: Progress | None = None) -> IndexReport | None:
        """Read again what has changed in the folders of a collection; None when none of them is there.

        Raises:
            CollectionError: there is no such collection, or it cannot be changed here.
        """
        folder = self._require_own(collection)
        with self._writing[collection]:
            with closing(open_catalog(folder)) as catalog:
                names = catalog.roots()
            # Handed in files are there even after `rag index --rebuild` of other folders.
            named = dict.fromkeys([*(root_path(name, folder) for name in names), self._uploads(collection).resolve()])
            roots = [root for root in named if _has_files(root)]
            return self._update(folder, roots, self._left_out(collection), progress) if roots else None

    def remove(self, collection: str, doc_ids: Collection[str]) -> None:
        """Take documents out of a collection.

        Files that were handed in are deleted, those of folders are only left out from then on, until their folder is
        named again.

        Raises:
            CollectionError: there is no such collection, or it cannot be changed here.
        """
        folder = self._require_own(collection)
        uploads = self._uploads(collection)
        uploaded = root_name(uploads, folder)
        with self._writing[collection]:
            listing = self._listing(folder)
            files = [one for document in listing if document.doc_id in set(doc_ids) for one in document.files]
            mine = {one.file for one in files if one.root == uploaded}
            # An archive goes with its last document; before that its other ones are read from it.
            kept = {
                one.file.partition("/")[0] for document in listing if document.doc_id not in set(doc_ids)
                for one in document.files if one.root == uploaded
            }  # fmt: skip
            whole = {file for file in mine if file.partition("/")[0] not in kept}
            left = {(one.root, one.file) for one in files if one.root != uploaded or one.file not in whole}
            self._leave_out(collection, self._left_out(collection) | left)
            _delete(uploads, {file.partition("/")[0] for file in whole})
            keys = {(one.root, one.file) for one in files}
            remove_from_index(folder, keys, self._models.embedder, self._config)

    def folders(self, collection: str = DEFAULT) -> list[Path]:
        """The folders that a collection was indexed from where they stand, not that of the files handed in."""
        if self._shared is not None and collection == DEFAULT:
            return self._shared.folders()
        folder = self._require(collection)
        with closing(open_catalog(folder)) as catalog:
            names = catalog.roots()
        uploads = root_name(self._uploads(collection), folder)
        return [root_path(name, folder) for name in names if name != uploads]

    def remove_folder(self, collection: str, path: Path) -> None:
        """Take all documents of a folder out of a collection; its files are not touched.

        Raises:
            CollectionError: there is no such collection, or it has no such folder.
        """
        folder = self._require_own(collection)
        if path not in self.folders(collection):
            raise CollectionError(f"the collection has no folder {path}: choose another")
        name = root_name(path, folder)
        with self._writing[collection]:
            keys = {(one.root, one.file) for document in self._listing(folder) for one in document.files}
            gone = {key for key in keys if key[0] == name}
            self._leave_out(collection, {key for key in self._left_out(collection) if key[0] != name})
            remove_from_index(folder, gone, self._models.embedder, self._config)

    def bot(self, collection: str = DEFAULT) -> Bot:
        """The bot over the present generation of a collection, whoever wrote it.

        Whoever holds one over an earlier generation may go on with it: its index is closed when nobody does any more.
        One that cannot be opened anew stays as it was.

        Raises:
            CollectionError: there is no such collection.
            IndexMissingError, IndexMismatchError: its index cannot be opened, and never was.
        """
        if self._shared is not None and collection == DEFAULT:
            return self._shared.bot()
        folder = self._require(collection)
        with self._opening:
            now, before = generation_of(folder), self._opened.get(collection)
            if before is not None and now in (before.generation, None):
                return before.bot
            try:
                opened = bot_over(folder, self._models, self._config)
            except RagError as error:
                if before is None:
                    raise
                _log.warning("the new generation of %s cannot be opened, the one before stays: %s", folder, error)
                return before.bot
            weakref.finalize(opened, opened.index.close)
            self._opened[collection] = _Opened(opened, now)
            return opened

    def _require(self, collection: str) -> Path:
        """The index folder of a collection that there is."""
        if collection not in self.collections():
            raise CollectionError(f"there is no collection {collection!r}: load the list again")
        return self._index if collection == DEFAULT else self._folder(collection) / "index"

    def _require_own(self, collection: str) -> Path:
        """The same of one that can be changed here."""
        folder = self._require(collection)
        if not self.may_change(collection):
            raise CollectionError("the shared documents can only be read here: make a collection of your own")
        return folder

    def _folder(self, collection: str) -> Path:
        if collection != DEFAULT:
            return self._data / "collections" / collection
        index = self._index.resolve()
        if index == resolve(self._config.index).resolve():
            return self._data
        # Of another index than that of the settings: what is handed in there is not to come up here.
        place = hashlib.sha256(str(index).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return self._data / "other" / f"{index.name}-{place}"

    def _uploads(self, collection: str) -> Path:
        return self._folder(collection) / "uploads"

    def _listing(self, folder: Path) -> list[ListedDocument]:
        try:
            with closing(open_catalog(folder)) as catalog:
                return catalog.listing()
        except IndexMissingError:
            return []

    def _update(
        self, folder: Path, roots: Sequence[Path], left_out: Collection[FileKey], progress: Progress | None
    ) -> IndexReport:
        return update_index(folder, roots, self._models.embedder, self._config, left_out=left_out, progress=progress)

    def _left_out(self, collection: str) -> set[FileKey]:
        return read_left_out(self._folder(collection) / _LEFT_OUT)

    def _leave_out(self, collection: str, files: Collection[FileKey]) -> None:
        write_left_out(self._folder(collection) / _LEFT_OUT, files)


def open_library(index: Path, config: RagConfig, *, allow_folders: bool) -> Library:
    """The library with its models loaded.

    Raises:
        RagError: the default collection's index or a model is missing or does not fit.
    """
    open_catalog(index).close()  # that there is none is known before a model of gigabytes is loaded
    library = Library(index, config, load_models(config), allow_folders=allow_folders)
    library.bot(DEFAULT)
    return library


def _has_files(root: Path) -> bool:
    return root.is_file() or (root.is_dir() and any(not path.name.startswith(".") for path in root.iterdir()))


def _delete(folder: Path, names: Collection[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
