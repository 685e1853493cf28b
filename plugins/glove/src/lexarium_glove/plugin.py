"""What this distribution offers: the method ``glove``."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Method

__all__ = ["lexarium_methods"]


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    return [
        Method(
            name="glove",
            summary="mean of pretrained GloVe word vectors, plain, idf-weighted or SIF",
            embedder="lexarium_glove.embedder:Glove",
            config="lexarium_glove.config:GloveConfig",
            reader="lexarium_glove.formats:read",
            cost=1,
        )
    ]
