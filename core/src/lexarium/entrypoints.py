"""Which installed distributions have entry points in group ``lexarium``.

``importlib.metadata.entry_points`` imports an e-mail parser and reads every distribution before the
first answer, which costs more than all the rest of ``lexarium --help``. This scan lists the folders
on ``sys.path`` and opens the ``entry_points.txt`` files; the format is that of the Python packaging
user guide, "Entry points specification".
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["GROUP", "EntryPoint", "scan"]

GROUP = "lexarium"
_ENDINGS = (".dist-info", ".egg-info")
_SECTION = f"[{GROUP}]".encode()


class EntryPoint(NamedTuple):
    """One line of ``entry_points.txt``: ``name = module`` of a distribution."""

    name: str
    module: str
    distribution: str
    version: str


def scan(paths: Iterable[str] | None = None) -> list[EntryPoint]:
    """Return the entry points of group ``lexarium``, by name; of a distribution the first on the path.

    An ``entry_points.txt`` that is not text is an entry point with an empty module, so that the
    host can name its distribution instead of passing over it.
    """
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for path in dict.fromkeys(sys.path if paths is None else paths):
        for folder in _metadata_folders(path or os.curdir):
            distribution, version = _name_and_version(os.path.basename(folder))  # noqa: PTH119  pathlib costs 5 ms at start-up
            if distribution not in found:
                found[distribution] = _read(folder, distribution, version)
    return sorted(entry for entries in found.values() for entry in entries)


def _metadata_folders(path: str) -> list[str]:
    try:
        names = os.listdir(path)
    except OSError:  # not there, or a zip file: packages with plugins are installed unpacked
        return []
    return sorted(os.path.join(path, name) for name in names if name.endswith(_ENDINGS))  # noqa: PTH118  as above


def _name_and_version(folder: str) -> tuple[str, str]:
    name, _, version = folder.rpartition(".")[0].partition("-")
    return re.sub(r"[-_.]+", "-", name).lower(), version.partition("-py")[0] or "0"


def _read(folder: str, distribution: str, version: str) -> tuple[EntryPoint, ...]:
    path = os.path.join(folder, "entry_points.txt")  # noqa: PTH118  as above
    try:
        there = os.stat(path)  # noqa: PTH116  as above
        return _parsed(path, distribution, version, (there.st_mtime_ns, there.st_size, there.st_ino))
    except OSError:
        return ()


@lru_cache(maxsize=1024)
def _parsed(
    path: str, distribution: str, version: str, _as_it_was: tuple[int, ...]
) -> tuple[EntryPoint, ...]:
    with open(path, "rb") as file:  # noqa: PTH123  as above
        raw = file.read()
    return tuple(_entries(raw, distribution, version)) if _SECTION in raw else ()


def _entries(raw: bytes, distribution: str, version: str) -> Iterator[EntryPoint]:
    try:
        lines = [line.strip() for line in raw.decode("utf-8").splitlines()]
        start = lines.index(f"[{GROUP}]") + 1
    except (UnicodeDecodeError, ValueError):
        yield EntryPoint(distribution, "", distribution, version)
        return
    for line in takewhile(lambda line: not line.startswith("["), lines[start:]):
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            yield EntryPoint(name.strip(), value.partition("[")[0].strip(), distribution, version)
