"""Files put where a model folder has them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from lexarium.checkpoint.manifest import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lexarium.stores import StoredVersion
    from lexarium_registry.fetch import Part

__all__ = ["copy_model", "link", "parent_made", "place"]


def place(parts: Mapping[str, Part], folder: Path) -> None:
    """Move files that have come to their places; what other pulls know them by stays until all is stored."""
    for path, part in parts.items():
        os.replace(part.path, parent_made(folder / path))


def copy_model(stored: StoredVersion, folder: Path) -> None:
    """Copy all files of a stored version, and its manifest, into a folder."""
    for entry in stored.manifest.files:
        shutil.copyfile(stored.locate(entry.path), parent_made(folder / entry.path))
    (folder / MANIFEST).write_bytes(stored.manifest.to_bytes())


def link(source: Path, target: Path) -> Path:
    """Give a file a second name, or copy it where the file system has none; return the new path.

    :raises FileNotFoundError: there is no such file.
    """
    try:
        os.link(source, parent_made(target))
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
    return target


def parent_made(path: Path) -> Path:
    """Return a path, with its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
