"""What people type to name a model: ``name``, ``name@version``, ``./folder`` or an absolute path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lexarium.errors import StoreError, UnsupportedError

__all__ = ["Reference", "check_name", "is_name", "is_version", "parse"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Reference:
    """A parsed reference: a folder, or a name with or without a version."""

    name: str = ""
    version: str | None = None
    folder: Path | None = None


def is_name(name: str) -> bool:
    """Tell whether a model may have this name on every file system."""
    device = name.partition(".")[0] in _DEVICES
    return _NAME.fullmatch(name) is not None and not name.endswith(".") and not device


def is_version(version: str) -> bool:
    """Tell whether this can be a version: a number from 1 on, without leading zeros."""
    return _VERSION.fullmatch(version) is not None


def check_name(name: str) -> str:
    """Return ``name`` if a model may have it: lower-case ASCII letters, digits and ``. _ -``.

    :raises StoreError: says what is wrong, and a name that would do.
    """
    if not is_name(name):
        near = re.sub(r"[^a-z0-9._-]+", "-", name.lower())[:96].strip("-._")
        remedy = f"for instance {near if is_name(near) else 'my-model'!r}"
        raise StoreError(f"{name!r} cannot name a model: lower-case letters, digits and . _ - only", remedy)
    return name


def parse(reference: str) -> Reference:
    """Read a reference.

    :raises StoreError: it is not one; a folder is only taken as ``./folder`` or an absolute path.
    :raises UnsupportedError: it names a place that this version does not reach.
    """
    if reference.startswith("hf://"):
        raise UnsupportedError(
            f"{reference}: this version reads models from this disk only", "type: lexarium list"
        )
    path = Path(reference)
    if path.is_absolute() or reference.startswith(("./", "../")) or reference in {".", ".."}:
        return Reference(folder=path)
    if "/" in reference or "\\" in reference:
        raise StoreError(f"{reference!r} is not a reference", f"for a folder type ./{reference}")
    name, at, version = reference.partition("@")
    check_name(name)
    if at and not is_version(version):
        raise StoreError(f"{version!r} is not a version of {name!r}", f"versions are numbers: {name}@1")
    return Reference(name=name, version=version if at else None)
