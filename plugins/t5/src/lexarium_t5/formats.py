"""Encoder-decoders from folders of transformers, and from those of sentence-transformers that hold one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import ConfigError, UnsupportedError
from lexarium_t5.embedder import T5
from lexarium_t5.model import KNOWN, kept_tensors
from lexarium_transformer.dtypes import dtype_on_cpu
from lexarium_transformer.folder import check_folder, read_checkpoint
from lexarium_transformer.foreign import kind_of
from lexarium_transformer.formats import opened, settled
from lexarium_transformer.generation_file import read_generation
from lexarium_transformer.layout import read_layout

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Corpus, Run
    from lexarium_t5.config import T5Config

__all__ = ["read"]

_OTHERS = {"encoder": "bert", "decoder": "gpt"}


def read(path: Path, config: T5Config, corpus: Corpus | None, run: Run) -> T5:
    """Read a folder of transformers.

    What ``config`` leaves open is what the folder says, and where that says nothing, ``mean`` pooling
    without normalisation.

    :raises InputError: there is no such folder.
    :raises CheckpointError: a file is missing or damaged, or the parts belong to different models.
    :raises UnsupportedError: it is no encoder-decoder of texts, or a corpus is given, which nothing is
        estimated from.
    """
    if corpus is not None:
        raise UnsupportedError("a pretrained encoder-decoder has no word weights", "leave --corpus out")
    if config.extra:
        raise ConfigError("extra", "is written by import, and not set")
    described = check_folder(path)
    if described["model_type"] not in KNOWN:
        other = _OTHERS.get(kind_of(described))
        remedy = (
            f"type: lexarium import {other} {path}" if other else f"there are: {', '.join(sorted(KNOWN))}"
        )
        what = (
            f"{path}: the architecture {described['model_type']!r} is no encoder-decoder that is known here"
        )
        raise UnsupportedError(what, remedy)
    found = read_checkpoint(path, dtype_on_cpu(config.dtype), run.progress)
    tensors = kept_tensors(found.config, found.tensors, str(path))
    files = {**found.files, **read_generation(path)}
    settings = settled(config, read_layout(path), found)
    return opened(T5, settings, tensors, files, path)
