"""Scores of a classifier, computed by scikit-learn, as plain Python numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["score"]


def score(targets: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
    """Compare ``predicted`` (n,) with ``targets`` (n,).

    Returns ``accuracy``, ``macro_f1``, ``micro_f1``, ``weighted_f1``, ``labels`` (each label of
    either side, sorted: ``precision``, ``recall``, ``f1``, ``support``) and ``confusion`` (K, K):
    rows are the true labels, columns the predicted ones, both in the order of ``labels``. A ratio
    whose denominator is 0 counts as 0.

    :raises DataError: there are no rows, or the two differ in length.
    """
    from sklearn.metrics import precision_recall_fscore_support  # noqa: PLC0415  predict does not need it

    if not len(targets) == len(predicted) > 0:
        problem = f"{len(targets)} targets and {len(predicted)} predictions cannot be compared"
        raise DataError(problem, "give one prediction for each of one or more targets")
    labels = sorted({*targets, *predicted})
    # Numbers, not text: a numpy text array would drop NUL characters at the end of a label.
    number = {label: i for i, label in enumerate(labels)}
    true, guessed = (np.array([number[name] for name in side]) for side in (targets, predicted))
    options = {"labels": range(len(labels)), "zero_division": 0}
    macro, micro, weighted = (
        float(precision_recall_fscore_support(true, guessed, average=average, **options)[2])
        for average in ("macro", "micro", "weighted")
    )
    # scikit-learn's confusion_matrix warns where there is one label only.
    pairs = np.bincount(true * len(labels) + guessed, minlength=len(labels) ** 2)
    columns = precision_recall_fscore_support(true, guessed, average=None, **options)
    return {
        "accuracy": float(np.mean(true == guessed)),
        "macro_f1": macro,
        "micro_f1": micro,
        "weighted_f1": weighted,
        "labels": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for label, p, r, f, s in zip(labels, *columns, strict=True)
        },
        "confusion": pairs.reshape(len(labels), len(labels)).tolist(),
    }
