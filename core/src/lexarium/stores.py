"""What a store is: a place where models are kept, several versions to a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lexarium.checkpoint.manifest import About, Manifest

__all__ = ["Origin", "Store", "StoredVersion"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a stored version was pulled from.

    ``reference`` names the repository (``hf://org/repo``), ``revision`` what was asked for (a branch, a tag
    or a commit), ``commit`` what it was at that time (40 hex digits), and ``manifest`` the sha256 of the
    ``lexarium.json`` that lay there: None where there was none, in a repository that is not ours.
    """

    reference: str
    revision: str
    commit: str
    manifest: str | None = None


@dataclass(frozen=True, kw_only=True)
class StoredVersion:
    """One version of one stored model: its manifest and where each listed file lies.

    ``folder`` is set where it is no version in a store but a model folder, ``digest`` (the sha256 of the
    stored manifest) where it is one.
    """

    name: str
    version: str
    manifest: Manifest
    locate: Callable[[str], Path]
    origin: Origin | None = None
    folder: Path | None = None
    digest: str | None = None


class Store(Protocol):
    """A place where models are kept, several versions to a name; built as ``Store(home)``."""

    def __init__(self, home: Path | None = None) -> None: ...

    @property
    def home(self) -> Path:
        """The folder that it keeps them in."""
        ...

    def names(self) -> list[str]:
        """Return the names of all stored models, sorted."""
        ...

    def versions(self, name: str) -> list[str]:
        """Return the versions of ``name``, oldest first; empty where there is none."""
        ...

    def find(self, name: str, version: str | None = None) -> StoredVersion:
        """Return a version, the newest where none is named.

        :raises ModelNotFoundError: there is no such name or version.
        """
        ...

    def resolve(self, reference: str) -> StoredVersion:
        """Return what a reference names: a stored version, or a model folder.

        A name may be an alias, and ``name@tag`` stands for the version that the tag is on.

        :raises StoreError: the text is not a reference.
        :raises ModelNotFoundError: nothing of that name is stored.
        """
        ...

    def prove(self, stored: StoredVersion) -> None:
        """Hash the files that are not as they were when they were last hashed.

        :raises CheckpointError: a file is damaged or missing.
        """
        ...

    def holds(self, stored: StoredVersion) -> bool:
        """Tell whether a version that was found is still stored; a model folder always is."""
        ...

    def publish(
        self, name: str, write: Callable[[Path], object], *, origin: Origin | None = None
    ) -> StoredVersion:
        """Store what ``write(folder)`` puts into a new folder as a version with a new number, or nothing.

        :raises StoreError: the name cannot be one or is an alias, or the disk refuses.
        """
        ...

    def revise(self, stored: StoredVersion, about: About) -> StoredVersion:
        """Store the same model, said of it what ``about`` says, as the next version of its name.

        :raises StoreError: the disk refuses.
        """
        ...

    def remove(self, name: str, version: str | None = None) -> list[str]:
        """Remove a version, or all of a name, with the tags on them; return the versions removed."""
        ...

    def tags(self, name: str) -> dict[str, str]:
        """Return the version that each tag of ``name`` is on."""
        ...

    def tag(self, name: str, tag: str, version: str | None) -> None:
        """Put a tag on a version of ``name``, moving it from another; None: take it away.

        :raises StoreError: it cannot be a tag.
        :raises ModelNotFoundError: there is no such version, or no such tag to take away.
        """
        ...

    def aliases(self) -> dict[str, str]:
        """Return the reference that each alias stands for."""
        ...

    def alias(self, alias: str, reference: str | None) -> None:
        """Let a second name stand for ``name``, ``name@version`` or ``name@tag``; None: take it away.

        :raises StoreError: it cannot be a name, or is one of a stored model.
        :raises ModelNotFoundError: the reference names nothing, or there is no such alias to take away.
        """
        ...

    def pulled(self, reference: str) -> Sequence[StoredVersion]:
        """Return the versions whose origin is that repository, in the order that they were stored in."""
        ...
