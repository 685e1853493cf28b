"""JSON from strangers, read as RFC 8259 has it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from lexarium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FLOAT", "parse_json", "parse_object", "tagged"]

#: The one key of an object that stands for a number which JSON has not, as transformers writes it.
FLOAT = "__float__"
_AGAIN = "fetch it again"


def parse_json(
    raw: bytes, where: str | Path, remedy: str = _AGAIN, constant: Callable[[str], Any] | None = None
) -> Any:  # noqa: ANN401  any JSON value
    """Parse one JSON value in UTF-8.

    No name stands twice in an object, and every number is finite: Python alone would take ``NaN``, and
    the last of two values. ``where`` and ``remedy`` are for the error. ``constant`` is called with the
    words ``NaN``, ``Infinity`` and ``-Infinity``, which are no JSON, where a format has them all the same; it
    returns the value, or raises ValueError.

    :raises CheckpointError: it is none, or nested deeper than Python can follow.
    """
    try:
        return json.loads(
            raw.decode("utf-8", "surrogatepass"),  # half a character can come escaped as well
            object_pairs_hook=_distinct,
            parse_float=_finite,
            parse_constant=constant or _finite,
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointError(where, f"not JSON: {error}", remedy) from error


def parse_object(
    raw: bytes, where: str | Path, remedy: str = _AGAIN, constant: Callable[[str], Any] | None = None
) -> dict[str, Any]:
    """Parse a JSON object.

    :raises CheckpointError: it is none; see :func:`parse_json`.
    """
    found = parse_json(raw, where, remedy, constant)
    if not isinstance(found, dict):
        raise CheckpointError(where, "not a JSON object", remedy)
    return found


def tagged(word: str) -> dict[str, str]:
    """Return what transformers writes for an infinite number: ``{"__float__": "Infinity"}``.

    A ``constant`` for the ``config.json`` of a checkpoint; those of Mamba 2 have a bare ``Infinity``.

    :raises ValueError: it is ``NaN``.
    """
    if "Infinity" not in word:
        _finite(word)
    return {FLOAT: word}


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            message = f"the name {name!r} stands twice"
            raise ValueError(message)
        found[name] = value
    return found


def _finite(number: str) -> float:
    value = float(number)  # of NaN and Infinity, too, whose spelling Python shares
    if not math.isfinite(value):
        message = f"the number {number} is not finite"
        raise ValueError(message)
    return value
