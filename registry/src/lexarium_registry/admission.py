"""What a pull refuses before it is fetched, and how it names what it refuses afterwards."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lexarium.checkpoint.tensors import read_header
from lexarium.errors import CheckpointError, HubCorruptedError, LexariumError, ModelNotFoundError, StoreError
from lexarium_registry.names import check_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexarium.checkpoint.manifest import Manifest, Part
    from lexarium.host import Host
    from lexarium_registry.fetch import Part as Fetched
    from lexarium_registry.hub import Snapshot
    from lexarium_registry.layout import Layout
    from lexarium_registry.names import HubReference
    from lexarium_registry.store import LocalStore

__all__ = [
    "THEIRS",
    "check_fetched",
    "check_listed",
    "require_free",
    "require_plugins",
    "require_room",
    "told_as",
]

#: Beside the model that is being written: where the files of a repository that is not ours are read.
THEIRS = "theirs"
_SPARE = 64 * 2**20  # bytes to leave on the disk


def require_plugins(host: Host, part: Part) -> None:
    """Refuse what no installed plugin opens.

    :raises MethodNotFoundError: names the method, and the distribution where it is one of the house.
    """
    of = {"embedder": host.method, "head": host.head, "fuser": host.fuser}[part.kind]
    of(part.method)
    for inner in part.parts.values():
        require_plugins(host, inner)


def check_listed(snapshot: Snapshot, manifest: Manifest) -> None:
    """Refuse a manifest that lists what the repository does not hold, or holds otherwise.

    :raises HubCorruptedError: names the file.
    """
    where = str(snapshot.of)
    check_files((entry.path for entry in manifest.files), where)
    for entry in manifest.files:
        file = snapshot.files.get(entry.path)
        if file is None or file.size != entry.size or file.sha256 not in {None, entry.sha256}:
            what = "is missing" if file is None else "is not what lexarium.json says"
            raise HubCorruptedError(f"{where}: {entry.path} {what}", "ask its owner to push it again")


def check_fetched(part: Fetched, path: str, repository: str) -> None:
    """Refuse a file of tensors that is not exactly what its header says, and keep nothing of it.

    :raises CheckpointError: names repository and file.
    """
    if path.endswith(".safetensors"):
        try:
            read_header(part.path, f"{repository}, {path}")
        except CheckpointError:
            from lexarium_registry.fetch import forget  # noqa: PLC0415  the library's, as in pull

            forget(part)
            raise


def require_free(store: LocalStore, name: str, asked: HubReference) -> None:
    """Refuse to let a name that nobody chose stand for another repository than it does.

    :raises StoreError: the newest version of that name is from another.
    """
    try:
        newest = store.find(name)
    except (ModelNotFoundError, CheckpointError):
        return
    if newest.origin is not None and newest.origin.reference != asked.reference:
        problem = f"{name}@{newest.version} is from {newest.origin.reference}, and {asked} is another model"
        raise StoreError(problem, f"type: lexarium pull {asked} --name NAME")


def require_room(home: Path, size: int, written: int = 0) -> None:
    """Refuse what the disk has no room for: ``size`` bytes to fetch, and ``written`` that are made of them.

    :raises StoreError: says how many bytes are to be freed.
    """
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(nearest).free
    needed = size + written + _SPARE
    if free < needed:
        problem = f"{size / 1e6:,.0f} MB are to be fetched, and the disk has {free / 1e6:,.0f} MB free"
        raise StoreError(
            problem, f"free {(needed - free) / 1e6:,.0f} MB, or set LEXARIUM_HOME to another disk"
        )


@contextmanager
def told_as(layout: Layout, repository: str) -> Iterator[None]:
    """Have errors of ours name a repository's files by its name: the folder that they lie in is soon gone."""
    folder = re.escape(str(layout.staging)) + rf"[/\\][\w.-]+[/\\](?:model|{THEIRS}[/\\][\w.-]+)"
    try:
        yield
    except LexariumError as error:
        text = re.sub(folder + r"[/\\]", f"{repository}, ", str(error))
        text = re.sub(folder, repository, text)
        error.args = (text.replace(f"{repository}: {repository}", repository),)
        raise
