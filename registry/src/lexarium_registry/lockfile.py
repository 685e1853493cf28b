"""``lexarium.lock``: exactly which models a project uses, so that they can be had again, elsewhere and later.

JSON, one field a line, models sorted by name and version, no time and no path in it: the same models give
the same text. ``manifest`` is the sha256 of all that a manifest says but for name, version and time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, InputError, LexariumError, ModelNotFoundError
from lexarium.output import atomic
from lexarium.strict_json import parse_object
from lexarium_registry.names import check_sha256
from lexarium_registry.references import is_name, is_version
from lexarium_registry.refs import check_origin
from lexarium_registry.versions import content_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lexarium.stores import Store, StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["FORMAT", "LOCKFILE", "Locked", "lock", "locked_version", "misfits", "read_lock", "write_lock"]

LOCKFILE = "lexarium.lock"
FORMAT = 1
_LONGEST = 16 * 2**20  # bytes


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One model of a lock file.

    ``reference``, ``revision`` and ``commit`` say where it was pulled from, all None for one that was made
    here. ``manifest`` is its content digest, ``space_id`` that of its vectors (None: it has no space),
    ``distribution`` and ``plugin`` the installed distribution that answers to its method, and its version.
    ``version`` is the number that it had where the lock was written; elsewhere it may have another.
    """

    name: str
    version: str
    reference: str | None
    revision: str | None
    commit: str | None
    manifest: str
    space_id: str | None
    distribution: str
    plugin: str


def lock(zoo: Zoo, references: Sequence[str] = ()) -> list[Locked]:
    """Return what a lock file says of these models, or of the newest version of every stored one.

    :raises ModelNotFoundError: one is not stored.
    :raises CheckpointError: one is damaged.
    """
    found = {}
    for reference in references or zoo.store.names():
        stored = zoo.store.resolve(reference)
        if stored.folder is not None:
            raise InputError(reference, "only stored models can be locked", "type: lexarium list")
        found[stored.name, int(stored.version)] = _locked(zoo, stored)
    return [found[key] for key in sorted(found)]


def write_lock(path: Path, models: Iterable[Locked]) -> None:
    """Write a lock file, in the place of another, whole or not at all.

    :raises OSError: it cannot be written.
    """
    document = {"format": FORMAT, "models": [asdict(model) for model in models]}
    with atomic(path) as aside:
        aside.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_lock(path: Path) -> list[Locked]:
    """Read a lock file, strictly.

    :raises InputError: it cannot be read, or is none; names the entry and the field.
    """
    remedy = "type: lexarium lock"
    try:
        document = parse_object(read_small(path, _LONGEST), path)
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}", remedy) from error
    except CheckpointError as error:
        raise InputError(path, str(error), remedy) from error
    if document.get("format") != FORMAT or type(document["format"]) is not int:
        raise InputError(path, f"format {document.get('format')!r} is not {FORMAT}", "upgrade Lexarium")
    models = document.get("models")
    if set(document) != {"format", "models"} or not isinstance(models, list):
        raise InputError(path, "the fields 'format' and 'models' belong here, and no others", remedy)
    found = [_read(path, index, model) for index, model in enumerate(models)]
    if len({(model.name, model.manifest) for model in found}) != len(found):
        raise InputError(path, "a model stands twice", remedy)
    return found


def locked_version(store: Store, model: Locked) -> StoredVersion | None:
    """Return the stored version that is exactly the locked model, whatever its number, if one is.

    It is whole: files that have changed since they were last hashed are hashed again.
    """
    for version in reversed(store.versions(model.name)):
        try:
            stored = store.find(model.name, version)
            if not misfits(stored, model):
                store.prove(stored)
                return stored
        except (CheckpointError, ModelNotFoundError):
            continue
    return None


def misfits(stored: StoredVersion, model: Locked) -> list[str]:
    """Say in what a stored version is not the locked model, one sentence each.

    A model adopted from a repository without a manifest of ours is one again by commit and space: its
    manifest is made where it is pulled, and its golden rows are computed there.
    """
    adopted = model.reference is not None and stored.origin is not None and stored.origin.manifest is None
    problems = []
    if model.reference is not None and (
        stored.origin is None
        or (stored.origin.reference, stored.origin.commit) != (model.reference, model.commit)
    ):
        problems.append(f"it does not come from {model.reference} at {model.commit}")
    if not adopted and content_digest(stored.manifest) != model.manifest:
        problems.append("its manifest says something else, or its files are others")
    if _space_id(stored) != model.space_id:
        problems.append("its vectors are of another space")
    return problems


def _locked(zoo: Zoo, stored: StoredVersion) -> Locked:
    origin, distribution = stored.origin, stored.manifest.root.plugin.distribution
    versions = {plugin.distribution: plugin.version for plugin in zoo.host.plugins}
    return Locked(
        name=stored.name,
        version=stored.version,
        reference=origin.reference if origin else None,
        revision=origin.revision if origin else None,
        commit=origin.commit if origin else None,
        manifest=content_digest(stored.manifest),
        space_id=_space_id(stored),
        distribution=distribution,
        plugin=versions.get(distribution, stored.manifest.root.plugin.requires.removeprefix(">=")),
    )


def _space_id(stored: StoredVersion) -> str | None:
    found = stored.manifest.root.find_space()
    return found[0] if found else None


def _read(path: Path, index: int, document: object) -> Locked:
    names = [f.name for f in fields(Locked)]
    field, remedy = f"models[{index}]", "type: lexarium lock"
    if not isinstance(document, dict) or set(document) != set(names):
        raise InputError(path, f"the fields {', '.join(names)} belong here", remedy, field=field)
    optional = {"reference", "revision", "commit", "space_id"}
    for name in names:
        value: Any = document[name]
        if not (isinstance(value, str) and value.isprintable()) and not (value is None and name in optional):
            raise InputError(path, "a text belongs here", remedy, field=f"{field}.{name}")
    model = Locked(**document)
    if not is_name(model.name) or not is_version(model.version):
        raise InputError(path, "the name or the version is not one", remedy, field=field)
    try:
        check_sha256(model.manifest, field)
        if model.space_id is not None:
            check_sha256(model.space_id, field)
        if (model.reference, model.revision, model.commit) != (None, None, None):
            check_origin(model.reference, model.revision, model.commit, field)
    except LexariumError as error:
        raise InputError(path, str(error), remedy, field=field) from error
    return model
