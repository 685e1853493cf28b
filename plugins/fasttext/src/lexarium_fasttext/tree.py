"""The Huffman tree of hierarchical softmax, as fastText builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["children", "leaf_probabilities"]


def children(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the two children of each inner node, (K - 1, 2), the lowest nodes first and the root last.

    *Shapes:* counts (K,), falling. Node i < K is leaf i, node K + j inner node j, whose row of the output
    matrix is j. Of equal counts an inner node is taken before a leaf, as the original program does.
    """
    total = len(counts)
    weights = [*map(int, counts), *([1 << 62] * (total - 1))]
    found = np.empty((total - 1, 2), np.int64)
    leaf, inner = total - 1, total
    for node in range(total, 2 * total - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[inner]:
                found[node - total, side] = leaf
                leaf -= 1
            else:
                found[node - total, side] = inner
                inner += 1
        weights[node] = sum(weights[child] for child in found[node - total])
    return found


def leaf_probabilities(right: NDArray[np.float64], tree: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability of each leaf, (n, K).

    *Shapes:* right (n, K - 1): the probability of the right child at each inner node; tree (K - 1, 2), of
    :func:`children`. From the root down, one product a node.
    """
    leaves = len(tree) + 1
    nodes = np.ones((2 * leaves - 1, len(right)))
    for index in range(leaves - 2, -1, -1):
        above, towards = nodes[leaves + index], right[:, index]
        left, other = tree[index]
        nodes[left] = above * (1 - towards)
        nodes[other] = above * towards
    return nodes[:leaves].T
