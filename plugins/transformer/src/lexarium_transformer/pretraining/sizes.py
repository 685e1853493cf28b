"""Presets of pretraining, from 1 to 111 million parameters; and what a run takes of them.

=====  =======  ======  =====  =====  ==========  ======  =============  =============  ==========
size   layers   hidden  heads  inner  vocabulary  length  learning rate  bert and gpt   t5
=====  =======  ======  =====  =====  ==========  ======  =============  =============  ==========
tiny   2        128     2      512    5,000       128     1e-3           1.1 million    1.6
mini   4        256     4      1,024  16,000      128     5e-4           7.4, 7.3       11.4
small  4        512     8      2,048  30,000      256     3e-4           28.4, 28.1     44.7
base   12       768     12     3,072  30,000      512     1e-4           109.1, 108.5   111.4
=====  =======  ======  =====  =====  ==========  ======  =============  =============  ==========

The widths are those of BERT (Devlin et al., 2018) and its miniatures (Turc et al., "Well-read students
learn better", 2019). T5 has the layers in its encoder and again in its decoder; its ``base`` has 6 and 6 of
them, and 16,000 tokens; its learning rate, a share of a tensor's size, is 1e-2 (Raffel et al., 2020) in all.
``length`` is the number of tokens that the model sees together, unless ``max_length`` says another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from lexarium_transformer.pretraining.config import PretrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lexarium_transformer.config import Device

__all__ = ["ENCODER_DECODER", "SINGLE", "Outline", "Plan", "Size", "plan"]

_C = TypeVar("_C", bound=PretrainingConfig)
_C_co = TypeVar("_C_co", bound=PretrainingConfig, covariant=True)  # a plan is only read


@dataclass(frozen=True)
class Size:
    """One row of the table."""

    layers: int
    hidden: int
    heads: int
    inner: int
    vocabulary: int
    length: int
    learning_rate: float


#: Sizes of models with one stack of layers: BERT and GPT.
SINGLE: Mapping[str, Size] = {
    "tiny": Size(2, 128, 2, 512, 5_000, 128, 1e-3),
    "mini": Size(4, 256, 4, 1_024, 16_000, 128, 5e-4),
    "small": Size(4, 512, 8, 2_048, 30_000, 256, 3e-4),
    "base": Size(12, 768, 12, 3_072, 30_000, 512, 1e-4),
}
#: Sizes of models with two, T5: layers of each.
ENCODER_DECODER: Mapping[str, Size] = {
    **{name: replace(size, learning_rate=1e-2) for name, size in SINGLE.items()},
    "base": replace(SINGLE["base"], layers=6, vocabulary=16_000, learning_rate=1e-2),
}


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What the settings of a model say about its pretraining; ``max_length`` None is that of the size."""

    max_length: int | None
    lowercase: bool
    device: Device


@dataclass(frozen=True, kw_only=True)
class Plan(Generic[_C_co]):
    """A run with nothing left open: its settings, its size, tokens and length, and the seed."""

    config: _C_co
    size: Size
    vocab_size: int
    max_length: int
    learning_rate: float
    lowercase: bool
    device: Device
    seed: int


def plan(config: _C, sizes: Mapping[str, Size], outline: Outline, seed: int) -> Plan[_C]:
    """Fill in from the preset what the settings leave open."""
    size = sizes[config.size]
    return Plan(
        config=config,
        size=size,
        vocab_size=config.vocab_size or size.vocabulary,
        max_length=outline.max_length or size.length,
        learning_rate=config.learning_rate or size.learning_rate,
        lowercase=outline.lowercase,
        device=outline.device,
        seed=seed,
    )
