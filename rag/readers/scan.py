"""Scanned pages by tesseract, a program of its own (https://github.com/tesseract-ocr/tesseract, Apache-2.0)."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator

from rag.errors import DocumentError, marked
from rag.language.listing import LIST_ITEM
from rag.language.structure import is_legal_heading
from rag.readers.reading import LINE, PARAGRAPH, Part

DOTS_PER_INCH = 300
"""What tesseract was trained on: letters some 30 pixels high."""
LANGUAGE = "vie"
_PROGRAM = "tesseract"
_SECONDS_A_PAGE = 180
WAY_OUT = marked(
    "install tesseract with its Vietnamese model (Debian, Ubuntu: apt-get install tesseract-ocr tesseract-ocr-vie;"
    " macOS: brew install tesseract tesseract-lang) and index again"
)


def missing() -> str:
    """What is not there for reading scans, with the way out; empty when everything is."""
    program = shutil.which(_PROGRAM)
    if program is None:
        return marked(f"tesseract is not installed: {WAY_OUT}")
    known = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=60, check=False)
    if LANGUAGE not in (known.stdout + known.stderr).split():
        return marked(f"tesseract has no Vietnamese model: {WAY_OUT}")
    return ""


def command(program: str) -> list[str]:
    """The command that reads an image from its standard input and writes text to its standard output."""
    return [program, "stdin", "stdout", "-l", LANGUAGE, "--psm", "3", "--dpi", str(DOTS_PER_INCH)]


def recognise(image: bytes, source: str, page: int) -> str:
    """The text of a scanned page; `image` is a PNG at `DOTS_PER_INCH`.

    Raises:
        DocumentError: tesseract failed or took too long.
    """
    program = shutil.which(_PROGRAM) or _PROGRAM
    try:
        done = subprocess.run(
            command(program), input=image, capture_output=True, timeout=_SECONDS_A_PAGE, check=True,
            # Its own threads make it slower on few cores.
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise DocumentError(f"{source}: tesseract cannot read page {page} ({error}): {WAY_OUT}") from error
    return done.stdout.decode("utf-8", "replace")


def parts_of_text(text: str, page: int, label: str) -> Iterator[Part]:
    """The paragraphs of a recognised page; its lines are those of the paper."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\f", "\n")):
        lines: list[str] = []
        for line in filter(None, (" ".join(line.split()) for line in block.split("\n"))):
            begins = LIST_ITEM.match(line) or is_legal_heading(line)
            # A heading in capitals stands close above its text.
            if lines and not begins and lines[-1].isupper() == line.isupper():
                lines[-1] += f" {line}"
            else:
                lines.append(line)
        for place, line in enumerate(lines):
            if any(char.isalnum() for char in line):
                yield Part(line, joint=LINE if place else PARAGRAPH, page=page, label=label)
