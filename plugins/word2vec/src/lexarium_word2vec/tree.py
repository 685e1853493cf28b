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


def grow(tree: Links, counts: NDArray[np.int64], added: NDArray[np.int64]) -> tuple[Links, NDArray[np.int64]]:
    """Return a tree over the n old words and m new ones, and the old number of each of its inner nodes.

    A Huffman tree over the rarest old word (of several, one with the shortest path) and the new words stands
    where that word stood: however often a tree grows, the paths of all other words stay as they are.

    *Shapes:* tree (n, 2), counts (n,), added (m,); the result (n + m, 2) and (n + m - 1,), -1 for a new node.
    """
    n, m = len(counts), len(added)
    rarest = int(np.lexsort((_depths(tree)[0], counts))[0])
    below = huffman(np.concatenate([counts[[rarest]], added]).astype(np.int64))
    below[below >= 0] += 2 * (n - 1)
    leaves = np.concatenate([tree[:, 0], below[1:, 0]])
    inner = np.concatenate([tree[: n - 1, 1], below[:m, 1]])
    if m:
        leaves[rarest] = below[0, 0]
        inner[-1] = tree[rarest, 0]
    joined = np.full((n + m, 2), -1, np.int32)
    joined[:, 0], joined[: n + m - 1, 1] = leaves, inner
    return _numbered(joined, n - 1)


def _numbered(tree: Links, old: int) -> tuple[Links, NDArray[np.int64]]:
    """Return a tree in which parents follow their children, and which of ``old`` inner nodes each one was."""
    order = np.argsort(-_depths(tree)[1], kind="stable")
    number = np.empty(len(order) + 1, np.int64)  # of the node that a link leads to; the last: no link
    number[order] = np.arange(len(order))
    number[-1] = -1

    def renumbered(links: NDArray[np.int32]) -> NDArray[np.int64]:
        return np.where(links < 0, -1, 2 * number[links >> 1] + (links & 1))

    numbered = np.full_like(tree, -1)
    numbered[:, 0], numbered[: len(order), 1] = renumbered(tree[:, 0]), renumbered(tree[order, 1])
    return numbered, np.where(order < old, order, -1)


def _depths(tree: Links) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many inner nodes stand above each word (n,) and each inner node (n - 1,)."""
    parents = tree[: len(tree) - 1, 1] >> 1  # -1 >> 1 is -1: the root's
    root = np.flatnonzero(parents < 0)
    up = parents.astype(np.int64)
    up[root] = root
    depths = (parents >= 0).astype(np.int64)
    while (up != up[up]).any():  # each round looks twice as far
        depths += depths[up]
        up = up[up]
    return (depths[tree[:, 0] >> 1] + 1 if len(tree) > 1 else np.zeros(1, np.int64)), depths


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
