"""Nearest mean: small enough to check by hand, with a file beside its tensors."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import CheckpointError, DataError
from lexarium.roles import State


@dataclass(frozen=True, kw_only=True)
class NearestConfig:
    sharpness: float = 1.0


class Nearest:
    def __init__(self, config, labels, means):
        self.config = config
        self.labels = labels
        self.majority = labels[0]
        self.means = means

    @classmethod
    def fit(cls, matrix, targets, config, run):
        del run  # nothing here is random or slow
        labels = sorted(set(targets))
        if len(labels) < 2:
            raise DataError("one class only", "give two")
        rows = dense(matrix)
        means = [rows[[target == label for target in targets]].mean(axis=0) for label in labels]
        return cls(config, labels, np.array(means, np.float32))

    def predict_proba(self, matrix):
        distances = np.square(dense(matrix)[:, None, :] - self.means[None]).sum(axis=2)
        nearest = distances.min(axis=1, keepdims=True, initial=1e30)
        odds = np.exp(-self.config.sharpness * (distances - nearest))
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, matrix):
        return [self.labels[i] for i in self.predict_proba(matrix).argmax(axis=1)]

    @staticmethod
    def metrics(targets, predicted):
        right = sum(a == b for a, b in zip(targets, predicted, strict=True))
        return {"accuracy": right / len(targets)}

    def state(self):
        files = {"labels.json": json.dumps(self.labels).encode()}
        return State(config=to_mapping(self.config), tensors={"means": self.means}, files=files)

    @classmethod
    def restore(cls, state):
        if "labels.json" not in state.files or "means" not in state.tensors:
            raise CheckpointError("nearest", "there are no labels or no means")
        labels = json.loads(state.files["labels.json"])
        return cls(from_mapping(NearestConfig, state.config), labels, state.tensors["means"])


def dense(matrix):
    return matrix.toarray() if issparse(matrix) else matrix
