"""Written texts into files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexarium.errors import InputError
from lexarium.output import atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["check_path", "write_rows"]

_ENDINGS = (".txt", ".jsonl")


def check_path(path: str) -> Path:
    """Return where texts are to be written, before they are.

    :raises InputError: the ending is neither ``.txt`` nor ``.jsonl``.
    """
    if Path(path).suffix not in _ENDINGS:
        raise InputError(path, "texts are not written in this format", f"give {' or '.join(_ENDINGS)}")
    return Path(path)


def write_rows(path: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write results, whole or not at all: the texts one a line, line breaks as blanks; or one object a line.

    :raises InputError: the ending is neither ``.txt`` nor ``.jsonl``.
    :raises OSError: the file cannot be written; names it.
    """
    target = check_path(path)
    if target.suffix == ".txt":
        lines = [" ".join(row["text"].split("\n")).replace("\r", " ") for row in rows]
    else:
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    raw = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    with atomic(target) as aside:
        aside.write_bytes(raw)
