"""What two stored models differ in: settings, tensors, golden rows, metrics and what is said of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.checkpoint.folder import Node, read_golden, read_nodes
from lexarium.checkpoint.golden import dense_rows
from lexarium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from lexarium.checkpoint.manifest import Part
    from lexarium.stores import StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["Change", "Difference", "GoldenDrift", "TensorChange", "diff"]

_BLOCK = 2**20  # numbers compared at a time


@dataclass(frozen=True)
class Change:
    """A value in the first model and in the second; None where it has none."""

    before: Any
    after: Any


@dataclass(frozen=True)
class TensorChange:
    """A tensor that changed: type and shape in both, and by how much where these are the same.

    ``differing`` counts the numbers that differ, ``largest`` is the greatest absolute difference,
    ``relative`` the length of the difference over the length of the first (Frobenius norms).
    """

    before: str
    after: str
    differing: int | None = None
    largest: float | None = None
    relative: float | None = None


@dataclass(frozen=True)
class GoldenDrift:
    """How far the golden rows are apart, over the ``inputs`` that both models have.

    ``largest`` is the greatest absolute difference of a number, ``lowest_cosine`` the least cosine of a row;
    None where the rows are of different widths.
    """

    inputs: int
    largest: float | None = None
    lowest_cosine: float | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The second model seen from the first; what is empty is the same in both."""

    a: str
    b: str
    same_space: bool
    facts: Mapping[str, Change] = field(default_factory=dict)
    config: Mapping[str, Change] = field(default_factory=dict)
    metrics: Mapping[str, Change] = field(default_factory=dict)
    tensors_added: Mapping[str, str] = field(default_factory=dict)
    tensors_removed: Mapping[str, str] = field(default_factory=dict)
    tensors_changed: Mapping[str, TensorChange] = field(default_factory=dict)
    files: Mapping[str, Change] = field(default_factory=dict)
    golden: GoldenDrift | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the models are the same but for name, version and time."""
        changed = (self.facts, self.config, self.metrics, self.files)
        tensors = (self.tensors_added, self.tensors_removed, self.tensors_changed)
        return self.same_space and not any([*changed, *tensors])

    def to_json(self) -> dict[str, Any]:
        """Return the difference as a JSON object."""
        return asdict(self)


def diff(zoo: Zoo, a: str, b: str) -> Difference:
    """Compare two models (stored, or folders).

    :raises ModelNotFoundError: one is not stored.
    :raises CheckpointError: one is damaged.
    """
    first, second = zoo.store.resolve(a), zoo.store.resolve(b)
    for stored in (first, second):
        zoo.store.prove(stored)
    left, right = (dict(_flat(read_nodes(s.manifest, s.locate))) for s in (first, second))
    one, two = _space_ids(first), _space_ids(second)
    return Difference(
        a=f"{first.name}@{first.version}",
        b=f"{second.name}@{second.version}",
        same_space=one == two,
        facts=_changes(_facts(first), _facts(second)),
        config=_changes(dict(_config(first.manifest.root)), dict(_config(second.manifest.root))),
        metrics=_changes(
            dict(_leaves(first.manifest.about.metrics)), dict(_leaves(second.manifest.about.metrics))
        ),
        tensors_added={name: _shape(right[name]) for name in sorted(right.keys() - left.keys())},
        tensors_removed={name: _shape(left[name]) for name in sorted(left.keys() - right.keys())},
        tensors_changed={
            name: change
            for name in sorted(left.keys() & right.keys())
            if (change := _tensor_change(left[name], right[name])) is not None
        },
        files=_changes(_files(first), _files(second)),
        golden=_golden(first, second),
    )


def _facts(stored: StoredVersion) -> dict[str, Any]:
    manifest = stored.manifest
    found = manifest.root.find_space()
    space = {} if found is None else {f"space {key}": value for key, value in asdict(found[1]).items()}
    about = manifest.about
    return {
        "kind": manifest.kind,
        "method": manifest.root.method,
        "plugin": f"{manifest.root.plugin.distribution} {manifest.root.plugin.requires}",
        **space,
        "license": about.license,
        "languages": list(about.languages) or None,
        **{f"limit {key}": value for key, value in about.limits.items()},
        **{f"lineage {key}": value for key, value in _leaves(about.lineage)},
        "origin": None if stored.origin is None else f"{stored.origin.reference}@{stored.origin.commit}",
    }


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Change]:
    return {
        key: Change(before.get(key), after.get(key))
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key) != after.get(key)
    }


def _config(part: Part, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in part.config.items():
        yield f"{prefix}{key}", value
    for name, inner in part.parts.items():
        yield f"{prefix}{name}", inner.method
        yield from _config(inner, f"{prefix}{name}.")


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def _flat(node: Node, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    for name, tensor in node.state.tensors.items():
        yield f"{prefix}{name}", tensor
    for name, part in node.parts.items():
        yield from _flat(part, f"{prefix}{name}/")


def _files(stored: StoredVersion) -> dict[str, str]:
    """Return size and hash of the files that are not tensors, golden rows or card."""
    entries = [entry for entry in stored.manifest.files if entry.role == "method"]
    return {entry.path: f"{entry.size} bytes, sha256 {entry.sha256[:12]}" for entry in entries}


def _space_ids(stored: StoredVersion) -> str | None:
    found = stored.manifest.root.find_space()
    return found[0] if found else None


def _shape(tensor: NDArray[Any]) -> str:
    return f"{tensor.dtype.name} {list(tensor.shape)}"


def _tensor_change(before: NDArray[Any], after: NDArray[Any]) -> TensorChange | None:
    if (before.shape, before.dtype) != (after.shape, after.dtype):
        return TensorChange(_shape(before), _shape(after))
    differing, largest, squares, of = 0, 0.0, 0.0, 0.0
    a, b = before.reshape(-1), after.reshape(-1)
    for start in range(0, a.size, _BLOCK):
        x, y = a[start : start + _BLOCK], b[start : start + _BLOCK]
        unlike = (x != y) & ~((x != x) & (y != y))  # noqa: PLR0124  a NaN is as it was
        differing += int(np.count_nonzero(unlike))
        wide, gap = x.astype(np.float64), np.zeros(x.size)
        np.subtract(y, x, out=gap, where=unlike, dtype=np.float64)
        largest = max(largest, float(np.abs(gap).max(initial=0.0)))
        squares += float(gap @ gap)
        of += float(wide @ wide)
    if not differing:
        return None
    relative = math.sqrt(squares / of) if of > 0 else None
    return TensorChange(_shape(before), _shape(after), differing, largest, relative)


def _golden(first: StoredVersion, second: StoredVersion) -> GoldenDrift | None:
    try:
        one, two = (read_golden(s.manifest, s.locate) for s in (first, second))
        x, y = dense_rows(one), dense_rows(two)
    except CheckpointError:  # one of them carries none
        return None
    places = {text: row for row, text in enumerate(two.inputs)}
    pairs = [(row, places[text]) for row, text in enumerate(one.inputs) if text in places]
    if not pairs or one.kind != two.kind or x.shape[1] != y.shape[1]:
        return GoldenDrift(len(pairs))
    a, b = x[[i for i, _ in pairs]], y[[j for _, j in pairs]]
    return GoldenDrift(len(pairs), float(np.abs(a - b).max(initial=0.0)), _lowest_cosine(a, b))


def _lowest_cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the least cosine of a row; two rows of nothing are alike, one of nothing is like no other."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    dots = np.einsum("ij,ij->i", a, b)
    both = ~a.any(axis=1) & ~b.any(axis=1)
    cosines = np.where(both, 1.0, np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0))
    return float(cosines.min(initial=1.0))
