"""What ``lexarium show`` says of a stored model, for people: its parts, and the shapes of their tensors."""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING

from lexarium.checkpoint.tensors import read_header
from lexarium.cli.session import counted, human_bytes
from lexarium.config import training_settings
from lexarium.errors import LexariumError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexarium.checkpoint.manifest import Part
    from lexarium.stores import StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["facts_of"]

_LISTED = 12  # tensors of a file; a model of text has hundreds
_WIDE = 90  # characters of a terminal's line
_GOLDEN, _EMBEDDER = "golden", "embedder"


def facts_of(stored: StoredVersion, zoo: Zoo) -> dict[str, str]:
    """Return what is known of a stored model, in the order in which people ask."""
    manifest = stored.manifest
    root, about = manifest.root, manifest.about
    facts = {
        "kind": manifest.kind,
        "method": " on ".join(part.method for _, part in _parts(root)),
        "plugin": f"{root.plugin.distribution} {root.plugin.requires}",
        "created": manifest.created,
        "size": human_bytes(manifest.size),
        "licence": about.license or "none stated",
        "languages": ", ".join(about.languages) or "none stated",
    }
    if stored.origin is not None:
        facts["origin"] = f"{stored.origin.reference}@{stored.origin.revision}, commit {stored.origin.commit}"
    found = root.find_space()
    if found is not None:
        space_id, space = found
        kind = "sparse" if space.sparse else "dense"
        facts["space"] = f"{counted(space.dim, 'dimension')}, {kind}, {space.similarity}"
        facts["space id"] = space_id
    for path, part in _parts(root):
        unread = _unread(stored, path, part, zoo)
        for key, value in part.config.items():
            if key not in unread:
                facts[f"{path}config {key}"] = _short(value)
    for what, said in (("lineage", about.lineage), ("metric", about.metrics), ("limit", about.limits)):
        for key, value in said.items():
            facts[f"{what} {key}"] = f"{value:.4g}" if isinstance(value, float) else _short(value)
    for entry in manifest.files:
        facts[f"file {entry.path}"] = human_bytes(entry.size)
        if entry.path.endswith(".safetensors") and not entry.path.startswith(_GOLDEN):
            facts |= dict(_tensors(stored, entry.path))
    return facts


def _parts(part: Part, path: str = "") -> Iterator[tuple[str, Part]]:
    """Give a part and those below it, each with the path that its facts begin with."""
    yield path, part
    for name, inner in part.parts.items():
        yield from _parts(inner, f"{path}{name} ")


def _unread(stored: StoredVersion, path: str, part: Part, zoo: Zoo) -> tuple[str, ...]:
    """Return the settings that say nothing of an embedder that was read from foreign files."""
    if part.kind != _EMBEDDER:
        return ()
    lineage = stored.manifest.about.lineage
    try:
        if path:  # of a pipeline, which names the stored model that it was put on
            lineage = zoo.store.resolve(str(lineage.get(_EMBEDDER))).manifest.about.lineage
        base = lineage.get("base")
        adopted = isinstance(base, dict) and base.get("relation") == "adopted"
        if not adopted and "imported_from" not in lineage:
            return ()
        return training_settings(zoo.host.method(part.method).load_config())
    except LexariumError:  # that model, or the plugin, is not here
        return ()


def _tensors(stored: StoredVersion, path: str) -> Iterator[tuple[str, str]]:
    """Give the shape of each tensor of a file, or how many numbers it has in how many tensors."""
    part = "".join(f"{name} " for name in path.split("/")[:-1])
    try:
        header = read_header(stored.locate(path))
    except (LexariumError, OSError):  # a damaged file: verify says what is wrong with it
        return
    if len(header) > _LISTED:
        total = sum(prod(entry.shape) for entry in header.values())
        yield f"{part}tensors", f"{total:,} numbers in {len(header):,} tensors"
        return
    for name, entry in header.items():
        yield f"{part}tensor {name}", f"{entry.dtype} {' x '.join(f'{n:,}' for n in entry.shape) or 'scalar'}"


def _short(value: object) -> str:
    """Return a value as one types it for ``--set``, at most a line long."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDE else text[: _WIDE - 3] + "..."
