"""Arrays of word vectors to other arrays: lengths, principal components, mixtures. No vocabulary here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lexarium.words.search import blocks

if TYPE_CHECKING:
    from lexarium.roles import Floats
    from lexarium.words.search import Doubles, Rows

__all__ = ["mean_of", "normalize", "padded_mean", "principal_axes", "project", "side_by_side"]


def normalize(vectors: Floats) -> Floats:
    """Return each row of ``vectors`` (n, dim) divided by its Euclidean length; a zero row stays zero."""
    result = np.empty(vectors.shape, np.float32)
    for block in blocks(*vectors.shape):
        part = vectors[block].astype(np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", part, part))
        lengths[lengths == 0] = 1
        result[block] = part / lengths[:, None]
    return result


def mean_of(vectors: Floats) -> Doubles:
    """Return the mean row of ``vectors`` (n, dim), (dim,)."""
    total = np.zeros(vectors.shape[1])
    for block in blocks(*vectors.shape):
        total += vectors[block].sum(axis=0, dtype=np.float64)
    return np.asarray(total / max(1, len(vectors)), np.float64)


def principal_axes(vectors: Floats, mean: Doubles) -> Doubles:
    """Return the directions of falling variance about ``mean``, (dim, dim), one a column, of length 1.

    *Shapes:* vectors (n, dim); mean (dim,), zeros for none. The largest component of each axis is
    positive. Only the dim x dim matrix of second moments is kept, whatever n is.
    """
    dim = vectors.shape[1]
    moments = np.zeros((dim, dim))
    for block in blocks(*vectors.shape):
        part = vectors[block] - mean
        moments += part.T @ part
    axes = np.linalg.eigh(moments).eigenvectors[:, ::-1]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dim)])
    return np.asarray(axes * signs, np.float64)


def project(vectors: Floats, mean: Doubles, matrix: Doubles) -> Floats:
    """Return ``(vectors - mean) @ matrix`` as float32, (n, k).

    *Shapes:* vectors (n, dim); mean (dim,); matrix (dim, k).
    """
    result = np.empty((len(vectors), matrix.shape[1]), np.float32)
    for block in blocks(*vectors.shape):
        result[block] = (vectors[block] - mean) @ matrix
    return result


def side_by_side(left: Floats, right: Floats, rows: tuple[Rows, Rows]) -> Floats:
    """Return rows of two arrays, each of length 1, one behind the other, (m, dim of both).

    *Shapes:* rows: (m,) into ``left`` and (m,) into ``right``.
    """
    return np.concatenate([normalize(left[rows[0]]), normalize(right[rows[1]])], axis=1)


def padded_mean(left: Floats, right: Floats, rows: tuple[Rows, Rows]) -> Floats:
    """Return the means of rows of two arrays, each of length 1, the shorter filled up with zeros.

    *Shapes:* as :func:`side_by_side`; the result is (m, the larger dim).
    """
    result = np.zeros((len(rows[0]), max(left.shape[1], right.shape[1])), np.float32)
    result[:, : left.shape[1]] = normalize(left[rows[0]])
    result[:, : right.shape[1]] += normalize(right[rows[1]])
    result /= 2
    return result
