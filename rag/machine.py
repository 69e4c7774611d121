"""What this machine has: cores, free memory, room on the disk."""

import os
import shutil
from pathlib import Path

_UNKNOWN_RAM = 4 << 30
"""Bytes taken to be free where the system does not say."""


def physical_cores() -> int:
    """Cores that this process may use, not hyper-threads: two threads of one core share the unit that computes."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    places = [Path(f"/sys/devices/system/cpu/cpu{cpu}/topology") for cpu in allowed]
    try:
        cores = {(place / "physical_package_id").read_text() + (place / "core_id").read_text() for place in places}
    except OSError:
        cores = set()
    count = len(cores) or len(allowed)
    try:  # what a container may use: "200000 100000" is two CPUs
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return count


def free_ram() -> int:
    """Bytes that the system could give without swapping, within the limit of the container."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
            return _UNKNOWN_RAM
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return min(free, _container_bytes())


def resident_mb() -> int | None:
    """Memory that this process holds now, in MB; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def free_disk(folder: Path) -> int:
    """Bytes free where `folder` is or would be made.

    Raises:
        OSError: the system does not say.
    """
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _container_bytes(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """What the limit of this container leaves, by cgroup v2; very much where there is no limit."""
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        # Pages of files that nobody has touched lately are given up first.
        return max(limit - used + int(stat["inactive_file"]), 0)
    except (OSError, ValueError, KeyError):  # "max" is no number
        return 1 << 62
