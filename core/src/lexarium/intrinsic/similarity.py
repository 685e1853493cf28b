"""Word similarity: how the cosines of pairs agree with the scores that people gave them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexarium.errors import CheckpointError
from lexarium.intrinsic.report import Correlation, Similarity, nothing_known, some

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.intrinsic.lookup import Lookup
    from lexarium.intrinsic.pairs import Pairs
    from lexarium.words import WordVectors

    _Doubles: TypeAlias = NDArray[np.float64]

__all__ = ["average_ranks", "interval", "pearson", "spearman", "units", "word_similarity"]

_Z95 = 1.959963984540054  # of the standard normal distribution, two-sided
_LEAST = 3  # an interval divides by n - 3


def word_similarity(model: WordVectors, pairs: Pairs, *, oov: str, lookup: Lookup) -> Similarity:
    """Correlate cosines and scores.

    A pair with an unknown word is left out, or with ``oov="zero"`` has the cosine 0 (gensim's
    ``dummy4unknown``). Correlations are None where fewer than two pairs are used or all cosines or scores
    are equal.

    :raises DataError: no pair has two known words.
    """
    rows = lookup.rows[pairs.ids]
    known = (rows >= 0).all(axis=1)
    if not known.any():
        raise nothing_known(pairs.path, "pair", pairs.words)
    used = known | (oov == "zero")
    cosines = np.zeros(len(rows))
    cosines[known] = (units(model, rows[known, 0]) * units(model, rows[known, 1])).sum(axis=1)
    scores, cosines = pairs.scores[used], cosines[used]
    rho, r = spearman(scores, cosines), pearson(scores, cosines)
    n = len(scores)
    return Similarity(
        path=pairs.path,
        total=len(rows),
        used=n,
        oov=int((~known).sum()),
        unknown=some(pairs.words, lookup.rows),
        spearman=Correlation(rho, interval(rho, n, ranks=True)),
        pearson=Correlation(r, interval(r, n, ranks=False)),
    )


def units(model: WordVectors, rows: NDArray[np.int64]) -> _Doubles:
    """Return the vectors of rows at length 1, (n, dim) float64; a zero vector stays zero.

    :raises CheckpointError: a vector holds a number that is not finite.
    """
    vectors = model.vectors[rows].astype(np.float64)
    if not np.isfinite(vectors).all():
        raise CheckpointError("word vectors", "the vectors hold numbers that are not finite")
    lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    lengths[lengths == 0] = 1
    unit: _Doubles = vectors / lengths
    return unit


def average_ranks(values: _Doubles) -> _Doubles:
    """Return ranks from 1, (n,); equal values share the average of their ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: _Doubles = (last - (count - 1) / 2)[place]
    return ranks


def spearman(x: _Doubles, y: _Doubles) -> float | None:
    """Return Spearman's rank correlation with average ranks for ties, or None where it is undefined."""
    return pearson(average_ranks(x), average_ranks(y))


def pearson(x: _Doubles, y: _Doubles) -> float | None:
    """Return Pearson's correlation, or None where it is undefined: fewer than two values, or all equal."""
    if len(x) < 2 or x.min() == x.max() or y.min() == y.max():  # noqa: PLR2004
        return None
    x = (x - x.mean()) / np.abs(x - x.mean()).max()  # so that no square is too large or too small
    y = (y - y.mean()) / np.abs(y - y.mean()).max()
    r = float((x * y).sum() / math.sqrt((x * x).sum() * (y * y).sum()))
    return max(-1.0, min(1.0, r))


def interval(r: float | None, n: int, *, ranks: bool) -> tuple[float, float] | None:
    """Return the 95 % interval of a correlation of n pairs, or None for n up to 3.

    ``tanh(atanh r +- 1.96 s)``, s² being ``1 / (n - 3)`` for Pearson's r (Fisher, 1921) and
    ``(1 + r²/2) / (n - 3)`` for Spearman's (Bonett and Wright, "Sample size requirements for estimating
    Pearson, Kendall and Spearman correlations", Psychometrika 65, 2000).
    """
    if r is None or n <= _LEAST:
        return None
    if abs(r) >= 1:
        return r, r
    deviation = math.sqrt((1 + r * r / 2 if ranks else 1) / (n - _LEAST))
    middle = math.atanh(r)
    return math.tanh(middle - _Z95 * deviation), math.tanh(middle + _Z95 * deviation)
