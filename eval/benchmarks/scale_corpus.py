"""A folder of text files that grows in steps: the news and Wikipedia articles of the data folder, mixed by a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from raw_rows import rows

from rag.config import ChunkingConfig, RagConfig

NEWS, WIKIPEDIA = "vietnews-articles", "viwiki2017-passages"
CHUNK_CHARS, OVERLAP_CHARS = 400, 60
"""The default of 900 makes 490,000 passages of these articles; this makes 1,125,000, of about 85 syllables."""
_CHARS_A_CHUNK = 304
"""Letters of an article for each passage that is cut from it, as files are read."""
_FILES_A_FOLDER = 1000


def settings() -> RagConfig:
    """The defaults with the passages of this benchmark."""
    return replace(RagConfig(), chunking=ChunkingConfig(CHUNK_CHARS, OVERLAP_CHARS))


def articles(data: Path) -> Iterator[tuple[str, str]]:
    """The (title, text) of every article."""
    passages: dict[str, list[str]] = {}
    for row in rows(data / "text" / f"{WIKIPEDIA}.jsonl.gz"):
        passages.setdefault(row["title"], []).append(row["text"])
    yield from ((title, "\n\n".join(texts)) for title, texts in passages.items())
    for row in rows(data / "text" / f"{NEWS}.jsonl.gz"):
        yield row["title"], f"{row['abstract']}\n\n{row['body']}"


def write_steps(data: Path, folder: Path, sizes: Sequence[int], seed: int) -> dict[int, Path]:
    """Each size with its folder: the files of the sizes up to it hold about so many passages, in one order for all."""
    steps = {size: folder / f"{size:08d}" for size in sizes}
    if (folder / "written").exists():
        return steps
    mixed = list(articles(data))
    random.Random(seed).shuffle(mixed)
    chars, left = 0, list(sizes)
    for number, (title, text) in enumerate(mixed):
        if not left:
            break
        file = steps[left[0]] / f"{number // _FILES_A_FOLDER:03d}" / f"{number:06d}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{title}\n\n{text}\n", encoding="utf-8")
        chars += len(text)
        if chars > left[0] * _CHARS_A_CHUNK:
            left.pop(0)
    (folder / "written").touch()
    return steps
