"""Vectors of tokens to those of a static model: principal components, and weights by rank."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from lexarium.words.algebra import mean_of, principal_axes, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium_distill.config import Weighting

__all__ = ["rank_weights", "reduce_dimensions"]

_log = logging.getLogger("lexarium")


def reduce_dimensions(vectors: Floats, pca_dims: int | None) -> Floats:
    """Return the first ``pca_dims`` principal components, (n, k); the vectors themselves for None.

    *Shapes:* vectors (n, dim); k is the smaller of ``pca_dims`` and dim. The mean is taken away first.
    """
    if pca_dims is None:
        return vectors
    dim = vectors.shape[1]
    if pca_dims > dim:
        _log.warning("pca_dims=%d: the encoder has %d components, and all of them are kept", pca_dims, dim)
    mean = mean_of(vectors)
    return project(vectors, mean, principal_axes(vectors, mean)[:, :pca_dims])


def rank_weights(count: int, weighting: Weighting, a: float) -> NDArray[np.float64]:
    """Return the weight of each of ``count`` tokens, (count,), the most frequent first.

    ``sif``: a / (a + p) (Arora, Liang, Ma, "A simple but tough-to-beat baseline for sentence embeddings",
    2017), with the probabilities p of Zipf's law, in proportion to 1 / (rank + 1) as model2vec has them;
    ``zipf``: log(1 + rank), as its first versions had it. Ranks count from 1.
    """
    ranks = np.arange(1, count + 1, dtype=np.float64)
    if weighting == "zipf":
        return np.log1p(ranks)
    if weighting == "none":
        return np.ones(count)
    rarity = 1 / (ranks + 1)
    weights: NDArray[np.float64] = a / (a + rarity / rarity.sum())
    return weights
