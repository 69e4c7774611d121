"""The package is laid out as the README says."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "rag"


def listed() -> list[str]:
    """The files and packages of rag/ in the README's order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text[text.index("rag/         the package") : text.index("seeds/       the corpus")]
    rows = [re.split(r" {2,}", row.strip())[0] for row in block.splitlines()[1:]]
    return [name.rstrip("/") for row in rows for name in row.split()]


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports from the package, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("rag."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "rag":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if exists(whole) else node.module


def exists(dotted: str) -> bool:
    """Whether this is a file or a package of ours."""
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def test_readme_names_every_file_and_package_once() -> None:
    there = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(listed()) == sorted(there - {"__init__"})


def test_each_imports_only_from_those_above_it() -> None:
    order = {name: place for place, name in enumerate(listed())}
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if own == "__init__":
            continue
        for name in imported(path):
            other = name.split(".")[1]
            if other != own and order[other] > order[own]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_files_of_a_package_import_each_other_one_way() -> None:
    graph = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): set(imported(path)) for path in PACKAGE.rglob("*.py")
    }
    assert len(tuple(TopologicalSorter(graph).static_order())) >= len(graph)
