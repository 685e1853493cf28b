"""How much memory there is, and a clear line before a model that does not fit."""

from __future__ import annotations

import os
from pathlib import Path

from lexarium.errors import UnsupportedError

__all__ = ["available_memory", "require_memory"]

_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Return the bytes that this process may still take: of the machine, or of its container (cgroup v2).

    None where the system does not say.
    """
    found = [_of_machine(), _of_group()]
    known = [size for size in found if size is not None]
    return min(known) if known else None


def require_memory(needed: int, where: str, smaller: str = "", available: int | None = None) -> None:
    """Refuse a model whose weights, ``needed`` bytes with all copies of them, do not fit.

    ``smaller`` is what to type so that they take less.

    :raises UnsupportedError: says how much it takes and how much there is.
    """
    if available is None:
        available = available_memory()
    if available is not None and needed > available:
        what = f"{where}: its weights take {needed / 1e9:.1f} GB, {available / 1e9:.1f} GB are free"
        remedy = "take a smaller model, or a machine with more memory"
        raise UnsupportedError(what, f"{smaller}, {remedy}" if smaller else remedy)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _of_group() -> int | None:
    try:
        most = int((_GROUP / "memory.max").read_text(encoding="ascii"))
        taken = int((_GROUP / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no group, or "max": no limit
        return None
    return max(0, most - taken)
