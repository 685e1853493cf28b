"""Refuse what a look at headers tells to be broken, before torch is imported, which takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_transformer.folder import check_folder

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Corpus, Run
    from lexarium_t5.config import T5Config
    from lexarium_t5.embedder import T5

__all__ = ["read"]


def read(path: Path, config: T5Config, corpus: Corpus | None, run: Run) -> T5:
    """Read a folder, as :func:`lexarium_t5.formats.read` does."""
    check_folder(path)
    from lexarium_t5.formats import read as read_whole  # noqa: PLC0415  torch

    return read_whole(path, config, corpus, run)
