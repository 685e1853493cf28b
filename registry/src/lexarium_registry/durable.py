"""Writing so that a crash at any moment leaves the old or the new, never a half.

The order is: write aside, fsync the file, rename into place, fsync the folder (POSIX ``fsync`` and
``rename``; a rename within one file system is atomic). What is there already may be what another
process wrote a moment before it crashed, so its name is made durable again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_folder", "place", "sync_file", "sync_folder", "write_new"]


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)  # as Windows asks for
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (a no-op where folders cannot be opened, as on Windows)."""
    if os.name == "posix":
        sync_file(folder)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each one's name durable, also that of the nearest one that is there."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    nearest = missing[-1].parent if missing else folder
    with suppress(PermissionError):  # that of the outermost folder may not be ours
        sync_folder(nearest.parent)
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


def place(source: Path, target: Path) -> None:
    """Rename a synced file to ``target``, replacing it, durably."""
    make_folder(target.parent)
    os.replace(source, target)
    sync_folder(target.parent)


def write_new(aside: Path, target: Path, content: bytes) -> None:
    """Write ``content`` to the new file ``aside``, sync it, and :func:`place` it."""
    with aside.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    place(aside, target)
