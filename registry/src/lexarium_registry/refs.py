"""The small files that name things: a version's reference, a tag, an alias. Strictly read; no numpy."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, LexariumError
from lexarium.stores import Origin
from lexarium.strict_json import parse_object
from lexarium_registry.layout import DIGEST, TAG, Layout, listed
from lexarium_registry.names import check_commit, check_revision, parse_hub
from lexarium_registry.references import is_name, is_tag, is_version, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Ref",
    "check_origin",
    "origin_from_json",
    "read_alias",
    "read_aliases",
    "read_ref",
    "read_tag",
    "read_tags",
]

_LONGEST = 4096  # bytes, of any of them


@dataclass(frozen=True)
class Ref:
    """What a version's reference says: the sha256 of the manifest, and where it was pulled from."""

    manifest: str
    origin: Origin | None = None

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        origin = None if self.origin is None else asdict(self.origin)
        return (json.dumps({"manifest": self.manifest, "origin": origin}, indent=2) + "\n").encode()


def read_ref(layout: Layout, name: str, version: str) -> Ref:
    """Read the reference to a version.

    :raises FileNotFoundError: there is none.
    :raises CheckpointError: it is damaged.
    """
    where, path = f"{name}@{version}", layout.ref(name, version)
    remedy = f"type: lexarium repair, or remove it (lexarium remove {where}) and store it again"
    try:
        raw = read_small(path, _LONGEST)
    except (OSError, CheckpointError) as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            raise
        raise CheckpointError(where, f"its reference cannot be read: {error}", remedy) from error
    try:
        return _parse(raw, f"refs/{where.replace('@', '/')}")
    except CheckpointError as error:
        raise CheckpointError(where, f"its reference is damaged: {error}", remedy) from error


def origin_from_json(document: object, where: str) -> Origin:
    """Read an origin; it has these fields and no others.

    :raises CheckpointError: it is none.
    """
    fields = {"reference", "revision", "commit", "manifest"}
    if not isinstance(document, dict) or set(document) != fields:
        raise CheckpointError(where, f"an origin has the fields {', '.join(sorted(fields))}")
    found: Mapping[str, Any] = document
    check_origin(found["reference"], found["revision"], found["commit"], where)
    if found["manifest"] is not None and not _is_digest(found["manifest"]):
        raise CheckpointError(where, "the manifest of an origin is a sha256 or null")
    return Origin(**found)


def check_origin(reference: object, revision: object, commit: object, where: str) -> None:
    """Refuse what cannot be a repository, the revision that was asked for, and the commit that it was at.

    :raises CheckpointError: says which of them it is.
    """
    if not (isinstance(reference, str) and isinstance(revision, str)):
        raise CheckpointError(where, "reference and revision of an origin are texts")
    try:
        hub = parse_hub(reference)
        check_revision(revision, where)
        check_commit(commit, where)
    except LexariumError as error:
        raise CheckpointError(where, str(error)) from error
    if hub.reference != reference:
        raise CheckpointError(where, "the reference of an origin has no revision in it")


def read_tags(layout: Layout, name: str) -> dict[str, str]:
    """Return the version that each tag of a name is on, by tag; what is no tag is passed over."""
    found = {}
    for entry in sorted(listed(layout.refs / name)):
        tag = entry.removesuffix(TAG)
        if tag != entry and is_tag(tag) and (version := read_tag(layout, name, tag)):
            found[tag] = version
    return found


def read_tag(layout: Layout, name: str, tag: str) -> str | None:
    """Return the version that a tag is on; None where there is no such tag, or a damaged one."""
    try:
        version = read_small(layout.tag(name, tag), _LONGEST).decode("ascii", "replace").removesuffix("\n")
    except (OSError, CheckpointError):
        return None
    return version if is_version(version) else None


def read_aliases(layout: Layout) -> dict[str, str]:
    """Return the reference that each alias stands for; what is no alias is passed over."""
    found = {}
    for alias in sorted(filter(is_name, listed(layout.aliases))):
        try:
            target = read_alias(layout, alias)
        except CheckpointError:
            continue
        if target is not None:
            found[alias] = target
    return found


def read_alias(layout: Layout, alias: str) -> str | None:
    """Return the reference that an alias stands for; None where there is no such alias.

    :raises CheckpointError: it is damaged.
    """
    try:
        target = read_small(layout.aliases / alias, _LONGEST).decode("ascii", "replace").removesuffix("\n")
        parsed = parse(target)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, LexariumError) as error:
        remedy = f"type: lexarium alias {alias} --remove"
        raise CheckpointError(alias, f"this alias is damaged: {error}", remedy) from error
    if not parsed.name:
        raise CheckpointError(alias, "this alias is damaged", f"type: lexarium alias {alias} --remove")
    return target


def _parse(raw: bytes, where: str) -> Ref:
    document = parse_object(raw, where)
    if set(document) != {"manifest", "origin"} or not _is_digest(document["manifest"]):
        raise CheckpointError(where, "the sha256 of a manifest and an origin belong here")
    origin = document["origin"]
    return Ref(document["manifest"], None if origin is None else origin_from_json(origin, where))


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None
