"""The parts of a fastText model: what it was trained with, words, labels and the two matrices.

The input matrix has a row for each word and one for each bucket, which stands for all n-grams that are hashed
to its number. A model keeps only the bucket rows that it has a use for: an absent one counts as a row of
zeros, or, where the model was pruned (as quantisation with a cutoff does), not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.vocabulary import Vocabulary

__all__ = [
    "EOS",
    "LABEL_PREFIX",
    "MOST_TOKENS",
    "FastTextParts",
    "Loss",
    "Parameters",
    "Quantised",
    "Task",
    "is_finite",
]

#: What fastText reads at the end of each line, and keeps among the words.
EOS = "</s>"
LABEL_PREFIX = "__label__"
#: All counts together are below it, since the Huffman tree adds them up in 64 bits.
MOST_TOKENS = 1 << 62

_BLOCK = 2**16  # rows looked at together

Loss: TypeAlias = Literal["hs", "ns", "softmax", "ova"]
Task: TypeAlias = Literal["cbow", "skipgram", "supervised"]


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What a model was trained with, under fastText's names; ``model`` is what it was trained for.

    ``dim`` components; character n-grams of ``minn`` to ``maxn`` code points (``maxn`` 0: none) and, where
    supervised, word n-grams of 2 to ``word_ngrams`` words, hashed to ``bucket`` numbers; ``t`` is the
    threshold of subsampling. A ``.bin`` holds neither ``lr``, ``min_count_label`` nor ``label_prefix``.
    """

    dim: int
    model: Task
    loss: Loss
    minn: int
    maxn: int
    bucket: int
    word_ngrams: int = 1
    ws: int = 5
    epoch: int = 5
    min_count: int = 1
    neg: int = 5
    lr_update_rate: int = 100
    t: float = 1e-4
    lr: float = 0.05
    min_count_label: int = 0
    label_prefix: str = LABEL_PREFIX


@dataclass(frozen=True, kw_only=True)
class Quantised:
    """A matrix as product quantiser codes (Jégou, Douze, Schmid, 2011), (m, dim).

    *Shapes:* codes (m, q) uint8, q = ceil(dim / dsub); centroids (256 dim,) float32: those of part 0,
    (256, dsub), then of part 1 ...; the last part has the components that are left. norm_codes (m,) uint8
    and norms (256,) float32: the length of each row, or None where the centroids hold it.
    """

    dim: int
    dsub: int
    codes: NDArray[np.uint8]
    centroids: Floats
    norm_codes: NDArray[np.uint8] | None = None
    norms: Floats | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self, which: slice | NDArray[np.int64]) -> Floats:
        """Return the rows that ``which`` picks, (k, dim)."""
        codes = self.codes[which]
        found = np.empty((len(codes), self.dim), np.float32)
        for part in range(codes.shape[1]):
            start = part * self.dsub
            stop = min(start + self.dsub, self.dim)
            table = self.centroids[256 * start : 256 * stop].reshape(256, stop - start)
            found[:, start:stop] = table[codes[:, part]]
        if self.norm_codes is not None and self.norms is not None:
            found *= self.norms[self.norm_codes[which]][:, None]
        return found


@dataclass(frozen=True, kw_only=True)
class FastTextParts:
    """A whole model.

    *Shapes:* counts (n,) int64, one per word; label_counts (K,) int64; ``labels`` as the corpus has them,
    with their prefix, most frequent first. ``tokens`` is the number of tokens of the corpus, labels included.
    ``input`` (n + k, dim) float32, rows of words and then of buckets, or :class:`Quantised`; ``buckets``
    (k,) int64, rising: the number of each bucket row, or None where all ``bucket`` rows are there;
    ``output`` (n, dim), and (K, dim) where supervised (row i of hierarchical softmax is inner node i of the
    tree). ``pruned``: an absent bucket does not count.
    """

    parameters: Parameters
    vocabulary: Vocabulary
    counts: NDArray[np.int64]
    tokens: int
    input: Floats | Quantised
    output: Floats | Quantised
    buckets: NDArray[np.int64] | None = None
    labels: tuple[str, ...] = ()
    label_counts: NDArray[np.int64] | None = None
    pruned: bool = False

    @property
    def supervised(self) -> bool:
        """Whether it predicts labels."""
        return self.parameters.model == "supervised"


def is_finite(matrix: Floats | Quantised) -> bool:
    """Tell whether every number of a matrix (n, dim) is finite; of a quantised one, of its tables."""
    if isinstance(matrix, Quantised):
        return is_finite(matrix.centroids) and (matrix.norms is None or is_finite(matrix.norms))
    blocks = (matrix[start : start + _BLOCK] for start in range(0, len(matrix), _BLOCK))
    return all(np.isfinite(block).all() for block in blocks)
