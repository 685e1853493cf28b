"""Mending a store: what is damaged is taken out, what can be found again is put back, nothing good is lost.

Nothing is fetched. What is taken out lies in ``quarantine`` for a week; the report names the models that must
be pulled or stored again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.manifest import MAX_BYTES, Manifest
from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, StoreError
from lexarium.roles import Progress, silent
from lexarium_registry.durable import make_folder, place, sync_folder, write_new
from lexarium_registry.layout import DIGEST, TAG, disk, listed
from lexarium_registry.listing import changing
from lexarium_registry.references import is_name
from lexarium_registry.refs import Ref, read_alias, read_ref, read_tag
from lexarium_registry.store import LocalStore
from lexarium_registry.verify import blob_problems
from lexarium_registry.versions import all_references, numbers, read_version

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.stores import Origin
    from lexarium.zoo import Zoo

__all__ = ["Repaired", "repair"]


@dataclass
class Repaired:
    """What was done, or would be, one sentence each; and the models that are not whole, with the remedy."""

    done: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return asdict(self)


def repair(zoo: Zoo, *, dry_run: bool = False, progress: Progress = silent) -> Repaired:
    """Mend the store; with ``dry_run`` say what would be done.

    Damaged files go to quarantine. A version whose reference is damaged gets a new one if exactly one
    manifest says that it is its; a version whose manifest is lost is dropped, with its tags. References that
    are not understood, and tags that name no version, go to quarantine. A version with a damaged file
    keeps its place, so that storing or pulling the same model again makes it whole.

    :raises StoreError: the disk refuses, or the store is not on this disk.
    """
    store, report = zoo.store, Repaired()
    if not isinstance(store, LocalStore):
        raise StoreError("only a store on this disk can be repaired", "type: lexarium verify")
    store.layout.check_format()
    if not store.layout.refs.is_dir():
        return report
    with disk(stores=False), store.lock():
        work = _Work(store, report, dry_run=dry_run)
        work.manifests()
        work.references()
        work.blobs(progress)
        work.words()
        if not dry_run:
            store.layout.index.unlink(missing_ok=True)  # the next listing makes it again
    return report


class _Work:
    def __init__(self, store: LocalStore, report: Repaired, *, dry_run: bool) -> None:
        self.store, self.layout, self.report, self.dry_run = store, store.layout, report, dry_run
        self.sound: dict[tuple[str, str], list[str]] = {}  # manifests by what they say they are
        self.kept: dict[tuple[str, str], tuple[Manifest, Origin | None]] = {}

    def manifests(self) -> None:
        """Take out manifests that are not what their name says; remember what the others are."""
        for path in sorted((self.layout.home / "manifests").glob("??/*")):
            if not DIGEST.fullmatch(path.name):
                continue
            try:
                raw = read_small(path, MAX_BYTES)
                if hashlib.sha256(raw).hexdigest() != path.name:
                    self.take_out(path, "a damaged manifest")
                    continue
                manifest = Manifest.from_bytes(raw, path.name)
            except (OSError, CheckpointError):
                self.take_out(path, "a manifest that cannot be read")
                continue
            self.sound.setdefault((manifest.name, manifest.version), []).append(path.name)

    def references(self) -> None:
        """Put references right, or drop the versions that nothing is known of."""
        for name, version in list(all_references(self.layout)):
            if version is None:
                self.take_out(self.layout.refs / name, "a reference that is not understood")
                continue
            where = f"{name}@{version}"
            try:
                ref, manifest = read_version(self.layout, name, version)
                self.kept[name, version] = (manifest, ref.origin)
                continue
            except (CheckpointError, FileNotFoundError):
                origin = self.origin(name, version)
            candidates = self.sound.get((name, version), [])
            if len(candidates) == 1:
                self.refer(name, version, Ref(candidates[0], origin))
                continue
            self.report.done.append(f"dropped {where}: its manifest is lost")
            self.report.missing[where] = _again(name, origin)
            if not self.dry_run:
                with changing(self.layout, name):
                    if (path := self.layout.ref(name, version)).is_dir():
                        self.move(path)
                        path.touch()  # dropped like the others: its number stays taken
                    self.store.drop(name, [version])

    def blobs(self, progress: Progress) -> None:
        """Take out damaged blobs, and say which models lack one."""
        entries = {e.sha256: e for manifest, _ in self.kept.values() for e in manifest.files}
        bad = blob_problems(self.store, entries, progress)
        for digest, problem in sorted(bad.items()):
            if os.path.lexists(self.layout.blob(digest)):
                self.take_out(self.layout.blob(digest), f"a file that {problem}")
        for (name, version), (manifest, origin) in self.kept.items():
            if any(entry.sha256 in bad for entry in manifest.files):
                self.report.missing[f"{name}@{version}"] = _again(name, origin)

    def words(self) -> None:
        """Take out tags and aliases that name nothing that can be read."""
        for name in filter(is_name, listed(self.layout.refs)):
            versions = numbers(self.layout, name)
            for entry in listed(self.layout.refs / name):
                tag = entry.removesuffix(TAG)
                if tag != entry and read_tag(self.layout, name, tag) not in versions:
                    self.take_out(self.layout.refs / name / entry, "a tag on no version")
        for alias in listed(self.layout.aliases):
            try:
                read_alias(self.layout, alias)
            except CheckpointError:
                self.take_out(self.layout.aliases / alias, "a damaged alias")

    def origin(self, name: str, version: str) -> Origin | None:
        """Return what a reference says of where its version was pulled from, if it can be read."""
        try:
            return read_ref(self.layout, name, version).origin
        except (CheckpointError, FileNotFoundError):
            return None

    def refer(self, name: str, version: str, ref: Ref) -> None:
        """Write a reference again whose manifest was found."""
        self.report.done.append(f"found the manifest of {name}@{version} again")
        manifest = Manifest.from_bytes(read_small(self.layout.manifest(ref.manifest), MAX_BYTES), name)
        self.kept[name, version] = (manifest, ref.origin)
        if not self.dry_run:
            path = self.layout.ref(name, version)
            with changing(self.layout, name):
                if path.is_file() and not path.is_symlink():
                    shutil.copyfile(path, self.room(path))  # it stays until the new one takes its place
                else:
                    self.move(path)
                (aside := self.layout.home / "ref.new").unlink(missing_ok=True)
                write_new(aside, path, ref.to_bytes())

    def take_out(self, path: Path, what: str) -> None:
        """Move a file or folder to quarantine, under a name that says where it lay."""
        shown = path.relative_to(self.layout.home).as_posix()
        self.report.done.append(f"took out {shown}: {what}")
        if not self.dry_run:
            self.move(path)

    def move(self, path: Path) -> None:
        """Move what lies at ``path`` to quarantine."""
        target = self.room(path)
        place(path, target)
        os.utime(target, follow_symlinks=False)  # a week from now on
        sync_folder(path.parent)

    def room(self, path: Path) -> Path:
        """Return a free place in quarantine for what lies at ``path``."""
        relative = path.relative_to(self.layout.home).as_posix().replace("/", "+")
        target, count = self.layout.quarantine / relative, 1
        while os.path.lexists(target):
            count += 1
            target = self.layout.quarantine / f"{relative}+{count}"
        make_folder(target.parent)
        return target


def _again(name: str, origin: Origin | None) -> str:
    if origin is None:
        return "store it again, or unbundle it"
    return f"type: lexarium pull {origin.reference}@{origin.commit} --name {name}"
