"""The weights of words and the common component of texts: formulas over counts and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lexarium.roles import Floats

    _Doubles: TypeAlias = NDArray[np.float64]

__all__ = ["common_component", "sif_weights", "smooth_idf", "zipf"]


def zipf(n: int) -> _Doubles:
    """Return probabilities of n words, most frequent first: word of rank r has 1 / (r H_n), (n,).

    Zipf's law with exponent 1, where H_n is the sum of 1 / r; published GloVe files list their
    words by falling frequency.
    """
    inverse = 1.0 / np.arange(1, n + 1)
    probabilities: _Doubles = inverse / inverse.sum()
    return probabilities


def smooth_idf(share: _Doubles, texts: int | None = None) -> Floats:
    """Return ``ln((1 + texts) / (1 + share * texts)) + 1``, scikit-learn's smooth idf, (n,) float32.

    *Shapes:* share (n,): the part of the texts that each word stands in. Without a number of texts,
    the limit for many of them: ``1 - ln(share)``.
    """
    ratio = share if texts is None else (1 + share * texts) / (1 + texts)
    return (1 - np.log(ratio)).astype(np.float32)


def sif_weights(probabilities: _Doubles, a: float) -> Floats:
    """Return a / (a + p(word)), (n,) float32.

    Smooth inverse frequency: Arora, Liang, Ma, "A simple but tough-to-beat baseline for sentence
    embeddings", 2017.
    """
    return (a / (a + probabilities)).astype(np.float32)


def common_component(blocks: Iterable[Floats], dim: int) -> Floats:
    """Return the first right singular vector of the rows of all blocks, (dim,); zeros if they are zero.

    *Shapes:* each block (any, dim). The largest component is positive. Only the dim x dim Gram matrix
    is kept, whatever the number of rows.
    """
    gram = np.zeros((dim, dim))
    for block in blocks:
        rows = block.astype(np.float64)
        gram += rows.T @ rows
    if not gram.any():
        return np.zeros(dim, np.float32)
    vector = np.linalg.eigh(gram).eigenvectors[:, -1]
    sign = np.sign(vector[np.abs(vector).argmax()])
    return np.asarray(vector * sign, np.float32)
