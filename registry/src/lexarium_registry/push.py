"""``push``: a stored model becomes one commit of a repository on the Hub, or nothing of it does.

Only what differs is sent. After the commit the hub's hashes are compared with ours, and only then is a tag
set. An answer that is lost does no harm: what is there already is recognised, then or at the next try.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lexarium.checkpoint.manifest import MANIFEST, MAX_BYTES, Manifest
from lexarium.checkpoint.paths import CARD
from lexarium.errors import (
    CheckpointError,
    HubConflictError,
    HubCorruptedError,
    HubNetworkError,
    HubNotFoundError,
    HubOfflineError,
    UnsupportedError,
)
from lexarium_registry.card import metadata, render
from lexarium_registry.golden import prove_golden
from lexarium_registry.licences import checked, conflicts, licensed
from lexarium_registry.names import check_revision, parse_hub
from lexarium_registry.readme import merge
from lexarium_registry.transfer import Transfer, is_offline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lexarium.stores import StoredVersion
    from lexarium.zoo import Zoo
    from lexarium_registry.hub import Hub, RemoteFile, Snapshot
    from lexarium_registry.names import HubReference

__all__ = ["Pushed", "push"]

_MOST_CARD = 4 * 2**20
_BLOCK = 2**20


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What a push came to; ``sent`` are the paths of the commit, none where all was there already.

    ``notes`` are what its user should know: licences that differ, a card that was left alone.
    """

    model: str
    reference: str
    commit: str
    sent: tuple[str, ...]
    notes: tuple[str, ...] = ()


def push(
    zoo: Zoo,
    reference: str,
    target: str,
    *,
    license: str | None = None,  # noqa: A002  the manifest's word
    private: bool = False,
    tag: str | None = None,
    transfer: Transfer | None = None,
) -> Pushed:
    """Push a stored model (or a folder) to ``hf://org/repo``, making the repository where there is none.

    ``license`` is what the pushed manifest says, where the stored one says nothing or something else.

    :raises UnsupportedError: no licence is stated, or none that can be looked up; the tag is a branch or a
        commit; the repository is public and should be private.
    :raises CheckpointError: a file is damaged, or the golden rows are not reproduced in a fresh process.
    :raises HubConflictError: the branch moved meanwhile, or the tag names another commit already.
    :raises HubError: the Hub refuses, or the network fails; the repository holds all of it, or is as it was.
    :raises StoreError: the reference or the tag cannot be one.
    """
    onto = parse_hub(target)
    if onto.pinned:
        raise UnsupportedError(
            f"{target}: a commit cannot change", f"type: lexarium push {reference} {onto.reference}"
        )
    if tag is not None:
        check_revision(tag, target)
        if replace(onto, revision=tag).pinned or tag in {"main", onto.revision}:
            what = "a branch" if tag in {"main", onto.revision} else "a commit"
            raise UnsupportedError(f"{tag!r} is {what} and cannot be a tag", "give --tag another name: v1")
    if is_offline():
        remedy = "leave --offline out (and HF_HUB_OFFLINE unset)"
        raise HubOfflineError(f"{target}: nothing may be asked of the network", remedy)
    stored = zoo.store.resolve(reference)
    about = stored.manifest.about
    if not (license or about.license):
        remedy = f"type: lexarium set {reference} --license SPDX, or give push the option --license SPDX"
        raise UnsupportedError(f"{reference} states no licence, and nobody may use what has none", remedy)
    licence = checked(license or about.license or "", f"type: lexarium set {reference} --license L; ")
    manifest = replace(stored.manifest, about=licensed(zoo, stored, licence))
    prove_golden(zoo.home, reference, hashes=True)
    from lexarium_registry.hub import Hub  # noqa: PLC0415  the library, only where the network is asked

    transfer = transfer or Transfer()
    work = _Push(Hub(transfer.patience), onto, manifest, stored, transfer)
    work.notes += [
        f"it stems from {base}, under {theirs}, and is pushed under {licence}"
        for base, theirs in conflicts(zoo, manifest)
    ]
    return work.run(private=private, tag=tag)


class _Push:
    """One push: the files as they must be there, by path, and the ways to put them there."""

    def __init__(
        self, hub: Hub, onto: HubReference, manifest: Manifest, stored: StoredVersion, transfer: Transfer
    ) -> None:
        self.hub, self.onto, self.manifest, self.transfer = hub, onto, manifest, transfer
        self.model = f"{stored.name}@{stored.version}"
        self.files: dict[str, Path | bytes] = {e.path: stored.locate(e.path) for e in manifest.files}
        raw = manifest.to_bytes()
        self.files[MANIFEST] = raw
        self.hashes = {entry.path: entry.sha256 for entry in manifest.files}
        self.hashes[MANIFEST] = hashlib.sha256(raw).hexdigest()
        self.notes: list[str] = []

    def run(self, *, private: bool, tag: str | None) -> Pushed:
        there = self._there(private=private)
        self._add_card(there)
        changed = {path: content for path, content in self.files.items() if not self._is_there(path, there)}
        stale = self._stale(there)
        tags = {} if tag is None else self.hub.tags(self.onto)
        named = tags.get(tag or "")
        if named is not None and (changed or stale or named != there.commit):
            problem = f"{self.onto.reference}: the tag {tag!r} names the commit {named} already"
            raise HubConflictError(problem, "nothing was changed there; tag it otherwise")
        if changed or stale:
            there = self._commit(there, changed, stale)
        if tag is not None and named is None:
            self.hub.tag(there, tag)
        return Pushed(
            model=self.model,
            reference=self.onto.reference,
            commit=there.commit,
            sent=tuple(sorted(changed)),
            notes=tuple(self.notes),
        )

    def _there(self, *, private: bool) -> Snapshot:
        try:
            there = self.hub.snapshot(self.onto)
        except HubNotFoundError:
            if self.onto.revision != "main":
                raise
            self.hub.create(self.onto, private=private)
            there = self.hub.snapshot(self.onto)
        if private and not there.private:
            problem = f"{self.onto.reference} is there and is public; nothing was sent"
            raise UnsupportedError(problem, "leave --private out, or make it private on its page")
        return there

    def _add_card(self, there: Snapshot) -> None:
        """Put the generated parts into what README.md says there, if that can be done."""
        old = self._read(there, CARD, _MOST_CARD)
        merged = None
        if old is None or _is_text(old):
            text = None if old is None else old.decode()
            merged = merge(
                text, metadata(self.manifest), render(self.manifest, self.onto.reference, self.notes)
            )
        if merged is None:
            self.notes.append("README.md is left alone: the marks of its generated part do not pair up")
            return
        self.files[CARD] = card = merged.encode()
        self.hashes[CARD] = hashlib.sha256(card).hexdigest()

    def _is_there(self, path: str, there: Snapshot) -> bool:
        file = there.files.get(path)
        if file is None:
            return False
        content = self.files[path]
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        if file.size != size:
            return False
        return file.sha256 == self.hashes[path] if file.sha256 else file.blob == _blob_id(content, size)

    def _stale(self, there: Snapshot) -> list[str]:
        """Return the files that an earlier push put there and this model lacks; no others are touched."""
        if self._is_there(MANIFEST, there):
            return []
        raw = self._read(there, MANIFEST, MAX_BYTES)
        try:
            before = Manifest.from_bytes(raw, str(self.onto)) if raw is not None else None
        except CheckpointError:
            return []
        listed = {entry.path for entry in before.files} if before else set()
        return sorted((listed & there.files.keys()) - self.files.keys())

    def _commit(self, there: Snapshot, changed: Mapping[str, Path | bytes], stale: list[str]) -> Snapshot:
        message = f"{self.manifest.name} {self.manifest.version}, pushed by Lexarium"
        try:
            made = self.hub.commit(there, changed, stale, message, self._counter(changed))
        except HubNetworkError as error:
            # The answer may have been lost after the commit was made.
            there = self.hub.snapshot(self.onto)
            if self._missing(there):
                raise HubNetworkError(str(error), "nothing was changed there; type the same again") from error
            return there
        there = self.hub.snapshot(replace(self.onto, revision=made))
        missing = self._missing(there)
        if missing:
            problem = f"{self.onto} does not hold what was sent: {', '.join(missing)}"
            raise HubCorruptedError(problem, "does its .gitignore name them?")
        return there

    def _missing(self, there: Snapshot) -> list[str]:
        return [path for path in sorted(self.files) if not self._is_there(path, there)]

    def _read(self, there: Snapshot, path: str, most: int) -> bytes | None:
        from lexarium_registry.fetch import fetch_bytes  # noqa: PLC0415  as in push

        file: RemoteFile | None = there.files.get(path)
        return None if file is None else fetch_bytes(self.hub, there, file, most)

    def _counter(self, changed: Mapping[str, Path | bytes]) -> Callable[[int], None]:
        sizes = [len(c) if isinstance(c, bytes) else c.stat().st_size for c in changed.values()]
        total, sent = sum(sizes), 0

        def told(count: int) -> None:
            nonlocal sent
            sent += count
            self.transfer.progress(f"push {self.model}", min(sent, total), total)

        return told


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _blob_id(content: Path | bytes, size: int) -> str:
    """Return the id that git gives a file: the sha1 of its length and content."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    if isinstance(content, bytes):
        digest.update(content)
        return digest.hexdigest()
    with content.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
