"""``lexarium.json``: the only file of a model folder that the loader believes.

A model is a tree: a pipeline is a head with the part ``embedder``; an embedder has no parts. Each
part names a method, never code. The files of a part stand in a folder of its name.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from lexarium.errors import CheckpointError
from lexarium.roles import Space

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMAT", "MANIFEST", "About", "FileEntry", "GoldenEntry", "Manifest", "Part", "PluginEntry"]

FORMAT = 1
MANIFEST = "lexarium.json"
_MAX_BYTES = 16 * 2**20
_MAX_DEPTH = 8
_MAX_INTEGER = 2**53  # what a float holds exactly
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_REQUIRES = re.compile(r">=[0-9][0-9A-Za-z.+!-]{0,60}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_T = TypeVar("_T")


@dataclass(frozen=True)
class FileEntry:
    """One file: its path in the folder, its size in bytes, its sha256, and what it is for."""

    path: str
    size: int
    sha256: str
    role: str


@dataclass(frozen=True)
class PluginEntry:
    """Which distribution answers to the method, and the version that wrote the model."""

    distribution: str
    requires: str


@dataclass(frozen=True)
class GoldenEntry:
    """How near the golden inputs must come to the golden rows."""

    atol: float
    min_cosine: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """A method with its settings; ``space_id`` changes with anything that changes vectors."""

    method: str
    plugin: PluginEntry
    config: Mapping[str, Any]
    space: Space | None = None
    space_id: str | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)

    def find_space(self) -> tuple[str, Space] | None:
        """Return the id and the space of this part, or of the first part within that has one."""
        if self.space is not None and self.space_id is not None:
            return self.space_id, self.space
        return next((found for part in self.parts.values() if (found := part.find_space())), None)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a person or a training run says of a model, apart from what it computes."""

    license: str | None = None
    lineage: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that is known of a stored model without opening it."""

    name: str
    version: str
    created: str
    kind: str
    root: Part
    files: tuple[FileEntry, ...]
    golden: GoldenEntry
    about: About = field(default_factory=About)

    @property
    def size(self) -> int:
        """The bytes that the listed files take."""
        return sum(entry.size for entry in self.files)

    def file(self, path: str) -> FileEntry | None:
        """Return the entry of a path, if it is listed."""
        return next((entry for entry in self.files if entry.path == path), None)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as ``lexarium.json`` has it."""
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "created": self.created,
            "kind": self.kind,
            **_part_to_json(self.root),
            "files": [asdict(entry) for entry in self.files],
            "golden": asdict(self.golden),
            **asdict(self.about),
        }

    def to_bytes(self) -> bytes:
        """Return ``lexarium.json``."""
        return (json.dumps(self.to_json(), ensure_ascii=False, indent=2) + "\n").encode(
            "utf-8", "surrogatepass"
        )

    @classmethod
    def from_bytes(cls, raw: bytes, where: str) -> Manifest:
        """Read ``lexarium.json``; ``where`` is for the error.

        :raises CheckpointError: not JSON, another format, or a field that is missing or of another type.
        """
        if len(raw) > _MAX_BYTES:
            raise CheckpointError(where, f"the manifest takes more than {_MAX_BYTES} bytes")
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise CheckpointError(where, f"not JSON: {error}", "fetch the model again") from error
        fields_of = _Fields(document, where)
        form = fields_of.take("format", int)
        if form != FORMAT:
            raise CheckpointError(
                where, f"format {form}; this Lexarium reads format {FORMAT}", "upgrade Lexarium"
            )
        golden = fields_of.within("golden")
        return cls(
            name=fields_of.take("name", str),
            version=fields_of.take("version", str),
            created=fields_of.take("created", str),
            kind=fields_of.take("kind", str),
            root=_part_from_json(fields_of, _MAX_DEPTH),
            files=tuple(_files(fields_of)),
            golden=GoldenEntry(golden.number("atol"), golden.number("min_cosine")),
            about=_about(fields_of),
        )


class _Fields:
    """A JSON object whose fields are taken by name and type."""

    def __init__(self, document: object, where: str) -> None:
        if not isinstance(document, dict):
            raise CheckpointError(where, "a JSON object belongs here")
        self.document: dict[str, Any] = document
        self.where = where

    def take(self, name: str, kind: type[_T]) -> _T:
        value = self.document.get(name)
        if type(value) is not kind:
            raise CheckpointError(self.where, f"the field {name!r} is missing or is not {kind.__name__}")
        return value

    def number(self, name: str) -> float:
        value = self.document.get(name)
        if type(value) is float or (type(value) is int and abs(value) < _MAX_INTEGER):
            return float(value)
        raise CheckpointError(self.where, f"the field {name!r} is missing or is not a number")

    def within(self, name: str) -> _Fields:
        return _Fields(self.take(name, dict), f"{self.where}, {name}")


def _about(document: _Fields) -> About:
    """Take what is there of the fields of :class:`About`; the others have their defaults."""
    kinds: dict[str, type[Any]] = {
        "license": str,
        "languages": list,
        "lineage": dict,
        "metrics": dict,
        "limits": dict,
    }
    said = {name: kind for name, kind in kinds.items() if document.document.get(name) is not None}
    there: dict[str, Any] = {name: document.take(name, kind) for name, kind in said.items()}
    there["languages"] = tuple(str(language) for language in there.get("languages", ()))
    return About(**there)


def _files(document: _Fields) -> list[FileEntry]:
    entries = []
    for index, item in enumerate(document.take("files", list)):
        entry = _Fields(item, f"{document.where}, files[{index}]")
        found = FileEntry(
            entry.take("path", str),
            entry.take("size", int),
            entry.take("sha256", str),
            entry.take("role", str),
        )
        pure = PurePosixPath(found.path)
        unsafe = pure.is_absolute() or ".." in pure.parts or "\\" in found.path or ":" in found.path
        unsafe = unsafe or not pure.parts  # the folder itself
        if unsafe or str(pure) != found.path or found.path == MANIFEST or not found.path.isprintable():
            raise CheckpointError(entry.where, f"{found.path!r} is not a path within the folder")
        if found.size < 0 or not _SHA256.fullmatch(found.sha256):
            raise CheckpointError(entry.where, "the size or the sha256 is not one")
        entries.append(found)
    if len({entry.path.casefold() for entry in entries}) != len(entries):
        raise CheckpointError(document.where, "a file is listed twice")
    return entries


def _part_to_json(part: Part) -> dict[str, Any]:
    space = None if part.space is None else {"id": part.space_id, **asdict(part.space)}
    return {
        "method": part.method,
        "plugin": asdict(part.plugin),
        "config": dict(part.config),
        "space": space,
        "parts": {name: _part_to_json(inner) for name, inner in part.parts.items()},
    }


def _part_from_json(document: _Fields, depth: int) -> Part:
    if depth == 0:
        raise CheckpointError(document.where, "parts within parts, too deep")
    plugin = document.within("plugin")
    for field_name, pattern in (("distribution", _DISTRIBUTION), ("requires", _REQUIRES)):
        if not pattern.fullmatch(plugin.take(field_name, str)):
            raise CheckpointError(plugin.where, f"{plugin.document[field_name]!r} is no {field_name}")
    space, space_id = None, None
    if document.document.get("space") is not None:
        described = document.within("space")
        space_id = described.take("id", str)
        space = Space(
            dim=described.take("dim", int),
            modalities=tuple(str(m) for m in described.take("modalities", list)),
            dtype=described.take("dtype", str),
            sparse=described.take("sparse", bool),
            similarity=described.take("similarity", str),
            normalized=described.take("normalized", bool),
        )
    parts = document.within("parts") if "parts" in document.document else _Fields({}, document.where)
    for name in parts.document:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
            raise CheckpointError(parts.where, f"{name!r} is not the name of a part")
    return Part(
        method=document.take("method", str),
        plugin=PluginEntry(plugin.take("distribution", str), plugin.take("requires", str)),
        config=document.take("config", dict),
        space=space,
        space_id=space_id,
        parts={name: _part_from_json(parts.within(name), depth - 1) for name in parts.document},
    )
