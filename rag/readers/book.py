"""EPUB books by zipfile and lxml: the chapters of the spine in reading order."""

import io
import posixpath
import zipfile
from typing import Any
from urllib.parse import unquote

from rag.errors import DocumentError
from rag.readers.reading import Part, Reading, date_of, title_of
from rag.readers.web import read_html, xml_root

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def read_book(raw: bytes, source: str) -> Reading:
    """The parts of all chapters, and what the package document says of title, date, author and publisher.

    Raises:
        DocumentError: there is no package document, or the text is encrypted.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = set(archive.namelist())
        if "META-INF/encryption.xml" in names and b"enc#rc4" not in archive.read("META-INF/encryption.xml"):
            encrypted = archive.read("META-INF/encryption.xml")
            # Fonts alone are often obfuscated; a chapter is not.
            if b".xhtml" in encrypted or b".html" in encrypted:
                raise DocumentError(f"{source}: the book is copy-protected: use one without DRM")
        package = _package(archive, names, source)
        tree = xml_root(archive.read(package))
        folder = posixpath.dirname(package)
        parts: list[Part] = []
        for chapter in _chapters(tree, folder):
            if chapter in names:
                parts.extend(read_html(archive.read(chapter), f"{source}/{chapter}").parts)
        return Reading(
            tuple(parts),
            title_of(_dc(tree, "title")),
            date_of(_dc(tree, "date")),
            {
                name: value
                for name, value in (("author", _dc(tree, "creator")), ("origin", _dc(tree, "publisher")))
                if value
            },
        )


def _package(archive: zipfile.ZipFile, names: set[str], source: str) -> str:
    path = ""
    if _CONTAINER in names:
        found = xml_root(archive.read(_CONTAINER)).find(".//{*}rootfile")
        path = found.get("full-path", "") if found is not None else ""
    if path not in names:
        raise DocumentError(
            f"{source}: is not an EPUB book (it names no contents): convert it again, to .epub or .docx"
        )
    return path


def _chapters(tree: Any, folder: str) -> list[str]:
    """The paths of the chapters in the archive, in the order of the spine."""
    manifest = {
        item.get("id"): item.get("href", "")
        for item in tree.iterfind(".//{*}manifest/{*}item")
        if item.get("media-type") in _PAGES and "nav" not in (item.get("properties") or "").split()
    }
    spine = [item.get("idref") for item in tree.iterfind(".//{*}spine/{*}itemref")]
    paths = (manifest[idref] for idref in spine if idref in manifest)
    return [posixpath.normpath(posixpath.join(folder, unquote(path.split("#")[0]))) for path in paths]


def _dc(tree: Any, name: str) -> str:
    return " ".join((tree.findtext(f".//{{http://purl.org/dc/elements/1.1/}}{name}") or "").split())
