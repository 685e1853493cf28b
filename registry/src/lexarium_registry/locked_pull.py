"""``pull --locked``: every model of a lock file as it was locked, offline where all of them are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import CheckpointError, HubOfflineError, StoreError
from lexarium_registry.lockfile import Locked, locked_version, misfits, read_lock
from lexarium_registry.pull import Pulled, pull
from lexarium_registry.transfer import is_offline
from lexarium_registry.versions import content_digest

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.zoo import Zoo
    from lexarium_registry.transfer import Transfer

__all__ = ["pull_locked"]


def pull_locked(zoo: Zoo, path: Path, *, transfer: Transfer | None = None) -> list[Pulled]:
    """Pull what a lock file names and is not here whole, each at its commit, and check that it is the same.

    What came before an error stays stored.

    :raises InputError: the file is no lock file.
    :raises StoreError: a model that is not here, or damaged, was not pulled from anywhere.
    :raises CheckpointError: what came is not what was locked.
    :raises HubError: as in :func:`lexarium_registry.pull.pull`.
    """
    return [_one(zoo, model, transfer) for model in read_lock(path)]


def _one(zoo: Zoo, model: Locked, transfer: Transfer | None) -> Pulled:
    here = locked_version(zoo.store, model)
    if here is not None:
        return Pulled(
            model=f"{here.name}@{here.version}",
            reference=model.reference or "",
            commit=model.commit,
            new=False,
        )
    if model.reference is None:
        problem = f"{model.name} of the lock file is not here as it was locked, and comes from no hub"
        raise StoreError(problem, f"carry it over: lexarium bundle {model.name}@{model.version} --out FILE")
    if is_offline():
        problem = f"{model.name} ({model.reference}@{model.commit}) is not here as it was locked"
        raise HubOfflineError(problem, "leave --offline out (and HF_HUB_OFFLINE unset)")
    pinned, asked = f"{model.reference}@{model.commit}", model.revision
    done = pull(zoo, pinned, name=model.name, revision=asked, transfer=transfer)
    stored = zoo.store.resolve(done.model)
    problems = [] if content_digest(stored.manifest) == model.manifest else misfits(stored, model)
    if problems:
        raise CheckpointError(done.model, f"this is not what was locked: {'; '.join(problems)}", _REMEDY)
    return done


_REMEDY = "lock it again (lexarium lock) if the new one is right"
