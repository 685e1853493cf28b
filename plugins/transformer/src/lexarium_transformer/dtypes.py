"""Where an encoder computes, and in which numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lexarium.errors import UnsupportedError
from lexarium_transformer.processor import fast_bfloat16

if TYPE_CHECKING:
    from lexarium_transformer.config import Device, Dtype

__all__ = ["device_of", "dtype_of", "dtype_on_cpu"]

_NAMED = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def device_of(asked: Device) -> torch.device:
    """Return the device; ``auto`` is a GPU where there is one.

    :raises UnsupportedError: a GPU is asked for, and there is none that torch can use.
    """
    there = asked != "cpu" and torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise UnsupportedError(
            "device=cuda: torch finds no GPU", "take device=cpu, or install torch for your GPU"
        )
    return torch.device("cuda" if there else "cpu")


def dtype_of(asked: Dtype, device: torch.device) -> torch.dtype:
    """Return the numbers to compute in; ``auto``: 32 bits on a processor, 16 on a GPU.

    Those 16 are brain floats where the GPU has them: they reach as far as 32 bits, so no sum overflows.
    ``fastest`` is brain floats on a processor as well, if they are faster there. What 8 bits are made
    from has 32.
    """
    if asked in _NAMED:
        return _NAMED[asked]
    if device.type != "cuda" or asked == "int8":
        return torch.bfloat16 if asked == "fastest" and fast_bfloat16() else torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def dtype_on_cpu(asked: Dtype) -> torch.dtype:
    """Return the numbers that a model is held in before it goes to its device."""
    return _NAMED.get(asked, torch.float32)
