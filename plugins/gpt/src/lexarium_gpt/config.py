"""Settings of the method ``gpt``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from lexarium_transformer.config import EncoderConfig, Pooling
from lexarium_transformer.pretraining.config import PretrainingConfig

__all__ = ["GptConfig"]


@dataclass(frozen=True, kw_only=True)
class GptConfig(EncoderConfig, PretrainingConfig):
    """What is done with the token states of a decoder, and how one is trained from scratch.

    See :class:`EncoderConfig` and :class:`PretrainingConfig`.

    ``pooling`` is ``last`` where the checkpoint says nothing. There is no ``cls``: the first token sees
    itself alone. ``echo``: the model reads the text twice, and the mean is taken over the second time,
    when each token has seen the whole (Springer et al., "Repetition improves language model embeddings",
    2024); ``max_length`` then counts both.
    """

    pooling: Literal["last", "mean", "max", "weighted", "echo"] | None = None
    poolings: ClassVar[tuple[Pooling, ...]] = ("last", "mean", "max", "weighted", "echo")

    def __post_init__(self) -> None:
        """Check ranges."""
        EncoderConfig.__post_init__(self)
        PretrainingConfig.__post_init__(self)
