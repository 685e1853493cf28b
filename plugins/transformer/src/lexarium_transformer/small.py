"""Small models of random numbers, for tests and docs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from lexarium_transformer.config import EncoderConfig, Pooling

__all__ = ["random_tensors", "small_files", "small_settings"]

_C = TypeVar("_C", bound="EncoderConfig")
_NORM = "norm.weight"  # of a layer norm: numbers around 1
_WIDE, _NARROW = 0.3, 0.05  # the standard deviation of matrices, and of vectors


def random_tensors(shapes: Mapping[str, Sequence[int]]) -> dict[str, NDArray[Any]]:
    """Return float32 tensors of these shapes, by the same names, drawn with a fixed seed in their order."""
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in shapes.items():
        drawn = torch.randn(tuple(shape), generator=generator) * (_WIDE if len(shape) > 1 else _NARROW)
        tensors[name] = (drawn + 1 if name.lower().endswith(_NORM) else drawn).numpy()
    return tensors


def small_settings(kind: type[_C], pooling: Pooling, max_length: int) -> _C:
    """Return settings with nothing left open: rows of length 1, and one prompt by name."""
    return kind(
        pooling=pooling,
        normalize=True,
        similarity="cosine",
        max_length=max_length,
        prompts=(("query", "good : "),),
        do_lower_case=False,
    )


def small_files(
    described: Mapping[str, Any], tokenizer: Tokenizer, special: Mapping[str, str], max_length: int
) -> dict[str, bytes]:
    """Return the files of a model: its config, its tokenizer, and what the ``special`` tokens are called."""
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": max_length, **special}
    return {
        "config.json": json.dumps(described).encode(),
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": json.dumps(settings).encode(),
    }
