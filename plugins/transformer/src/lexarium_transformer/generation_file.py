"""The file that says how a model of transformers writes: its special tokens, beams and lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_transformer.gate import read_json, refuse_code

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["GENERATION", "read_generation"]

GENERATION = "generation_config.json"


def read_generation(path: Path) -> dict[str, bytes]:
    """Return that file of a folder by its name; nothing where there is none.

    :raises CheckpointError: it is not JSON, or names code of its own.
    """
    file = path / GENERATION
    if not file.is_file():
        return {}
    refuse_code(read_json(file), str(file))
    return {GENERATION: file.read_bytes()}
