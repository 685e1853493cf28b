"""Locks between processes, also between containers that share a disk: the kernel drops a dead holder's."""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from lexarium.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["clear_dead", "dead_folders", "hold", "private_folder"]

_NOTICE = 1.0  # seconds
_LOCK = "lock"
_log = logging.getLogger("lexarium")


@contextmanager
def hold(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock on a file; say so after a second of waiting, and give up after ``patience`` seconds.

    With a patience of 0 the lock is free now, or not to be had.

    :raises StoreError: another process held the lock all the time.
    """
    lock = FileLock(path)
    notice = min(_NOTICE, patience)
    try:
        try:
            lock.acquire(timeout=notice)
        except Timeout:
            if not patience:
                raise
            _log.warning("waiting for another process that is writing to the store (it holds %s)", path)
            lock.acquire(timeout=patience - notice)
    except Timeout as error:
        raise StoreError(
            f"another process has held {path} for {patience:g} seconds", "end it, or try again later"
        ) from error
    try:
        yield
    finally:
        lock.release()


def private_folder(root: Path) -> tuple[Path, FileLock]:
    """Make a new folder in ``root`` and hold a lock in it, which tells others that its owner lives."""
    folder = Path(tempfile.mkdtemp(dir=root))
    lock = FileLock(folder / _LOCK)
    lock.acquire()
    return folder, lock


def dead_folders(root: Path, refused: list[OSError]) -> Iterator[Path]:
    """Yield the private folders in ``root`` whose owner lives no more; call it where none can be made.

    Where the disk refuses to tell, the error is added to ``refused``.
    """
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.is_symlink() or not folder.is_dir():
            continue
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except (Timeout, PermissionError):  # held, or not ours to touch
            continue
        except OSError as error:
            refused.append(error)
            continue
        lock.release()
        yield folder


def clear_dead(root: Path) -> None:
    """Remove the private folders in ``root`` whose owner lives no more; call it where none can be made."""
    for folder in dead_folders(root, []):
        shutil.rmtree(folder, ignore_errors=True)
