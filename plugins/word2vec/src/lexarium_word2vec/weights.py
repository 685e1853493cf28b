"""What training works on: the arrays of a model, new ones and those of a model that learns on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexarium.errors import CheckpointError
from lexarium_static.training import check_kept
from lexarium_word2vec.tree import grow, huffman

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium_word2vec.config import Word2VecConfig
    from lexarium_word2vec.embedder import Word2Vec

__all__ = ["Weights"]

_MOST_WORDS = 1 << 62  # so that no sum of counts overflows


@dataclass(frozen=True)
class Weights:
    """The arrays over n words of dim components, trained in place.

    *Shapes:* counts (n,); vectors (n, dim); context (n, dim) for negative sampling; nodes (n, dim) and
    tree (n, 2) for hierarchical softmax.
    """

    counts: NDArray[np.int64]
    vectors: Floats
    context: Floats | None
    nodes: Floats | None
    tree: NDArray[np.int32] | None

    @classmethod
    def new(cls, counts: NDArray[np.int64], config: Word2VecConfig, seed: int) -> Self:
        """Return vectors drawn from -1 / dim to 1 / dim, as gensim does, and outputs of zero."""
        shape = len(counts), config.vector_size
        return cls(
            counts,
            _drawn(shape, seed),
            np.zeros(shape, np.float32) if config.negative else None,
            np.zeros(shape, np.float32) if config.hs else None,
            huffman(counts) if config.hs else None,
        )

    @classmethod
    def grown(cls, model: Word2Vec, counts: NDArray[np.int64], seed: int) -> Self:
        """Return copies of a model's arrays with rows for new words behind them.

        *Shape:* counts (n + m,): how often each old and each new word occurs in the new text.

        :raises UnsupportedError: the model does not hold what training goes on from.
        :raises CheckpointError: its tensors do not belong together.
        """
        tensors, old = model.tensors, model.words.vectors
        check_kept(model, "output vectors")
        n, dim = old.shape
        added = len(counts) - n
        for name in ("context", "nodes"):
            if name in tensors and tensors[name].shape != (n, dim):
                raise CheckpointError(
                    "word2vec", f"the tensor 'training.{name}' is not of shape ({n}, {dim})"
                )
        for name, array in {"vectors": old, **tensors}.items():
            if array.dtype == np.float32 and not np.isfinite(array).all():
                problem = f"the tensor {name!r} has a number that is NaN or infinite"
                raise CheckpointError("word2vec", problem, "train it anew")
        tree = _tree(tensors, n)
        before = np.array(tensors["counts"])
        if (before < 1).any() or before.sum(dtype=np.float64) >= _MOST_WORDS:
            problem = "the tensor 'training.counts' has a count below 1, or counts 2 ** 62 words"
            raise CheckpointError("word2vec", problem)
        nodes = _lengthened(tensors.get("nodes"), added)
        if tree is not None and nodes is not None:
            tree, were = grow(tree, before, counts[n:])
            nodes[:-1] = np.where((were >= 0)[:, None], nodes[were], np.float32(0))
        return cls(
            np.append(before, np.zeros(added, np.int64)) + counts,
            np.concatenate([old, _drawn((added, dim), seed)]),
            _lengthened(tensors.get("context"), added),
            nodes,
            tree,
        )

    def kept(self) -> dict[str, NDArray[Any]]:
        """Return the tensors that training goes on from."""
        named = {"counts": self.counts, "context": self.context, "nodes": self.nodes, "tree": self.tree}
        return {name: array for name, array in named.items() if array is not None}


def _drawn(shape: tuple[int, int], seed: int) -> Floats:
    """Return rows to begin with, components evenly from -1 / dim to 1 / dim, as gensim's.

    word2vec.c's go half as far, from which CBOW learns a little less.
    """
    drawn = np.random.default_rng(seed % (1 << 64)).random(shape, np.float32)
    drawn -= np.float32(0.5)
    drawn /= np.float32(shape[1]) / 2
    return drawn


def _lengthened(rows: NDArray[Any] | None, added: int) -> Floats | None:
    if rows is None:
        return None
    return np.concatenate([rows, np.zeros((added, rows.shape[1]), np.float32)])


def _tree(tensors: Any, n: int) -> NDArray[np.int32] | None:  # noqa: ANN401
    tree = tensors.get("tree")
    if tree is None:
        return None
    tree = np.array(tree)
    numbers = np.arange(n)
    inner = numbers < n - 2
    sound = tree.shape == (n, 2) and (n == 1 or ((tree[:, 0] >= 0) & (tree[:, 0] >> 1 <= n - 2)).all())
    if (
        not sound
        or (tree[inner, 1] >> 1 <= numbers[inner]).any()
        or (tree[inner, 1] >> 1 > n - 2).any()
        or (tree[~inner, 1] >= 0).any()
    ):
        raise CheckpointError("word2vec", "the tensor 'training.tree' is no tree over the words")
    return tree
