"""Which files are as they were when they were last hashed: size, time of change and inode, per version.

A record is written when a version is published, and again whenever its files had to be hashed. It is no
proof against who can write to the store and sets the clock back; ``lexarium verify`` hashes whatever it says.
Losing a record costs one hashing, so it is not synced.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, TypeAlias

from lexarium.checkpoint.folder import hash_file
from lexarium.checkpoint.manifest import MAX_BYTES
from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError
from lexarium.strict_json import parse_object

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.checkpoint.manifest import FileEntry, Manifest
    from lexarium_registry.layout import Layout

__all__ = ["prove", "record"]

_MEND = "type: lexarium repair, then store the model again"
_State: TypeAlias = list[int]  # size in bytes, mtime in nanoseconds, inode


def record(layout: Layout, digest: str, manifest: Manifest) -> None:
    """Record how the files of a manifest, whose sha256 is ``digest``, are now: they have just been hashed."""
    with suppress(OSError):
        _write(layout, digest, {e.sha256: _state(layout.blob(e.sha256)) for e in manifest.files})


def prove(layout: Layout, digest: str, manifest: Manifest, where: str) -> None:
    """Hash the files of a version that are not as recorded, and record them.

    :raises CheckpointError: a file is missing or damaged.
    """
    recorded = _read(layout, digest)
    now: dict[str, _State] = {}
    hashed = False
    for entry in manifest.files:
        try:
            state = _state(layout.blob(entry.sha256))
            if recorded.get(entry.sha256) != state:
                hashed = True
                _check(layout.blob(entry.sha256), entry, where)
        except OSError as error:
            raise CheckpointError(where, f"{entry.path} is missing", _MEND) from error
        now[entry.sha256] = state  # of before the hashing: a later change shows
    if hashed and layout.writable:
        with suppress(OSError):
            _write(layout, digest, now)


def _check(path: Path, entry: FileEntry, where: str) -> None:
    size = path.stat().st_size
    if size != entry.size:
        raise CheckpointError(where, f"{entry.path} takes {size} bytes instead of {entry.size}", _MEND)
    if hash_file(path) != entry.sha256:
        raise CheckpointError(where, f"{entry.path} is damaged: its sha256 is another", _MEND)


def _state(path: Path) -> _State:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _read(layout: Layout, digest: str) -> dict[str, _State]:
    try:
        return parse_object(read_small(layout.checked(digest), MAX_BYTES), "the record")
    except (OSError, CheckpointError):
        return {}


def _write(layout: Layout, digest: str, states: dict[str, _State]) -> None:
    target = layout.checked(digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{digest}.{token_hex(8)}")
    try:
        aside.write_text(json.dumps(states), encoding="ascii")
        os.replace(aside, target)
    finally:
        with suppress(OSError):
            aside.unlink()
