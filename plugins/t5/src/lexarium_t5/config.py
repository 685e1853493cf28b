"""Settings of the method ``t5``."""

from __future__ import annotations

from dataclasses import dataclass

from lexarium_transformer.config import EncoderConfig, EncoderPooling
from lexarium_transformer.pretraining.config import SpanConfig

__all__ = ["T5Config"]


@dataclass(frozen=True, kw_only=True)
class T5Config(EncoderConfig, SpanConfig):
    """What is done with the token states of the encoder, and how one is trained from scratch.

    See :class:`EncoderConfig` and :class:`SpanConfig`.

    ``max_length`` counts the tokens of a text, special ones among them, for vectors and for what is to be
    rewritten. How texts are written is said by :class:`lexarium.generation.GenerateConfig`.
    """

    pooling: EncoderPooling | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        EncoderConfig.__post_init__(self)
        SpanConfig.__post_init__(self)
