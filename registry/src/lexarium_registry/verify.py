"""Hashing stored files again: each file once however many versions use it, on several cores at a time."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TYPE_CHECKING

from lexarium.errors import CheckpointError, ModelNotFoundError
from lexarium.roles import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lexarium.checkpoint.manifest import FileEntry
    from lexarium_registry.store import LocalStore

__all__ = ["blob_problems", "hash_blob", "verify_versions"]

_AT_ONCE = 4  # files: more readers than that slow a disk down
_BLOCK = 2**20  # bytes


def verify_versions(
    store: LocalStore, versions: Sequence[tuple[str, str]], progress: Progress = silent
) -> dict[str, list[str]]:
    """Hash every file of these versions; return a list of problems, one sentence each, per ``name@version``.

    What was recorded of the files is not asked. A version that is removed meanwhile is left out.
    """
    found: dict[str, list[str]] = {}
    entries: dict[str, tuple[FileEntry, ...]] = {}
    for name, version in versions:
        where = f"{name}@{version}"
        try:
            entries[where] = store.find(name, version).manifest.files
        except ModelNotFoundError:
            continue
        except CheckpointError as error:
            entries[where] = ()
            found[where] = [str(error)]
    blobs = {entry.sha256: entry for files in entries.values() for entry in files}
    bad = blob_problems(store, blobs, progress)
    for where, files in entries.items():
        name, _, version = where.partition("@")
        problems = [f"{entry.path} {bad[entry.sha256]}" for entry in files if entry.sha256 in bad]
        if not problems or os.path.lexists(store.layout.ref(name, version)):
            found.setdefault(where, []).extend(problems)
    return found


def blob_problems(
    store: LocalStore, entries: Mapping[str, FileEntry], progress: Progress = silent
) -> dict[str, str]:
    """Hash these blobs, given by sha256; return what is wrong with those that are not what they must be.

    Ctrl-C ends it within a block of each file.
    """
    stop, done, total = Event(), 0, sum(entry.size for entry in entries.values())
    bad: dict[str, str] = {}
    workers = max(1, min(_AT_ONCE, os.cpu_count() or 1))
    with ThreadPoolExecutor(workers) as pool:
        try:
            largest = sorted(entries.values(), key=lambda entry: -entry.size)
            work = {pool.submit(_problem, store.layout.blob(e.sha256), e, stop): e for e in largest}
            for finished in as_completed(work):
                problem = finished.result()
                if problem:
                    bad[work[finished].sha256] = problem
                done += work[finished].size
                progress("hashing", done, total)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return bad


def hash_blob(path: Path, stop: Event | None = None) -> tuple[int, str]:
    """Return size and sha256 of a file.

    :raises OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while not (stop is not None and stop.is_set()) and (count := file.readinto(buffer)):
            digest.update(view[:count])
            size += count
    return size, digest.hexdigest()


def _problem(path: Path, entry: FileEntry, stop: Event) -> str | None:
    try:
        size = path.stat().st_size
        if size != entry.size:
            return f"takes {size} bytes instead of {entry.size}"
        if hash_blob(path, stop)[1] != entry.sha256:
            return "is damaged: its sha256 is another"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None
