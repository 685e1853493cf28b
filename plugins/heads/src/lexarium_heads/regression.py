"""Multinomial logistic regression by L-BFGS, the penalty chosen by cross-validation.

scikit-learn does the arithmetic; what it returns is folded into weights for the vectors as they are.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from lexarium.errors import DataError
from lexarium_heads.config import Choice, ClassifierConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats, Matrix, Run

__all__ = ["Solution", "solve"]

_log = logging.getLogger(__name__)
_MIN_FOLDS = 2
_EQUAL = 1e-12  # sums of the same accuracies in another order


@dataclass(frozen=True)
class Solution:
    """Weights such that ``x @ coef.T + intercept`` are the scores of the classes.

    *Shapes:* coef (R, dim) float32 and intercept (R,) float64; R is K, or 1 for two classes: the
    score of the second one over the first.
    """

    coef: Floats
    intercept: NDArray[np.float64]
    choice: Choice


def solve(matrix: Matrix, classes: NDArray[np.int64], config: ClassifierConfig, run: Run) -> Solution:
    """Fit ``classes`` (n,), numbers 0 to K - 1 that all occur, from ``matrix`` (n, dim).

    The result depends on ``run.seed`` (the folds) and not on ``run.threads``.

    :raises DataError: a component is so small or large that its weights do not fit float32.
    """
    scaler = StandardScaler(copy=False) if config.standardize and not issparse(matrix) else None
    # One thread: L-BFGS works on short vectors, where two BLAS threads took two to three times as long.
    with threadpool_limits(limits=1), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        rows = _widened(matrix)
        rows = scaler.fit_transform(rows) if scaler else rows
        choice = _choose(rows, classes, config, run)
        model = _regression(config, choice.C).fit(rows, classes)
        coef, intercept = _folded(model, scaler)
    if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
        raise DataError(
            "the weights do not fit float32: a component is too small or too large", "scale the vectors"
        )
    if model.n_iter_.max() >= config.max_iter:
        _log.warning("the fit stopped after max_iter=%d steps, before tol=%g", config.max_iter, config.tol)
    return Solution(coef, intercept, choice)


def _widened(matrix: Any) -> Any:  # noqa: ANN401  scipy has no types
    """Return the rows in float64: in float32 L-BFGS stops early where the penalty is weak.

    With 200 components, 77 classes and C=100 the probabilities were off by up to 0.1.
    """
    if not issparse(matrix):
        return matrix.astype(np.float64)
    return csr_array((matrix.data.astype(np.float64), matrix.indices, matrix.indptr), shape=matrix.shape)


def _choose(rows: Any, classes: NDArray[np.int64], config: ClassifierConfig, run: Run) -> Choice:  # noqa: ANN401
    """Choose C: the best mean accuracy over the folds, the strongest penalty among equals.

    Each fit starts from zero, as the final one does: a start from the solution for the previous C
    would stop at once within ``tol`` and score that solution instead.
    """
    if config.C is not None:
        return Choice(C=config.C)
    candidates = sorted(set(config.Cs))
    smallest = int(np.bincount(classes).min())
    folds = min(config.cv, smallest)
    if len(candidates) == 1:
        return Choice(C=candidates[0])
    if folds < _MIN_FOLDS:
        usual = min(candidates, key=lambda c: abs(log(c)))  # the nearest to scikit-learn's default, 1
        _log.warning("the smallest class has %d row, too few for cross-validation: C=%g", smallest, usual)
        return Choice(C=usual)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=run.seed % (1 << 32))  # all that it takes
    accuracy = dict.fromkeys(candidates, 0.0)
    done, total = 0, folds * len(candidates)
    for train, test in splitter.split(classes, classes):
        part, part_classes = rows[train], classes[train]
        for c in candidates:
            model = _regression(config, c).fit(part, part_classes)
            accuracy[c] += float(np.mean(model.predict(rows[test]) == classes[test])) / folds
            done += 1
            run.progress("choosing C", done, total)
    best = max(accuracy.values())
    chosen = next(c for c in candidates if accuracy[c] >= best - _EQUAL)
    return Choice(C=chosen, folds=folds, candidates=tuple(accuracy.items()))


def _regression(config: ClassifierConfig, c: float) -> LogisticRegression:
    weight, steps = config.class_weight, config.max_iter
    return LogisticRegression(C=c, class_weight=weight, max_iter=steps, tol=config.tol)


def _folded(model: LogisticRegression, scaler: StandardScaler | None) -> tuple[Floats, NDArray[np.float64]]:
    """Return weights for unscaled vectors: w / s and b - (w / s) . m for mean m and deviation s.

    The intercept is computed from the rounded weights, so that rounding costs precision in the
    distance from the mean only and not in the mean itself. It stays in float64: with means of 1,000
    and more, float32 would shift the scores by up to 7e-4.
    """
    if scaler is None:
        return model.coef_.astype(np.float32), model.intercept_.astype(np.float64)
    coef = (model.coef_ / scaler.scale_).astype(np.float32)
    return coef, model.intercept_ - coef.astype(np.float64) @ scaler.mean_
