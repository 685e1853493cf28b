"""What a checkpoint's files may say, checked before any library works on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError
from lexarium.strict_json import parse_object, tagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["finite", "parse_config", "read_bytes", "read_json", "refuse_code"]

_MOST = 4 * 2**20  # bytes of a config; the largest on the Hub, with 20,000 labels, take some 2 MB
_MOST_LAYERS = 1_000
#: Ends of the names of settings that say how often a part is built.
_REPEATED = re.compile(r"(layer|block|depth|expert|group)(s|_num|_sizes)?$")
_CODE = ("auto_map", "trust_remote_code", "custom_pipelines")


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object.

    :raises CheckpointError: there is no such file, or it is no JSON object, or is too long.
    """
    return parse_object(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """Read a small file of a checkpoint.

    :raises CheckpointError: there is no such file, or it is too long.
    """
    try:
        return read_small(path, _MOST)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        where = path.parent if gone else path
        problem = f"there is no {path.name}" if gone else f"cannot be read: {error.strerror or error}"
        raise CheckpointError(
            where, problem, "give a folder of transformers or sentence-transformers"
        ) from error


def parse_config(raw: bytes, where: str) -> dict[str, Any]:
    """Parse a ``config.json``: an architecture by name, no code of its own, a bounded depth.

    A bare ``Infinity`` becomes what transformers writes for it (:func:`~lexarium.strict_json.tagged`).

    :raises CheckpointError: it names code, or lacks ``model_type``, or has more than 1,000 layers.
    """
    config = parse_object(raw, where, constant=tagged)
    refuse_code(config, where)
    if not isinstance(config.get("model_type"), str):
        raise CheckpointError(where, "says no 'model_type'", "is this the config.json of a transformer?")
    for key, value in _items(config):
        if _REPEATED.search(key) and isinstance(value, int) and value > _MOST_LAYERS:
            raise CheckpointError(where, f"{key} is {value}, more than {_MOST_LAYERS}")
    return config


def refuse_code(config: Mapping[str, Any], where: str) -> None:
    """Refuse a file that asks for code of its own to be run, at any depth.

    :raises CheckpointError: it does; names the key.
    """
    for key, value in _items(config):
        if key in _CODE and value:
            remedy = "take a checkpoint of an architecture that transformers has itself"
            raise CheckpointError(where, f"{key!r} names code of its own, which is never run", remedy)


def _items(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each key with its value, at any depth; one with a list also with each member of it."""
    pending: list[tuple[str, Any]] = list(config.items())
    while pending:
        key, value = pending.pop()
        yield key, value
        if isinstance(value, dict):
            pending.extend(value.items())
        elif isinstance(value, list):
            pending.extend((key, one) for one in value)


def finite(name: str, tensor: NDArray[Any], where: str) -> None:
    """Refuse a tensor that holds NaN or infinity.

    :raises CheckpointError: it does; names it.
    """
    if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
        raise CheckpointError(where, f"the tensor {name!r} holds NaN or infinity", "fetch it again")
