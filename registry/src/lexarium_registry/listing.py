"""What ``lexarium list`` shows of every version, without opening any: one file, read without numpy.

The file ``index`` holds, per name, when the folder of its references last changed and a row per version.
A name whose folder has another time is read anew. Who writes takes the index away first, under the store's
lock, and puts it back afterwards, so after a crash there is none and the next listing makes it again.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, StoreError
from lexarium_registry.layout import Layout, listed
from lexarium_registry.references import is_name, is_version
from lexarium_registry.refs import read_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lexarium.checkpoint.manifest import Part

__all__ = ["Listed", "Row", "changing", "listing"]

_FORMAT = 1
_LONGEST = 2**28  # bytes: a row takes some 200


class Row(NamedTuple):
    """What is shown of one version; ``error`` says why nothing else is."""

    version: str
    kind: str | None = None
    method: str | None = None
    dim: int | None = None
    size_bytes: int = 0
    license: str | None = None
    created: str | None = None
    reference: str | None = None
    commit: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Listed:
    """A name: when its folder changed (ns), a row per version, oldest first, and its tags by version."""

    at: int
    rows: list[Row]
    tags: Mapping[str, str]

    def on(self, version: str) -> list[str]:
        """Return the tags that are on a version."""
        return [tag for tag, on in self.tags.items() if on == version] if self.tags else []


def listing(layout: Layout) -> dict[str, Listed]:
    """Return every name that has a version, sorted, with its rows.

    :raises StoreError: the store is of another format.
    """
    layout.check_format()
    known = _load(layout)
    times = _times(layout, known)
    missed = {name for name, at in times.items() if name not in known or known[name].at != at}
    if missed and layout.writable:
        from lexarium_registry.locks import hold  # noqa: PLC0415  most listings take no lock

        # Another who holds the lock may be changing what is read; then this listing is not kept.
        with suppress(StoreError, OSError), hold(layout.lock, 0):
            known = _refreshed(layout, _load(layout))
            _save(layout, known)
            missed = set()
    found = {name: known[name] for name in times if name in known and name not in missed}
    for name in missed:
        with suppress(FileNotFoundError):  # removed meanwhile
            found[name] = _read_name(layout, name, None)
    return {name: found[name] for name in sorted(found) if found[name].rows}


@contextmanager
def changing(layout: Layout, name: str) -> Iterator[None]:
    """Keep the index true over a change to the references of ``name``; call it under the store's lock.

    :raises OSError: the old index cannot be taken away.
    """
    known = _load(layout)
    before = known.pop(name, None)
    folder = layout.refs / name
    if not folder.exists():
        before = Listed(0, [], {})
    elif before is not None and before.at != folder.stat().st_mtime_ns:
        before = None
    layout.index.unlink(missing_ok=True)
    yield
    with suppress(OSError):
        if before is not None:
            known[name] = _read_name(layout, name, before)
        _save(layout, known)


def _times(layout: Layout, known: Mapping[str, Listed]) -> dict[str, int]:
    try:
        with os.scandir(layout.refs) as entries:
            return {
                entry.name: entry.stat().st_mtime_ns
                for entry in entries
                if (entry.name in known or is_name(entry.name)) and entry.is_dir()
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _refreshed(layout: Layout, known: dict[str, Listed]) -> dict[str, Listed]:
    return {
        name: known[name] if name in known and known[name].at == at else _read_name(layout, name, None)
        for name, at in _times(layout, known).items()
    }


def _read_name(layout: Layout, name: str, before: Listed | None) -> Listed:
    """Read the rows of a name, those that stood there ``before`` excepted."""
    folder = layout.refs / name
    at = folder.stat().st_mtime_ns  # first: a later change has a later time
    rows = {} if before is None else {row.version: row for row in before.rows}
    versions = sorted(filter(is_version, listed(folder)), key=int)
    found = [rows.get(version) or _row(layout, name, version) for version in versions]
    return Listed(at, found, read_tags(layout, name))


def _row(layout: Layout, name: str, version: str) -> Row:
    from lexarium_registry.versions import read_version  # noqa: PLC0415  numpy, where a manifest is read

    try:
        ref, manifest = read_version(layout, name, version)
    except (FileNotFoundError, CheckpointError) as error:
        return Row(version, error=str(error))
    found = manifest.root.find_space()
    return Row(
        version=version,
        kind=manifest.kind,
        method="+".join(_methods(manifest.root)),
        dim=found[1].dim if found else None,
        size_bytes=manifest.size,
        license=manifest.about.license,
        created=manifest.created,
        reference=ref.origin.reference if ref.origin else None,
        commit=ref.origin.commit if ref.origin else None,
    )


def _methods(part: Part) -> list[str]:
    return [part.method, *(method for inner in part.parts.values() for method in _methods(inner))]


def _load(layout: Layout) -> dict[str, Listed]:
    """Return what the index holds: nothing where it is not whole."""
    try:
        says, _, raw = read_small(layout.index, _LONGEST).partition(b"\n")
        if hashlib.sha256(raw).hexdigest().encode() != says:
            return {}
        document = json.loads(raw)  # as we wrote it: its hash is right
    except (OSError, ValueError, CheckpointError):
        return {}
    if document["format"] != _FORMAT:
        return {}
    return {
        name: Listed(at, [Row._make(row) for row in rows], tags) for name, at, rows, tags in document["names"]
    }


def _save(layout: Layout, known: Mapping[str, Listed]) -> None:
    names = [[name, k.at, k.rows, k.tags] for name, k in sorted(known.items())]
    document: dict[str, Any] = {"format": _FORMAT, "fields": Row._fields, "names": names}
    raw = json.dumps(document, separators=(",", ":")).encode()
    aside = layout.home / "index.new"  # the lock is held, so no other writes it
    aside.write_bytes(hashlib.sha256(raw).hexdigest().encode() + b"\n" + raw)
    os.replace(aside, layout.index)
