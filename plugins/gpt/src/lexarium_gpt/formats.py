"""Decoders from folders of transformers and sentence-transformers, and from GGUF files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.paths import read_small
from lexarium.errors import ConfigError, UnsupportedError
from lexarium_gpt.decoder import kept_tensors
from lexarium_gpt.embedder import Gpt
from lexarium_gpt.gguf import read_gguf
from lexarium_transformer.chat import TEMPLATE
from lexarium_transformer.dtypes import dtype_on_cpu
from lexarium_transformer.folder import check_folder, read_checkpoint
from lexarium_transformer.foreign import REFUSED, kind_of, why_refused
from lexarium_transformer.formats import opened, settled
from lexarium_transformer.generation_file import read_generation
from lexarium_transformer.layout import read_layout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lexarium.roles import Corpus, Run
    from lexarium_gpt.config import GptConfig
    from lexarium_transformer.folder import Checkpoint

__all__ = ["read"]

_OTHERS = {"encoder": "bert", "encoder-decoder": "t5"}
_MOST_TEMPLATE = 2**20


def read(path: Path, config: GptConfig, corpus: Corpus | None, run: Run) -> Gpt:
    """Read a folder of transformers or sentence-transformers, or a ``.gguf`` file.

    What ``config`` leaves open is what the checkpoint says, and where that says nothing, the pooling
    ``last`` without normalisation. ``dtype=float16`` halves what is stored of a GGUF file.

    :raises InputError: there is no such folder or file.
    :raises CheckpointError: a file is missing or damaged, or the parts belong to different models.
    :raises UnsupportedError: it is no decoder, or a corpus is given, which nothing is estimated from.
    """
    if corpus is not None:
        raise UnsupportedError("a pretrained decoder has no word weights", "leave --corpus out")
    if config.extra:
        raise ConfigError("extra", "is written by import, and not set")
    stated: Mapping[str, Any] = {}
    if path.is_file():
        found = read_gguf(path, dtype_on_cpu(config.dtype), run.progress)
    else:
        found = _folder(path, config, run)
        stated = read_layout(path)
    tensors = kept_tensors(found.config, found.tensors, str(path))
    settings = settled(config, stated, found, pooling="last")
    model = opened(Gpt, settings, tensors, found.files, path)
    model.check_causal(str(path))
    return model


def _folder(path: Path, config: GptConfig, run: Run) -> Checkpoint:
    described = check_folder(path)
    kind = kind_of(described)
    if kind != "decoder":
        other = _OTHERS.get(kind)
        remedy = f"type: lexarium import {other} {path}" if other else "take a model that writes text"
        name = str(described["model_type"])
        problem = f"{path}: the architecture {name!r} is no decoder that is known here"
        if name in REFUSED:
            problem = f"{path}: {why_refused(name)}"
        raise UnsupportedError(problem, remedy)
    found = read_checkpoint(path, dtype_on_cpu(config.dtype), run.progress)
    files = {**found.files, **read_generation(path)}
    if (path / TEMPLATE).is_file():
        files[TEMPLATE] = read_small(path / TEMPLATE, _MOST_TEMPLATE)
    return replace(found, files=files)
