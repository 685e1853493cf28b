"""Learning an output layer on vectors that stay as they are, as fastText does: a text at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, issparse

from lexarium.errors import DataError
from lexarium_fasttext.divergence import DivergedError
from lexarium_fasttext.model import is_finite
from lexarium_fasttext.tree import children

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats, Matrix, Run
    from lexarium_fasttext.head import HeadConfig

__all__ = ["descend"]

_TOLD = 1000  # texts between two reports
_TOGETHER = 16  # texts whose gradients are taken at the same weights


def descend(
    matrix: Matrix, classes: NDArray[np.int64], counts: NDArray[np.int64], config: HeadConfig, run: Run
) -> Floats:
    """Return the output layer, (K, dim).

    *Shapes:* matrix (n, dim); classes (n,), numbers of labels; counts (K,). The texts come in an order drawn
    anew for each pass, 16 of them at a time, each with the full step.

    :raises DataError: a vector has a value that is not finite, or the training diverged.
    """
    values = matrix.data if issparse(matrix) else matrix
    if not np.isfinite(values).all():
        raise DataError("a vector has a value that is not finite", "look at the embedder that made it")
    labels = len(counts)
    ways = _ways(counts) if config.loss == "hs" else None
    rows: Any = csr_array(matrix) if issparse(matrix) else np.asarray(matrix, np.float64)
    output = np.zeros((labels, matrix.shape[1]))
    random = np.random.default_rng(run.seed)
    steps, done = config.epoch * len(classes), 0
    for _ in range(config.epoch):
        order = random.permutation(len(classes))
        for start in range(0, len(order), _TOGETHER):
            chosen = order[start : start + _TOGETHER]
            part, targets = rows[chosen], classes[chosen]
            scores = np.asarray(part @ output.T)
            if config.loss == "softmax":
                scores = np.exp(scores - scores.max(axis=1, keepdims=True))
                scores /= scores.sum(axis=1, keepdims=True)
            else:
                scores = 1 / (1 + np.exp(-scores.clip(-30, 30)))
            errors = -scores
            if ways is None:
                errors[np.arange(len(targets)), targets] += 1
            else:
                ways_here = ways[targets].toarray()
                errors = (errors + (ways_here > 0)) * (ways_here != 0)
            rate = config.lr * (1 - done / steps)
            output += rate * np.asarray((part.T @ errors).T)
            if done // _TOLD != (done + len(chosen)) // _TOLD:
                run.progress("training", done, steps)
            done += len(chosen)
    run.progress("training", steps, steps)
    if not is_finite(found := output.astype(np.float32)):
        raise DivergedError("lr", config.lr)
    return found


def _ways(counts: NDArray[np.int64]) -> csr_array:
    """Return the way to each label, (K, K): 1 where an inner node should say 1, -1 where it should say 0."""
    labels = len(counts)
    parent = {
        int(child): (node, side)
        for node, pair in enumerate(children(counts))
        for side, child in enumerate(pair)
    }
    ends, nodes, sides = [0], [], []
    for label in range(labels):
        at = label
        while at in parent:
            node, side = parent[at]
            nodes.append(node)
            sides.append(2 * side - 1)
            at = labels + node
        ends.append(len(nodes))
    return csr_array((np.array(sides, np.int8), nodes, ends), shape=(labels, labels))
