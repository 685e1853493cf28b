"""``pull``: a repository on the Hub becomes a version in the local store, or nothing changes.

A revision is resolved to a commit once, and everything is read from that commit. What comes is hashed as it
comes, tried on its golden inputs in a fresh process, and only then given a name.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.manifest import MANIFEST, MAX_BYTES, Manifest
from lexarium.errors import (
    CheckpointError,
    HubConflictError,
    HubError,
    HubOfflineError,
    StoreError,
)
from lexarium.stores import Origin
from lexarium.strict_json import parse_object, tagged
from lexarium_registry.admission import (
    THEIRS,
    check_fetched,
    check_listed,
    require_free,
    require_plugins,
    require_room,
    told_as,
)
from lexarium_registry.adopt import about, recognise
from lexarium_registry.catalog.entries import look_up
from lexarium_registry.confirmed import Confirmed, confirm, confirmed, confirmed_versions
from lexarium_registry.durable import make_folder
from lexarium_registry.golden import prove_golden
from lexarium_registry.layout import Layout, disk
from lexarium_registry.locks import hold
from lexarium_registry.names import HUB, HubReference, local_name, parse_hub
from lexarium_registry.placing import copy_model, link, place
from lexarium_registry.store import LocalStore
from lexarium_registry.transfer import Transfer, is_offline
from lexarium_registry.versions import fits_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lexarium.stores import StoredVersion
    from lexarium.zoo import Zoo
    from lexarium_registry.fetch import Part
    from lexarium_registry.hub import Hub, Snapshot

__all__ = ["Pulled", "pull"]

_DAY = 24 * 60 * 60.0  # seconds to wait for another process that pulls the same
_CONFIG, _MOST_CONFIG = "config.json", 4 * 2**20


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What a pull came to: the stored version, its origin, and whether it is new; ``fetched`` is in bytes."""

    model: str
    reference: str
    commit: str | None
    new: bool
    fetched: int = 0


def pull(
    zoo: Zoo,
    reference: str,
    *,
    name: str | None = None,
    offline: bool = False,
    keep: bool = False,
    revision: str | None = None,
    transfer: Transfer | None = None,
) -> Pulled:
    """Pull ``hf://org/repo[@revision]`` into the store, as ``name`` or under the repository's own name.

    A short name of the catalogue, or ``name@revision``, does as well; the model is then stored under it. What
    the store has under a name that is given does not matter; the repository's own name is refused where its
    newest version is from another repository.

    A repository of ours is taken as it is; one that an installed plugin recognises is read and given a
    manifest of ours. With ``keep``, the version that was pulled from there last is taken without asking the
    Hub, if it is whole. ``revision`` is recorded as what was asked for, in the place of the reference's own.

    :raises NotFoundError: the catalogue has no such name.
    :raises UnsupportedError: the catalogue knows it, and it is in no repository that can be pulled.
    :raises HubError: the Hub cannot give it, or may not be asked; says which stored version there is.
    :raises HubConflictError: a tag, or a commit, holds another content than when it was pulled before.
    :raises CheckpointError: what came is no model, is of another space than it says, or does not reproduce
        its golden rows.
    :raises MethodNotFoundError: the plugin that opens it is not installed; says which one is.
    :raises StoreError: the reference or the name is none, the name is another repository's, or the disk
        refuses.
    """
    if not isinstance(reference, str):
        raise StoreError(f"{reference!r:.80} is not a reference", "give text: hf://org/repo, or a known name")
    if not reference.startswith(HUB):
        wanted = look_up(zoo.host, reference)
        reference, name = wanted.reference, name or wanted.name
    asked = parse_hub(reference)
    if name is not None:
        zoo.store.versions(name)  # refused before the work
    offline = offline or is_offline()
    if keep or offline:
        store = LocalStore(zoo.home)
        here = _stored(store, asked, name)
        if here is not None and _is_whole(store, here):
            said = confirmed(store.layout, asked)
            return _told(here, asked, said.commit if said else None, new=False)
        if offline:
            what = "not here" if here is None else f"here as {_model(here)}, which is damaged"
            raise HubOfflineError(f"{asked} is {what}, and nothing may be asked of the network", _ONLINE)
    from lexarium_registry.hub import Hub  # noqa: PLC0415  the library, only where the network is asked

    transfer = transfer or Transfer()
    return _Pull(zoo, Hub(transfer.patience), asked, revision or asked.revision, transfer).run(name)


_ONLINE = "leave --offline out (and HF_HUB_OFFLINE unset), or type: lexarium list"


@dataclass
class _Pull:
    """One pull, and how much of it has come."""

    zoo: Zoo
    hub: Hub
    asked: HubReference
    recorded: str
    transfer: Transfer
    fetched: int = field(default=0)
    manifest: str | None = field(default=None)  # the sha256 of what was fetched
    own: ExitStack = field(default_factory=ExitStack)  # folders that nobody else touches, until it ends

    def __post_init__(self) -> None:
        """Open the store that the pull is for."""
        self.store = LocalStore(self.zoo.home)

    def run(self, name: str | None) -> Pulled:
        snapshot = self._resolve()
        there = self._there(snapshot, name)  # readers take no lock
        if there is not None:
            return self._done(snapshot, there, new=False)
        with _one_at_a_time(self.store.layout, f"{self.asked.reference}@{snapshot.commit}"), self.own:
            there = self._there(snapshot, name)
            if there is not None:
                return self._done(snapshot, there, new=False)
            if name is None:
                require_free(self.store, local_name(self.asked.repository), self.asked)
            twin = None if MANIFEST in snapshot.files else self._there(snapshot, None)
            if twin is not None and name is not None:  # nothing of ours lies there to compare
                with suppress(FileNotFoundError):  # removed meanwhile: it is fetched
                    copy = partial(copy_model, twin)
                    named = self.zoo.store.publish(name, copy, origin=self._origin(snapshot, None))
                    return self._done(snapshot, named, new=True)
            chosen = name or local_name(self.asked.repository)
            take = self._take_ours if MANIFEST in snapshot.files else self._take_theirs
            stored, new = take(snapshot, chosen)
            return self._done(snapshot, stored, new=new)

    def _done(self, snapshot: Snapshot, stored: StoredVersion, *, new: bool) -> Pulled:
        """Record what the Hub says, and tell what the pull came to."""
        before = confirmed(self.store.layout, self._at(snapshot))
        manifest = self.manifest or (before.manifest if before else None)
        said = Confirmed(commit=snapshot.commit, manifest=manifest)
        confirm(self.store, HubReference(self.asked.repository, self.recorded), stored, said)
        return _told(stored, self.asked, snapshot.commit, new=new, fetched=self.fetched)

    def _at(self, snapshot: Snapshot) -> HubReference:
        return HubReference(self.asked.repository, snapshot.commit)

    def _resolve(self) -> Snapshot:
        """Ask for the commit; where that fails, say which version of it there is."""
        try:
            snapshot = self.hub.snapshot(self.asked)
            if not self.asked.pinned and self.asked.revision != "main":
                self._check_tag(snapshot)
        except HubConflictError:
            raise
        except HubError as error:
            here = _stored(self.store, self.asked, None)
            if here is None:
                raise
            note = f"{_model(here)}, pulled on {self._date()}, is here under that name"
            raise type(error)(str(error), note) from error
        return snapshot

    def _check_tag(self, snapshot: Snapshot) -> None:
        """Refuse a tag that names another commit than it did; a branch moves as a matter of course."""
        said, earlier = confirmed(self.store.layout, self.asked), _stored(self.store, self.asked, None)
        if said is None or earlier is None or said.commit == snapshot.commit:
            return
        if self.asked.revision not in self.hub.tags(self.asked):
            return
        raise HubConflictError(
            f"{self.asked}: the tag was the commit {said.commit} when {_model(earlier)} was pulled, and is "
            f"now {snapshot.commit}",
            f"if that is right, type: lexarium pull {self.asked.reference}@{snapshot.commit}",
        )

    def _date(self) -> str:
        at = self.store.layout.pulled(str(self.asked)).stat().st_mtime
        return datetime.fromtimestamp(at, UTC).date().isoformat()

    def _there(self, snapshot: Snapshot, name: str | None) -> StoredVersion | None:
        """Return the whole version that was pulled from this commit already."""
        for stored in reversed(confirmed_versions(self.store, self._at(snapshot))):
            if name in {None, stored.name} and _is_whole(self.store, stored):
                return stored
        return None

    def _take_ours(self, snapshot: Snapshot, name: str) -> tuple[StoredVersion, bool]:
        from lexarium_registry.fetch import fetch_bytes  # noqa: PLC0415  as in pull

        raw = fetch_bytes(self.hub, snapshot, snapshot.files[MANIFEST], MAX_BYTES)
        manifest = Manifest.from_bytes(raw, f"{self.asked}, {MANIFEST}")
        require_plugins(self.zoo.host, manifest.root)
        self.manifest = digest = hashlib.sha256(raw).hexdigest()
        before = confirmed(self.store.layout, self._at(snapshot))
        if before is not None and before.manifest not in {None, digest}:
            problem = f"{self.asked}: this commit had another {MANIFEST} when it was pulled before"
            raise HubConflictError(problem, "do not trust this hub; a commit never changes")
        same = self.store.same(name, fits_content(manifest))
        if same is not None:
            return same, False
        check_listed(snapshot, manifest)
        known = self._known(manifest)
        wanted = [entry for entry in manifest.files if entry.sha256 not in known]
        parts = self._fetch(snapshot, {entry.path: entry.sha256 for entry in wanted})

        def write(folder: Path) -> None:
            place(parts, folder)
            for entry in manifest.files:
                if entry.path not in parts:
                    link(known[entry.sha256], folder / entry.path)
            (folder / MANIFEST).write_bytes(raw)
            prove_golden(self.zoo.home, str(folder))

        return self._publish(name, write, self._origin(snapshot, digest), parts), True

    def _take_theirs(self, snapshot: Snapshot, name: str) -> tuple[StoredVersion, bool]:
        from lexarium_registry.fetch import fetch_bytes  # noqa: PLC0415  as in pull

        config: dict[str, Any] = {}
        if _CONFIG in snapshot.files:
            raw = fetch_bytes(self.hub, snapshot, snapshot.files[_CONFIG], _MOST_CONFIG)
            config = parse_object(raw, f"{self.asked}, {_CONFIG}", constant=tagged)
        adoption = recognise(self.zoo.host, snapshot, config)
        ids = {path: snapshot.files[path].blob for path in adoption.files}
        same = self.store.same(name, lambda other: _adopted(other, self.asked) == ids)
        if same is not None:
            return same, False
        parts = self._fetch(snapshot, dict.fromkeys(adoption.files), written=True)
        said = about(snapshot, {path: part.sha256 for path, part in parts.items()})

        def write(folder: Path) -> None:
            theirs = folder.parent / THEIRS / local_name(self.asked.repository)
            place(parts, theirs)
            model = self.zoo.import_from(adoption.method, theirs)
            self.zoo.write(model, folder, said, name=name)
            prove_golden(self.zoo.home, str(folder))

        return self._publish(name, write, self._origin(snapshot, None), parts), True

    def _publish(
        self, name: str, write: Callable[[Path], object], origin: Origin, parts: Mapping[str, Part]
    ) -> StoredVersion:
        """Store what ``write`` writes, and only then forget what has come: a pull killed before goes on."""
        with told_as(self.store.layout, str(self.asked)):
            stored = self.zoo.store.publish(name, write, origin=origin)
        from lexarium_registry.fetch import forget  # noqa: PLC0415  as in pull

        for part in parts.values():
            forget(part)
        return stored

    def _known(self, manifest: Manifest) -> Mapping[str, Path]:
        """Give the files that earlier versions from there have a second name, by sha256: they stay, then."""
        found: dict[str, Path] = {}
        wanted = {entry.sha256 for entry in manifest.files}
        for stored in self.store.pulled(self.asked.reference):
            lacking = [e for e in stored.manifest.files if e.sha256 in wanted - found.keys()]
            if lacking and _is_whole(self.store, stored):
                for entry in lacking:  # what is removed meanwhile is fetched
                    with suppress(FileNotFoundError), disk(only_full=True):
                        found[entry.sha256] = link(stored.locate(entry.path), self._mine / entry.sha256)
        return found

    @cached_property
    def _mine(self) -> Path:
        """A folder that nobody else touches, until the pull ends."""
        folder = self.own.enter_context(self.store.staging()) / "fetched"
        with disk():
            folder.mkdir()
        return folder

    def _fetch(
        self, snapshot: Snapshot, wanted: Mapping[str, str | None], *, written: bool = False
    ) -> dict[str, Part]:
        """Fetch files, by path, with the sha256 that each must have where it is known beforehand.

        ``written`` says that a model is then made of them; else they are the model's own.
        """
        from lexarium_registry.fetch import fetch_file, lying  # noqa: PLC0415  as in pull

        files = [snapshot.files[path] for path in wanted]
        total, folder = sum(file.size for file in files), self.store.layout.partial
        here = sum(lying(file, folder, wanted[file.path]) for file in files)
        require_room(self.zoo.home, total - here, total if written else 0)
        parts = {}
        for file in files:
            parts[file.path] = fetch_file(
                self.hub,
                snapshot,
                file,
                folder,
                self._counter(total),
                own=self._mine,
                sha256=wanted[file.path],
            )
            check_fetched(parts[file.path], file.path, str(self.asked))
            self.fetched += file.size
        return parts

    def _counter(self, total: int) -> Callable[[int], None]:
        before = self.fetched
        return lambda count: self.transfer.progress(f"pull {self.asked.repository}", before + count, total)

    def _origin(self, snapshot: Snapshot, manifest: str | None) -> Origin:
        return Origin(
            reference=self.asked.reference,
            revision=self.recorded,
            commit=snapshot.commit,
            manifest=manifest,
        )


@contextmanager
def _one_at_a_time(layout: Layout, what: str) -> Iterator[None]:
    """Let one process at a time pull the same commit: the others find it stored."""
    with ExitStack() as held:
        with disk():
            layout.check_format()
            make_folder(layout.partial)
            lock = layout.partial / f"{hashlib.sha256(what.encode()).hexdigest()}.lock"
            held.enter_context(hold(lock, _DAY))
        yield


def _stored(store: LocalStore, asked: HubReference, name: str | None) -> StoredVersion | None:
    """Return the version that was pulled last for what is asked."""
    found = [each for each in confirmed_versions(store, asked) if name in {None, each.name}]
    return found[-1] if found else None


def _is_whole(store: LocalStore, stored: StoredVersion) -> bool:
    try:
        store.prove(stored)
    except CheckpointError:
        return False  # fetched again, and mended by that
    return True


def _told(
    stored: StoredVersion, asked: HubReference, commit: str | None, *, new: bool, fetched: int = 0
) -> Pulled:
    return Pulled(model=_model(stored), reference=asked.reference, commit=commit, new=new, fetched=fetched)


def _model(stored: StoredVersion) -> str:
    return f"{stored.name}@{stored.version}"


def _adopted(manifest: Manifest, asked: HubReference) -> Mapping[str, str] | None:
    """Return git's ids of the files that a model of ours was adopted from, if it is from there."""
    base = manifest.about.lineage.get("base")
    if not isinstance(base, dict) or base.get("model") != asked.reference:
        return None
    files = base.get("files")
    return {path: entry["git"] for path, entry in files.items()} if isinstance(files, dict) else None
