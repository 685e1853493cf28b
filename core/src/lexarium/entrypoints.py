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
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

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


#: Distributions by name, with their entry points.
_Found: TypeAlias = list[tuple[str, list[EntryPoint]]]


def scan(paths: Iterable[str] | None = None) -> list[EntryPoint]:
    """Return the entry points of group ``lexarium``, by name; of a distribution the first on the path.

    An ``entry_points.txt`` that is not text is an entry point with an empty module, so that the
    host can name its distribution instead of passing over it.
    """
    found: dict[str, list[EntryPoint]] = {}
    for path in dict.fromkeys(sys.path if paths is None else paths):
        for distribution, entries in _scan_folder(path or os.curdir):
            found.setdefault(distribution, entries)
    return sorted(entry for entries in found.values() for entry in entries)


def _scan_folder(path: str) -> _Found:
    try:
        changed = os.stat(path).st_mtime_ns  # noqa: PTH116  pathlib costs 5 ms at start-up
    except OSError:  # not there
        return []
    return _scanned(os.path.abspath(path), changed)  # noqa: PTH100  as above


@lru_cache(maxsize=256)
def _scanned(path: str, _changed: int) -> _Found:
    """Return the distributions of a folder as it was at a time: to install one changes the folder."""
    try:
        names = os.listdir(path)
    except OSError:  # a zip file, perhaps: packages with plugins are installed unpacked
        return []
    found: dict[str, list[EntryPoint]] = {}
    for name in sorted(name for name in names if name.endswith(_ENDINGS)):
        distribution, version = _name_and_version(name)
        if distribution not in found:
            found[distribution] = list(_read(os.path.join(path, name), distribution, version))  # noqa: PTH118  as above
    return list(found.items())


def _name_and_version(folder: str) -> tuple[str, str]:
    name, _, version = folder.rpartition(".")[0].partition("-")
    return re.sub(r"[-_.]+", "-", name).lower(), version.partition("-py")[0] or "0"


def _read(folder: str, distribution: str, version: str) -> Iterator[EntryPoint]:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as file:  # noqa: PTH118, PTH123  as above
            raw = file.read()
    except OSError:
        return
    if _SECTION not in raw:
        return
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
