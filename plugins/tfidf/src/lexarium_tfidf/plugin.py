"""What this distribution offers: the method ``tfidf``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.hookspecs import hookimpl
from lexarium.method import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["lexarium_methods"]


@hookimpl
def lexarium_methods() -> Sequence[Method]:
    """Return TF-IDF."""
    tfidf = Method(
        name="tfidf",
        summary="TF-IDF: n-gram counts weighted by how rare the n-gram is",
        embedder="lexarium_tfidf.embedder:Tfidf",
        config="lexarium_tfidf.config:TfidfConfig",
        trainer="lexarium_tfidf.train:fit",
        updater="lexarium_tfidf.train:update",
        merger="lexarium_tfidf.train:merge",
        cost=0,
    )
    return [tfidf]
