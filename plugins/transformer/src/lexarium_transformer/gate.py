"""What a checkpoint's JSON files may say, checked before any library sees them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["parse_config", "parse_json", "read_json", "refuse_code"]

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
    return parse_json(raw, str(path))


def parse_json(raw: bytes, where: str) -> dict[str, Any]:
    """Parse a JSON object as RFC 8259 has it: no NaN, no name twice.

    :raises CheckpointError: it is none.
    """
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(where, f"is not JSON: {error}", "fetch it again") from error
    if not isinstance(found, dict):
        raise CheckpointError(where, "is not a JSON object", "fetch it again")
    return found


def parse_config(raw: bytes, where: str) -> dict[str, Any]:
    """Parse a ``config.json``: an architecture by name, no code of its own, a bounded depth.

    :raises CheckpointError: it names code, or lacks ``model_type``, or has more than 1,000 layers.
    """
    config = parse_json(raw, where)
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


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a name stands twice"
        raise ValueError(message)
    return found


def _refuse_constant(name: str) -> float:
    message = f"{name} is no JSON"
    raise ValueError(message)
