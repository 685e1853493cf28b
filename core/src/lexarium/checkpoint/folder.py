"""A model folder: a tree of states written file by file, and read back by memory map."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.checkpoint.manifest import (
    MANIFEST,
    MAX_BYTES,
    About,
    FileEntry,
    GoldenEntry,
    Manifest,
    Part,
    PluginEntry,
)
from lexarium.checkpoint.paths import (
    GOLDEN_INPUTS,
    GOLDEN_ROWS,
    TENSORS,
    check_part_name,
    check_paths,
    read_small,
)
from lexarium.checkpoint.tensors import read_tensors, write_tensors
from lexarium.errors import CheckpointError
from lexarium.roles import Space, State
from lexarium.strict_json import parse_object

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
    "verify_spaces",
    "write_folder",
]

_LOOK_UP = "vocabulary.slots"  # follows from the words, and another version may lay it out otherwise
#: What a corpus summed up to, and what training goes on from.
_NO_VECTORS = ("statistics.", "training.")
_GOLDEN_KINDS = {"dense", "sparse", "probabilities"}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A part with its state: what a model is taken apart into; ``kind`` is embedder, head or fuser.

    ``fit_only`` names the settings that have done their work when the model is trained.
    """

    kind: str
    method: str
    plugin: PluginEntry
    state: State
    fit_only: tuple[str, ...] = ()
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

    :raises CheckpointError: the folder is not empty, or the model is one that could not be read again:
        a file of a state with a name that it cannot have, a setting that is no JSON.
    """
    golden_files = [(path, "golden") for path in (GOLDEN_ROWS, GOLDEN_INPUTS)]
    check_paths([*_planned("", node, name), *golden_files], name)
    manifest = Manifest(
        name=name,
        version="1",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        kind="pipeline" if node.kind == "head" else "embedder",
        root=_part(node),
        files=(),
        golden=golden.tolerance,
        about=about,
    )
    manifest.to_bytes()  # refused before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CheckpointError(folder, "the folder is not empty", "give a new one")
    files = list(_write_node(folder, "", node))
    write_tensors(folder / GOLDEN_ROWS, golden.tensors)
    inputs = {"inputs": golden.inputs, "kind": golden.kind}
    (folder / GOLDEN_INPUTS).write_text(json.dumps(inputs, indent=2) + "\n", encoding="utf-8")
    manifest = replace(manifest, files=(*files, *(_entry(folder, *each) for each in golden_files)))
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
        raw = read_small(path, MAX_BYTES)
    except OSError as error:
        raise CheckpointError(folder, f"there is no model here: no {MANIFEST}") from error
    return Manifest.from_bytes(raw, str(path))


def read_nodes(manifest: Manifest, locate: Callable[[str], Path]) -> Node:
    """Open the tree of states; ``locate`` says where a listed file lies. Sizes are checked, not hashes.

    :raises CheckpointError: a listed file is missing or of another size, or its tensors are damaged.
    """
    for entry in manifest.files:
        problem = _misfit(entry, locate(entry.path))
        if problem:
            raise CheckpointError(f"{manifest.name}@{manifest.version}", f"{entry.path} {problem}", _MEND)
    return _read_node("", manifest.root, manifest, locate)


def read_golden(manifest: Manifest, locate: Callable[[str], Path]) -> Golden:
    """Read the golden inputs and rows.

    :raises CheckpointError: there are none, or they are damaged.
    """
    where = f"{manifest.name}@{manifest.version}"
    rows = manifest.file(GOLDEN_ROWS)
    if not (rows and manifest.file(GOLDEN_INPUTS)):
        raise CheckpointError(where, "the model carries no golden rows")
    problem = _misfit(rows, locate(GOLDEN_ROWS))
    if problem:
        raise CheckpointError(where, f"{GOLDEN_ROWS} {problem}", _MEND)
    try:
        raw = read_small(locate(GOLDEN_INPUTS), MAX_BYTES)
    except OSError as error:
        raise CheckpointError(where, f"{GOLDEN_INPUTS} cannot be read") from error
    document = parse_object(raw, f"{where}: {GOLDEN_INPUTS} cannot be read", _MEND)
    inputs, kind = document.get("inputs"), document.get("kind")
    texts = isinstance(inputs, list) and all(isinstance(text, str) for text in inputs)
    if not texts or not isinstance(kind, str) or kind not in _GOLDEN_KINDS:
        raise CheckpointError(
            where, f"{GOLDEN_INPUTS} cannot be read: not a list of texts and a kind of rows"
        )
    if not inputs:
        raise CheckpointError(where, "the model carries no golden inputs, so it proves nothing")
    return Golden(inputs, kind, read_tensors(locate(GOLDEN_ROWS)), manifest.golden)


def verify_files(manifest: Manifest, locate: Callable[[str], Path], *, spaces: bool = True) -> Iterator[str]:
    """Hash every listed file, and with ``spaces`` compute the space's id again from intact ones.

    Yield one sentence for each that is not what the manifest says.
    """
    intact = True
    for entry in manifest.files:
        path = locate(entry.path)
        problem = _misfit(entry, path)
        if not problem and hash_file(path) != entry.sha256:
            problem = "is damaged: its sha256 is another"
        if problem:
            intact = False
            yield f"{entry.path} {problem}"
    if intact and spaces:
        yield from verify_spaces(manifest, locate)


def verify_spaces(manifest: Manifest, locate: Callable[[str], Path]) -> Iterator[str]:
    """Compute the id of each space again; yield a sentence for each that is not what the manifest says."""
    try:
        node = read_nodes(manifest, locate)
    except CheckpointError as error:
        yield str(error)
    else:
        yield from _misnamed_spaces("", node, manifest.root)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def space_id(node: Node) -> str:
    """Return the sha256 over all that changes vectors: method, settings, space, tensors, files, parts.

    A rename, a licence or a metric changes nothing, nor does a setting that only training reads, nor
    the look-up table that a vocabulary keeps beside its words, nor what a corpus summed up to
    (``statistics.``) or training goes on from (``training.``).
    """
    digest = hashlib.sha256()
    config = {key: value for key, value in node.state.config.items() if key not in node.fit_only}
    head = [node.method, config, asdict(node.space) if node.space else None]
    digest.update(json.dumps(head, sort_keys=True, default=list).encode())
    for name, tensor in sorted(node.state.tensors.items()):
        if name == _LOOK_UP or name.startswith(_NO_VECTORS):
            continue
        little = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
        digest.update(f"\n{json.dumps([name, little.dtype.str, tensor.shape])}\n".encode())
        digest.update(little.reshape(-1).view(np.uint8).data)
    for name, raw in sorted(node.state.files.items()):
        digest.update(f"\n{json.dumps([name, len(raw)])}\n".encode() + raw)
    for name, part in sorted(node.parts.items()):
        digest.update(f"\n{json.dumps([name, space_id(part)])}\n".encode())
    return digest.hexdigest()


_MEND = "type: lexarium repair, then store the model again"


def _planned(prefix: str, node: Node, where: str) -> Iterator[tuple[str, str]]:
    """Yield path and role of each file of a part; none may lie where another part's are looked for."""
    if node.state.tensors:
        yield prefix + TENSORS, "tensors"
    for name in node.state.files:
        if name.partition("/")[0].casefold() in node.parts:
            raise CheckpointError(where, f"{name!r} lies in the folder of a part")
        yield prefix + name, "method"
    for name, inner in node.parts.items():
        check_part_name(name, where)
        yield from _planned(f"{prefix}{name}/", inner, where)


def _write_node(folder: Path, prefix: str, node: Node) -> Iterator[FileEntry]:
    (folder / prefix).mkdir(parents=True, exist_ok=True)
    if node.state.tensors:
        write_tensors(folder / prefix / TENSORS, node.state.tensors)
        yield _entry(folder, prefix + TENSORS, "tensors")
    for name, raw in node.state.files.items():
        path = folder / prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        yield _entry(folder, prefix + name, "method")
    for name, inner in node.parts.items():
        yield from _write_node(folder, f"{prefix}{name}/", inner)


def _entry(folder: Path, path: str, role: str) -> FileEntry:
    written = folder / path
    with written.open("r+b") as file:  # Windows syncs only what may be written to
        os.fsync(file.fileno())
    return FileEntry(path, written.stat().st_size, hash_file(written), role)


def _part(node: Node) -> Part:
    return Part(
        kind=node.kind,
        method=node.method,
        plugin=node.plugin,
        config=node.state.config,
        fit_only=node.fit_only,
        space=node.space,
        space_id=space_id(node) if node.space else None,
        parts={name: _part(inner) for name, inner in node.parts.items()},
    )


def _read_node(prefix: str, part: Part, manifest: Manifest, locate: Callable[[str], Path]) -> Node:
    tensors: dict[str, NDArray[Any]] = {}
    files: dict[str, bytes] = {}
    inner = tuple(f"{prefix}{name}/" for name in part.parts)
    for entry in manifest.files:
        if not entry.path.startswith(prefix) or entry.path.startswith(inner):
            continue
        if entry.role == "tensors":
            more = read_tensors(locate(entry.path))
            for twice in sorted(tensors.keys() & more.keys()):
                raise CheckpointError(
                    f"{manifest.name}@{manifest.version}", f"{entry.path}: the tensor {twice!r} stands twice"
                )
            tensors |= more
        elif entry.role == "method":
            files[entry.path.removeprefix(prefix)] = locate(entry.path).read_bytes()
    return Node(
        kind=part.kind,
        method=part.method,
        plugin=part.plugin,
        state=State(config=part.config, tensors=tensors, files=files),
        fit_only=part.fit_only,
        space=part.space,
        parts={name: _read_node(f"{prefix}{name}/", p, manifest, locate) for name, p in part.parts.items()},
    )


def _misfit(entry: FileEntry, path: Path) -> str | None:
    """Say what is wrong with a file that can be seen without reading it."""
    try:
        found = path.stat()
    except PermissionError:  # no damage: who may read it reads it
        raise
    except OSError:
        return "is missing"
    if not stat.S_ISREG(found.st_mode):
        return "is missing"
    return None if found.st_size == entry.size else f"takes {found.st_size} bytes instead of {entry.size}"


def _misnamed_spaces(prefix: str, node: Node, part: Part) -> Iterator[str]:
    if part.space_id is not None and space_id(node) != part.space_id:
        yield f"{prefix}space.id is not that of the settings and tensors that are here"
    for name, inner in node.parts.items():
        yield from _misnamed_spaces(f"{prefix}{name}/", inner, part.parts[name])
