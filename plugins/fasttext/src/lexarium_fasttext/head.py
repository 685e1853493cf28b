"""The head ``fasttext``: the output layer of a classifier, over vectors of texts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from lexarium.config import from_mapping, require, to_mapping
from lexarium.errors import CheckpointError, ConfigError, DataError
from lexarium.roles import State
from lexarium.strict_json import parse_object
from lexarium_fasttext.model import LABEL_PREFIX, MOST_TOKENS, Quantised, is_finite
from lexarium_fasttext.scoring import TextScores
from lexarium_fasttext.tree import children, leaf_probabilities
from lexarium_heads.metrics import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Embedder, Floats, Matrix, Run

__all__ = ["FastTextHead", "HeadConfig"]

_LABELS = "labels.json"
_MOST = 8.0  # beyond it, fastText takes a sigmoid for 0 or 1
_STEPS = 512  # of fastText's table of the sigmoid, from -8 to 8


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """How the output layer learns on vectors that stay as they are: fastText's own settings.

    ``loss`` softmax; hs, hierarchical softmax; ova, one logistic regression for each label; ns, the same as
    trained by negative sampling, here on all labels. ``lr`` falls linearly to 0 over ``epoch`` passes.
    """

    loss: Literal["softmax", "hs", "ova", "ns"] = "softmax"
    lr: float = 0.1
    epoch: int = 5

    def __post_init__(self) -> None:
        require("lr", isfinite(self.lr) and self.lr > 0, f"{self.lr} is not a number above 0")
        require("epoch", self.epoch >= 1, f"{self.epoch} is below 1")


class FastTextHead:
    """Scores of K labels, linear in the vector, no intercepts; the loss says what makes them probabilities.

    *Shapes:* output (K, dim) float32, or quantised: one row per label, of hierarchical softmax one per inner
    node of the tree and one unused. ``counts`` has the training texts of each label, falling. ``prefix`` is
    what fastText writes before each label; here labels are without it.
    """

    def __init__(
        self,
        *,
        config: HeadConfig,
        labels: Sequence[str],
        counts: NDArray[np.int64],
        output: Floats | Quantised,
        prefix: str = LABEL_PREFIX,
    ) -> None:
        self.config = config
        self.labels = tuple(labels)
        self.counts = counts
        self.output = output
        self.prefix = prefix
        self._scorer: tuple[Embedder, TextScores | None] | None = None

    @classmethod
    def fit(cls, matrix: Matrix, targets: Sequence[str], config: HeadConfig, run: Run) -> Self:
        """Learn ``targets`` (n,) from ``matrix`` (n, dim) by stochastic gradient descent.

        :raises DataError: no rows, one class only, another number of targets than rows, a value that is not
            finite.
        """
        from lexarium_fasttext.descent import descend  # noqa: PLC0415  predict does not need it

        if matrix.shape[0] != len(targets):
            problem = f"{matrix.shape[0]} vectors and {len(targets)} targets"
            raise DataError(problem, "give one target per vector")
        found = sorted(Counter(targets).items(), key=lambda item: (-item[1], item[0]))
        if len(found) < 2:  # noqa: PLR2004  what there is to tell apart
            raise DataError(f"there are {len(found)} different labels", "give at least two")
        labels = [label for label, _ in found]
        counts = np.array([count for _, count in found], np.int64)
        number = {label: i for i, label in enumerate(labels)}
        classes = np.array([number[target] for target in targets], np.int64)
        output = descend(matrix, classes, counts, config, run)
        return cls(config=config, labels=labels, counts=counts, output=output)

    @property
    def majority(self) -> str:
        """The most frequent label of the training data."""
        return self.labels[0]

    def predict(self, matrix: Matrix) -> list[str]:
        """Return the most probable label of each row; of equal ones, the most frequent in training.

        :raises DataError: the vectors have another dimension than those of the training.
        """
        return [self.labels[i] for i in self.predict_proba(matrix).argmax(axis=1)]

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return the probability of each label, (n, K).

        Rows sum to 1; not those of ``ova`` and ``ns``, where each label is a question of its own: there they
        are what fastText reads from its table of the sigmoid, of 512 steps.

        :raises DataError: the vectors have another dimension than those of the training.
        """
        dim = matrix.shape[1]
        if dim != len(self._weights):
            problem = f"the vectors have {dim} components, the classifier was trained on {len(self._weights)}"
            raise DataError(problem, "use the embedder that it was trained with")
        return self._probabilities(np.asarray(matrix @ self._weights, np.float64))

    def text_probabilities(self, embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float64] | None:
        """Return what :meth:`predict_proba` makes of the vectors of texts, without these, (n, K).

        None where the model gives no way to do so: see :class:`TextScores`.

        :raises CheckpointError: the model is damaged.
        """
        if self._scorer is None or self._scorer[0] is not embedder:
            self._scorer = embedder, TextScores.of(embedder, self._weights)
        scores = self._scorer[1]
        return None if scores is None else self._probabilities(scores(texts))

    def _probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities that scores (n, K) stand for; changes these."""
        if self.config.loss == "softmax":
            scores -= scores.max(axis=1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=1, keepdims=True)
            return scores
        if self.config.loss == "hs":
            with np.errstate(over="ignore"):  # exp(-score) of a score far below 0 is infinite, its inverse 0
                return leaf_probabilities(1 / (1 + np.exp(-scores[:, : len(self.labels) - 1])), self._tree)
        return _table_sigmoid(scores)

    @staticmethod
    def metrics(targets: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
        """Score predictions: see :func:`lexarium_heads.metrics.score`."""
        return score(targets, predicted)

    def state(self) -> State:
        """Return the output layer, the labels and how often they occurred."""
        tensors: dict[str, NDArray[Any]] = {"counts": self.counts}
        document: dict[str, Any] = {"labels": list(self.labels), "prefix": self.prefix}
        document |= {"dsub": 0, "normed": False}
        output = self.output
        if isinstance(output, Quantised):
            tensors |= {"codes": output.codes, "centroids": output.centroids}
            document |= {"dsub": output.dsub, "normed": output.norms is not None}
            if output.norm_codes is not None and output.norms is not None:
                tensors |= {"norm_codes": output.norm_codes, "norms": output.norms}
        else:
            tensors["output"] = output
        # ASCII, so that a lone surrogate in a label survives
        files = {_LABELS: json.dumps(document, indent=2).encode()}
        return State(config=to_mapping(self.config), tensors=tensors, files=files)

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the head from its state.

        :raises CheckpointError: a part is missing, damaged or does not belong to the others.
        """
        try:
            config = from_mapping(HeadConfig, state.config)
            document = parse_object(state.files[_LABELS], _LABELS)
            labels, prefix = document["labels"], document["prefix"]
            dsub, normed = int(document["dsub"]), bool(document["normed"])
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError("fasttext", f"{_LABELS} or the settings are damaged: {error}") from error
        texts = isinstance(labels, list) and all(isinstance(label, str) for label in [*labels, prefix])
        if not texts or not labels or len(set(labels)) != len(labels):
            raise CheckpointError(_LABELS, "it does not name labels, each once")
        counts = _tensor(state, "counts", np.int64, 1)
        output = _quantised(state, dsub, normed=normed) if dsub else _tensor(state, "output", np.float32, 2)
        falling = counts.min() >= 0 and not (np.diff(counts) > 0).any()
        small = counts.sum(dtype=np.float64) < MOST_TOKENS
        if not len(counts) == len(output) == len(labels) or not falling or not small:
            problem = "the labels, their counts and the output layer do not belong together"
            raise CheckpointError("fasttext", problem)
        if not is_finite(output):
            raise CheckpointError("output", "the output layer has a number that is not finite")
        return cls(config=config, labels=labels, counts=counts, output=output, prefix=prefix)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """The output layer as (dim, K), in the layout that a sparse product reads without a copy."""
        rows = self.output.rows(slice(None)) if isinstance(self.output, Quantised) else self.output
        return np.ascontiguousarray(rows.T, np.float64)

    @cached_property
    def _tree(self) -> NDArray[np.int64]:
        return children(self.counts)


def _table_sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return fastText's sigmoid: by steps of 1 / 32, and 0 or 1 beyond -8 and 8."""
    # In float32, as the program computes the step.
    raised = scores.astype(np.float32) + np.float32(_MOST)
    steps = (raised * np.float32(_STEPS) / np.float32(_MOST) / 2).clip(0, _STEPS)
    found = 1 / (1 + np.exp(_MOST - np.floor(steps).astype(np.float64) * (2 * _MOST / _STEPS)))
    found[scores < -_MOST] = 0
    found[scores > _MOST] = 1
    return np.asarray(found)


def _quantised(state: State, dsub: int, *, normed: bool) -> Quantised:
    codes, centroids = _tensor(state, "codes", np.uint8, 2), _tensor(state, "centroids", np.float32, 1)
    dim = len(centroids) // 256
    norm_codes = _tensor(state, "norm_codes", np.uint8, 1) if normed else None
    norms = _tensor(state, "norms", np.float32, 1) if normed else None
    sound = dsub >= 1 and dim >= 1 and len(centroids) == 256 * dim and codes.shape[1] == -(-dim // dsub)
    if norm_codes is not None and norms is not None:
        sound = sound and len(norms) == 256 and len(norm_codes) == len(codes)  # noqa: PLR2004  codes of a byte
    if not sound:
        raise CheckpointError("fasttext", "the parts of the quantised output layer do not belong together")
    return Quantised(dim=dim, dsub=dsub, codes=codes, centroids=centroids, norm_codes=norm_codes, norms=norms)


def _tensor(state: State, name: str, dtype: type[np.generic], dimensions: int) -> NDArray[Any]:
    tensor = state.tensors.get(name)
    if tensor is None or tensor.dtype != dtype or tensor.ndim != dimensions or not tensor.size:
        problem = f"the tensor is missing or is not {dtype.__name__} of {dimensions} dimensions"
        raise CheckpointError(name, problem)
    return tensor
