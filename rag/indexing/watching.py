"""Hears that files under folders have changed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import watchfiles

from rag.errors import DocumentError

_QUIET_MS = 300
"""Changes that follow each other faster than this are one."""
_PATIENCE_MS = 5000
"""Changes that go on for longer than this, such as a large copy, are told of in between."""
_TICK_MS = 500


def ticks(roots: Sequence[Path], leave_out: Path) -> Iterator[bool]:
    """Twice a second whether anything under `roots` has changed since the last time, until Ctrl-C is raised.

    From the first value on no change is missed. Hidden files do not count, nor what is in the folder `leave_out`.

    Raises:
        DocumentError: a root does not exist, or the system cannot watch it.
    """
    for root in roots:
        if not root.exists():
            raise DocumentError(f"no such file or folder: {root}: name a folder of documents")
    alone = {root.resolve() for root in roots if root.is_file()}
    folders = {root.resolve() for root in roots if root.is_dir()}
    outside = leave_out.resolve()

    def counts(_: watchfiles.Change, name: str) -> bool:
        path = Path(name)
        if path.is_relative_to(outside):
            return False
        # Editors put a new file in the old one's place: so a file is watched through its folder.
        return path in alone or any(
            path.is_relative_to(folder) and not any(part.startswith(".") for part in path.relative_to(folder).parts)
            for folder in folders
        )

    watched = sorted({str(path) for path in (*folders, *(path.parent for path in alone))})
    try:
        for changes in watchfiles.watch(
            *watched,
            watch_filter=counts,
            debounce=_PATIENCE_MS,
            step=_QUIET_MS,
            rust_timeout=_TICK_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
        ):
            yield bool(changes)
    except OSError as error:
        raise DocumentError(
            f"{', '.join(watched)} cannot be watched ({error}): raise the system's limit of watched files"
            " (Linux: sysctl fs.inotify.max_user_watches), or run `rag index` from time to time"
        ) from error
