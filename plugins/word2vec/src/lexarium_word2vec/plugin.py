"""What this distribution offers: the method ``word2vec``."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Method

__all__ = ["lexarium_methods"]


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    writer = "lexarium_static.exports:write_"
    method = Method(
        name="word2vec",
        summary="skip-gram and CBOW word vectors, trained here or read; pooled plain, idf-weighted or SIF",
        embedder="lexarium_word2vec.embedder:Word2Vec",
        config="lexarium_word2vec.config:Word2VecConfig",
        trainer="lexarium_word2vec.train:fit",
        updater="lexarium_word2vec.train:update",
        reader="lexarium_word2vec.formats:read",
        reader_settings="sif_a",
        exports={"word2vec": writer + "text", "word2vec-binary": writer + "binary"},
        cost=1,
    )
    return [method]
