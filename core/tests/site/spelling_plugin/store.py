"""A store as simple as one can be: home/name/version is the model folder, written aside and renamed."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from lexarium.checkpoint.folder import read_folder, verify_files
from lexarium.checkpoint.manifest import MANIFEST
from lexarium.errors import CheckpointError, ModelNotFoundError, StoreError
from lexarium.stores import Origin, StoredVersion

NAME = re.compile(r"[a-z][a-z0-9-]{0,90}")


class FolderStore:
    def __init__(self, home: Path | None = None):
        self.home = Path(os.environ["LEXARIUM_HOME"]) if home is None else home

    def names(self):
        return sorted(path.name for path in self.home.glob("[a-z]*")) if self.home.is_dir() else []

    def versions(self, name):
        if not NAME.fullmatch(name) or name == "con":
            raise StoreError(f"{name!r} cannot be a name", "use letters")
        return sorted((path.name for path in (self.home / name).glob("*")), key=int)

    def find(self, name, version=None):
        versions = self.versions(name)
        if not versions or version not in {None, *versions}:
            raise ModelNotFoundError("model", f"{name}@{version}" if version else name, self.names())
        return self._stored(self.home / name / (version or versions[-1]), name)

    def resolve(self, reference):
        if "/" in reference:
            return self._stored(Path(reference), None)
        name, _, version = self._read("aliases").get(reference, reference).partition("@")
        tags = self._read("tags").get(name, {})
        if version and not version.isdecimal() and version not in tags:
            raise ModelNotFoundError("tag", reference, tags)
        return self.find(name, tags.get(version, version) or None)

    def prove(self, stored):
        if stored.folder is None and (
            problems := list(verify_files(stored.manifest, stored.locate, spaces=False))
        ):
            raise CheckpointError(f"{stored.name}@{stored.version}", "; ".join(problems))

    def holds(self, stored):
        return stored.folder is not None or stored.version in self.versions(stored.name)

    def publish(self, name, write, *, origin=None):
        if name in self._read("aliases"):
            raise StoreError(f"{name!r} is an alias", "choose another name")
        version = str(self._highest(name) + 1)
        aside = self.home / ".aside"
        try:
            write(aside)
            manifest = replace(read_folder(aside), name=name, version=version)
            (aside / MANIFEST).write_bytes(manifest.to_bytes())
            (self.home / name).mkdir(exist_ok=True)
            aside.rename(self.home / name / version)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        if origin is not None:
            self._write("origins", {**self._read("origins"), f"{name}@{version}": asdict(origin)})
        return self.find(name, version)

    def revise(self, stored, about):
        def write(folder):
            shutil.copytree(stored.locate(""), folder)
            (folder / MANIFEST).write_bytes(replace(stored.manifest, about=about).to_bytes())

        return self.publish(stored.name, write)

    def remove(self, name, version=None):
        self.find(name, version)
        highest = str(self._highest(name))
        removed = [version] if version else self.versions(name)
        self._write("highest", {**self._read("highest"), name: highest})
        kept = {tag: on for tag, on in self.tags(name).items() if on not in removed}
        self._write("tags", {**self._read("tags"), name: kept})
        for each in removed:
            shutil.rmtree(self.home / name / each)
        if not self.versions(name):
            (self.home / name).rmdir()
        return removed

    def tags(self, name):
        return self._read("tags").get(name, {})

    def tag(self, name, tag, version):
        if not NAME.fullmatch(tag):
            raise StoreError(f"{tag!r} cannot be a tag", "use letters")
        self.find(name, version)
        tags = self.tags(name)
        if version is None and tag not in tags:
            raise ModelNotFoundError("tag", tag, tags)
        tags = {**tags, tag: version}
        self._write("tags", {**self._read("tags"), name: {t: on for t, on in tags.items() if on}})

    def aliases(self):
        return self._read("aliases")

    def alias(self, alias, reference):
        if alias in self.names() or not NAME.fullmatch(alias):
            raise StoreError(f"{alias!r} cannot be an alias", "choose another")
        aliases = self.aliases()
        if reference is None and alias not in aliases:
            raise ModelNotFoundError("alias", alias, aliases)
        if reference is not None:
            self.resolve(reference)
        aliases = {**aliases, alias: reference}
        self._write("aliases", {a: target for a, target in aliases.items() if target})

    def pulled(self, reference):
        origins = self._read("origins").items()
        return [self.resolve(where) for where, origin in origins if origin["reference"] == reference]

    def _read(self, what):
        path = self.home / f".{what}"
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def _write(self, what, document):
        (self.home / f".{what}").write_text(json.dumps(document), "utf-8")

    def _highest(self, name):
        return max(map(int, [*self.versions(name), self._read("highest").get(name, 0)]))

    def _stored(self, folder, name):
        manifest = read_folder(folder)
        origin = self._read("origins").get(f"{name}@{manifest.version}")
        return StoredVersion(
            name=manifest.name,
            version=manifest.version,
            manifest=manifest,
            locate=lambda path: folder / path,
            folder=folder if name is None else None,
            origin=Origin(**origin) if origin else None,
        )
