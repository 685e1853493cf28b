"""What goes to a worker process and what comes back: JSON only, checked on the way in."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Failure", "Measured", "Task", "read_result", "read_rows", "write_json", "write_rows"]


_OPTIONAL = {"peak_memory_bytes", "truncated_texts", "truncated_tokens", "token_limit"}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One candidate, to be trained on ``train`` and timed on ``test``.

    The test file holds texts only: a worker never sees the labels that it is scored against.
    """

    kind: Literal["majority", "method", "stored"]
    reference: str
    config: Mapping[str, Any]
    head: str
    home: str
    train: str
    test: str
    labels: Sequence[str]
    threads: int
    seed: int

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that the parent wrote."""
        return cls(**json.loads(path.read_bytes()))

    def write(self, path: Path) -> None:
        """Write the task as JSON."""
        write_json(path, asdict(self))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a worker found; ``predicted`` are indices into the labels, one per test row.

    Of the texts of both parts ``truncated_texts`` had more than ``token_limit`` tokens, together
    ``truncated_tokens`` more; None where the embedder sees texts of any length.
    """

    predicted: tuple[int, ...]
    train_seconds: float
    rows_per_second: float
    latency_ms_p50: float
    latency_ms_p95: float
    size_bytes: int
    peak_memory_bytes: int | None
    truncated_texts: int | None = None
    truncated_tokens: int | None = None
    token_limit: int | None = None


@dataclass(frozen=True)
class Failure:
    """Why a worker has no numbers, in one line."""

    reason: str


def write_json(path: Path, document: object) -> None:
    """Write JSON; whoever reads the path sees all of it or nothing."""
    from lexarium.output import atomic  # noqa: PLC0415  scipy, which a worker loads after measuring, if at all

    with atomic(path) as aside:
        aside.write_text(json.dumps(document), encoding="ascii")


def write_rows(path: Path, rows: Sequence[object]) -> None:
    """Write one JSON value a line (ASCII, so that lone surrogates pass)."""
    with path.open("x", encoding="ascii") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def read_rows(path: Path) -> list[Any]:
    """Read what :func:`write_rows` wrote."""
    with path.open(encoding="ascii") as file:
        return [json.loads(line) for line in file]


def read_result(path: Path, rows: int, labels: int) -> Measured | Failure:
    """Read a worker's answer about ``rows`` test rows and ``labels`` labels.

    :raises ValueError: it is not what a worker writes: the candidate's code had the process to itself.
    :raises OSError: the file cannot be read.
    """
    if path.stat().st_size > 2**20 + 24 * rows:
        raise ValueError("it is too long")
    document = json.loads(path.read_bytes(), parse_constant=_refuse)
    if not isinstance(document, dict):
        raise ValueError("it is not an object")  # noqa: TRY004  a damaged file, not a caller's mistake
    if isinstance(document.get("error"), str):
        return Failure(document["error"])
    if set(document) != {field.name for field in fields(Measured)}:
        raise ValueError("its fields are not those of a measurement")
    predicted = document.pop("predicted")
    if not _are_indices(predicted, rows, labels):
        raise ValueError(f"its predictions are not {rows} label indices")
    for name, value in document.items():
        missing = value is None and name in _OPTIONAL
        if not missing and not _is_amount(value):
            raise ValueError(f"{name} is {value!r}")
    return Measured(predicted=tuple(predicted), **document)


def _are_indices(values: object, rows: int, labels: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == rows
        and all(type(value) is int and 0 <= value < labels for value in values)
    )


def _is_amount(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0  # type: ignore[arg-type,operator]


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no measurement")
