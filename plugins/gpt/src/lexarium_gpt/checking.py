"""Refuse what a look at headers tells to be broken, before torch is imported, which takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_gpt.gguf import check_gguf
from lexarium_transformer.folder import check_folder

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Corpus, Run
    from lexarium_gpt.config import GptConfig
    from lexarium_gpt.embedder import Gpt

__all__ = ["read"]


def read(path: Path, config: GptConfig, corpus: Corpus | None, run: Run) -> Gpt:
    """Read a folder or a ``.gguf`` file, as :func:`lexarium_gpt.formats.read` does."""
    if path.is_file():
        check_gguf(path)
    else:
        check_folder(path)
    from lexarium_gpt.formats import read as read_whole  # noqa: PLC0415  torch

    return read_whole(path, config, corpus, run)
