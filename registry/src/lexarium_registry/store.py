"""The local store: blobs by their hash, manifests by their hash, references by name and version.

Readers take no lock. Writers take one around the short part that moves finished files into place;
the long part, writing a model, happens in a staging folder of its own.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from platformdirs import user_data_path

from lexarium.checkpoint.folder import hash_file, read_folder
from lexarium.checkpoint.manifest import FileEntry, Manifest
from lexarium.errors import CheckpointError, ModelNotFoundError, StoreError
from lexarium.roles import StoredVersion
from lexarium_registry.durable import make_folder, place, sync_folder, write_new
from lexarium_registry.references import check_name, is_name, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LocalStore", "default_home"]

_HEX = re.compile(r"[0-9a-f]{64}")


def default_home() -> Path:
    """Return ``LEXARIUM_HOME``, or the user's data folder for Lexarium."""
    home = os.environ.get("LEXARIUM_HOME")
    return Path(home).absolute() if home else user_data_path("lexarium", appauthor=False)


class LocalStore:
    """Models on this disk. Nothing is created before the first :meth:`publish`."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = default_home() if home is None else home.absolute()

    def names(self) -> list[str]:
        """Return the names of all stored models, sorted."""
        refs = self.home / "refs"
        return sorted(name for name in _listed(refs) if is_name(name) and self.versions(name))

    def versions(self, name: str) -> list[str]:
        """Return the versions of ``name``, oldest first; empty where there is none."""
        found = _listed(self.home / "refs" / check_name(name))
        return sorted((v for v in found if v.isascii() and v.isdigit()), key=int)

    def find(self, name: str, version: str | None = None) -> StoredVersion:
        """Return a version, the newest where none is named.

        :raises ModelNotFoundError: there is no such name or version.
        :raises CheckpointError: the version's manifest is damaged.
        """
        versions = self.versions(name)
        if not versions:
            raise ModelNotFoundError("stored model", name, self.names(), "type: lexarium list")
        if version is not None and version not in versions:
            known = [f"{name}@{v}" for v in versions]
            raise ModelNotFoundError(
                "stored model", f"{name}@{version}", known, f"type: lexarium show {name}"
            )
        version = version or versions[-1]
        manifest = self._manifest(name, version)
        blobs = {entry.path: self._blob(entry) for entry in manifest.files}
        return StoredVersion(name=name, version=version, manifest=manifest, locate=blobs.__getitem__)

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
        """
        check_name(name)
        with self._staging() as staging:
            folder = staging / "model"
            write(folder)
            manifest = read_folder(folder)
            with self._lock():
                version = str(max((int(v) for v in self.versions(name)), default=0) + 1)
                manifest = replace(manifest, name=name, version=version)
                for entry in manifest.files:
                    self._keep(folder / entry.path, entry)
                raw = manifest.to_bytes()
                digest = hashlib.sha256(raw).hexdigest()
                write_new(staging / "manifest", self._path("manifests", digest), raw)
                write_new(staging / "ref", self.home / "refs" / name / version, digest.encode())
        return self.find(name, version)

    def remove(self, name: str, version: str | None = None) -> list[str]:
        """Remove a version, or all of a name, and the files that nothing else uses; return the versions.

        :raises ModelNotFoundError: there is no such name or version.
        """
        versions = self.versions(name)
        removed = versions if version is None else [version]
        if not versions or not set(removed) <= set(versions):
            self.find(name, version)
        refs = self.home / "refs" / name
        with _disk(), self._lock():
            for each in removed:
                (refs / each).unlink(missing_ok=True)
            sync_folder(refs)
            if not _listed(refs):
                refs.rmdir()
                sync_folder(refs.parent)
            self._sweep()
        return removed

    def _path(self, kind: str, digest: str) -> Path:
        return self.home / kind / digest[:2] / digest

    def _blob(self, entry: FileEntry) -> Path:
        return self._path("blobs", entry.sha256)

    def _manifest(self, name: str, version: str) -> Manifest:
        where = f"{name}@{version}"
        digest = (self.home / "refs" / name / version).read_text("ascii", "replace").strip()
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
        return Manifest.from_bytes(raw, where)

    def _keep(self, written: Path, entry: FileEntry) -> None:
        """Move a written file to its blob; a blob already there stays if it is what it says."""
        blob = self._blob(entry)
        if blob.is_file() and blob.stat().st_size == entry.size and hash_file(blob) == entry.sha256:
            return
        written.chmod(0o444)
        place(written, blob)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with FileLock(self.home / "lock"):
            yield

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """Give a private folder in the store's own file system, gone afterwards whatever happens."""
        with _disk():
            root = self.home / "staging"
            make_folder(root)
            _clear_dead(root)
            staging = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove manifests and blobs that no reference reaches. A damaged version keeps everything."""
        used: set[Path] = set()
        try:
            for name in self.names():
                for version in self.versions(name):
                    digest = (self.home / "refs" / name / version).read_text("ascii", "replace").strip()
                    used.add(self._path("manifests", digest))
                    used.update(self._blob(entry) for entry in self._manifest(name, version).files)
        except CheckpointError:
            return
        for kind in ("manifests", "blobs"):
            for path in (self.home / kind).glob("??/*"):
                if path not in used:
                    path.unlink()


_REMEDY = "remove it (lexarium remove {}) and store it again"


@contextmanager
def _disk() -> Iterator[None]:
    """Turn what the disk refuses into an error of ours."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        remedy = (
            "free some space; nothing was stored"
            if full
            else "check the folder, or set LEXARIUM_HOME to another"
        )
        raise StoreError(f"the store cannot be written: {error}", remedy) from error


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _clear_dead(root: Path) -> None:
    """Remove what processes that no longer run left behind."""
    for folder in root.iterdir():
        pid = folder.name.partition("-")[0]
        if pid.isdigit() and os.name == "posix" and not _alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (OverflowError, ProcessLookupError):
        return False
    except OSError:
        return True
    return True
