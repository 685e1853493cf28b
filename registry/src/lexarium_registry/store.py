"""The local store, format 1: blobs by their hash, manifests by theirs, references by name and version.

Readers take no lock. Writers take one around the short part that moves finished files into place;
the long part, writing a model, happens in a staging folder of its own.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from lexarium.checkpoint.folder import hash_file, read_folder
from lexarium.checkpoint.manifest import FileEntry, Manifest
from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, ModelNotFoundError, StoreError
from lexarium.stores import StoredVersion
from lexarium_registry.durable import make_folder, place, sync_file, sync_folder, write_new
from lexarium_registry.locks import clear_dead, hold, private_folder
from lexarium_registry.references import check_name, is_name, is_version, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LocalStore", "default_home"]

_FORMAT = b"1\n"
_HEX = re.compile(r"[0-9a-f]{64}")
_REMOVED = re.compile(r"([1-9][0-9]{0,8})\.removed")
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers
_FULL = {errno.ENOSPC, errno.EDQUOT}
_PATIENCE = 60.0
_log = logging.getLogger("lexarium")


def default_home() -> Path:
    """Return ``LEXARIUM_HOME``, or the user's data folder for Lexarium."""
    home = os.environ.get("LEXARIUM_HOME")
    return Path(home).absolute() if home else user_data_path("lexarium", appauthor=False)


class LocalStore:
    """Models on this disk. Nothing is created before the first :meth:`publish`."""

    def __init__(self, home: Path | None = None, *, patience: float = _PATIENCE) -> None:
        """Open the store in ``home``; a writer waits for others up to ``patience`` seconds."""
        self.home = default_home() if home is None else home.absolute()
        self._patience = patience

    def names(self) -> list[str]:
        """Return the names of all stored models, sorted."""
        refs = self.home / "refs"
        return sorted(name for name in _listed(refs) if is_name(name) and self.versions(name))

    def versions(self, name: str) -> list[str]:
        """Return the versions of ``name``, oldest first; empty where there is none.

        :raises StoreError: the name cannot be one, or the store is of a later format.
        """
        check_name(name)
        self._check_format()
        return sorted(filter(is_version, _listed(self.home / "refs" / name)), key=int)

    def find(self, name: str, version: str | None = None) -> StoredVersion:
        """Return a version, the newest where none is named.

        :raises ModelNotFoundError: there is no such name or version.
        :raises CheckpointError: the version's manifest is damaged.
        """
        check_name(name)
        self._check_format()
        while True:
            chosen = version if version is not None else max(self.versions(name), key=int, default="")
            if not is_version(chosen):
                raise self._not_found(name, version)
            try:
                return self._stored(name, chosen, self._read(name, chosen)[1])
            except FileNotFoundError:
                if version is not None:
                    raise self._not_found(name, version) from None
            except CheckpointError:
                # Removed while it was being read? Then nothing is damaged, and a newer one may be there.
                if os.path.lexists(self._ref(name, chosen)):
                    raise

    def resolve(self, reference: str) -> StoredVersion:
        """Return what a reference names: a stored version, or a model folder.

        :raises StoreError: the text is not a reference.
        :raises ModelNotFoundError: nothing of that name is stored.
        :raises CheckpointError: the folder or the stored version holds no usable model.
        """
        parsed = parse(reference)
        if parsed.folder is None:
            if (Path(reference) / "lexarium.json").is_file() and not self.versions(parsed.name):
                raise StoreError(
                    f"no stored model is named {reference!r}", f"for the folder type ./{reference}"
                )
            return self.find(parsed.name, parsed.version)
        manifest = read_folder(parsed.folder)
        folder = parsed.folder
        return StoredVersion(
            name=manifest.name, version=manifest.version, manifest=manifest, locate=lambda path: folder / path
        )

    def publish(self, name: str, write: Callable[[Path], object]) -> StoredVersion:
        """Store what ``write(folder)`` puts into a private folder as the next version; all or nothing.

        :raises StoreError: the name cannot be one, or the disk refuses (full, read-only).
        :raises CheckpointError: what was written is no model, or a file is not what its manifest says.
        """
        check_name(name)
        self._check_format()
        with self._staging() as staging:
            folder = staging / "model"
            with _disk(only=_FULL):
                write(folder)
            manifest = read_folder(folder)
            with _disk():
                for entry in manifest.files:
                    _check_written(folder, entry)
                there = {entry.sha256 for entry in manifest.files if self._is_whole(entry)}
                with self._lock():
                    version = str(self._highest(name) + 1)
                    manifest = replace(manifest, name=name, version=version)
                    raw = manifest.to_bytes()
                    if not (self.home / "format").exists():
                        write_new(staging / "format", self.home / "format", _FORMAT)
                    for entry in manifest.files:
                        self._keep(folder / entry.path, entry, there=entry.sha256 in there)
                    digest = hashlib.sha256(raw).hexdigest()
                    write_new(staging / "manifest", self._path("manifests", digest), raw)
                    write_new(staging / "ref", self._ref(name, version), digest.encode())
        return self._stored(name, version, manifest)

    def remove(self, name: str, version: str | None = None) -> list[str]:
        """Remove a version, or all of a name, and the files that nothing else uses; return the versions.

        :raises ModelNotFoundError: there is no such name or version.
        """
        if not self.versions(name):  # looking makes nothing: no lock yet
            raise self._not_found(name, version)
        with _disk(), self._lock():
            versions = self.versions(name)
            removed = versions if version is None else [version]
            if not versions or not set(removed) <= set(versions):
                raise self._not_found(name, version)
            refs, highest = self.home / "refs" / name, self._highest(name)
            for each in removed:
                if int(each) == highest:  # kept as a mark, so that the number is not given again
                    os.replace(refs / each, refs / f"{each}.removed")
                else:
                    (refs / each).unlink()
            for entry in _listed(refs):
                mark = _REMOVED.fullmatch(entry)
                if mark and int(mark[1]) < highest:
                    (refs / entry).unlink()
            sync_folder(refs)
            self._sweep()
        return removed

    def _path(self, kind: str, digest: str) -> Path:
        return self.home / kind / digest[:2] / digest

    def _ref(self, name: str, version: str) -> Path:
        return self.home / "refs" / name / version

    def _blob(self, entry: FileEntry) -> Path:
        return self._path("blobs", entry.sha256)

    def _stored(self, name: str, version: str, manifest: Manifest) -> StoredVersion:
        blobs = {entry.path: self._blob(entry) for entry in manifest.files}
        return StoredVersion(name=name, version=version, manifest=manifest, locate=blobs.__getitem__)

    def _not_found(self, name: str, version: str | None) -> ModelNotFoundError:
        versions = self.versions(name)
        if version is None or not versions:
            known = [other for other in self.names() if other != name]
            return ModelNotFoundError("stored model", name, known, "type: lexarium list")
        asked, known = f"{name}@{version}", [f"{name}@{v}" for v in versions if v != version]
        return ModelNotFoundError("stored model", asked, known, f"type: lexarium show {name}")

    def _highest(self, name: str) -> int:
        """Return the highest number that a version of ``name`` ever had, 0 if there was none."""
        marks = map(_REMOVED.fullmatch, _listed(self.home / "refs" / name))
        return max(map(int, [*self.versions(name), *(mark[1] for mark in marks if mark)]), default=0)

    def _check_format(self) -> None:
        """Refuse a store that another version of Lexarium keeps in another way."""
        try:
            raw = read_small(self.home / "format", 64)
        except (FileNotFoundError, NotADirectoryError):
            return  # nothing is stored yet
        except OSError as error:
            raise StoreError(f"the store cannot be read: {error}", _ELSEWHERE) from error
        if raw != _FORMAT:
            shown = raw.decode("utf-8", "replace").strip()
            raise StoreError(
                f"the store {self.home} is of format {shown!r}; this Lexarium knows format 1",
                "upgrade Lexarium, or set LEXARIUM_HOME to another folder",
            )

    def _read(self, name: str, version: str) -> tuple[str, Manifest]:
        """Return a version's manifest and its sha256.

        :raises FileNotFoundError: there is no such version.
        :raises CheckpointError: its reference or its manifest is damaged.
        """
        where = f"{name}@{version}"
        ref = self._ref(name, version)
        try:
            digest = read_small(ref, 256).decode("ascii", "replace").strip()
        except (OSError, CheckpointError) as error:
            if isinstance(error, FileNotFoundError) and not os.path.lexists(ref):
                raise
            problem = f"its reference cannot be read: {error}"
            raise CheckpointError(where, problem, _REMEDY.format(where)) from error
        if not _HEX.fullmatch(digest):
            raise CheckpointError(where, "its reference is damaged", _REMEDY.format(where))
        try:
            raw = self._path("manifests", digest).read_bytes()
        except OSError as error:
            raise CheckpointError(where, "its manifest is missing", _REMEDY.format(where)) from error
        if hashlib.sha256(raw).hexdigest() != digest:
            raise CheckpointError(
                where, "its manifest is damaged: its sha256 is another", _REMEDY.format(where)
            )
        return digest, Manifest.from_bytes(raw, where)

    def _is_whole(self, entry: FileEntry) -> bool:
        blob = self._blob(entry)
        return blob.is_file() and blob.stat().st_size == entry.size and hash_file(blob) == entry.sha256

    def _keep(self, written: Path, entry: FileEntry, *, there: bool) -> None:
        """Move a written file to its blob, unless the blob was found there and whole."""
        blob = self._blob(entry)
        if there and blob.is_file():
            make_folder(blob.parent)
            sync_folder(blob.parent)  # who put it there may have crashed before doing so
            return
        written.chmod(0o444)
        place(written, blob)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with hold(self.home / "lock", self._patience):
            self._check_format()
            yield

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """Give a private folder in the store's own file system, gone afterwards whatever happens."""
        root = self.home / "staging"
        with _disk():
            make_folder(root)
            with self._lock():
                clear_dead(root)
                staging, living = private_folder(root)
        try:
            yield staging
        finally:
            living.release()
            shutil.rmtree(staging, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove manifests and blobs that no reference reaches, unless a reference is not understood."""
        used: set[Path] = set()
        for name, version in self._references():
            if version is None:
                _log.warning("no file was freed: %s is not understood", self.home / "refs" / name)
                return
            try:
                digest, manifest = self._read(name, version)
            except (CheckpointError, FileNotFoundError) as error:
                _log.warning("no file was freed, a version is damaged: %s", error)
                return
            used |= {self._path("manifests", digest), *map(self._blob, manifest.files)}
        for kind in ("manifests", "blobs"):
            for path in (self.home / kind).glob("??/*"):
                if path not in used and _HEX.fullmatch(path.name):
                    path.unlink()

    def _references(self) -> Iterator[tuple[str, str | None]]:
        """Yield name and version of all that stands in refs; without version what is no reference."""
        refs = self.home / "refs"
        for name in set(_listed(refs)) - _LITTER:
            if not is_name(name) or not (refs / name).is_dir():
                yield name, None
                continue
            for entry in set(_listed(refs / name)) - _LITTER:
                if is_version(entry):
                    yield name, entry
                elif not _REMOVED.fullmatch(entry):
                    yield f"{name}/{entry}", None


_ELSEWHERE = "check the folder, or set LEXARIUM_HOME to another"
_REMEDY = "remove it (lexarium remove {}) and store it again"


@contextmanager
def _disk(only: set[int] | None = None) -> Iterator[None]:
    """Turn what the disk refuses into an error of ours; with ``only``, these error numbers alone."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        remedy = "free some space; nothing was stored" if error.errno in _FULL else _ELSEWHERE
        raise StoreError(f"the store cannot be written: {error}", remedy) from error


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _check_written(folder: Path, entry: FileEntry) -> None:
    """Refuse a file that is not what its manifest says, or not a file of its own; sync it to the disk."""
    path = folder / entry.path
    if path.resolve() != folder.resolve() / entry.path or not path.is_file():
        raise CheckpointError(entry.path, "it is missing, or a link", "the model was not stored")
    if path.stat().st_size != entry.size or hash_file(path) != entry.sha256:
        raise CheckpointError(entry.path, "it is not what the manifest says", "the model was not stored")
    sync_file(path)
