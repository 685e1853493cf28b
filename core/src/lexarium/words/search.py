"""Exact search by cosine: float32 products find candidates, float64 decides their order.

Products of several queries at once round differently from those of one, so by themselves they would order
near ties differently for one query and for fifty. Here they only rule rows out: what comes within
their bound of error of the n-th best is computed again, each row by itself, in float64. So a query's
answer is the same alone and among others, and rows of one cosine come in their order.

Candidates come from a compiled kernel, which writes no products to memory, or else, where there is none, for
few queries, and for vectors with many equal ones, from matrix products over blocks of rows.
"""

from __future__ import annotations

from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexarium.backend import kernel, processors
from lexarium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats

    Doubles: TypeAlias = NDArray[np.float64]
    Rows: TypeAlias = NDArray[np.int64]

__all__ = ["Best", "LeftOut", "Search", "blocks", "largest", "unit", "units"]

_BLOCK = 1 << 19  # components looked at together: 2 MiB of float32
_QUERIES = 256  # queries looked at together
_SEVERAL = 2  # queries from which on the kernel is the faster way: one alone waits for memory
_WORTH = 1 << 22  # multiplications that are worth its threads
_MOST = 1024  # rows for a query that it looks for
_FEW = 8  # blocks grow no further for fewer queries: each product starts and joins threads
_EPSILON = 2.0**-24  # half a unit in the last place of float32
_SHORT, _LONG = 1e-30, 1e38  # lengths between which a float32 product neither underflows nor overflows
_SQUARE = 1e30  # a sum of squares that float32 has room for, as for those from _SHORT on
_BELOW = -2.0  # less than any cosine


def unit(vector: Doubles) -> Doubles:
    """Return ``vector`` (dim,) divided by its Euclidean length; a zero vector stays zero."""
    return np.asarray(units(vector[None])[0], np.float64)


def units(rows: Doubles) -> Doubles:
    """Return each of ``rows`` (q, dim) divided by its Euclidean length, whatever the others are."""
    largest = np.abs(rows).max(axis=1, initial=0.0, keepdims=True)
    scaled = np.divide(rows, np.where(largest > 0, largest, 1), order="C")  # so that no square overflows
    # Along memory, so that each row is added up by itself.
    lengths = np.sqrt(np.square(scaled).sum(axis=1, keepdims=True))
    return np.asarray(scaled / np.where(lengths > 0, lengths, 1), np.float64)


def blocks(rows: int, width: int, most: int = _BLOCK) -> Iterator[slice]:
    """Yield slices that cover ``rows`` rows, each of at most ``most`` numbers at ``width`` a row."""
    step = max(1, most // max(1, width))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def largest(scores: Doubles, n: int) -> Rows:
    """Return the places of the ``n`` largest of ``scores`` (m,), largest first, equal ones in order."""
    if n < 1:
        return np.empty(0, np.int64)
    least = np.partition(scores, -n)[-n]
    places = np.flatnonzero(scores >= least)
    return np.asarray(places[np.argsort(-scores[places], kind="stable")[:n]], np.int64)


class Search:
    """Cosines with the rows of ``vectors`` (v, dim) float32; a zero row has cosine 0 with everything."""

    def __init__(self, vectors: Floats, where: str, block: int = _BLOCK) -> None:
        """Remember the array, reading nothing; ``where`` is how errors call it.

        ``block`` is how many numbers are looked at together; no answer depends on it.
        """
        self._vectors = vectors
        self._where = where
        self._block = block

    def nearest(
        self, units: Doubles, without: Sequence[Collection[int]], n: int
    ) -> list[list[tuple[int, float]]]:
        """Return the ``n`` rows of largest cosine for each query, largest first, with their cosines.

        *Shapes:* units (q, dim), of length 1 or 0; without: q sets of rows to leave out. Beside the
        norms, which are kept, some 4 MiB are held at a time for up to 256 queries, and the answers.

        :raises CheckpointError: the vectors hold numbers that are not finite.
        """
        found = [self._first(rows, n) for rows in without]  # of zero queries, to which all rows are equal
        asked = np.flatnonzero(units.any(axis=1))
        for start in range(0, len(asked), _QUERIES):
            part = asked[start : start + _QUERIES].tolist()
            answers = self._some(units[part], [without[query] for query in part], n)
            for query, answer in zip(part, answers, strict=True):
                found[query] = answer
        return found

    def products(self, units: Doubles, rows: slice) -> Floats:
        """Return the cosines (q, b) of ``units`` (q, dim) with a slice of the rows, as float32 gives them."""
        with np.errstate(invalid="ignore", over="ignore"):  # rows too long for float32 were refused
            scores = units.astype(np.float32) @ self._vectors[rows].T
            scores *= self._inverse[rows]
        return np.asarray(scores, np.float32)

    def exact(self, units: Doubles, rows: Rows) -> Doubles:
        """Return the cosine of ``units[i]`` and row ``rows[i]``, each by itself, in float64, (m,)."""
        scores = np.empty(len(rows), np.float64)
        for part in blocks(len(rows), 4 * self._vectors.shape[1]):
            gathered = self._vectors[rows[part]].astype(np.float64, order="C")
            lengths = np.sqrt(np.square(gathered).sum(axis=1))
            gathered *= units[part]
            # Along memory, so that each row is added up by itself.
            scores[part] = gathered.sum(axis=1) / np.where(lengths > 0, lengths, 1)
        if not np.isfinite(scores).all():
            raise CheckpointError(self._where, "the vectors hold numbers that are not finite")
        return np.clip(scores, -1.0, 1.0)

    @cached_property
    def norms(self) -> Doubles:
        """The lengths of the rows, (v,), about as float32 gives them; 1 for a zero row.

        :raises CheckpointError: the vectors hold numbers that are not finite.
        """
        rows, dim = self._vectors.shape
        norms = np.empty(rows, np.float64)
        for block in blocks(rows, dim):
            part = self._vectors[block]
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                squares = np.einsum("ij,ij->i", part, part).astype(np.float64)
            odd = np.flatnonzero(~((squares > _SHORT) & (squares < _SQUARE)))  # that float32 may not hold
            if len(odd):
                some = part[odd].astype(np.float64)
                squares[odd] = np.einsum("ij,ij->i", some, some)
            norms[block] = np.sqrt(squares)
        if not (norms < _LONG).all():
            raise CheckpointError(self._where, "the vectors hold numbers that are not finite, or above 1e38")
        norms[norms == 0] = 1
        return norms

    @cached_property
    def _inverse(self) -> Floats:
        return (1 / np.maximum(self.norms, _SHORT)).astype(np.float32)

    @cached_property
    def _short(self) -> Rows:
        return np.flatnonzero(self.norms < _SHORT)

    def _first(self, without: Collection[int], n: int) -> list[tuple[int, float]]:
        left_out = set(without)
        rows = (row for row in range(len(self._vectors)) if row not in left_out)
        return [(row, 0.0) for row in islice(rows, n)]

    def _some(
        self, units: Doubles, without: Sequence[Collection[int]], n: int
    ) -> list[list[tuple[int, float]]]:
        q, (rows, dim) = len(units), self._vectors.shape
        # Of the error of a float32 cosine, with a length that has one: Higham, Accuracy and Stability, 3.1.
        bound = (1.5 * dim + 8) * _EPSILON
        left_out = LeftOut(without)
        best = Best(q, min(n, rows))
        found = self._candidates(units, np.array([best.n + len(some) for some in without]), 2 * bound)
        if found is not None:
            owners, places = found
            kept = ~left_out.among(owners, places)
            owners, places = owners[kept], places[kept]
            best.add(owners, places, self.exact(units[owners], places))
            return best.answers()
        for block in blocks(rows, max(q, _FEW), self._block):
            scores = self.products(units, block)
            short = self._short[slice(*np.searchsorted(self._short, (block.start, block.stop)))] - block.start
            scores[:, short] = 2 * _BELOW  # what float32 makes of them says nothing, of the others neither
            scores[left_out.within(block)] = 2 * _BELOW
            if best.floor.min() <= _BELOW and scores.shape[1] > best.n:
                at_least = np.partition(scores, -best.n, axis=1)[:, -best.n] - 2 * bound
                floor = np.maximum(np.minimum(best.floor - bound, 1), np.minimum(at_least, 1))
            else:
                floor = best.floor - bound
            scores[:, short] = 2  # so they are all looked at
            scores[left_out.within(block)] = 2 * _BELOW
            hits = np.flatnonzero(scores >= np.maximum(floor, _BELOW).astype(np.float32)[:, None])
            if len(hits):
                owners, places = np.divmod(hits, scores.shape[1])
                best.add(owners, places + block.start, self.exact(units[owners], places + block.start))
        return best.answers()

    def _candidates(self, units: Doubles, keep: Rows, margin: float) -> tuple[Rows, Rows] | None:
        """Return owners and rows of what may be among the ``keep`` (q,) best; None: look at blocks."""
        worth = self._vectors.size * len(units) >= _WORTH and len(units) >= _SEVERAL
        if not worth or keep.max() > _MOST or keep.min() < 1 or not self._vectors.flags.c_contiguous:
            return None
        module = kernel("_search", "auto", instead="numpy")
        if module is None or len(self._short):
            return None
        found: tuple[Rows, Rows] | None = module.candidates(
            self._vectors, self._inverse, units.astype(np.float32), keep, margin, processors()
        )
        return found


class LeftOut:
    """Which rows to leave out for which query."""

    def __init__(self, without: Sequence[Collection[int]]) -> None:
        pairs = sorted((row, query) for query, rows in enumerate(without) for row in rows)
        self._rows = np.array([row for row, _ in pairs], np.int64)
        self._queries = np.array([query for _, query in pairs], np.int64)

    def within(self, block: slice) -> tuple[Rows, Rows]:
        """Return queries and places in ``block``, as they index a (q, b) array."""
        part = slice(*np.searchsorted(self._rows, (block.start, block.stop)))
        return self._queries[part], self._rows[part] - block.start

    def among(self, owners: Rows, rows: Rows) -> NDArray[np.bool_]:
        """Return which of the pairs of a query and a row are left out, (m,)."""
        width = 1 + max(rows.max(initial=0), self._rows.max(initial=0))
        return np.isin(owners * width + rows, self._queries * width + self._rows)


class Best:
    """The n best rows so far of q queries, and the score of the n-th: ``floor`` (q,)."""

    def __init__(self, q: int, n: int) -> None:
        """Begin with none."""
        self.n = n
        self.floor = np.full(q, _BELOW)
        self._owners, self._rows = np.empty(0, np.int64), np.empty(0, np.int64)
        self._scores = np.empty(0, np.float64)

    def add(self, owners: Rows, rows: Rows, scores: Doubles) -> None:
        """Add rows that were not added before: whose they are, and their scores, (m,) each."""
        owners = np.concatenate((self._owners, owners))
        rows = np.concatenate((self._rows, rows))
        scores = np.concatenate((self._scores, scores))
        order = np.lexsort((rows, -scores, owners))
        owners = owners[order]
        places = np.arange(len(owners)) - np.searchsorted(owners, owners)
        kept = places < self.n
        self._owners, self._rows, self._scores = owners[kept], rows[order][kept], scores[order][kept]
        last = places[kept] == self.n - 1
        self.floor[self._owners[last]] = self._scores[last]

    def answers(self) -> list[list[tuple[int, float]]]:
        """Return the rows and scores of each query, best first, equal scores in the order of the rows."""
        pairs = list(zip(self._rows.tolist(), self._scores.tolist(), strict=True))
        ends = np.searchsorted(self._owners, np.arange(len(self.floor) + 1))
        return [pairs[start:end] for start, end in pairwise(ends)]
