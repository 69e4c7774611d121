"""How far an indexing is: counted by the index, and shown on a terminal with the speed and the time left."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from rag.documents import SourceFile
from rag.messages import message


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run of `update_index` is."""

    files_done: int
    files: int
    source: str
    """The file that is at hand, or was last."""
    passages: int
    """Passages embedded so far."""
    bytes_done: int
    bytes: int
    """Sizes of the files that are done, and of all; files found unchanged count in neither."""


class Meter:
    """Counts what is done, and tells whoever asked for it."""

    def __init__(self, files: Sequence[SourceFile], report: Callable[[IndexProgress], None] | None) -> None:
        self._report = report
        self._at = IndexProgress(0, len(files), "", 0, 0, sum(map(_size, files)))
        self._size = 0

    def begin(self, done: int, file: SourceFile) -> None:
        """A file is next, after so many that are done."""
        self._size = _size(file)
        self._tell(files_done=done, source=file.source)

    def skip(self) -> None:
        """The file is not embedded, being unchanged or unreadable: its size says nothing about the time left."""
        self._tell(bytes=self._at.bytes - self._size)

    def embedded(self, passages: int, of: int) -> None:
        """So many more of the file's passages have their vectors."""
        done = self._at.bytes_done + self._size * passages // of
        self._tell(passages=self._at.passages + passages, bytes_done=done)

    def end(self) -> None:
        """All files are done."""
        self._tell(files_done=self._at.files, bytes_done=self._at.bytes)

    def _tell(self, **changes: Any) -> None:
        self._at = replace(self._at, **changes)
        if self._report is not None:
            self._report(self._at)


class ProgressLine:
    """A line on stderr while it is open; it goes away at the end. Time left is reckoned by the files' bytes."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._bar: Any = None

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, at: IndexProgress) -> None:
        """Bring the line up to date."""
        if self._bar is None:
            self._bar = _bar(self._lang)  # only now, so that the time for loading the model is not counted as speed
        seconds = self._bar.format_dict["elapsed"]
        rate = at.passages / seconds if seconds > 0 else 0.0
        self._bar.total = at.bytes
        self._bar.set_description_str(
            message("indexing", self._lang, files=at.files, files_done=at.files_done, rate=rate), refresh=False
        )
        self._bar.update(at.bytes_done - self._bar.n)


def _bar(lang: str) -> Any:
    from tqdm import tqdm

    # tqdm fills in the names in braces; percentage and time come from the bytes.
    left = message("time_left", lang, remaining="{remaining}")
    return tqdm(
        bar_format=f"{{percentage:3.0f}}%|{{bar:20}}| {{desc}}, {left}", file=sys.stderr, leave=False, delay=0.2
    )


def _size(file: SourceFile) -> int:
    try:
        return file.size()
    except OSError:  # it is named when it is read
        return 0
