"""The question sets that are trained on, and which of their passages are kept for measuring."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from raw_rows import rows
from written_questions import WRITTEN_SET, written_rows

# Sets whose licence or role forbids training (viquad2-test, educoqa, vicov19qa) are not named here at all.
QUESTION_SETS = ("vinewsqa", "virhe4qa", "vire4mrc", "seminar-wiki", "seminar-reg", "zalo-person-squad", WRITTEN_SET)
HELD_OUT_SETS = ("vinewsqa", "virhe4qa", "vire4mrc", WRITTEN_SET)
LEFT_OUT_SETS = ("seminar-wiki", "seminar-reg")
"""Kept whole."""
MEASURED_SET = "viquad2-test"
_HELD_OUT_SHARE = 0.2
_ASIDE_SHARE = 0.15
"""Of the passages that are left out."""


def question_rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a question set, as data/README.md describes them."""
    return written_rows(data) if name == WRITTEN_SET else rows(data / "qa" / f"{name}.jsonl.gz")


def held_out(context: str) -> bool:
    """Whether a passage of HELD_OUT_SETS is kept for measuring; decided by its own text, so every script agrees."""
    digest = hashlib.sha256(context.encode("utf-8")).digest()
    return int.from_bytes(digest[:4], "big") < _HELD_OUT_SHARE * 2**32


def is_left_out(name: str, context: str) -> bool:
    """Whether a passage is kept from the training of matcher and verifier, for fitting what stands on them."""
    return name in LEFT_OUT_SETS or (name in HELD_OUT_SETS and held_out(context))


def is_aside(context: str) -> bool:
    """Whether a passage that is left out is put aside from what is fitted on such passages, too, for measuring that."""
    return random.Random(context).random() < _ASIDE_SHARE
