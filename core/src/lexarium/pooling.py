"""One vector per document from the vectors of its tokens.

Documents come packed: ``ids`` (t,) int64 holds the tokens of all documents one after another, as
rows of ``vectors`` (-1: unknown, left out), and ``offsets`` (n + 1,) int64 says that document i has
``ids[offsets[i]:offsets[i + 1]]``. A document's row is the same to the bit whatever stands beside
it, and tokens cost some 50 bytes each on the way, whatever ``dim`` is: their vectors are never gathered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csr_array

from lexarium.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats

__all__ = ["mean_pool", "normalize_rows", "remove_component"]

#: Tokens added up in float32; longer documents are summed in pieces, and the pieces in float64.
_PIECE = 256


def mean_pool(
    vectors: Floats,
    ids: NDArray[np.int64],
    offsets: NDArray[np.int64],
    weights: Floats | None = None,
    *,
    per: Literal["weight", "token"] = "weight",
) -> Floats:
    """Return the (weighted) mean of the known tokens' vectors, (n, dim); zeros where there is none.

    *Shapes:* vectors (v, dim), C-contiguous (others are copied); weights (v,), one per row of
    ``vectors``. ``per`` is what the weighted sum is divided by: the sum of the weights, or the
    number of known tokens, as Arora et al. (2017) do.

    :raises InputError: an id is no row of ``vectors``, or ``offsets`` do not rise from 0 to t.
    """
    _check(len(vectors), ids, offsets)
    known = ids >= 0
    offsets = np.concatenate(([0], np.cumsum(known)))[offsets]
    ids = ids[known]
    factors = np.ones(len(ids), np.float32) if weights is None else weights[ids]
    sums = _sum(vectors, ids, offsets, factors)
    lengths = np.diff(offsets)
    totals: NDArray[np.float64] = lengths.astype(np.float64)
    if weights is not None and per == "weight":
        documents = np.repeat(np.arange(len(lengths)), lengths)
        totals = np.bincount(documents, factors, len(lengths)).astype(np.float64)
    totals[totals == 0] = 1
    sums /= totals[:, None]
    return sums.astype(np.float32)


def remove_component(matrix: Floats, component: Floats) -> Floats:
    """Return each row less its projection on ``component``: ``x - (x·u) u``, (n, dim).

    *Shapes:* matrix (n, dim); component (dim,), of length 1. The common component removal of Arora
    et al., "A simple but tough-to-beat baseline for sentence embeddings", 2017, algorithm 1.
    """
    unit = component.astype(np.float64)
    # A sum over each row by itself, not a BLAS product: that one rounds by how many rows there are.
    projected = (matrix * unit).sum(axis=1, keepdims=True)
    return np.asarray(matrix - projected * unit, np.float32)


def normalize_rows(matrix: Floats) -> Floats:
    """Return each row divided by its Euclidean length, (n, dim); a zero row stays zero."""
    lengths = np.sqrt(np.square(matrix, dtype=np.float64).sum(axis=1, keepdims=True))
    lengths[lengths == 0] = 1
    return np.asarray(matrix / lengths, np.float32)


def _check(rows: int, ids: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
    # What follows is compiled code that reads where the ids point, without looking.
    if len(ids) and not -1 <= ids.min() <= ids.max() < rows:
        raise InputError("ids", f"there are {rows} rows, the ids go from {ids.min()} to {ids.max()}")
    if offsets[0] != 0 or offsets[-1] != len(ids) or (np.diff(offsets) < 0).any():
        raise InputError("offsets", f"they do not rise from 0 to the number of ids, {len(ids)}")


def _sum(
    vectors: Floats, ids: NDArray[np.int64], offsets: NDArray[np.int64], factors: Floats
) -> NDArray[np.float64]:
    # In order within a document, so that the sum depends on nothing else.
    pieces = -(-np.diff(offsets) // _PIECE)  # of each document, rounded up
    first = np.concatenate(([0], np.cumsum(pieces)))
    within = np.arange(first[-1]) - np.repeat(first[:-1], pieces)
    starts = np.append(np.repeat(offsets[:-1], pieces) + within * _PIECE, len(ids))
    dense = np.ascontiguousarray(vectors)
    tokens = csr_array((factors, ids, starts), shape=(first[-1], len(vectors)))
    documents = csr_array((np.ones(first[-1]), np.arange(first[-1]), first), shape=(len(pieces), first[-1]))
    sums: NDArray[np.float64] = documents @ (tokens @ dense).astype(np.float64)
    return sums
