"""One writer at a time: a lock that the operating system takes back when its process ends, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import IndexBusyError, IndexWriteError

LOCK = "writer.lock"


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the index folder, made if it is not there, for writing.

    Raises:
        IndexBusyError: another process holds it.
        IndexWriteError: the folder cannot be made or written.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise IndexBusyError(
            f"another `rag index` is at work on {folder}: wait until it is done, or end it; readers need not wait"
        ) from None
    except OSError as error:
        raise IndexWriteError(
            f"{folder} cannot be written ({error.strerror}): check its permissions and the free space,"
            " or choose another folder with --index"
        ) from error
    try:
        yield
    finally:
        lock.release()
