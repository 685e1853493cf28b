"""Freeing what no reference reaches. Who calls this holds the store's lock."""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from filelock import FileLock

from lexarium.errors import CheckpointError, StoreError
from lexarium_registry.layout import DIGEST, disk
from lexarium_registry.locks import dead_folders
from lexarium_registry.versions import used_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexarium.zoo import Zoo
    from lexarium_registry.layout import Layout
    from lexarium_registry.store import LocalStore
    from lexarium_registry.versions import Used

__all__ = ["KEPT_DAYS", "Freed", "collect", "gc", "sweep"]

KEPT_DAYS = 7  # of a partial download, of a damaged file that was taken out, of an index of no stored model
_log = logging.getLogger("lexarium")


@dataclass
class Freed:
    """What was freed, or would be: files and bytes, in all and by what they were."""

    files: int = 0
    bytes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def take(self, kind: str, path: Path, *, dry_run: bool) -> None:
        """Remove a file or a folder, and count its files.

        :raises OSError: the disk refuses; nothing of it is counted.
        """
        folder = path.is_dir() and not path.is_symlink()
        inner = (
            [each for each in path.rglob("*") if not each.is_dir() or each.is_symlink()] if folder else [path]
        )
        sizes = [each.lstat().st_size for each in inner]
        if folder and not dry_run:
            shutil.rmtree(path)
        elif not dry_run:
            path.unlink()
        self.files += len(sizes)
        self.bytes += sum(sizes)
        self.kinds[kind] = self.kinds.get(kind, 0) + sum(sizes)


def gc(zoo: Zoo, *, dry_run: bool = False) -> Freed:
    """Free the files that no stored version needs, what the dead left behind, and old leavings.

    Partial downloads, quarantined files and indexes of words that no stored model has go when they are seven
    days old. What a living writer or a running download has locked is never touched.

    :raises CheckpointError: a version is damaged, so it is not known what it needs; nothing was freed.
    :raises StoreError: the disk refuses, or the store is not on this disk.
    """
    from lexarium_registry.store import LocalStore  # noqa: PLC0415  it imports this module

    store = zoo.store
    if not isinstance(store, LocalStore):
        raise StoreError("this store frees its files itself", "nothing is to do")
    return collect(store, dry_run=dry_run)


def collect(store: LocalStore, *, dry_run: bool = False) -> Freed:
    """Do the work of :func:`gc` on a store; what the disk refuses to remove is told when the rest is gone."""
    layout, freed = store.layout, Freed()
    layout.check_format()
    if not (layout.home / "format").exists() and not layout.staging.exists():
        return freed  # nothing was ever stored: no lock is made
    with disk(stores=False), store.lock():
        refused: list[OSError] = []
        dead = (("what the dead left behind", folder) for folder in dead_folders(layout.staging, refused))
        used = used_files(layout)
        for kind, path in chain(list(_unused(layout, used)), _leavings(layout, used), dead):
            try:
                freed.take(kind, path, dry_run=dry_run)
            except FileNotFoundError:
                continue
            except OSError as error:  # what stays does not keep the rest
                refused.append(error)
        if refused:
            raise refused[0]
    return freed


def sweep(layout: Layout) -> None:
    """Remove manifests and blobs that nothing reaches; warn, and remove none, while a version is damaged."""
    try:
        doomed = list(_unused(layout, used_files(layout)))
    except CheckpointError as error:
        _log.warning("no file was freed: %s", error)
        return
    for _, path in doomed:
        path.unlink()


def _unused(layout: Layout, used: Used) -> Iterator[tuple[str, Path]]:
    for kind, needed in (("blobs", used.blobs), ("manifests", used.manifests), ("checked", used.manifests)):
        for path in (layout.home / kind).glob("??/*"):
            digest = path.name[:64] if kind == "checked" else path.name  # a record is written beside itself
            if DIGEST.fullmatch(digest) and path.name not in needed:
                yield kind, path


def _leavings(layout: Layout, used: Used) -> Iterator[tuple[str, Path]]:
    """Yield what is older than a week: quarantined files, indexes of no stored model, downloads nobody holds.

    The lock on a download is held until the next one is asked for: it is removed under its lock.
    """
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for path in sorted(layout.quarantine.glob("*")):
        if path.lstat().st_mtime < oldest:
            yield "quarantine", path
    for path in sorted(layout.indexes.glob("*")):
        if path.name not in used.spaces and path.lstat().st_mtime < oldest:
            yield "indexes", path
    for path in sorted(layout.partial.glob("*")):
        with suppress(OSError):  # it is gone, or a Timeout: who downloads it holds it
            if path.lstat().st_mtime < oldest and path.suffix in {".part", ".copy", ".lock"}:
                with FileLock(path.with_suffix(".lock"), timeout=0):
                    yield "partial downloads", path
