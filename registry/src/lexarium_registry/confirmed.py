"""What a revision on the Hub was when it was last asked for, and which versions here are that.

An origin says where a version comes from, also where a bundle claims it. What ``hf://`` stands for in a store
is only what a pull was told by the Hub itself: a small file per repository and revision, and per commit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, LexariumError, ModelNotFoundError
from lexarium.strict_json import parse_object
from lexarium_registry.durable import write_new
from lexarium_registry.layout import DIGEST, disk
from lexarium_registry.names import HubReference, check_commit
from lexarium_registry.references import is_name, is_version

if TYPE_CHECKING:
    from lexarium.stores import StoredVersion
    from lexarium_registry.layout import Layout
    from lexarium_registry.store import LocalStore

__all__ = ["Confirmed", "confirm", "confirmed", "confirmed_versions"]

_LONGEST = 2**20  # bytes
_MOST = 1000  # versions that one file names: of those before, the Hub is asked again


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A commit, the sha256 of the manifest of ours there (if any), and the versions that were pulled of it.

    ``models`` are names with versions, the one that was pulled last at the end.
    """

    commit: str
    manifest: str | None = None
    models: tuple[tuple[str, str], ...] = ()


def confirmed(layout: Layout, hub: HubReference) -> Confirmed | None:
    """Return what a revision was when it was last pulled; None where it never was, or the file is damaged."""
    try:
        document = parse_object(read_small(layout.pulled(str(hub)), _LONGEST), str(hub))
        found = Confirmed(
            commit=check_commit(document["commit"], str(hub)),
            manifest=document["manifest"],
            models=tuple((name, version) for name, version in document["models"]),
        )
    except (OSError, LexariumError, KeyError, TypeError, ValueError):
        return None
    odd = found.manifest is not None and not _matches(found.manifest)
    if odd or not all(
        _are_texts(model) and is_name(model[0]) and is_version(model[1]) for model in found.models
    ):
        return None
    return found


def confirmed_versions(store: LocalStore, hub: HubReference) -> list[StoredVersion]:
    """Return the versions of what a revision was when it was last pulled, that one at the end.

    What was removed meanwhile, or has a damaged manifest, is left out; files are not hashed.
    """
    said, found = confirmed(store.layout, hub), []
    for name, version in said.models if said else ():
        try:
            found.append(store.find(name, version))
        except (ModelNotFoundError, CheckpointError):
            continue
    return found


def confirm(store: LocalStore, hub: HubReference, stored: StoredVersion, said: Confirmed) -> None:
    """Record that a revision is the commit that ``said`` names, and a stored version what lies there.

    The commit is recorded as well. A store that cannot be written stays as it is.

    :raises StoreError: the disk refuses.
    """
    if not store.layout.writable:
        return
    model = (stored.name, stored.version)
    for asked in (HubReference(hub.repository, said.commit), hub):
        before = confirmed(store.layout, asked)
        known = before.models if before is not None and before.commit == said.commit else ()
        models = (*(each for each in known if each != model), model)[-_MOST:]
        now = Confirmed(commit=said.commit, manifest=said.manifest, models=models)
        if now != before:
            _write(store, asked, now)


def _write(store: LocalStore, hub: HubReference, now: Confirmed) -> None:
    document = {"reference": str(hub), "commit": now.commit, "manifest": now.manifest, "models": now.models}
    raw = (json.dumps(document, indent=2) + "\n").encode()
    with disk(), store.staging() as staging, store.lock():
        write_new(staging / "pulled", store.layout.pulled(str(hub)), raw)


def _matches(digest: object) -> bool:
    return isinstance(digest, str) and DIGEST.fullmatch(digest) is not None


def _are_texts(model: tuple[object, object]) -> bool:
    return all(isinstance(part, str) for part in model)
