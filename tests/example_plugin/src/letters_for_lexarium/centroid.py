"""Nearest centroid: a class is the mean of its rows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import CheckpointError, DataError
from lexarium.roles import Floats, Matrix, Run, State
from lexarium_heads.metrics import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class CentroidConfig:
    """Settings of ``centroid``."""

    sharpness: float = 1.0


class Centroid:
    """The head: a softmax over minus the squared distances to the class means."""

    def __init__(self, config: CentroidConfig, labels: list[str], majority: str, means: Floats) -> None:
        self.config = config
        self.labels = labels
        self.majority = majority
        self.means = means

    @classmethod
    def fit(cls, matrix: Matrix, targets: Sequence[str], config: CentroidConfig, run: Run) -> Self:
        """Average the rows of each class."""
        del run
        labels = sorted(set(targets))
        if len(labels) < 2 or matrix.shape[0] != len(targets):
            raise DataError(
                "one class only, or rows without target", "give a target per row, two classes or more"
            )
        rows = np.asarray([labels]) == np.asarray([targets]).T
        means = (matrix.T @ rows / rows.sum(axis=0)).T.astype(np.float32)
        return cls(config, labels, Counter(sorted(targets)).most_common(1)[0][0], means)

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return (n, K)."""
        scores = self.config.sharpness * (2 * (matrix @ self.means.T) - (self.means**2).sum(axis=1))
        odds = np.exp(np.asarray(scores, np.float64) - np.max(scores, axis=1, keepdims=True, initial=-1e30))
        probabilities: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, matrix: Matrix) -> list[str]:
        """Return the nearest class of each row."""
        return [self.labels[i] for i in self.predict_proba(matrix).argmax(axis=1)]

    @staticmethod
    def metrics(targets: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
        """Score as the house does."""
        return score(targets, predicted)

    def state(self) -> State:
        """Return the settings, the class names and the means."""
        names = json.dumps({"labels": self.labels, "majority": self.majority})
        return State(
            config=to_mapping(self.config),
            tensors={"means": self.means},
            files={"labels.json": names.encode()},
        )

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the head from its state."""
        try:
            names = json.loads(state.files["labels.json"])
            means = state.tensors["means"]
            return cls(from_mapping(CentroidConfig, state.config), names["labels"], names["majority"], means)
        except (KeyError, ValueError) as error:
            raise CheckpointError("centroid", "the means or the labels are missing") from error
