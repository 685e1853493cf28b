"""Bidirectional encoders from folders of transformers and sentence-transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import UnsupportedError
from lexarium_transformer.folder import check_folder

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Corpus, Run
    from lexarium_bert.config import BertConfig
    from lexarium_bert.embedder import Bert

__all__ = ["read"]


def read(path: Path, config: BertConfig, corpus: Corpus | None, run: Run) -> Bert:
    """Read a folder; :func:`lexarium_transformer.formats.read_encoder` says what it may hold.

    :raises UnsupportedError: a corpus is given, which nothing is estimated from.
    """
    if corpus is not None:
        raise UnsupportedError("a pretrained encoder has no word weights", "leave --corpus out")
    check_folder(path)
    from lexarium_bert.embedder import Bert  # noqa: PLC0415  torch takes seconds, and what is refused does without
    from lexarium_transformer.formats import read_encoder  # noqa: PLC0415  as above

    return read_encoder(Bert, path, config, run)
