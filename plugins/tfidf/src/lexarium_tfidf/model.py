"""The mathematics of weighting: a factor for each term from the corpus, one for each count from its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium_counts.statistics import Statistics

__all__ = [
    "entropy_weights",
    "inverse_document_frequency",
    "lucene_idf",
    "normalize",
    "saturate",
    "weigh",
]

_Norm: TypeAlias = Literal["l1", "l2"]
_Doubles: TypeAlias = "NDArray[np.float64]"


def inverse_document_frequency(frequency: NDArray[np.integer], texts: int, *, smooth: bool) -> _Doubles:
    """Return ln((N + s) / (df + s)) + 1 of each term, s being 1 if ``smooth`` and 0 otherwise.

    As scikit-learn has it, after Salton and Buckley (1988).

    *Shapes:* frequency (n,), at least 1 unless ``smooth``; result (n,).
    """
    weights: _Doubles = np.log((texts + smooth) / (frequency + smooth)) + 1.0
    return weights


def lucene_idf(frequency: NDArray[np.integer], texts: int) -> _Doubles:
    """Return ln(1 + (N - df + 0.5) / (df + 0.5)) of each term: BM25's idf as Lucene has it, above 0.

    *Shapes:* frequency (n,) and result (n,).
    """
    weights: _Doubles = np.log((texts + 1.0) / (frequency + 0.5))
    return weights


def entropy_weights(statistics: Statistics) -> _Doubles:
    """Return 1 + sum p ln(p) / ln(N + 1) of each term, p being the share of each text in its occurrences.

    1 where one text has them all, near 0 where all texts share them evenly (Dumais, 1991). With
    g occurrences in all, the sum of p ln(p) is (sum of count ln(count)) / g - ln(g).

    *Shape:* result (n,).
    """
    if statistics.entropy is None:
        message = "the statistics hold no entropy"
        raise ValueError(message)
    total = np.maximum(statistics.term_frequency, 1)
    sums = statistics.entropy / total - np.log(total)
    weights: _Doubles = np.clip(1.0 + sums / np.log(statistics.texts + 1.0), 0.0, 1.0)
    return weights


def saturate(counts: csr_array, *, k1: float, b: float, average: float) -> _Doubles:
    """Return tf / (tf + k1 (1 - b + b length / average)) of each count, length being the sum of its row.

    Robertson and Zaragoza (2009), equation 3.15, without the factor that is the same for all.

    *Shapes:* counts (m, n) with z entries; result (z,).
    """
    data = counts.data.astype(np.float64)
    per_row = np.diff(counts.indptr)
    lengths = np.bincount(_rows(counts), weights=data, minlength=counts.shape[0])
    size = np.repeat(k1 * (1.0 - b + b * lengths / average), per_row)
    weights: _Doubles = data / (data + size)
    return weights


def weigh(
    counts: csr_array, factors: NDArray[np.floating] | None, local: _Doubles, norm: _Norm | None
) -> csr_array:
    """Multiply the local weight of each count by its term's factor, and bring rows to length 1.

    Reckoned in float64, returned as float32. A row without weights stays zero under every norm.

    *Shapes:* counts and result (m, n) with z entries; factors (n,) or None for ones; local (z,).
    """
    weights = local if factors is None else local * factors[counts.indices]
    if norm is not None:
        weights = normalize(counts, weights, norm)
    return csr_array((weights.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)


def normalize(counts: csr_array, weights: _Doubles, norm: _Norm) -> _Doubles:
    """Divide each row's weights by their sum (``l1``) or their Euclidean length.

    *Shapes:* weights and result (z,), the entries of counts (m, n).
    """
    sizes = weights if norm == "l1" else weights**2  # no weight is negative
    sums = np.bincount(_rows(counts), weights=sizes, minlength=counts.shape[0])
    lengths = sums if norm == "l1" else np.sqrt(sums)
    lengths[lengths == 0] = 1.0
    divided: _Doubles = weights / np.repeat(lengths, np.diff(counts.indptr))
    return divided


def _rows(counts: csr_array) -> NDArray[np.int64]:
    return np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
