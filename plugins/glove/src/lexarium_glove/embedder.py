"""GloVe as an embedder: texts as the mean of word vectors."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lexarium.errors import CheckpointError
from lexarium_glove.config import GloveConfig
from lexarium_glove.model import Parameters
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

    def parameters(self) -> Parameters:
        """Return what a trained model keeps (one that keeps nothing has no such tensors).

        :raises CheckpointError: wrong shapes, or a sum of squares below 1, where it began.
        """
        kept = Parameters(*(np.ascontiguousarray(self.tensors[field.name]) for field in fields(Parameters)))
        words, dim = self.words.vectors.shape
        for field, array in zip(fields(Parameters), kept.arrays(), strict=True):
            least = 1 if field.name.endswith("squares") else -np.inf
            if array.shape != (words, dim + 1) or not (np.isfinite(array) & (array >= least)).all():
                shape = f"({words}, {dim + 1})"
                problem = f"the tensor 'training.{field.name}' is not {shape} numbers that training leaves"
                raise CheckpointError(self.name, problem, "the model is damaged")
        return kept
