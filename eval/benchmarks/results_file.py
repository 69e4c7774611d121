"""One way to write a results file: JSON with the innermost objects and lists on one line each, for readable diffs."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_INNERMOST = re.compile(r"\[[^\[\]{}]*\]|\{[^\[\]{}]*\}")


def write_results(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report, and the folder that it stands in."""
    text = json.dumps(report, ensure_ascii=False, indent=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_INNERMOST.sub(lambda match: re.sub(r"\n\s*", " ", match[0]), text) + "\n", encoding="utf-8")
