"""The tree of hierarchical softmax: words as leaves, frequent ones near the root.

A tree over n words is (n, 2) int32: row i holds the link of word i to its parent, and that of inner node i
to its own. A link is ``2 * parent + bit``; -1 is none. Parents have higher numbers than their children, and
inner node n - 2 is the root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Links: TypeAlias = NDArray[np.int32]

__all__ = ["grow", "huffman", "paths"]


def huffman(counts: NDArray[np.int64]) -> Links:
    """Return the tree over n counts in which the mean path, weighted by them, is shortest (Huffman, 1952).

    Two queues instead of a heap (van Leeuwen, 1976): inner nodes come into being by rising weight.
    """
    n = len(counts)
    links = np.full((n, 2), -1, np.int32)
    leaves = np.argsort(counts, kind="stable").tolist()
    light = counts[leaves].tolist()
    weights: list[int] = []
    leaf = inner = 0
    parents, nodes = [-1] * n, [-1] * n
    for node in range(n - 1):
        weight = 0
        for bit in (0, 1):
            if leaf < n and (inner == node or light[leaf] <= weights[inner]):
                parents[leaves[leaf]] = 2 * node + bit
                weight += light[leaf]
                leaf += 1
            else:
                nodes[inner] = 2 * node + bit
                weight += weights[inner]
                inner += 1
        weights.append(weight)
    links[:, 0], links[:, 1] = parents, nodes
    return links


def grow(tree: Links, counts: NDArray[np.int64], added: NDArray[np.int64]) -> Links:
    """Return a tree over the n old words and m new ones, in which old inner nodes keep number and meaning.

    The old tree becomes one leaf, of the weight of all its words, of a Huffman tree over the new words.

    *Shapes:* tree (n, 2), counts (n,), added (m,); the result (n + m, 2).
    """
    n, m = len(counts), len(added)
    above = huffman(np.concatenate([[counts.sum()], added]).astype(np.int64))
    above[above >= 0] += 2 * (n - 1)
    grown = np.full((n + m, 2), -1, np.int32)
    grown[:n] = tree
    grown[n:, 0] = above[1:, 0]
    grown[n - 1 : n - 1 + m, 1] = above[:m, 1]
    if n == 1:
        grown[0, 0] = above[0, 0]
    elif m:
        grown[n - 2, 1] = above[0, 0]
    return grown


def paths(tree: Links) -> list[tuple[list[int], list[int]]]:
    """Return for each word the inner nodes from the root down and the bit taken at each."""
    parents, nodes = tree[:, 0].tolist(), tree[:, 1].tolist()
    found = []
    for start in parents:
        points, codes, link = [], [], start
        while link >= 0:
            points.append(link >> 1)
            codes.append(link & 1)
            link = nodes[link >> 1]
        found.append((points[::-1], codes[::-1]))
    return found
