"""The local store: blobs by their hash, manifests by theirs, references by name and version.

Readers take no lock and write nothing. Writers take one around the short part that moves finished files
into place; the long part, writing a model, happens in a staging folder of its own. The order of writing is
blobs, manifest, reference: what a reader can see is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lexarium.checkpoint.folder import hash_file, read_folder
from lexarium.errors import CheckpointError, ModelNotFoundError, StoreError
from lexarium.stores import Origin, StoredVersion
from lexarium_registry import labels, proof
from lexarium_registry.confirmed import confirmed_versions
from lexarium_registry.durable import make_folder, place, sync_file, sync_folder, write_new
from lexarium_registry.layout import FORMAT, REMOVED, Layout, default_home, disk, listed
from lexarium_registry.listing import changing, listing
from lexarium_registry.locks import clear_dead, hold, private_folder
from lexarium_registry.references import check_name, is_version, parse
from lexarium_registry.refs import Ref, read_aliases, read_tags
from lexarium_registry.sweep import sweep
from lexarium_registry.versions import as_stored, numbers, read_version, reference_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lexarium.checkpoint.manifest import About, FileEntry, Manifest
    from lexarium_registry.names import HubReference

__all__ = ["LocalStore", "default_home"]

_PATIENCE = 60.0


class LocalStore:
    """Models on this disk. Nothing is created before the first :meth:`publish`."""

    def __init__(self, home: Path | None = None, *, patience: float = _PATIENCE) -> None:
        """Open the store in ``home``; a writer waits for others up to ``patience`` seconds."""
        self.home = default_home() if home is None else home.absolute()
        self.layout = Layout(self.home)
        self._patience = patience

    def names(self) -> list[str]:
        """Return the names of all stored models, sorted."""
        self.layout.check_format()
        return reference_names(self.layout)

    def versions(self, name: str) -> list[str]:
        """Return the versions of ``name``, oldest first; empty where there is none.

        :raises StoreError: the name cannot be one, or the store is of a later format.
        """
        check_name(name)
        self.layout.check_format()
        return numbers(self.layout, name)

    def find(self, name: str, version: str | None = None) -> StoredVersion:
        """Return a version, the newest where none is named.

        :raises ModelNotFoundError: there is no such name or version.
        :raises CheckpointError: the version's manifest is damaged.
        """
        check_name(name)
        if version is not None and not isinstance(version, str):
            raise StoreError(f"{version!r:.60} is no version: it is not text", "for instance '1'")
        self.layout.check_format()
        return self._find(name, version)

    def _find(self, name: str, version: str | None) -> StoredVersion:
        while True:
            chosen = version if version is not None else next(reversed(numbers(self.layout, name)), "")
            if not is_version(chosen):
                raise self._not_found(name, version)
            try:
                return as_stored(self.layout, name, chosen, *read_version(self.layout, name, chosen))
            except FileNotFoundError:
                if version is not None:
                    raise self._not_found(name, version) from None
            except CheckpointError:
                # Removed while it was being read? Then nothing is damaged, and a newer one may be there.
                if os.path.lexists(self.layout.ref(name, chosen)):
                    raise

    def resolve(self, reference: str) -> StoredVersion:
        """Return what a reference names: a stored version, or a model folder.

        :raises StoreError: the text is not a reference.
        :raises ModelNotFoundError: nothing of that name is stored.
        :raises CheckpointError: the folder or the stored version holds no usable model.
        """
        parsed = parse(reference)
        if parsed.hub is not None:
            return self._pulled(parsed.hub)
        if parsed.folder is None:
            self.layout.check_format()
            if (Path(reference) / "lexarium.json").is_file() and not numbers(self.layout, parsed.name):
                raise StoreError(
                    f"no stored model is named {reference!r}", f"for the folder type ./{reference}"
                )
            name, version = labels.look_up(self, parsed)
            return self._find(name, version)
        folder = parsed.folder
        manifest = read_folder(folder)
        return StoredVersion(
            name=manifest.name,
            version=manifest.version,
            manifest=manifest,
            locate=lambda path: folder / path,
            folder=folder,
        )

    def prove(self, stored: StoredVersion) -> None:
        """Hash the files of a version that have changed in size, time or inode since they were last hashed.

        :raises CheckpointError: one is damaged or missing.
        """
        if stored.digest is not None:
            proof.prove(self.layout, stored.digest, stored.manifest, f"{stored.name}@{stored.version}")

    def holds(self, stored: StoredVersion) -> bool:
        """Tell whether a version that was found is still stored; a model folder always is."""
        return stored.folder is not None or self.layout.ref(stored.name, stored.version).is_file()

    def pulled(self, reference: str) -> list[StoredVersion]:
        """Return the versions whose origin is that repository, in the order that they were stored in.

        One whose manifest is damaged is left out, and so is one that is removed meanwhile.
        """
        known, found = listing(self.layout), []
        for name, version in (
            (n, r.version) for n, k in known.items() for r in k.rows if r.reference == reference
        ):
            with suppress(FileNotFoundError, ModelNotFoundError, CheckpointError):
                at = self.layout.ref(name, version).stat().st_mtime_ns
                found.append((at, name, int(version), self.find(name, version)))
        return [stored for *_, stored in sorted(found, key=lambda each: each[:3])]

    def same(self, name: str, fits: Callable[[Manifest], bool]) -> StoredVersion | None:
        """Return the newest whole version of ``name`` whose manifest ``fits``, if one does."""
        for version in reversed(self.versions(name)):
            try:
                stored = self.find(name, version)
                if fits(stored.manifest):
                    self.prove(stored)
                    return stored
            except (CheckpointError, ModelNotFoundError):
                continue
        return None

    def publish(
        self, name: str, write: Callable[[Path], object], *, origin: Origin | None = None
    ) -> StoredVersion:
        """Store what ``write(folder)`` puts into a private folder as the next version; all or nothing.

        :raises StoreError: the name cannot be one or is an alias, or the disk refuses (full, read-only).
        :raises CheckpointError: what was written is no model, or a file is not what its manifest says.
        """
        check_name(name)
        self.layout.check_format()
        labels.refuse_alias(self.layout, name)
        with self.staging() as staging:
            folder = staging / "model"
            with disk(only_full=True):
                write(folder)
            manifest = read_folder(folder)
            with disk():
                for entry in manifest.files:
                    _check_written(folder, entry)
                there = {entry.sha256 for entry in manifest.files if self._is_whole(entry)}
                with self.lock():
                    if not (self.home / "format").exists():
                        write_new(staging / "format", self.home / "format", FORMAT)
                    for entry in manifest.files:
                        self._keep(folder / entry.path, entry, there=entry.sha256 in there)
                    return self._refer(staging, name, manifest, origin)

    def revise(self, stored: StoredVersion, about: About) -> StoredVersion:
        """Store the same model, said of it what ``about`` says, as the next version of its name.

        No file of it is written again.

        :raises StoreError: it is a folder, or the disk refuses.
        :raises CheckpointError: one of its files is gone.
        """
        if stored.folder is not None:
            raise StoreError(f"{stored.folder} is a folder, not a stored model", "type: lexarium list")
        created = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = replace(stored.manifest, about=about, created=created)
        manifest.to_bytes()
        with self.staging() as staging, disk(), self.lock():
            for entry in manifest.files:
                if not self.layout.blob(entry.sha256).is_file():
                    where = f"{stored.name}@{stored.version}"
                    raise CheckpointError(where, f"{entry.path} is missing", "type: lexarium verify")
            return self._refer(staging, stored.name, manifest, None)

    def remove(self, name: str, version: str | None = None) -> list[str]:
        """Remove a version, or all of a name, and the files that nothing else uses; return the versions.

        The tags on them go first, so that none ever names what is not there.

        :raises ModelNotFoundError: there is no such name or version.
        """
        if not self.versions(name):  # looking makes nothing: no lock yet
            raise self._not_found(name, version)
        with disk(stores=False), self.lock():
            versions = self.versions(name)
            removed = versions if version is None else [version]
            if not versions or not set(removed) <= set(versions):
                raise self._not_found(name, version)
            with changing(self.layout, name):
                self.drop(name, removed)
            sweep(self.layout)
        return removed

    def drop(self, name: str, versions: Sequence[str]) -> None:
        """Take away references and the tags on them, keeping the highest number ever given as a mark.

        Call it under the lock.
        """
        refs, highest = self.layout.refs / name, self._highest(name)
        tags = [tag for tag, on in read_tags(self.layout, name).items() if on in versions]
        for tag in tags:
            self.layout.tag(name, tag).unlink()
        if tags:
            sync_folder(refs)
        for each in versions:
            if int(each) == highest:  # kept as a mark, so that the number is not given again
                os.replace(refs / each, refs / f"{each}.removed")
            else:
                (refs / each).unlink()
        for entry in listed(refs):
            mark = REMOVED.fullmatch(entry)
            if mark and int(mark[1]) < highest:
                (refs / entry).unlink()
        sync_folder(refs)

    def tags(self, name: str) -> dict[str, str]:
        """Return the version that each tag of ``name`` is on."""
        check_name(name)
        self.layout.check_format()
        return read_tags(self.layout, name)

    def tag(self, name: str, tag: str, version: str | None) -> None:
        """Put a tag on a version of ``name``, moving it from another; None: take it away.

        :raises StoreError: it cannot be a tag.
        :raises ModelNotFoundError: there is no such version, or no such tag to take away.
        """
        labels.put_tag(self, name, tag, version)

    def aliases(self) -> dict[str, str]:
        """Return the reference that each alias stands for."""
        self.layout.check_format()
        return read_aliases(self.layout)

    def alias(self, alias: str, reference: str | None) -> None:
        """Let a second name stand for ``name``, ``name@version`` or ``name@tag``; None: take it away.

        :raises StoreError: it cannot be a name, or is one of a stored model.
        :raises ModelNotFoundError: the reference names nothing, or there is no such alias to take away.
        """
        labels.put_alias(self, alias, reference)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock that every writer takes.

        :raises StoreError: another has held it for all of the store's patience.
        """
        with hold(self.layout.lock, self._patience):
            self.layout.check_format()
            yield

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a private folder in the store's own file system, gone afterwards whatever happens.

        :raises StoreError: the disk refuses.
        """
        root = self.layout.staging
        with disk():
            make_folder(root)
            with self.lock():
                clear_dead(root)
                staging, living = private_folder(root)
        try:
            yield staging
        finally:
            living.release()
            shutil.rmtree(staging, ignore_errors=True)

    def _refer(self, staging: Path, name: str, manifest: Manifest, origin: Origin | None) -> StoredVersion:
        """Write manifest and reference of the next version, whose blobs are in place; under the lock."""
        labels.refuse_alias(self.layout, name)
        version = str(self._highest(name) + 1)
        manifest = replace(manifest, name=name, version=version)
        raw = manifest.to_bytes()
        ref = Ref(hashlib.sha256(raw).hexdigest(), origin)
        write_new(staging / "manifest", self.layout.manifest(ref.manifest), raw)
        proof.record(self.layout, ref.manifest, manifest)
        with changing(self.layout, name):
            try:
                write_new(staging / "ref", self.layout.ref(name, version), ref.to_bytes())
            except OSError:  # its name may be there, and not safe: who is told of an error finds none
                with suppress(OSError):
                    self.layout.ref(name, version).unlink()
                raise
        return as_stored(self.layout, name, version, ref, manifest)

    def _pulled(self, hub: HubReference) -> StoredVersion:
        found = confirmed_versions(self, hub)
        if not found:
            raise ModelNotFoundError("pulled model", str(hub), (), f"type: lexarium pull {hub}")
        return found[-1]

    def _not_found(self, name: str, version: str | None) -> ModelNotFoundError:
        versions = self.versions(name)
        if version is None or not versions:
            known = [other for other in [*self.names(), *self.aliases()] if other != name]
            return ModelNotFoundError("stored model", name, known, "type: lexarium list")
        asked, known = f"{name}@{version}", [f"{name}@{v}" for v in versions if v != version]
        return ModelNotFoundError("stored model", asked, known, f"type: lexarium show {name}")

    def _highest(self, name: str) -> int:
        """Return the highest number that a version of ``name`` ever had, 0 if there was none."""
        marks = map(REMOVED.fullmatch, listed(self.layout.refs / name))
        return max(map(int, [*self.versions(name), *(mark[1] for mark in marks if mark)]), default=0)

    def _is_whole(self, entry: FileEntry) -> bool:
        blob = self.layout.blob(entry.sha256)
        return blob.is_file() and blob.stat().st_size == entry.size and hash_file(blob) == entry.sha256

    def _keep(self, written: Path, entry: FileEntry, *, there: bool) -> None:
        """Move a written file to its blob, unless the blob was found there and whole."""
        blob = self.layout.blob(entry.sha256)
        if there and blob.is_file():
            make_folder(blob.parent)
            sync_folder(blob.parent)  # who put it there may have crashed before doing so
            return
        written.chmod(0o444)
        place(written, blob)


def _check_written(folder: Path, entry: FileEntry) -> None:
    """Refuse a file that is not what its manifest says, or not a file of its own; sync it to the disk."""
    path = folder / entry.path
    if path.resolve() != folder.resolve() / entry.path or not path.is_file():
        raise CheckpointError(entry.path, "it is missing, or a link", "the model was not stored")
    if path.stat().st_size != entry.size or hash_file(path) != entry.sha256:
        raise CheckpointError(entry.path, "it is not what the manifest says", "the model was not stored")
    sync_file(path)
