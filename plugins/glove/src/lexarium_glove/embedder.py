"""GloVe as an embedder: texts as the mean of word vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lexarium_glove.config import GloveConfig
from lexarium_static.embedder import StaticEmbedder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Glove"]


class Glove(StaticEmbedder):
    """GloVe's word vectors (Pennington, Socher, Manning, 2014), and texts as their pooled words.

    A trained one keeps both sets of vectors, (n, dim + 1) each: a row is a vector and its bias; and the
    sums of their squared gradients, of the same shape.
    """

    name: ClassVar[str] = "glove"
    config_class: ClassVar[type[GloveConfig]] = GloveConfig
    training: ClassVar[Mapping[str, tuple[type[np.generic[Any]], int]]] = {
        "words": (np.float32, 2),
        "contexts": (np.float32, 2),
        "word_squares": (np.float32, 2),
        "context_squares": (np.float32, 2),
    }
