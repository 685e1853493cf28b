"""What a store is: a place where models are kept, several versions to a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lexarium.checkpoint.manifest import Manifest

__all__ = ["Store", "StoredVersion"]


@dataclass(frozen=True, kw_only=True)
class StoredVersion:
    """One version of one stored model: its manifest and where each listed file lies."""

    name: str
    version: str
    manifest: Manifest
    locate: Callable[[str], Path]


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

        :raises StoreError: the text is not a reference.
        :raises ModelNotFoundError: nothing of that name is stored.
        """
        ...

    def publish(self, name: str, write: Callable[[Path], object]) -> StoredVersion:
        """Store what ``write(folder)`` puts into a new folder as a version with a new number, or nothing.

        :raises StoreError: the name cannot be one, or the disk refuses.
        """
        ...

    def remove(self, name: str, version: str | None = None) -> list[str]:
        """Remove a version, or all of a name; return the versions removed."""
        ...
