"""A process that is killed, or finds the disk full, at any change of the index: what is found is the old or the new.

The changes are those that `tests/crash/points.c` sees: each call of the C library that creates, writes, syncs, renames
or removes a file of the index, whether Python, SQLite, FAISS or tantivy makes it. A kill is a SIGKILL in place of the
call, or after half of its bytes. That is the death of a process, not of the machine: what a power cut takes from the
disk's caches is not tried here. A share of the points is taken, spread over the whole run and the same each time;
CRASH_POINTS=0 in the environment takes all of them, some 250 to 700 for each of the eight changes and three ways: an
hour or two.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

_CRASH = ROOT / "tests" / "crash"
_SHARES = {"kill": 10, "tear": 3, "full": 5}
EXACT = ("build", "update", "edit", "delete", "rebuild")
APPROXIMATE = ("lists", "beside the lists", "lists anew")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("points") / "points.so"
    build = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_CRASH / "points.c"), "-ldl"]
    subprocess.run(build, check=True, capture_output=True)
    return library


def stopped(points: Path, folder: Path, scenario: str, mode: str) -> dict[str, Any]:
    most = os.environ.get("CRASH_POINTS", str(_SHARES[mode]))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    # One thread: what forked processes do is then the same each time.
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.runner", str(folder), scenario, mode, most],
        env=environment | threads | {"LD_PRELOAD": str(points)},
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("mode", ["kill", "tear"])
@pytest.mark.parametrize("scenario", [*EXACT, *APPROXIMATE])
def test_a_killed_run_leaves_the_old_or_the_new_generation(
    points: Path, tmp_path: Path, scenario: str, mode: str
) -> None:
    result = stopped(points, tmp_path / "work", scenario, mode)
    old, new = result["old"], result["new"]
    assert old != new
    assert result["dense"] == ("approximate" if scenario in APPROXIMATE else "exact")
    for found in result["found"]:
        assert found["run"] == "killed", found
        assert found["state"] in (["done", old], ["done", new]), found
        assert_mended(found, result)
    assert result["found"][0]["state"] == ["done", old]
    assert result["found"][-1]["state"] == ["done", new]


@pytest.mark.parametrize("scenario", [*EXACT, *APPROXIMATE])
def test_a_full_disk_is_named_and_leaves_the_old_or_the_new_generation(
    points: Path, tmp_path: Path, scenario: str
) -> None:
    result = stopped(points, tmp_path / "work", scenario, "full")
    for found in result["found"]:
        assert found["run"] in ("refused", "done"), found
        if found["run"] == "refused":
            assert found["said"].startswith("IndexWriteError: "), found
            assert "make room on the disk and run `rag index` again" in found["said"], found
        assert found["state"] in (["done", result["old"]], ["done", result["new"]]), found
        assert_mended(found, result)
    assert result["found"][0]["run"] == "refused"


def assert_mended(found: dict[str, Any], result: dict[str, Any]) -> None:
    """The next run ends as if nothing had been, and embeds no more than the whole run would have."""
    ending, (embedded, sound, views) = found["mended"]
    assert (ending, sound) == ("done", True), found
    assert embedded <= result["embedded"], found
    assert len(views) <= 2, found
    assert found["end"] == ["done", result["new"]], found
