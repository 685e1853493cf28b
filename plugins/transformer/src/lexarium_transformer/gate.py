"""What a checkpoint's files may say, checked before any library works on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError
from lexarium.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["finite", "parse_config", "read_json", "refuse_code"]

_MOST = 4 * 2**20  # bytes of a config; the largest on the Hub, with 20,000 labels, take some 2 MB
_MOST_LAYERS = 1_000
_CODE = ("auto_map", "trust_remote_code", "custom_pipelines")


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object.

    :raises CheckpointError: there is no such file, or it is no JSON object, or is too long.
    """
    try:
        raw = read_small(path, _MOST)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise CheckpointError(
            path, problem, "give a folder of transformers or sentence-transformers"
        ) from error
    return parse_object(raw, path)


def parse_config(raw: bytes, where: str) -> dict[str, Any]:
    """Parse a ``config.json``: an architecture by name, no code of its own, a bounded depth.

    :raises CheckpointError: it names code, or lacks ``model_type``, or has more than 1,000 layers.
    """
    config = parse_object(raw, where)
    refuse_code(config, where)
    if not isinstance(config.get("model_type"), str):
        raise CheckpointError(where, "says no 'model_type'", "is this the config.json of a transformer?")
    for key, value in config.items():
        if "layers" in key and isinstance(value, int) and value > _MOST_LAYERS:
            raise CheckpointError(where, f"{key} is {value}, more than {_MOST_LAYERS}")
    return config


def refuse_code(config: Mapping[str, Any], where: str) -> None:
    """Refuse a file that asks for code of its own to be run, at any depth.

    :raises CheckpointError: it does; names the key.
    """
    pending: list[Any] = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            named = next((key for key in _CODE if value.get(key)), None)
            if named is not None:
                remedy = "take a checkpoint of an architecture that transformers has itself"
                raise CheckpointError(where, f"{named!r} names code of its own, which is never run", remedy)
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def finite(name: str, tensor: NDArray[Any], where: str) -> None:
    """Refuse a tensor that holds NaN or infinity.

    :raises CheckpointError: it does; names it.
    """
    if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
        raise CheckpointError(where, f"the tensor {name!r} holds NaN or infinity", "fetch it again")
