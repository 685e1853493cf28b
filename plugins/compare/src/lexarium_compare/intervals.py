"""How sure a score is: percentile bootstrap over test rows, and the exact McNemar test.

A resample of n test rows only matters through how many rows fall into each cell (true class,
predicted class), and those numbers are multinomial over the non-empty cells. So 2,000 resamples are
one draw of a (2000, cells) matrix and not 2,000 passes over the rows.

Sources: Efron, *Bootstrap methods* (1979); McNemar, *Note on the sampling error of the difference
between correlated proportions* (1947), in its exact binomial form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import binomtest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DRAWS", "Cells", "Interval", "mcnemar"]

Interval: TypeAlias = tuple[float, float]

DRAWS = 2_000
_BLOCK = 2**22  # numbers held at once


@dataclass(frozen=True)
class Cells:
    """The non-empty cells of a confusion matrix.

    *Shapes:* true, predicted, counts (C,) int64, C at most the number of test rows.
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    counts: NDArray[np.int64]
    classes: int

    @classmethod
    def count(cls, truth: Sequence[int], predicted: Sequence[int], classes: int) -> Self:
        """Count the cells of n test rows; ``classes`` is the number of classes in the data."""
        pairs = np.asarray(truth, np.int64) * classes + np.asarray(predicted, np.int64)
        cells, counts = np.unique(pairs, return_counts=True)
        return cls(cells // classes, cells % classes, counts.astype(np.int64), classes)

    def scores(self) -> tuple[float, float]:
        """Return accuracy and macro-F1.

        Macro-F1 is the plain mean of F1 over the classes of the data that occur in the test part or
        are predicted there: scikit-learn's ``f1_score(average="macro")``.
        """
        accuracy, macro = self._score(self.counts[None, :])
        return float(accuracy[0]), float(macro[0])

    def intervals(self, seed: int, draws: int = DRAWS) -> tuple[Interval, Interval]:
        """Return the 95 % intervals of accuracy and of macro-F1.

        A class that a resample leaves without rows and predictions has no F1 there and is left out
        of that resample's mean.
        """
        rng = np.random.default_rng(seed)
        rows = int(self.counts.sum())
        block = max(1, _BLOCK // max(len(self.counts), self.classes))
        blocks = [
            self._score(rng.multinomial(rows, self.counts / rows, size=min(block, draws - start)))
            for start in range(0, draws, block)
        ]
        return (_middle([accuracy for accuracy, _ in blocks]), _middle([macro for _, macro in blocks]))

    def _score(self, counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score B tables at once: counts (B, C) to accuracy (B,) and macro-F1 (B,)."""
        right = self.true == self.predicted
        hits = counts[:, right]  # (B, H)
        found = hits @ self._members(self.true[right])  # (B, K) true positives
        both = counts @ self._members(self.true) + counts @ self._members(self.predicted)  # (B, K)
        f1 = np.divide(2.0 * found, both, out=np.full(both.shape, np.nan), where=both > 0)
        return hits.sum(axis=1) / counts.sum(axis=1), np.nanmean(f1, axis=1)

    def _members(self, of: NDArray[np.int64]) -> csr_array:
        """Return which class each cell belongs to, (cells, K)."""
        ones = np.ones(len(of), np.int64)
        return csr_array((ones, (np.arange(len(of)), of)), shape=(len(of), self.classes))


def mcnemar(truth: Sequence[int], one: Sequence[int], other: Sequence[int]) -> float:
    """Return the two-sided p value that two classifiers err equally often on the same rows.

    Only rows that exactly one of them gets right count; under the null hypothesis each is a toss of
    a fair coin. Without such rows the p value is 1.
    """
    target = np.asarray(truth)
    right, also = np.asarray(one) == target, np.asarray(other) == target
    won, lost = int(np.sum(right & ~also)), int(np.sum(also & ~right))
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def _middle(parts: list[NDArray[Any]]) -> Interval:
    low, high = np.percentile(np.concatenate(parts), [2.5, 97.5])
    return float(low), float(high)
