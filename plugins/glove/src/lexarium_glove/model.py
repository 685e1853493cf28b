"""GloVe in numpy: co-occurrence, parameters, AdaGrad. The kernels' reference, and what runs without them.

Pennington, Socher, Manning, "GloVe: Global Vectors for Word Representation", 2014; where the paper is silent
(initial values, clipping, which word of a one-sided pair is the row) as Stanford's programs have it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["Entries", "Parameters", "batches", "cooccurrence", "entries", "iterate", "step"]

_SUM = 2


@dataclass(frozen=True)
class Parameters:
    """What is learned, (n, dim + 1) each: in a row a vector and its bias; sums of squared gradients."""

    words: NDArray[Any]
    contexts: NDArray[Any]
    word_squares: NDArray[Any]
    context_squares: NDArray[Any]

    @classmethod
    def random(cls, count: int, dim: int, seed: int) -> Self:
        """Draw vectors and biases evenly from -0.5 / (dim + 1) to 0.5 / (dim + 1); the sums begin with 1."""
        rng = np.random.default_rng(seed)
        shape = (count, dim + 1)
        words, contexts = ((rng.random(shape, np.float32) - 0.5) / np.float32(dim + 1) for _ in range(2))
        return cls(words, contexts, np.ones(shape, np.float32), np.ones(shape, np.float32))

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Return the four arrays, in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def vectors(self, model: int) -> NDArray[Any]:
        """Return vectors, (n, dim): with ``model`` 2 word and context vectors added, with 1 the former."""
        words = self.words[:, :-1]
        return np.ascontiguousarray(words + self.contexts[:, :-1] if model == _SUM else words)

    def astype(self, dtype: type[np.floating[Any]]) -> Self:
        """Return a copy of another type."""
        return type(self)(*(array.astype(dtype) for array in self.arrays()))


@dataclass(frozen=True)
class Entries:
    """The cells of the matrix that are not zero: row, column, ln x and f(x), each (m,)."""

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    logs: NDArray[np.float32]
    weights: NDArray[np.float32]


def cooccurrence(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    words: int,
    *,
    window: int,
    symmetric: bool,
    weighted: bool,
) -> csr_array:
    """Return how often words stand within ``window`` of each other in one text, (words, words) float64.

    A pair at distance d counts 1 / d, or 1 where not ``weighted``; it stands in the row of the earlier word
    and the column of the later one and, where ``symmetric``, the other way round too.
    """
    text = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    total = csr_array((words, words), dtype=np.float64)
    for distance in range(1, min(window, len(ids) - 1) + 1):
        same = text[distance:] == text[:-distance]
        rows, columns = ids[:-distance][same], ids[distance:][same]
        values = np.full(len(rows), 1 / distance if weighted else 1.0)
        total = total + csr_array((values, (rows, columns)), shape=(words, words))
    total = csr_array(total + total.T) if symmetric else total
    total.sort_indices()
    return total


def entries(matrix: csr_array, x_max: float, alpha: float) -> Entries:
    """Return the entries of a matrix, row by row, with f(x) = min(1, (x / x_max) ** alpha)."""
    cells = matrix.tocoo()
    weights = np.minimum(1.0, (cells.data / x_max) ** alpha).astype(np.float32)
    rows, columns = (axis.astype(np.int32) for axis in (cells.row, cells.col))
    return Entries(rows, columns, np.log(cells.data).astype(np.float32), weights)


def batches(found: Entries, words: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of all entries, in batches in which no row and no column stands twice.

    With random p and q, an entry (i, j) is in batch (p[i] + q[j]) mod n: training a batch at once is the same
    as training its entries one after another.
    """
    p, q = rng.permutation(words), rng.permutation(words)
    number = (p[found.rows] + q[found.columns]) % words
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    pieces = np.split(order, starts[1:])
    return (pieces[i] for i in rng.permutation(len(pieces)))


def step(parameters: Parameters, found: Entries, batch: NDArray[np.int64], eta: float, clip: float) -> float:
    """Train in place on a batch of entries, whose rows differ and whose columns differ; return their loss.

    The loss of an entry is f(x) (w . c + b_w + b_c - ln x)^2 / 2; a gradient's component is clipped, times
    eta, and divided by the root of the sum of its squares so far.
    """
    rows, columns = found.rows[batch], found.columns[batch]
    word, context = parameters.words[rows], parameters.contexts[columns]
    dot = np.einsum("ij,ij->i", word[:, :-1], context[:, :-1])
    difference = dot + word[:, -1] + context[:, -1] - found.logs[batch]
    force = found.weights[batch] * difference
    for values, squares, where, other in (
        (parameters.words, parameters.word_squares, rows, context),
        (parameters.contexts, parameters.context_squares, columns, word),
    ):
        along = other.copy()
        along[:, -1] = 1  # the derivative by a bias
        gradient = eta * np.clip(force[:, None] * along, -clip, clip)
        sums = squares[where]
        values[where] -= gradient / np.sqrt(sums)
        squares[where] = sums + gradient**2
    return float((0.5 * force * difference).sum())


def iterate(
    parameters: Parameters,
    found: Entries,
    rng: np.random.Generator,
    *,
    eta: float,
    clip: float,
    report: Callable[[int], None],
) -> float:
    """Train in place on all entries once; return the mean loss."""
    loss, done = 0.0, 0
    for batch in batches(found, len(parameters.words), rng):
        loss += step(parameters, found, batch, eta, clip)
        done += len(batch)
        report(done)
    return loss / max(1, len(found.rows))
