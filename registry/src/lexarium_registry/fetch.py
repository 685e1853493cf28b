"""Files from the Hub, hashed while they come, into parts that survive a kill and are taken up again.

A part is named after the hash that its file must have, so it belongs to no repository and no commit: what
one pull left, another goes on with. What lies there is hashed again before a byte is added to it. A part
that is whole gets a second name in a folder of the pull's own, so that nobody else can take it away.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lexarium.errors import HubCorruptedError, HubNetworkError, StoreError
from lexarium_registry.durable import make_folder
from lexarium_registry.layout import disk
from lexarium_registry.locks import hold
from lexarium_registry.placing import link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lexarium_registry.hub import Hub, RemoteFile, Snapshot

__all__ = ["Part", "fetch_bytes", "fetch_file", "forget", "lying"]

_ROUNDS = 2  # a file that does not have its hash is fetched once more, from nothing
_MUCH = 2**20  # bytes that a try must bring to count as one that got on
_BLOCK = 2**20
_DAY = 24 * 60 * 60.0  # seconds to wait for another process that fetches the same file


@dataclass(frozen=True)
class Part:
    """A file that has come whole: its own name, its sha256, and the name that other pulls know it by."""

    path: Path
    sha256: str
    shared: Path


def fetch_file(
    hub: Hub,
    snapshot: Snapshot,
    file: RemoteFile,
    folder: Path,
    told: Callable[[int], None],
    *,
    own: Path,
    sha256: str | None = None,
) -> Part:
    """Fetch a file into ``folder``, shared by all pulls, and give it a second name in the folder ``own``.

    ``told`` hears how many bytes of it are there. ``sha256``, where given, is the hash that it must have,
    apart from what the Hub says of it.

    :raises HubCorruptedError: it came twice with another hash, or with more bytes than announced.
    :raises HubError: it may not be read, or the network fails again and again; what has come stays.
    :raises StoreError: the disk refuses.
    """
    wanted = _Wanted(f"{snapshot.of}, {file.path}", file, sha256)
    with disk():
        make_folder(folder)
        with hold(folder / f"{wanted.key}.lock", _DAY):
            part = folder / f"{wanted.key}.part"
            found = _whole(part, wanted)
            if found is not None:
                return _named(part, own / wanted.name, found)
            for _ in range(_ROUNDS):
                with _opened(part) as out:
                    hashes = _resume(out, wanted)
                    _download(hub, snapshot, file, _Sink(out, hashes, told))
                    out.flush()
                    os.fsync(out.fileno())
                if not wanted.misfit(hashes):
                    return _named(part, own / wanted.name, hashes)
                part.unlink()
    raise HubCorruptedError(f"{wanted.where}: {wanted.misfit(hashes)}", "nothing was stored; try again later")


def forget(part: Part) -> None:
    """Remove what other pulls know a file by, unless one of them is at work on it."""
    with suppress(StoreError), hold(part.shared.with_suffix(".lock"), 0):
        part.shared.unlink(missing_ok=True)


def lying(file: RemoteFile, folder: Path, sha256: str | None) -> int:
    """Return how many bytes of a file lie in ``folder`` already, from an earlier try."""
    part = folder / f"{_Wanted(file.path, file, sha256).key}.part"
    with suppress(OSError):
        return min(part.lstat().st_size, file.size)
    return 0


def fetch_bytes(hub: Hub, snapshot: Snapshot, file: RemoteFile, most: int) -> bytes:
    """Return the content of a small file; errors as in :func:`fetch_file`.

    :raises HubCorruptedError: it takes more than ``most`` bytes.
    """
    wanted = _Wanted(f"{snapshot.of}, {file.path}", file, None)
    if file.size > most:
        problem = f"{wanted.where}: it takes {file.size} bytes, more than {most}"
        raise HubCorruptedError(problem, "take another repository")
    for _ in range(_ROUNDS):
        out, hashes = io.BytesIO(), _Hashes(file.size)
        _download(hub, snapshot, file, _Sink(out, hashes, _tell_nobody))
        if not wanted.misfit(hashes):
            return out.getvalue()
    raise HubCorruptedError(f"{wanted.where}: {wanted.misfit(hashes)}", "try again later")


class _Hashes:
    """The sha256 of what has come, and the id that git gives a file of that size."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.sha256 = hashlib.sha256()
        self.blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def take(self, chunk: bytes) -> None:
        self.count += len(chunk)
        self.sha256.update(chunk)
        self.blob.update(chunk)


@dataclass(frozen=True)
class _Wanted:
    """What a file must be: a blob of git, or one of the large files whose sha256 the Hub knows."""

    where: str
    file: RemoteFile
    sha256: str | None

    @property
    def key(self) -> str:
        """64 hexadecimal digits: the sha256, or one made of git's id where nobody says it."""
        known = self.file.sha256 or self.sha256
        return known or hashlib.sha256(f"git blob {self.file.blob}".encode()).hexdigest()

    @property
    def name(self) -> str:
        """A name that no other file of the repository has."""
        return hashlib.sha256(self.file.path.encode()).hexdigest()

    def misfit(self, hashes: _Hashes) -> str:
        """Say what is wrong with what has come, if anything."""
        found = hashes.sha256.hexdigest()
        expected = {known for known in (self.file.sha256, self.sha256) if known is not None}
        if expected - {found}:
            return f"its sha256 is {found}, and should be {' and '.join(sorted(expected - {found}))}"
        if self.file.sha256 is None and hashes.blob.hexdigest() != self.file.blob:
            return f"git's id of it is {hashes.blob.hexdigest()}, and should be {self.file.blob}"
        return ""


class _Sink:
    """Where the bytes go: a file, the hashes, and who wants to know."""

    def __init__(self, out: BinaryIO, hashes: _Hashes, told: Callable[[int], None]) -> None:
        self._out, self.hashes, self._told = out, hashes, told

    @property
    def count(self) -> int:
        return self.hashes.count

    def put(self, chunk: bytes) -> None:
        self._out.write(chunk)
        self.hashes.take(chunk)
        self._told(self.count)

    def clear(self, size: int) -> None:
        """Begin again: a server that was asked for the rest has sent the whole."""
        self._out.seek(0)
        self._out.truncate()
        fresh = _Hashes(size)
        self.hashes.count, self.hashes.sha256, self.hashes.blob = fresh.count, fresh.sha256, fresh.blob


def _tell_nobody(count: int) -> None:
    del count


def _whole(part: Path, wanted: _Wanted) -> _Hashes | None:
    """Return the hashes of a part that is the whole file already, None where there is none."""
    hashes = _Hashes(wanted.file.size)
    if part.is_symlink() or not part.is_file() or part.stat().st_size != wanted.file.size:
        return None
    with part.open("rb") as file:
        while chunk := file.read(_BLOCK):
            hashes.take(chunk)
    return None if wanted.misfit(hashes) else hashes


def _named(part: Path, own: Path, hashes: _Hashes) -> Part:
    """Give a whole part its second name."""
    link(part, own)
    return Part(own, hashes.sha256.hexdigest(), part)


def _opened(part: Path) -> BinaryIO:
    """Open a part to go on with; never one that has another name as well, which would change that, too.

    Nor one that may not be written to: what the store takes in is made read-only under all its names.
    """
    if part.is_symlink():
        part.unlink()
    elif part.exists() and (part.stat().st_nlink != 1 or not part.stat().st_mode & stat.S_IWUSR):
        aside = part.with_suffix(".copy")
        shutil.copyfile(part, aside)
        os.replace(aside, part)
    return part.open("r+b" if part.exists() else "x+b")


def _resume(out: BinaryIO, wanted: _Wanted) -> _Hashes:
    """Hash what lies there already, and stand behind it; what is longer than the file is thrown away."""
    hashes = _Hashes(wanted.file.size)
    if os.fstat(out.fileno()).st_size > wanted.file.size:
        out.truncate(0)
    while chunk := out.read(_BLOCK):
        hashes.take(chunk)
    return hashes


def _download(hub: Hub, snapshot: Snapshot, file: RemoteFile, sink: _Sink) -> None:
    """Put the rest of a file into the sink, with pauses where the network fails."""
    patience, failures, furthest = hub.patience, 0, sink.count
    while sink.count < file.size:
        try:
            _take(hub, snapshot, file, sink)
        except HubNetworkError as error:
            failures = 1 if sink.count - furthest >= _MUCH else failures + 1
            furthest = max(furthest, sink.count)
            if failures >= patience.tries:
                raise
            time.sleep(patience.pause(failures - 1, error.retry_after))


def _take(hub: Hub, snapshot: Snapshot, file: RemoteFile, sink: _Sink) -> None:
    """Put what one request brings of the rest of a file into the sink."""
    where, patience = f"{snapshot.of}, {file.path}", hub.patience
    with hub.open(snapshot, file, sink.count) as (begins, chunks):
        if begins != sink.count:
            sink.clear(file.size)
        for chunk in _paced(chunks, where, patience.read, patience.slowest):
            if sink.count + len(chunk) > file.size:
                problem = f"{where}: more bytes come than the {file.size} announced"
                raise HubCorruptedError(problem, "try again later")
            sink.put(chunk)
    if sink.count < file.size:
        problem = f"{where}: it ends after {sink.count} of {file.size} bytes"
        raise HubNetworkError(problem, "type the same again to go on from there")


def _paced(chunks: Iterator[bytes], where: str, window: float, slowest: float) -> Iterator[bytes]:
    """Pass chunks on as long as they come at a rate above ``slowest``, over ``window`` seconds."""
    since, count = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        count += len(chunk)
        passed = time.monotonic() - since
        if passed >= window:
            if count < slowest * passed:
                problem = f"{where}: it stalls at {count / passed:.0f} bytes per second"
                raise HubNetworkError(problem, "type the same again to go on from there")
            since, count = time.monotonic(), 0
