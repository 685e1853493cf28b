"""What this distribution offers: the method ``bow``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.hookspecs import hookimpl
from lexarium.method import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["lexarium_methods"]


@hookimpl
def lexarium_methods() -> Sequence[Method]:
    """Return bag of words."""
    bow = Method(
        name="bow",
        summary="bag of words: counts of word or character n-grams",
        embedder="lexarium_bow.embedder:BagOfWords",
        config="lexarium_counts.config:CountConfig",
        trainer="lexarium_bow.train:fit",
        updater="lexarium_bow.train:update",
        merger="lexarium_bow.train:merge",
        cost=0,
    )
    return [bow]
