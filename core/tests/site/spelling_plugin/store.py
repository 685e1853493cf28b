"""A store as simple as one can be: home/name/version is the model folder, written aside and renamed."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from lexarium.checkpoint.folder import read_folder
from lexarium.checkpoint.manifest import MANIFEST
from lexarium.errors import ModelNotFoundError, StoreError
from lexarium.stores import StoredVersion


class FolderStore:
    def __init__(self, home: Path | None = None):
        self.home = Path(os.environ["LEXARIUM_HOME"]) if home is None else home

    def names(self):
        return sorted(path.name for path in self.home.glob("[a-z]*")) if self.home.is_dir() else []

    def versions(self, name):
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,90}", name) or name == "con":
            raise StoreError(f"{name!r} cannot be a name", "use letters")
        return sorted(path.name for path in (self.home / name).glob("*"))

    def find(self, name, version=None):
        versions = self.versions(name)
        if not versions or version not in {None, *versions}:
            raise ModelNotFoundError("model", f"{name}@{version}" if version else name, self.names())
        return self._stored(self.home / name / (version or versions[-1]))

    def resolve(self, reference):
        if "/" in reference:
            return self._stored(Path(reference))
        name, _, version = reference.partition("@")
        return self.find(name, version or None)

    def publish(self, name, write):
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
        return self.find(name, version)

    def remove(self, name, version=None):
        self.find(name, version)
        highest = str(self._highest(name))
        removed = [version] if version else self.versions(name)
        (self.home / ".highest").mkdir(exist_ok=True)
        (self.home / ".highest" / name).write_text(highest, "ascii")
        for each in removed:
            shutil.rmtree(self.home / name / each)
        if not self.versions(name):
            (self.home / name).rmdir()
        return removed

    def _highest(self, name):
        mark = self.home / ".highest" / name
        return max(map(int, [*self.versions(name), mark.read_text("ascii") if mark.is_file() else 0]))

    def _stored(self, folder):
        manifest = read_folder(folder)
        return StoredVersion(
            name=manifest.name, version=manifest.version, manifest=manifest, locate=lambda path: folder / path
        )
