"""The shipped question set in the form that the training corpora have."""

import json
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, SEEDS


def question_rows() -> list[dict[str, Any]]:
    """The questions of the shipped set whose answer stands in a paragraph of their article."""
    found = []
    for line in (ROOT / "eval" / "seeds.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for name in row.get("docs", []):
            for paragraph in (SEEDS / f"{Path(name).stem}.txt").read_text(encoding="utf-8").splitlines():
                if any(answer in paragraph for answer in row["answers"]):
                    kept = {"set": "seeds", "question": row["question"], "answers": row["answers"]}
                    found.append(kept | {"context": paragraph})
                    break
    return found
