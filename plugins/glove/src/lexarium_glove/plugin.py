"""What this distribution offers: the method ``glove``."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Method

__all__ = ["lexarium_methods"]


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    own, static = "lexarium_glove.formats:write", "lexarium_static.exports:write_"
    forms = {"glove": own, "glove-binary": f"{own}_binary"}
    forms |= {"word2vec": f"{static}text", "word2vec-binary": f"{static}binary"}
    method = Method(
        name="glove",
        summary="GloVe word vectors, trained here or read, as plain, idf-weighted or SIF means",
        embedder="lexarium_glove.embedder:Glove",
        config="lexarium_glove.config:GloveConfig",
        trainer="lexarium_glove.train:fit",
        updater="lexarium_glove.train:update",
        reader="lexarium_glove.formats:read",
        reader_settings="sif_a vector_size model keep_training",
        file_settings="vector_size",
        exports=forms,
    )
    return [method]
