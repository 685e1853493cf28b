"""Word similarity: how the cosines of pairs agree with the scores that people gave them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexarium.errors import CheckpointError
from lexarium.intrinsic.lookup import lower_cased
from lexarium.intrinsic.report import Correlation, Similarity, nothing_known, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexarium.intrinsic.lookup import Lookup
    from lexarium.intrinsic.pairs import Pairs
    from lexarium.roles import Floats
    from lexarium.words import WordVectors

    _Doubles: TypeAlias = NDArray[np.float64]

__all__ = ["average_ranks", "interval", "pearson", "spearman", "units", "word_similarity"]

_Z95 = 1.959963984540054  # of the standard normal distribution, two-sided
_LEAST = 3  # an interval divides by n - 3


def word_similarity(model: WordVectors, pairs: Pairs, *, oov: str, lookup: Lookup) -> Similarity:
    """Correlate cosines and scores.

    A word outside the vocabulary has the vector that the model makes of it, if it does: fastText of its
    n-grams, as Bojanowski et al., "Enriching word vectors with subword information", 2017, evaluate (sisg).
    A pair with a word that has none is left out, or with ``oov="zero"`` has the cosine 0 (gensim's
    ``dummy4unknown``). Correlations are None where fewer than two pairs are used or all cosines or scores
    are equal.

    :raises DataError: no pair has two words with a vector.
    """
    rows, made = _placed(model, pairs.words, lookup)
    places = rows[pairs.ids]
    whole = (places >= 0).all(axis=1)
    if not whole.any():
        raise nothing_known(pairs.path, "pair", pairs.words)
    known = (lookup.rows[pairs.ids] >= 0).all(axis=1)
    used = whole | (oov == "zero")
    cosines = np.zeros(len(places))
    one, other = (units(_gathered(model, made, places[whole, side])) for side in (0, 1))
    cosines[whole] = (one * other).sum(axis=1)
    scores, cosines = pairs.scores[used], cosines[used]
    rho, r = spearman(scores, cosines), pearson(scores, cosines)
    n = len(scores)
    return Similarity(
        path=pairs.path,
        total=len(places),
        used=n,
        oov=int((~known).sum()),
        made=int((whole & ~known).sum()),
        unknown=some(pairs.words, lookup.rows),
        spearman=Correlation(rho, interval(rho, n, ranks=True)),
        pearson=Correlation(r, interval(r, n, ranks=False)),
    )


def _placed(model: WordVectors, words: Sequence[str], lookup: Lookup) -> tuple[NDArray[np.int64], Floats]:
    """Return the row of each word, (w,), and vectors (m, dim) made of unknown ones, whose rows follow.

    The rows of the model come first; -1: a word has no vector.
    """
    rows = lookup.rows.copy()
    unknown = np.flatnonzero(rows < 0)
    lower = len(unknown) and lower_cased(model)
    asked = [words[place] for place in unknown.tolist()]
    made = model.unknown([word.lower() for word in asked] if lower else asked)
    has = made.any(axis=1)
    rows[unknown[has]] = len(model) + np.arange(int(has.sum()))
    return rows, made[has]


def _gathered(model: WordVectors, made: Floats, rows: NDArray[np.int64]) -> Floats:
    """Return the vectors of rows of :func:`_placed`, (n, dim)."""
    own = rows < len(model)
    vectors = np.empty((len(rows), made.shape[1]), np.float32)
    vectors[own] = model.vectors[rows[own]]
    vectors[~own] = made[rows[~own] - len(model)]
    return vectors


def units(rows: Floats) -> _Doubles:
    """Return rows at length 1, (n, dim) float64; a zero row stays zero.

    :raises CheckpointError: a row holds a number that is not finite.
    """
    vectors = rows.astype(np.float64)
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
