"""What people type to name a model.

``name``, ``name@version``, ``name@tag``, ``hf://org/repo[@revision]``, and a folder only as ``./folder`` or
an absolute path. In place of ``name`` an alias may stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lexarium.checkpoint.paths import is_device
from lexarium.errors import StoreError
from lexarium_registry.names import HUB, HubReference, parse_hub

__all__ = ["Reference", "check_name", "check_tag", "is_name", "is_tag", "is_version", "parse"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_TAG = re.compile(r"[a-z](?:[a-z0-9._-]{0,62}[a-z0-9_-])?")


@dataclass(frozen=True)
class Reference:
    """A parsed reference: a name with or without a version or a tag, a folder, or a repository on the Hub."""

    name: str = ""
    version: str | None = None
    folder: Path | None = None
    tag: str | None = None
    hub: HubReference | None = None


def is_name(name: str) -> bool:
    """Tell whether a model may have this name on every file system."""
    return _NAME.fullmatch(name) is not None and not name.endswith(".") and not is_device(name)


def is_version(version: str) -> bool:
    """Tell whether this can be a version: a number from 1 on, without leading zeros."""
    return _VERSION.fullmatch(version) is not None


def is_tag(tag: str) -> bool:
    """Tell whether this can be a tag: a lower-case word that begins with a letter, so never a version."""
    return _TAG.fullmatch(tag) is not None and not is_device(tag)


def check_tag(tag: str) -> str:
    """Return ``tag`` if it can be one.

    :raises StoreError: says what is wrong.
    """
    if not is_tag(tag):
        raise StoreError(
            f"{tag!r} cannot be a tag: a lower-case letter first, then letters, digits and . _ - only",
            "for instance 'stable'",
        )
    return tag


def check_name(name: str) -> str:
    """Return ``name`` if a model may have it: lower-case ASCII letters, digits and ``. _ -``.

    :raises StoreError: says what is wrong, and a name that would do.
    """
    if not isinstance(name, str):
        raise StoreError(f"{name!r} cannot name a model: it is not text", "for instance 'my-model'")
    if not is_name(name):
        near = re.sub(r"[^a-z0-9._-]+", "-", name.lower())[:96].strip("-._")
        remedy = f"for instance {near if is_name(near) else 'my-model'!r}"
        raise StoreError(f"{name!r} cannot name a model: lower-case letters, digits and . _ - only", remedy)
    return name


def parse(reference: str) -> Reference:
    """Read a reference.

    :raises StoreError: it is not one; a folder is only taken as ``./folder`` or an absolute path.
    """
    if not isinstance(reference, str):
        raise StoreError(f"{reference!r} is not a reference", "give text: a name, or './folder'")
    if reference.startswith(HUB):
        return Reference(hub=parse_hub(reference))
    path = Path(reference)
    if path.is_absolute() or reference.startswith(("./", "../")) or reference in {".", ".."}:
        return Reference(folder=path)
    if "/" in reference or "\\" in reference:
        raise StoreError(f"{reference!r} is not a reference", f"for a folder type ./{reference}")
    name, at, which = reference.partition("@")
    check_name(name)
    if not at:
        return Reference(name)
    if is_version(which):
        return Reference(name, which)
    if is_tag(which):
        return Reference(name, tag=which)
    remedy = f"versions are numbers ({name}@1), tags are words ({name}@stable)"
    raise StoreError(f"{which!r} is not a version or tag of {name!r}", remedy)
