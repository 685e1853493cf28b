"""Seeing what this process does to the files below a folder before it is done: to record, to fail, to die.

Python's audit events name every file that is opened, renamed, made or removed; ``os.fsync`` has none and is
wrapped; it syncs nothing, which no test here can see and every test would wait for. What an observer raises
takes the place of the act.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

__all__ = ["Fail", "observed", "unsynced", "writes"]

_ACTS = {
    "open",
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.utime",
    "os.truncate",
    "os.link",
    "os.symlink",
}
_seen = SimpleNamespace(root=None, observer=None, hooked=False)  # an audit hook can never be taken away


@contextmanager
def unsynced():
    """Let ``os.fsync`` do nothing, in this process."""
    fsync, os.fsync = os.fsync, lambda _: None
    try:
        yield
    finally:
        os.fsync = fsync


@contextmanager
def observed(root, observer):
    """Call ``observer(act, arguments)`` before each act on what lies below ``root``, in this process."""
    if not _seen.hooked:
        sys.addaudithook(_hook)
        _seen.hooked = True
    fsync = os.fsync

    def told(descriptor):
        if _seen.observer is not None:
            _tell("os.fsync", (descriptor,))

    os.fsync = told
    _seen.root, _seen.observer = os.fspath(root), observer
    try:
        yield
    finally:
        _seen.observer = None
        os.fsync = fsync


def writes(act, arguments):
    """Tell whether an act changes anything: opening a file to read it does not."""
    if act != "open":
        return True
    flags = arguments[2]
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


class Fail:
    """An observer: the act number ``at`` meets an error, and with ``lasting`` each that follows.

    A disk that is full (ENOSPC) still removes.
    """

    def __init__(self, at, code, *, lasting=False):
        self.at, self.code, self.lasting = at, code, lasting
        self.count, self.failed = 0, 0

    def __call__(self, act, arguments):
        """Count an act; fail it if its turn has come."""
        needs_room = self.code != errno.ENOSPC or act not in {"os.remove", "os.rmdir", "os.chmod"}
        if not (writes(act, arguments) and needs_room):
            return
        number, self.count = self.count, self.count + 1
        if number == self.at or (self.lasting and number > self.at):
            self.failed += 1
            raise OSError(self.code, os.strerror(self.code), str(arguments[0]))


def _hook(event, arguments):
    if _seen.observer is not None and event in _ACTS and _is_below(event, arguments):
        _tell(event, arguments)


def _is_below(event, arguments):
    path = arguments[0]
    if isinstance(path, int):
        return False
    path = os.fsdecode(path)
    if Path(path).is_absolute():
        return path.startswith(_seen.root)
    # shutil.rmtree removes by names within an open folder.
    return event in {"os.remove", "os.rmdir"} and arguments[-1] != -1


def _tell(act, arguments):
    observer, _seen.observer = _seen.observer, None  # its own acts are not observed
    try:
        observer(act, arguments)
    finally:
        _seen.observer = observer
