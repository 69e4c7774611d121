"""How often text in Unicode is taken for another encoding, and text in an old encoding is read right.

    python eval/benchmarks/encodings.py FILE.jsonl.gz … [--limit N] [--touched]

Each line of a file is a JSON object or plain text; the longest string of an object is its text. A text counts as
touched when reading its UTF-8 bytes gives anything else than the text. Then each text with Vietnamese words is written
in every old encoding and read back, as bytes and as the letters of windows-1252 that a copy and paste makes of them.
"""

import argparse
import gzip
import json
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rag.errors import DocumentError
from rag.language.encodings import Legacy, decode, encode, repair, vietnamese_share

LEAST_WORDS = 5
"""Words with marks that a text needs to be counted among the Vietnamese ones."""


def texts_of(path: Path) -> Iterator[str]:
    """The texts of a file, one a line."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            if not line.startswith("{"):
                yield line.rstrip("\n")
                continue
            values = [value for value in json.loads(line).values() if isinstance(value, str)]
            yield max(values, key=len, default="")


def is_same(read: str, expected: str, encoding: Legacy) -> bool:
    """Whether a text came back; TCVN3 has no capitals with tones, so its case cannot."""
    return read.lower() == expected.lower() if encoding is Legacy.TCVN3 else read == expected


def measure(path: Path, limit: int | None, is_read_back: bool) -> dict[str, int | float]:
    """The counts for one file."""
    counts: Counter[str] = Counter()
    began = time.perf_counter()
    for text in islice(texts_of(path), limit):
        counts["texts"] += 1
        # The mark of byte order at a text's beginning is none of its letters.
        counts["touched"] += decode(text.encode(), path.name)[0] != text.removeprefix("\ufeff")
        if not is_read_back:
            continue
        share, words = vietnamese_share(text)
        if words < LEAST_WORDS or share < 0.9:
            continue
        counts["vietnamese"] += 1
        expected = unicodedata.normalize("NFC", text)
        for encoding in Legacy:
            raw = encode(expected, encoding)
            if raw.count(b"?") > expected.count("?"):
                continue  # the text has a letter that this encoding lacks
            counts[f"{encoding.value}, written"] += 1
            try:
                counts[f"{encoding.value}, read"] += is_same(decode(raw, path.name)[0], expected, encoding)
            except DocumentError:
                counts[f"{encoding.value}, refused"] += 1
            if encoding in (Legacy.TCVN3, Legacy.VNI):
                pasted = raw.decode("cp1252", "replace")
                counts[f"{encoding.value}, pasted, read"] += is_same(repair(pasted)[0], expected, encoding)
    return {**counts, "seconds": round(time.perf_counter() - began, 1)}


def main() -> None:
    """Print the counts of every file as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, help="texts of each file")
    parser.add_argument("--touched", action="store_true", help="count the touched texts only")
    options = parser.parse_args()
    for path in options.files:
        print(
            json.dumps({"file": path.name, **measure(path, options.limit, not options.touched)}, ensure_ascii=False),
            flush=True,
        )


if __name__ == "__main__":
    main()
