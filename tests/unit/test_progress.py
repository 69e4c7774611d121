"""How far an indexing is, and the line that shows it."""

from pathlib import Path

import pytest

from rag.documents import SourceFile
from rag.indexing.progress import IndexProgress, Meter, ProgressLine, count_line


def test_bytes_are_those_of_the_files_that_are_embedded(tmp_path: Path) -> None:
    files = []
    for name, size in (("a", 100), ("b", 50), ("c", 10)):
        (tmp_path / name).write_bytes(b"x" * size)
        files.append(SourceFile(tmp_path / name, name))
    heard: list[IndexProgress] = []
    meter = Meter(files, heard.append)
    meter.begin(0, files[0])
    meter.embedded(3, of=4)
    meter.embedded(1, of=4)
    meter.begin(1, files[1])
    meter.skip()
    meter.begin(2, files[2])
    meter.embedded(2, of=2)
    meter.end()
    assert heard == [
        IndexProgress(0, 3, "a", 0, 0, 160),
        IndexProgress(0, 3, "a", 3, 75, 160),
        IndexProgress(0, 3, "a", 4, 100, 160),
        IndexProgress(1, 3, "b", 4, 100, 160),
        IndexProgress(1, 3, "b", 4, 100, 110),
        IndexProgress(2, 3, "c", 4, 100, 110),
        IndexProgress(2, 3, "c", 6, 110, 110),
        IndexProgress(3, 3, "c", 6, 110, 110),
    ]


@pytest.mark.parametrize(("lang", "words"), [("en", ("1/2 files", "left")), ("vi", ("1/2 tệp", "còn"))])
def test_the_line_shows_files_speed_and_time_left(
    capsys: pytest.CaptureFixture[str], lang: str, words: tuple[str, str]
) -> None:
    with ProgressLine(lang) as line:
        line.show(IndexProgress(0, 2, "a", 0, 0, 100))
        bar = line._bar
        line.show(IndexProgress(1, 2, "b", 7, 50, 100))
        shown = str(bar)
    assert shown.startswith(" 50%|")
    assert all(word in shown for word in words)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("rate", "done", "line"),
    [
        (0.0, 3, "3/100"),
        (2.0, 90, "90/100 · 2.0/s · 00:05 left"),
        (0.01, 28, "28/100 · 0.0/s · 2:00:00 left"),
    ],
)
def test_a_count_says_how_many_how_fast_and_how_long_still(rate: float, done: int, line: str) -> None:
    assert count_line(rate, done, 100, "en") == line
