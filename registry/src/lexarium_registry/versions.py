"""Reading stored versions: reference, manifest, and which files are used at all."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexarium.checkpoint.manifest import MAX_BYTES, Manifest
from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError
from lexarium.stores import StoredVersion
from lexarium_registry.layout import REMOVED, TAG, Layout, listed
from lexarium_registry.references import is_name, is_tag, is_version
from lexarium_registry.refs import Ref, read_ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "Used",
    "all_references",
    "as_stored",
    "content_digest",
    "fits_content",
    "numbers",
    "read_version",
    "reference_names",
    "used_files",
]

_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers


@dataclass(frozen=True)
class Used:
    """What the references reach: manifests and blobs, by sha256, and the spaces of the models."""

    manifests: frozenset[str]
    blobs: frozenset[str]
    spaces: frozenset[str]


def numbers(layout: Layout, name: str) -> list[str]:
    """Return the versions of a name, oldest first."""
    return sorted(filter(is_version, listed(layout.refs / name)), key=int)


def reference_names(layout: Layout) -> list[str]:
    """Return the names that have a version, sorted."""
    return sorted(
        n for n in listed(layout.refs) if is_name(n) and any(map(is_version, listed(layout.refs / n)))
    )


def read_version(layout: Layout, name: str, version: str) -> tuple[Ref, Manifest]:
    """Return what a version's reference says, and its manifest.

    :raises FileNotFoundError: there is no such version.
    :raises CheckpointError: its reference or its manifest is damaged.
    """
    where = f"{name}@{version}"
    ref = read_ref(layout, name, version)
    remedy = f"type: lexarium repair, or remove it (lexarium remove {where}) and store it again"
    try:
        raw = read_small(layout.manifest(ref.manifest), MAX_BYTES)
    except (OSError, CheckpointError) as error:
        raise CheckpointError(where, "its manifest is missing", remedy) from error
    if hashlib.sha256(raw).hexdigest() != ref.manifest:
        raise CheckpointError(where, "its manifest is damaged: its sha256 is another", remedy)
    return ref, Manifest.from_bytes(raw, where)


def as_stored(layout: Layout, name: str, version: str, ref: Ref, manifest: Manifest) -> StoredVersion:
    """Return a version as those who open it take it."""
    blobs = {entry.path: layout.blob(entry.sha256) for entry in manifest.files}
    return StoredVersion(
        name=name,
        version=version,
        manifest=manifest,
        locate=blobs.__getitem__,
        origin=ref.origin,
        digest=ref.manifest,
    )


def content_digest(manifest: Manifest) -> str:
    """Return the sha256 of all that a manifest says but for name, version and time.

    Models that are stored under other names, or elsewhere, have the same one if they are the same.
    """
    said = {
        key: value for key, value in manifest.to_json().items() if key not in {"name", "version", "created"}
    }
    said["files"] = sorted(said["files"], key=lambda entry: entry["path"])
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def fits_content(manifest: Manifest) -> Callable[[Manifest], bool]:
    """Return what tells whether another manifest says the same of the same files."""
    wanted = content_digest(manifest)
    return lambda other: content_digest(other) == wanted


def all_references(layout: Layout) -> Iterator[tuple[str, str | None]]:
    """Yield name and version of all that stands in refs; without version what is not understood."""
    for name in sorted(set(listed(layout.refs)) - _LITTER):
        if not is_name(name) or not (layout.refs / name).is_dir():
            yield name, None
            continue
        for entry in sorted(set(listed(layout.refs / name)) - _LITTER):
            if is_version(entry):
                yield name, entry
            elif not REMOVED.fullmatch(entry) and not (
                entry.endswith(TAG) and is_tag(entry.removesuffix(TAG))
            ):
                yield f"{name}/{entry}", None


def used_files(layout: Layout) -> Used:
    """Return what the references reach; call it under the store's lock.

    :raises CheckpointError: a reference is not understood or a version is damaged, so it is not known.
    """
    manifests: set[str] = set()
    blobs: set[str] = set()
    spaces: set[str] = set()
    for name, version in all_references(layout):
        if version is None:
            path = os.fspath(layout.refs / name)
            raise CheckpointError(path, "this reference is not understood", "type: lexarium repair")
        try:
            ref, manifest = read_version(layout, name, version)
        except FileNotFoundError as error:  # removed by hand meanwhile: writers wait for the lock
            raise CheckpointError(f"{name}@{version}", "its reference is gone", "try again") from error
        manifests.add(ref.manifest)
        blobs |= {entry.sha256 for entry in manifest.files}
        spaces |= set(manifest.root.spaces())
    return Used(frozenset(manifests), frozenset(blobs), frozenset(spaces))
