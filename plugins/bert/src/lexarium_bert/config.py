"""Settings of the method ``bert``."""

from __future__ import annotations

from dataclasses import dataclass

from lexarium_transformer.config import EncoderConfig, EncoderPooling
from lexarium_transformer.pretraining.config import MaskedConfig

__all__ = ["BertConfig"]


@dataclass(frozen=True, kw_only=True)
class BertConfig(EncoderConfig, MaskedConfig):
    """What is done with the token states of a bidirectional encoder, and how one is trained from scratch.

    See :class:`EncoderConfig` and :class:`MaskedConfig`.
    """

    pooling: EncoderPooling | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        EncoderConfig.__post_init__(self)
        MaskedConfig.__post_init__(self)
