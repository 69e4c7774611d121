"""Files of the Hugging Face hub on this disk: resumed, compared with their hash, complete or not in place at all.

huggingface_hub finds and transfers. What it does not do itself is done here: its own download begins anew after a
failure, compares sizes but not hashes, and only warns of a full disk.
"""

import errno
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelError, first_line
from rag.machine import free_disk

_SPARE_BYTES = 100 << 20
"""Left free on the disk, for the index and the system."""
_SHA256, _GIT_SHA1 = 64, 40
"""Hexadecimal digits: the hub names large files by their sha256, the others by git's sha1."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub describes it."""

    path: str
    """In its repository."""
    url: str
    size: int
    """Bytes."""
    digest: str
    """Hexadecimal: a sha256, or of small files git's sha1."""


def look_up(repository: str, revision: str, path: str, sha256: str = "") -> HubFile:
    """What the hub, or the mirror that HF_ENDPOINT names, says of a file; nothing of it is transferred.

    Raises:
        ModelError: there is no network, no such file, no hash to compare, or another one than `sha256`.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(repository, path, revision=revision, endpoint=os.environ.get("HF_ENDPOINT") or None)
    with _explained(path, url):
        found = get_hf_file_metadata(url)
    digest = (found.etag or "").lower()
    if found.size is None or not re.fullmatch(rf"[0-9a-f]{{{_GIT_SHA1}}}|[0-9a-f]{{{_SHA256}}}", digest):
        raise ModelError(f"{url} comes without size and hash: unset HF_ENDPOINT, or name another mirror")
    if sha256 and digest != sha256:
        raise ModelError(
            f"{url} is not the file that is known here (sha256 {digest[:12]}…, not {sha256[:12]}…): unset HF_ENDPOINT,"
            " or fetch it yourself and run `rag models add FILE`"
        )
    return HubFile(path, url, found.size, digest)


def require_space(files: Sequence[HubFile], folder: Path) -> None:
    """Make sure that what is still missing of the files fits beside what the disk holds.

    Raises:
        ModelError: it does not.
    """
    missing = sum(file.size - min(file.size, _bytes_there(file, folder)) for file in files)
    free = free_disk(folder)
    if missing and missing + _SPARE_BYTES > free:
        raise ModelError(
            f"{_gb(missing + _SPARE_BYTES)} are needed at {folder} and {_gb(free)} are free: make room, or choose a"
            " smaller model in `rag models list`"
        )


def fetch(file: HubFile, folder: Path) -> Path:
    """The complete file below `folder`, its hash compared; what an earlier try left there is gone on from.

    An interruption leaves NAME.part; nothing else ever stands in the place of the file.

    Raises:
        ModelError: the transfer failed or brought something else.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers, logging  # type: ignore[attr-defined]

    target = folder / file.path
    if target.is_file() and _digest(target, len(file.digest)) == file.digest:
        return target
    part = _part(file, folder)
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # else three lines for each of its own new attempts
    with _explained(file.path, file.url):
        part.parent.mkdir(parents=True, exist_ok=True)
        if part.is_file() and part.stat().st_size > file.size:
            part.unlink()
        with part.open("ab") as stream:
            # It asks for the rest only, and tries again by itself when the connection breaks.
            http_get(
                file.url,
                stream,
                resume_size=stream.tell(),
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=Path(file.path).name,
            )
            stream.flush()
            os.fsync(stream.fileno())
    if _digest(part, len(file.digest)) != file.digest:
        part.unlink()
        raise ModelError(f"{file.path} arrived damaged and was thrown away: run the same command again")
    part.replace(target)
    return target


@contextmanager
def only_here(folder: Path) -> Iterator[None]:
    """Keep other processes from downloading into `folder` at the same time.

    Raises:
        ModelError: one does.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    lock = folder.with_name(f"{folder.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock, timeout=1):
            yield
    except TimeoutError as error:  # filelock's own is one
        raise ModelError(f"{folder.name} is being downloaded already: wait for it, or end that process") from error


@contextmanager
def _explained(path: str, url: str) -> Iterator[None]:
    """Any failure as one line with the way out; an interruption by the user stays what it is."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except ModelError:
        raise
    except OfflineModeIsEnabled as error:
        raise ModelError(f"{path} cannot be downloaded while HF_HUB_OFFLINE is set: unset it") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        way_out = "choose another model in `rag models list`" if status == 404 else "try again later"
        raise ModelError(f"{url} cannot be downloaded (HTTP {status}): {way_out}") from error
    except Exception as error:  # the transports (requests, httpx) change, and their errors with them
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise ModelError(f"{path} cannot be stored ({error.strerror}): check the space and the rights") from error
        then = "run `rag models add FILE` here" if path.endswith(".gguf") else "name its folder in embedding.model"
        raise ModelError(
            f"no network: {path} cannot be downloaded ({type(error).__name__}: {first_line(error)}): run the same"
            " command again when there is one, it goes on where it stopped; or fetch"
            f" {url} on another machine and {then}"
        ) from error


def _part(file: HubFile, folder: Path) -> Path:
    return folder / f"{file.path}.part"


def _bytes_there(file: HubFile, folder: Path) -> int:
    sizes = [place.stat().st_size for place in (folder / file.path, _part(file, folder)) if place.is_file()]
    return max(sizes, default=0)


def _digest(file: Path, digits: int) -> str:
    """The sha256, or git's sha1 of a blob (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)."""
    with file.open("rb") as stream:
        if digits == _SHA256:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        blob = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
        while piece := stream.read(1 << 20):
            blob.update(piece)
        return blob.hexdigest()


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
