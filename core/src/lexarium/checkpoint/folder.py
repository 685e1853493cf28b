"""A model folder: a tree of states written file by file, and read back by memory map."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.checkpoint.manifest import (
    MANIFEST,
    About,
    FileEntry,
    GoldenEntry,
    Manifest,
    Part,
    PluginEntry,
)
from lexarium.checkpoint.tensors import read_tensors, write_tensors
from lexarium.errors import CheckpointError
from lexarium.roles import Space, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "Golden",
    "Node",
    "hash_file",
    "read_folder",
    "read_golden",
    "read_nodes",
    "space_id",
    "verify_files",
    "write_folder",
]

_TENSORS = "model.safetensors"
_GOLDEN_TENSORS, _GOLDEN_INPUTS = "golden.safetensors", "golden.json"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A part with its state: what a model is taken apart into."""

    method: str
    plugin: PluginEntry
    state: State
    space: Space | None = None
    parts: Mapping[str, Node] = field(default_factory=dict)


@dataclass(frozen=True)
class Golden:
    """A few inputs and the rows that they must give; ``kind`` is dense, sparse or probabilities."""

    inputs: list[str]
    kind: str
    tensors: Mapping[str, NDArray[Any]]
    tolerance: GoldenEntry


def write_folder(folder: Path, name: str, node: Node, golden: Golden, about: About) -> Manifest:
    """Write a model into an empty folder as version 1, the manifest last, every file synced to the disk.

    :raises CheckpointError: the folder is not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CheckpointError(folder, "the folder is not empty", "give a new one")
    files = list(_write_node(folder, "", node))
    write_tensors(folder / _GOLDEN_TENSORS, golden.tensors)
    inputs = {"inputs": golden.inputs, "kind": golden.kind}
    (folder / _GOLDEN_INPUTS).write_text(json.dumps(inputs, indent=2) + "\n", encoding="utf-8")
    files += [_entry(folder, path, "golden") for path in (_GOLDEN_TENSORS, _GOLDEN_INPUTS)]
    manifest = Manifest(
        name=name,
        version="1",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        kind="pipeline" if node.parts else "embedder",
        root=_part(node),
        files=tuple(files),
        golden=golden.tolerance,
        about=about,
    )
    with (folder / MANIFEST).open("xb") as file:
        file.write(manifest.to_bytes())
        file.flush()
        os.fsync(file.fileno())
    return manifest


def read_folder(folder: Path) -> Manifest:
    """Read the manifest of a model folder.

    :raises CheckpointError: the folder holds no model, or its manifest is not understood.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CheckpointError(folder, f"there is no model here: no {MANIFEST}") from error
    return Manifest.from_bytes(raw, str(path))


def read_nodes(manifest: Manifest, locate: Callable[[str], Path]) -> Node:
    """Open the tree of states; ``locate`` says where a listed file lies. Sizes are checked, not hashes.

    :raises CheckpointError: a listed file is missing or of another size, or its tensors are damaged.
    """
    for entry in manifest.files:
        path = locate(entry.path)
        size = path.stat().st_size if path.is_file() else None
        if size != entry.size:
            problem = "is missing" if size is None else f"takes {size} bytes instead of {entry.size}"
            raise CheckpointError(f"{manifest.name}@{manifest.version}", f"{entry.path} {problem}", _MEND)
    return _read_node("", manifest.root, manifest, locate)


def read_golden(manifest: Manifest, locate: Callable[[str], Path]) -> Golden:
    """Read the golden inputs and rows.

    :raises CheckpointError: there are none, or they are damaged.
    """
    where = f"{manifest.name}@{manifest.version}"
    if not (manifest.file(_GOLDEN_TENSORS) and manifest.file(_GOLDEN_INPUTS)):
        raise CheckpointError(where, "the model carries no golden rows")
    try:
        document = json.loads(locate(_GOLDEN_INPUTS).read_bytes())
        inputs, kind = [str(text) for text in document["inputs"]], str(document["kind"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(where, f"{_GOLDEN_INPUTS} cannot be read") from error
    return Golden(inputs, kind, read_tensors(locate(_GOLDEN_TENSORS)), manifest.golden)


def verify_files(manifest: Manifest, locate: Callable[[str], Path]) -> Iterator[str]:
    """Hash every listed file; yield one sentence for each that is not what the manifest says."""
    for entry in manifest.files:
        path = locate(entry.path)
        if not path.is_file():
            yield f"{entry.path} is missing"
        elif path.stat().st_size != entry.size:
            yield f"{entry.path} takes {path.stat().st_size} bytes instead of {entry.size}"
        elif hash_file(path) != entry.sha256:
            yield f"{entry.path} is damaged: its sha256 is another"


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def space_id(node: Node) -> str:
    """Return the sha256 over all that changes vectors: method, config, space, tensors, files.

    A rename, a licence or a metric changes nothing.
    """
    digest = hashlib.sha256()
    described = asdict(node.space) if node.space else None
    head = {"method": node.method, "config": dict(node.state.config), "space": described}
    digest.update(json.dumps(head, sort_keys=True, default=list).encode())
    for name, tensor in sorted(node.state.tensors.items()):
        digest.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    for name, raw in sorted(node.state.files.items()):
        digest.update(f"\n{name} {len(raw)}\n".encode() + raw)
    return digest.hexdigest()


_MEND = "type: lexarium verify, then store the model again"


def _write_node(folder: Path, prefix: str, node: Node) -> Iterator[FileEntry]:
    (folder / prefix).mkdir(parents=True, exist_ok=True)
    if node.state.tensors:
        write_tensors(folder / prefix / _TENSORS, node.state.tensors)
        yield _entry(folder, prefix + _TENSORS, "tensors")
    for name, raw in node.state.files.items():
        (folder / prefix / name).write_bytes(raw)
        yield _entry(folder, prefix + name, "method")
    for name, inner in node.parts.items():
        yield from _write_node(folder, f"{prefix}{name}/", inner)


def _entry(folder: Path, path: str, role: str) -> FileEntry:
    written = folder / path
    with written.open("rb") as file:
        os.fsync(file.fileno())
    return FileEntry(path, written.stat().st_size, hash_file(written), role)


def _part(node: Node) -> Part:
    return Part(
        method=node.method,
        plugin=node.plugin,
        config=node.state.config,
        space=node.space,
        space_id=space_id(node) if node.space else None,
        parts={name: _part(inner) for name, inner in node.parts.items()},
    )


def _read_node(prefix: str, part: Part, manifest: Manifest, locate: Callable[[str], Path]) -> Node:
    tensors = read_tensors(locate(prefix + _TENSORS)) if manifest.file(prefix + _TENSORS) else {}
    files = {
        entry.path.removeprefix(prefix): locate(entry.path).read_bytes()
        for entry in manifest.files
        if entry.role == "method" and entry.path.rpartition("/")[0] == prefix.rstrip("/")
    }
    return Node(
        method=part.method,
        plugin=part.plugin,
        state=State(config=part.config, tensors=tensors, files=files),
        space=part.space,
        parts={name: _read_node(f"{prefix}{name}/", p, manifest, locate) for name, p in part.parts.items()},
    )
