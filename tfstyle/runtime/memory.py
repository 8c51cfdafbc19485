"""This machine's memory, so that work too large for it is refused before it starts."""

import contextlib
import os
import pathlib
import re

from tfstyle.errors import InputError

_CONTAINER_LIMITS = (  # of control groups, version 2 and 1
    "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)  # fmt: skip


def available() -> int | None:
    """Bytes that this process can have in all, with those it has; None where unknown."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        own = int(pathlib.Path("/proc/self/statm").read_text("ascii").split()[1]) * page
        meminfo = pathlib.Path("/proc/meminfo").read_text("ascii")
        found = re.search(r"^MemAvailable: +(\d+) kB", meminfo, flags=re.M)
        limits = [int(found[1]) * 1024 + own] if found else []
    except (OSError, ValueError):
        return None
    for path in _CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" is no limit
            limits.append(int(pathlib.Path(path).read_text("ascii")))
    return min(limits, default=None)


def check(needed: float, what: str, remedy: str) -> None:
    """Raises InputError, in one line, if this process cannot have so much memory.

    Args:
        needed: bytes in all, roughly.
        what: needs it.
        remedy: advice.
    """
    found = available()
    if found is not None and needed > found:
        raise InputError(
            f"{what}: needs about {needed / 1e9:.1f} GB of memory, and {found / 1e9:.1f} GB are "
            f"available; {remedy}"
        )
