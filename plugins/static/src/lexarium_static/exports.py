"""The formats that word vectors of every static method are written in, as a method's ``exports`` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexarium.compose import Pipeline
from lexarium.errors import UnsupportedError
from lexarium_static import write
from lexarium_static.embedder import StaticEmbedder

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Run
    from lexarium.words import WordVectors

__all__ = ["write_binary", "write_text"]


def write_text(model: Any, path: Path, run: Run) -> None:  # noqa: ANN401  what a store holds
    """Write the word vectors of a model, or of a pipeline's text side, as text with the header ``count dim``.

    :raises UnsupportedError: a word that the format cannot hold, or a model without word vectors.
    """
    write.write_text(_words(model), path, run.progress)


def write_binary(model: Any, path: Path, run: Run) -> None:  # noqa: ANN401  as above
    """Write them in word2vec's binary format.

    :raises UnsupportedError: as :func:`write_text`.
    """
    write.write_binary(_words(model), path, run.progress)


def _words(model: Any) -> WordVectors:  # noqa: ANN401  as above
    embedder = model.embedder if isinstance(model, Pipeline) else model
    if not isinstance(embedder, StaticEmbedder):
        raise UnsupportedError("the model has no word vectors", "export one of word2vec, glove or fasttext")
    return embedder.words
