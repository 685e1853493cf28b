"""Models in one file, for a machine without network: an uncompressed tar of plain files.

First ``bundle.json`` ({"format": 1, "models": [{"name", "manifest", "origin"}]}), then ``manifests/SHA256``
of each, then ``blobs/SHA256``, each once, in that order. The reader takes these members and no others,
regular files only, with the sizes that the manifests say, and hashes every byte before anything is stored.
An origin is what the bundle says; no byte proves it, and ``hf://`` does not stand for it before a pull does.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, BinaryIO

from lexarium.checkpoint.folder import verify_files
from lexarium.checkpoint.manifest import MANIFEST, MAX_BYTES, FileEntry, Manifest
from lexarium.errors import CheckpointError, FormatError, InputError, StoreError
from lexarium.output import atomic
from lexarium.roles import Progress, silent
from lexarium.strict_json import parse_object
from lexarium_registry.labels import refuse_alias
from lexarium_registry.layout import DIGEST, disk
from lexarium_registry.placing import link
from lexarium_registry.references import check_name
from lexarium_registry.refs import origin_from_json
from lexarium_registry.store import LocalStore
from lexarium_registry.versions import fits_content

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lexarium.stores import Origin, StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["bundle", "unbundle"]

_FORMAT = 1
_CONTENTS = "bundle.json"
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 2**20  # bytes
_MOST = 10_000  # models
_AGAIN = "copy the file again, or bundle the models again"


@dataclass(frozen=True)
class _Model:
    name: str
    manifest: str
    origin: Origin | None


def bundle(
    zoo: Zoo, references: Sequence[str], path: Path, progress: Progress = silent
) -> list[StoredVersion]:
    """Write stored models into a new file; return them.

    Every file is hashed on the way, so that a damaged model is in no bundle.

    :raises ModelNotFoundError: one is not stored.
    :raises CheckpointError: one is damaged.
    :raises InputError: there is a file of that name already.
    """
    if os.path.lexists(path):
        raise InputError(path, "it exists already", "give a new path, or remove it first")
    if not path.parent.is_dir():
        raise InputError(path.parent, "there is no such folder", "make it first")
    chosen = {(s.name, int(s.version)): s for s in map(zoo.store.resolve, references)}
    models = [chosen[key] for key in sorted(chosen)]
    for stored in models:
        if stored.folder is not None:
            raise InputError(stored.folder, "only stored models can be bundled", "type: lexarium list")
    raws = {hashlib.sha256(raw := s.manifest.to_bytes()).hexdigest(): raw for s in models}
    entries = [
        {
            "name": s.name,
            "manifest": hashlib.sha256(s.manifest.to_bytes()).hexdigest(),
            "origin": None if s.origin is None else asdict(s.origin),
        }
        for s in models
    ]
    contents = json.dumps({"format": _FORMAT, "models": entries}, indent=2).encode() + b"\n"
    blobs = {e.sha256: (s, e) for s in models for e in s.manifest.files}
    total, done = sum(entry.size for _, entry in blobs.values()), 0
    with atomic(path) as aside, aside.open("wb") as out:
        _add(out, _CONTENTS, contents)
        for digest, raw in raws.items():
            _add(out, f"manifests/{digest}", raw)
        for stored, entry in blobs.values():
            _copy_in(out, stored, entry)
            done += entry.size
            progress("bundling", done, total)
        out.write(bytes(2 * _BLOCK))
    return models


def unbundle(zoo: Zoo, path: Path, progress: Progress = silent) -> list[tuple[StoredVersion, bool]]:
    """Store the models of a bundle; return each, and whether it is new: none is stored twice.

    Nothing is stored before all of the file has been read, hashed and checked.

    :raises FormatError: it is no bundle, is cut short, or holds what its manifests do not say.
    :raises CheckpointError: a model in it is damaged.
    :raises StoreError: a name is an alias here, or the disk refuses.
    """
    store = zoo.store
    if not isinstance(store, LocalStore):
        raise StoreError("only a store on this disk can take a bundle", "type: lexarium list")
    store.layout.check_format()
    with _opened(path) as file, store.staging() as staging:
        reader = _Reader(path, file)
        models = _models(path, reader.small(_CONTENTS, MAX_BYTES))
        manifests = {}
        for digest in dict.fromkeys(model.manifest for model in models):
            raw = reader.small(f"manifests/{digest}", MAX_BYTES)
            if hashlib.sha256(raw).hexdigest() != digest:
                raise FormatError(path, f"the manifest {digest[:12]} is damaged", _AGAIN)
            manifests[digest] = Manifest.from_bytes(raw, f"{path}, manifest {digest[:12]}")
        for model in models:
            if manifests[model.manifest].name != model.name:
                raise FormatError(path, f"{model.name!r} is called otherwise in its manifest", _AGAIN)
            refuse_alias(store.layout, model.name)
        blobs = {e.sha256: e for m in manifests.values() for e in m.files}
        with disk():
            (staging / "blobs").mkdir()
        total, done = sum(entry.size for entry in blobs.values()), 0
        for entry in blobs.values():
            with disk():
                reader.blob(entry, staging / "blobs" / entry.sha256)
            done += entry.size
            progress("unbundling", done, total)
        reader.end()
        for manifest in manifests.values():
            where = {entry.path: staging / "blobs" / entry.sha256 for entry in manifest.files}
            problems = list(verify_files(manifest, where.__getitem__))
            if problems:
                raise CheckpointError(manifest.name, "; ".join(problems), "nothing was stored")
        return [_publish(store, staging, model, manifests[model.manifest]) for model in models]


def _publish(
    store: LocalStore, staging: Path, model: _Model, manifest: Manifest
) -> tuple[StoredVersion, bool]:
    there = store.same(model.name, fits_content(manifest))
    if there is not None:
        return there, False

    def write(folder: Path) -> None:
        folder.mkdir()
        for entry in manifest.files:
            link(staging / "blobs" / entry.sha256, folder / entry.path)
        (folder / MANIFEST).write_bytes(manifest.to_bytes())

    return store.publish(model.name, write, origin=model.origin), True


def _models(path: Path, raw: bytes) -> list[_Model]:
    document = parse_object(raw, f"{path}, {_CONTENTS}", _AGAIN)
    if document.get("format") != _FORMAT:
        raise FormatError(path, f"it is a bundle of format {document.get('format')!r}", "upgrade Lexarium")
    entries = document.get("models")
    if not isinstance(entries, list) or not 0 < len(entries) <= _MOST:
        raise FormatError(path, f"a list of 1 to {_MOST} models belongs into {_CONTENTS}", _AGAIN)
    models = []
    for entry in entries:
        known = isinstance(entry, dict) and set(entry) == {"name", "manifest", "origin"}
        if not known or not all(isinstance(entry[key], str) for key in ("name", "manifest")):
            raise FormatError(path, f"an entry of {_CONTENTS} has name, manifest and origin", _AGAIN)
        if not DIGEST.fullmatch(entry["manifest"]):
            raise FormatError(path, f"{entry['manifest'][:80]!a} is no sha256", _AGAIN)
        origin = entry["origin"]
        where = f"{path}, {_CONTENTS}"
        models.append(
            _Model(
                check_name(entry["name"]),
                entry["manifest"],
                None if origin is None else origin_from_json(origin, where),
            )
        )
    return models


def _opened(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            raise FormatError(
                path, "there is no such file" if not path.exists() else "this is no file", "give a path"
            )
        return path.open("rb")
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}", "check the file") from error


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.GNU_FORMAT)  # which has a place for sizes from 8 GiB on


def _add(out: BinaryIO, name: str, raw: bytes) -> None:
    out.write(_header(name, len(raw)) + raw + bytes(-len(raw) % _BLOCK))


def _copy_in(out: BinaryIO, stored: StoredVersion, entry: FileEntry) -> None:
    where = f"{stored.name}@{stored.version}"
    out.write(_header(f"blobs/{entry.sha256}", entry.size))
    digest, size = hashlib.sha256(), 0
    try:
        with stored.locate(entry.path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
    except FileNotFoundError as error:
        raise CheckpointError(where, f"{entry.path} is missing", "type: lexarium verify") from error
    if (size, digest.hexdigest()) != (entry.size, entry.sha256):
        raise CheckpointError(where, f"{entry.path} is damaged", "type: lexarium verify")
    out.write(bytes(-size % _BLOCK))


class _Reader:
    """The members of a bundle, one after the other, each asked for by name."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file

    def small(self, name: str, most: int) -> bytes:
        """Return the content of the next member, which must have this name and at most ``most`` bytes."""
        size = self._next(name)
        if size > most:
            raise FormatError(self._path, f"{name} takes {size} bytes, more than {most}", _AGAIN)
        out = io.BytesIO()
        self._copy(size, name, out)
        return out.getvalue()

    def blob(self, entry: FileEntry, target: Path) -> None:
        """Write the next member, which must be this file, to ``target``."""
        name = f"blobs/{entry.sha256}"
        size = self._next(name)
        if size != entry.size:
            raise FormatError(self._path, f"{name} takes {size} bytes instead of {entry.size}", _AGAIN)
        with target.open("xb") as out:
            digest = self._copy(size, name, out)
        if digest != entry.sha256:
            raise FormatError(self._path, f"{name} is damaged: its sha256 is another", _AGAIN)

    def end(self) -> None:
        """Refuse anything after the last member but the two empty blocks that end an archive."""
        if self._file.read(2 * _BLOCK + 1) != bytes(2 * _BLOCK):
            raise FormatError(self._path, "it is cut short, or goes on after its end", _AGAIN)

    def _next(self, name: str) -> int:
        raw = self._file.read(_BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(raw, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
            raise FormatError(self._path, f"{name} belongs here: no bundle, or cut short", _AGAIN) from error
        if info.size < 0 or raw != _header(
            name, info.size
        ):  # byte for byte: no link, no folder, no other name, no owner
            raise FormatError(self._path, f"{name} belongs here and not {info.name[:80]!a}", _AGAIN)
        return info.size

    def _copy(self, size: int, name: str, out: BinaryIO) -> str:
        digest, left = hashlib.sha256(), size
        while left:
            chunk = self._file.read(min(_CHUNK, left))
            if not chunk:
                raise FormatError(self._path, f"it is cut short in {name}", _AGAIN)
            digest.update(chunk)
            out.write(chunk)
            left -= len(chunk)
        if self._file.read(-size % _BLOCK) != bytes(-size % _BLOCK):
            raise FormatError(self._path, f"{name} is cut short, or not filled up with zeros", _AGAIN)
        return digest.hexdigest()
