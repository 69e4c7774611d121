"""How far an indexing is: counted by the index, and shown on a terminal with the speed and the time left."""

import sys
import time
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


class CountLine:
    """A line on stderr that says how many are done, how fast and for how long still; it goes away at the end."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._began: tuple[float, int, int] | None = None
        self._shown = False

    def __enter__(self) -> "CountLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)  # noqa: T201 - a line for whoever watches

    def show(self, done: int, total: int, name: str) -> None:
        """Bring the line up to date; what was done before the first call does not count as speed."""
        line = f"{count_line(self._rate(done, total), done, total, self._lang)} {name}"
        print(f"\r\033[K{line[:100]}", end="", file=sys.stderr, flush=True)  # noqa: T201
        self._shown = True

    def _rate(self, done: int, total: int) -> float:
        now = time.monotonic()
        # Another total, or a count that begins again, is the next thing that is counted.
        if self._began is None or self._began[2] != total or done < self._began[1]:
            self._began = (now, done, total)
        seconds = now - self._began[0]
        return (done - self._began[1]) / seconds if seconds > 0 else 0.0


def count_line(rate: float, done: int, total: int, lang: str) -> str:
    """So many of all, how many a second, and the time left; only the first while nothing is known of the speed."""
    if rate <= 0:
        return f"{done}/{total}"
    minutes, seconds = divmod(round((total - done) / rate), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"
    return f"{done}/{total} · {rate:.1f}/s · {message('time_left', lang, remaining=left)}"
