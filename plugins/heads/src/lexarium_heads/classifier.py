"""The head ``classifier``: logistic regression on vectors that stay as they are."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import issparse

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import CheckpointError, ConfigError, DataError
from lexarium.roles import State
from lexarium.strict_json import parse_object
from lexarium_heads.config import Choice, ClassifierConfig
from lexarium_heads.metrics import score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats, Matrix, Run

__all__ = ["Classifier"]

_LABELS, _CHOICE = "labels.json", "choice.json"
_MIN_CLASSES = 2
_ROWS = 4096


class Classifier:
    """Scores of K classes that are linear in the vector; softmax makes them probabilities.

    *Shapes:* coef (R, dim) float32, intercept (R,) float64; R is K, or 1 for two classes: the score
    of the second over the first. ``counts`` has the training rows of each class, ``choice`` says
    which C was used and why.
    """

    def __init__(
        self,
        *,
        config: ClassifierConfig,
        counts: Mapping[str, int],
        coef: Floats,
        intercept: NDArray[np.float64],
        choice: Choice,
    ) -> None:
        self.config = config
        self.counts = dict(sorted(counts.items()))
        self.labels = tuple(self.counts)
        self.coef = coef
        self.intercept = intercept
        self.choice = choice

    @classmethod
    def fit(cls, matrix: Matrix, targets: Sequence[str], config: ClassifierConfig, run: Run) -> Self:
        """Learn ``targets`` (n,) from ``matrix`` (n, dim), dense or sparse; sparse stays sparse.

        :raises DataError: no rows, one class only, another number of targets than rows, a value
            that is not finite.
        """
        from lexarium_heads.regression import solve  # noqa: PLC0415  scikit-learn, which predict does not need

        counts = _checked(matrix, targets)
        number = {label: i for i, label in enumerate(counts)}
        classes = np.array([number[target] for target in targets], np.int64)
        found = solve(matrix, classes, config, run)
        return cls(
            config=config, counts=counts, coef=found.coef, intercept=found.intercept, choice=found.choice
        )

    @property
    def majority(self) -> str:
        """The most frequent class of the training data, the first by name among equals."""
        return max(self.labels, key=self.counts.__getitem__)

    def predict(self, matrix: Matrix) -> list[str]:
        """Return the most probable class of each row.

        :raises DataError: the vectors have another dimension than those of the training.
        """
        return [self.labels[i] for i in self.predict_proba(matrix).argmax(axis=1)]

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return the probability of each class, (n, K), in the order of ``labels``.

        :raises DataError: the vectors have another dimension than those of the training.
        """
        scores = self._scores(matrix)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    @staticmethod
    def metrics(targets: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
        """Score predictions: see :func:`lexarium_heads.metrics.score`."""
        return score(targets, predicted)

    def state(self) -> State:
        """Return settings, weights, class counts and the choice of C."""
        return State(
            config=to_mapping(self.config),
            tensors={"coef": self.coef, "intercept": self.intercept},
            files={_LABELS: _json(self.counts), _CHOICE: _json(to_mapping(self.choice))},
        )

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the classifier from its state.

        :raises CheckpointError: a part is missing, damaged or does not belong to the others.
        """
        try:
            config = from_mapping(ClassifierConfig, state.config)
            choice = from_mapping(Choice, _object(state, _CHOICE))
        except (ConfigError, TypeError) as error:  # TypeError: a setting without default is missing
            raise CheckpointError("classifier", f"its settings are not understood: {error}") from error
        counts = _object(state, _LABELS)
        whole = all(type(count) is int and count > 0 for count in counts.values())
        if len(counts) < _MIN_CLASSES or not whole or list(counts) != sorted(counts):
            raise CheckpointError(
                _LABELS, "it does not name two or more classes in order, each with its rows"
            )
        rows = 1 if len(counts) == _MIN_CLASSES else len(counts)
        coef, intercept = _tensor(state, "coef", "float32", 2), _tensor(state, "intercept", "float64", 1)
        if not len(coef) == len(intercept) == rows:
            problem = f"{len(coef)} rows of weights and {len(intercept)} intercepts for {len(counts)} classes"
            raise CheckpointError("classifier", problem)
        return cls(config=config, counts=counts, coef=coef, intercept=intercept, choice=choice)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """The weights as (dim, R), in the layout that a sparse product reads without a copy."""
        return np.ascontiguousarray(self.coef.T, np.float64)

    def _scores(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return the score of each class, (n, K)."""
        count, dim = matrix.shape
        if dim != len(self._weights):
            problem = f"the vectors have {dim} components, the classifier was trained on {len(self._weights)}"
            raise DataError(problem, "use the embedder that it was trained with")
        if issparse(matrix):
            scores = np.asarray(matrix @ self._weights)
        else:  # in parts, since the product needs the rows in float64
            scores = np.empty((count, len(self.coef)))
            for start in range(0, count, _ROWS):
                scores[start : start + _ROWS] = matrix[start : start + _ROWS] @ self._weights
        scores += self.intercept
        return scores if len(self.labels) != _MIN_CLASSES else np.hstack([np.zeros_like(scores), scores])


def _checked(matrix: Matrix, targets: Sequence[str]) -> dict[str, int]:
    """Check training data; return the rows of each class, by name."""
    rows, dim = matrix.shape
    if rows != len(targets):
        raise DataError(f"{rows} vectors and {len(targets)} targets", "give one target per vector")
    if not rows:
        raise DataError("there are no rows to learn from", "give at least two classes with a row each")
    if not dim:
        raise DataError("the vectors have no components", "use an embedder with a vocabulary")
    counts = dict(sorted(Counter(targets).items()))
    if len(counts) < _MIN_CLASSES:
        raise DataError(f"every row has the label {next(iter(counts))!r}", "give at least two labels")
    values = matrix.data if issparse(matrix) else matrix
    if not np.isfinite(values).all():
        raise DataError("a vector has a value that is not finite", "look at the embedder that made it")
    return counts


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode()  # ASCII, so that a lone surrogate in a label survives


def _object(state: State, name: str) -> dict[str, Any]:
    if name not in state.files:
        raise CheckpointError(name, "the file is missing")
    return parse_object(state.files[name], name)


def _tensor(state: State, name: str, dtype: str, ndim: int) -> NDArray[Any]:
    tensor = state.tensors.get(name)
    if tensor is None or tensor.dtype != dtype or tensor.ndim != ndim or not tensor.size:
        raise CheckpointError(name, f"the tensor is missing or is not a {dtype} of {ndim} dimensions")
    if not np.isfinite(tensor).all():
        raise CheckpointError(name, "the tensor has a value that is not finite")
    return tensor
