"""Whether this processor is faster in brain floats than in 32 bits: measured once, and remembered."""

from __future__ import annotations

import platform
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lexarium_transformer.backends.derived import read_note, write_note
from lexarium_transformer.model import Architecture, Encoder
from lexarium_transformer.packed import pack
from lexarium_transformer.running import single_threaded

if TYPE_CHECKING:
    from torch import nn

__all__ = ["fast_bfloat16", "measure_bfloat16"]

_NOTE = "bfloat16"
_GAIN = 1.1  # times as fast, or it is not worth what is lost; also what a measurement may be off by
_ROUNDS, _TOKENS = 5, 128
#: One layer of MiniLM's size.
_LAYER = Architecture(
    vocabulary=8,
    hidden=384,
    embedding=384,
    layers=1,
    heads=12,
    inner=1536,
    positions=_TOKENS,
    types=0,
    buckets=0,
    padding=None,
    eps=1e-12,
    activation="gelu",
    dropout=0.0,
    attention_dropout=0.0,
)


def fast_bfloat16() -> bool:
    """Say whether an encoder's layer is computed at least 1.1 times as fast in brain floats as in 32 bits.

    It is measured in some 0.1 s, once for a processor and a version of torch; the answer is kept beside what
    is derived from models (:mod:`lexarium_transformer.backends.derived`).
    """
    here = {"processor": _processor(), "torch": str(torch.__version__)}
    known = read_note(_NOTE)
    if all(known.get(key) == value for key, value in here.items()) and isinstance(known.get("times"), float):
        return bool(known["times"] >= _GAIN)
    times = measure_bfloat16()
    with suppress(OSError):  # it is measured again the next time
        write_note(_NOTE, {**here, "times": times})
    return times >= _GAIN


def measure_bfloat16() -> float:
    """Return how many times as fast a layer is in brain floats; 0 where the processor has none."""
    ops: Any = torch.ops.mkldnn
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not (there and ops._is_mkldnn_bf16_supported()):  # noqa: SLF001
        return 0.0
    ids = torch.arange(_TOKENS)[None] % _LAYER.vocabulary
    encoders = [_encoder(dtype) for dtype in (torch.float32, torch.bfloat16)]
    best = [float("inf")] * len(encoders)
    with single_threaded(), torch.inference_mode():
        for _ in range(_ROUNDS):
            for place, encoder in enumerate(encoders):
                begin = time.perf_counter()
                encoder(ids, None)
                best[place] = min(best[place], time.perf_counter() - begin)
    return best[0] / best[1]


def _encoder(dtype: torch.dtype) -> nn.Module:
    encoder = Encoder(_LAYER).requires_grad_(requires_grad=False)
    generator = torch.Generator().manual_seed(0)
    for parameter in encoder.parameters():
        parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.05).to(dtype)
    return pack(encoder.eval())


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
