"""``lexarium.json``: the only file of a model folder that the loader believes.

A model is a tree: a pipeline is a head with the part ``embedder``; an embedder has no parts. Each
part says its kind and names a method, never code. The files of a part stand in a folder of its name.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from lexarium.checkpoint.paths import MANIFEST, check_part_name, check_paths
from lexarium.errors import CheckpointError
from lexarium.roles import Space
from lexarium.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "FORMAT",
    "MANIFEST",
    "MAX_BYTES",
    "About",
    "FileEntry",
    "GoldenEntry",
    "Manifest",
    "Part",
    "PluginEntry",
]

FORMAT = 1
MAX_BYTES = 16 * 2**20  # of a manifest, and of any other JSON file of the format
_MAX_DEPTH = 8  # of parts
_MAX_NESTING = 64  # of the JSON
_MAX_INTEGER = 2**53  # what a float holds exactly
_MAX_DIM = 2**31
_MAX_ATOL, _MIN_COSINE = 1e-2, 0.9  # golden rows that may be further off prove nothing
_ROOTS = {"embedder": ("embedder", "fuser"), "pipeline": ("head",)}
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_REQUIRES = re.compile(r">=[0-9][0-9A-Za-z.+!-]{0,60}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# What could steer a terminal or reorder a line: C0, DEL, C1, line and direction marks, lone surrogates.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TOP = ("format", "name", "version", "created", "root", "files", "golden")
_ABOUT = ("license", "lineage", "metrics", "languages", "limits")
_PART = ("kind", "method", "plugin", "config", "fit_only", "space", "parts")
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
    """A method with its settings; ``kind`` is embedder, head or fuser.

    ``space_id`` changes with anything that changes vectors, ``fit_only`` names the settings that do
    not; ``extra`` holds the fields that a later version may have added.
    """

    kind: str
    method: str
    plugin: PluginEntry
    config: Mapping[str, Any]
    fit_only: tuple[str, ...] = ()
    space: Space | None = None
    space_id: str | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def find_space(self) -> tuple[str, Space] | None:
        """Return the id and the space of this part, or of the first part within that has one."""
        if self.space is not None and self.space_id is not None:
            return self.space_id, self.space
        return next((found for part in self.parts.values() if (found := part.find_space())), None)

    def spaces(self) -> Iterator[str]:
        """Yield the ids of the spaces of this part and of all parts within."""
        if self.space_id is not None:
            yield self.space_id
        for part in self.parts.values():
            yield from part.spaces()


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

    @property
    def extra(self) -> Mapping[str, Any]:
        """The top-level fields that this version does not know; they are kept as they are."""
        return self.root.extra

    def file(self, path: str) -> FileEntry | None:
        """Return the entry of a path, if it is listed."""
        return next((entry for entry in self.files if entry.path == path), None)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as ``lexarium.json`` has it; what is said of the model has no NaN in it."""
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "created": self.created,
            "kind": self.kind,
            "root": self.root.kind,
            **_part_to_json(self.root),
            "files": [asdict(entry) for entry in self.files],
            "golden": asdict(self.golden),
            **_finite(asdict(self.about)),
            **self.extra,
        }

    def to_bytes(self) -> bytes:
        """Return ``lexarium.json``.

        :raises CheckpointError: :meth:`from_bytes` would not take it back.
        """
        try:
            text = json.dumps(self.to_json(), ensure_ascii=False, indent=2, allow_nan=False)
        except (RecursionError, ValueError) as error:
            raise CheckpointError(self.name, f"its settings cannot be written as JSON: {error}") from error
        raw = f"{text}\n".encode("utf-8", "surrogatepass")
        self.from_bytes(raw, self.name)
        return raw

    @classmethod
    def from_bytes(cls, raw: bytes, where: str) -> Manifest:
        """Read ``lexarium.json``; ``where`` is for the error.

        :raises CheckpointError: not JSON, another format, or a field that is missing, of another type or
            out of range.
        """
        if len(raw) > MAX_BYTES:
            raise CheckpointError(where, f"the manifest takes more than {MAX_BYTES} bytes")
        document = parse_json(raw, where, "fetch the model again")
        _check_depth(document, where)
        fields_of = _Fields(document, where)
        form = fields_of.take("format", int)
        if form != FORMAT:
            raise CheckpointError(
                where, f"format {form}; this Lexarium reads format {FORMAT}", "upgrade Lexarium"
            )
        kind, root = fields_of.text("kind"), fields_of.text("root")
        if root not in _ROOTS.get(kind, ()):
            raise CheckpointError(where, f"the kind {kind!r} with the root {root!r}", "upgrade Lexarium")
        return cls(
            name=fields_of.text("name"),
            version=fields_of.text("version"),
            created=fields_of.text("created"),
            kind=kind,
            root=_part_from_json(fields_of, root, _MAX_DEPTH, {*_TOP, *_ABOUT}),
            files=_files(fields_of),
            golden=_golden(fields_of.within("golden")),
            about=_about(fields_of),
        )


def _finite(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Put null for the numbers that JSON has no word for: a metric that is not defined loses no model."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _check_depth(document: object, where: str) -> None:
    """Refuse a document that is nested too deep for what works on it."""
    level: list[object] = [document]
    for _ in range(_MAX_NESTING):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        if not inner:
            return
        level = inner
    raise CheckpointError(where, f"nested more than {_MAX_NESTING} deep")


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

    def text(self, name: str) -> str:
        return self._printable(self.take(name, str), name)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.take(name, list)
        if not all(isinstance(value, str) for value in values):
            raise CheckpointError(self.where, f"the field {name!r} is not a list of texts")
        return tuple(self._printable(value, name) for value in values)

    def _printable(self, text: str, name: str) -> str:
        if _CONTROL.search(text):
            raise CheckpointError(self.where, f"the field {name!r} holds a control character: {text!a}")
        return text

    def number(self, name: str) -> float:
        value = self.document.get(name)
        if type(value) is float or (type(value) is int and abs(value) < _MAX_INTEGER):
            return float(value)
        raise CheckpointError(self.where, f"the field {name!r} is missing or is not a number")

    def within(self, name: str) -> _Fields:
        return _Fields(self.take(name, dict), f"{self.where}, {name}")


def _about(document: _Fields) -> About:
    """Take what is there of the fields of :class:`About`; the others have their defaults."""
    said = {name for name in _ABOUT if document.document.get(name) is not None}
    about = About(
        license=document.text("license") if "license" in said else None,
        languages=document.texts("languages") if "languages" in said else (),
        **{name: document.take(name, dict) for name in ("lineage", "metrics", "limits") if name in said},
    )
    for label in about.lineage:
        if _CONTROL.search(label):
            raise CheckpointError(document.where, f"lineage holds a control character: {label!a}")
    return about


def _golden(entry: _Fields) -> GoldenEntry:
    golden = GoldenEntry(entry.number("atol"), entry.number("min_cosine"))
    if not (0 <= golden.atol <= _MAX_ATOL and _MIN_COSINE <= golden.min_cosine <= 1):
        raise CheckpointError(
            entry.where,
            f"atol={golden.atol:g} and min_cosine={golden.min_cosine:g} prove nothing: at most {_MAX_ATOL} "
            f"and at least {_MIN_COSINE}",
        )
    return golden


def _files(document: _Fields) -> tuple[FileEntry, ...]:
    entries = []
    for index, item in enumerate(document.take("files", list)):
        entry = _Fields(item, f"{document.where}, files[{index}]")
        found = FileEntry(
            entry.take("path", str), entry.take("size", int), entry.take("sha256", str), entry.text("role")
        )
        if not 0 <= found.size < _MAX_INTEGER or not _SHA256.fullmatch(found.sha256):
            raise CheckpointError(entry.where, "the size or the sha256 is not one")
        entries.append(found)
    check_paths([(entry.path, entry.role) for entry in entries], f"{document.where}, files")
    return tuple(entries)


def _part_to_json(part: Part) -> dict[str, Any]:
    """Return the fields of a part, but for its kind, which stands under another name at the top."""
    space = None if part.space is None else {"id": part.space_id, **asdict(part.space)}
    return {
        "method": part.method,
        "plugin": asdict(part.plugin),
        "config": dict(part.config),
        "fit_only": list(part.fit_only),
        "space": space,
        "parts": {
            name: {"kind": inner.kind, **_part_to_json(inner), **inner.extra}
            for name, inner in part.parts.items()
        },
    }


def _part_from_json(document: _Fields, kind: str, depth: int, others: set[str]) -> Part:
    """Read a part of this kind; ``others`` are the fields beside it that are read elsewhere."""
    if depth == 0:
        raise CheckpointError(document.where, "parts within parts, too deep")
    if kind not in {"embedder", "head", "fuser"}:
        raise CheckpointError(document.where, f"a part of the kind {kind!r}", "upgrade Lexarium")
    plugin = document.within("plugin")
    for field_name, pattern in (("distribution", _DISTRIBUTION), ("requires", _REQUIRES)):
        if not pattern.fullmatch(plugin.take(field_name, str)):
            raise CheckpointError(plugin.where, f"{plugin.document[field_name]!r} is no {field_name}")
    space, space_id = _space(document)
    if (space is None) != (kind == "head"):
        raise CheckpointError(
            document.where, f"{'no' if space is None else 'a'} space for a part that is {kind}"
        )
    known = document.document
    parts = document.within("parts") if "parts" in known else _Fields({}, document.where)
    inner = {}
    for name in parts.document:
        check_part_name(name, parts.where)
        part = parts.within(name)
        inner[name] = _part_from_json(part, part.text("kind"), depth - 1, set())
    return Part(
        kind=kind,
        method=document.text("method"),
        plugin=PluginEntry(plugin.take("distribution", str), plugin.take("requires", str)),
        config=document.take("config", dict),
        fit_only=document.texts("fit_only") if "fit_only" in known else (),
        space=space,
        space_id=space_id,
        parts=inner,
        extra={name: value for name, value in known.items() if name not in {*_PART, *others}},
    )


def _space(document: _Fields) -> tuple[Space, str] | tuple[None, None]:
    if document.document.get("space") is None:
        return None, None
    described = document.within("space")
    space_id, dim = described.text("id"), described.take("dim", int)
    if not _SHA256.fullmatch(space_id) or not 0 < dim < _MAX_DIM:
        raise CheckpointError(described.where, "the id or the dim is not one")
    space = Space(
        dim=dim,
        modalities=described.texts("modalities"),
        dtype=described.text("dtype"),
        sparse=described.take("sparse", bool),
        similarity=described.text("similarity"),
        normalized=described.take("normalized", bool),
    )
    return space, space_id
