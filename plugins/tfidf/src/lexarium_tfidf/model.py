"""The mathematics of TF-IDF, as scikit-learn defines it (after Salton and Buckley, 1988)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["inverse_document_frequency", "weigh"]

_Norm: TypeAlias = Literal["l1", "l2"]


def inverse_document_frequency(counts: csr_array, *, smooth: bool) -> NDArray[np.float64]:
    """Return ln((N + s) / (df + s)) + 1 of each term, s being 1 if ``smooth`` and 0 otherwise.

    *Shapes:* counts (N, n) without explicit zeros, every term in one text at least; result (n,).
    """
    texts, terms = counts.shape
    frequency = np.bincount(counts.indices, minlength=terms)
    weights: NDArray[np.float64] = np.log((texts + smooth) / (frequency + smooth)) + 1.0
    return weights


def weigh(
    counts: csr_array, idf: NDArray[np.floating] | None, *, sublinear: bool, norm: _Norm | None
) -> csr_array:
    """Turn counts into weights, reckoned in float64 and returned as float32.

    A row without terms stays zero under every norm.

    *Shapes:* counts and result (m, n); idf (n,) or None for none.
    """
    weights = counts.data.astype(np.float64)
    if sublinear:
        weights = np.log(weights) + 1.0
    if idf is not None:
        weights *= idf[counts.indices]
    if norm is not None:
        sizes = weights if norm == "l1" else weights**2  # no weight is negative
        m = counts.shape[0]
        per_row = np.diff(counts.indptr)
        sums = np.bincount(np.repeat(np.arange(m), per_row), weights=sizes, minlength=m)
        lengths = sums if norm == "l1" else np.sqrt(sums)
        weights /= np.repeat(lengths, per_row)
    return csr_array((weights.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)
