"""What fastText's binary files call things: the fields of their header, the numbers of losses and models."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lexarium_fasttext.model import Loss, Task

__all__ = ["HEADER", "LOSSES", "MAGIC", "TASKS", "VERSION"]

MAGIC = 793712314
VERSION = 12

#: The int32 fields behind magic number and version, in order: fastText's name and ours. Then t, a double.
HEADER: tuple[tuple[str, str], ...] = (
    ("dim", "dim"),
    ("ws", "ws"),
    ("epoch", "epoch"),
    ("minCount", "min_count"),
    ("neg", "neg"),
    ("wordNgrams", "word_ngrams"),
    ("loss", "loss"),
    ("model", "model"),
    ("bucket", "bucket"),
    ("minn", "minn"),
    ("maxn", "maxn"),
    ("lrUpdateRate", "lr_update_rate"),
)
LOSSES: Mapping[int, Loss] = MappingProxyType({1: "hs", 2: "ns", 3: "softmax", 4: "ova"})
TASKS: Mapping[int, Task] = MappingProxyType({1: "cbow", 2: "skipgram", 3: "supervised"})
