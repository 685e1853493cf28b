"""Which rows of the input matrix a word and a text have: their numbers, and the buckets that exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.vocabulary import Vocabulary
    from lexarium_fasttext.model import Parameters

__all__ = ["InputRows", "input_rows", "new_rows", "padded", "place_end", "strings", "unpadded"]

_MULTIPLE = 16  # floats: rows begin at multiples of 64 bytes
_BLOCK = 1 << 12  # rows that are moved at once


@dataclass(frozen=True)
class InputRows:
    """The input rows of v words, the first n of which have a row of their own.

    *Shapes:* starts (v + 1,) int64, word i having ``rows[starts[i]:starts[i + 1]]``, its own row first;
    buckets (k,) int64, rising: bucket ``buckets[j]`` has row n + j.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    buckets: NDArray[np.int64]
    words: int

    @property
    def count(self) -> int:
        """All rows, n + k."""
        return self.words + len(self.buckets)

    def by_bucket(self, bucket: int) -> NDArray[np.int32]:
        """Return the row of each of all buckets, (bucket,), -1 where there is none."""
        found = np.full(bucket, -1, np.int32)
        found[self.buckets] = np.arange(self.words, self.count, dtype=np.int32)
        return found


def input_rows(
    kernel: Any,  # noqa: ANN401  the compiled module
    vocabulary: Vocabulary,
    parameters: Parameters,
    words: int,
    extra: NDArray[np.int64] | None = None,
) -> InputRows:
    """Return the rows of all words of a vocabulary, of which the first ``words`` have one of their own.

    Only buckets that an n-gram of a word falls into get a row, and those in ``extra`` (any,).
    """
    total = len(vocabulary)
    ends, hashed = np.zeros(total + 1, np.int64), np.empty(0, np.int64)
    if parameters.maxn > 0:
        raw, offsets = strings(vocabulary)
        ends, found = kernel.ngrams(raw, offsets, parameters.minn, parameters.maxn, parameters.bucket)
        hashed = found.astype(np.int64)
    buckets = np.unique(hashed if extra is None else np.concatenate([hashed, extra]))
    own = np.minimum(np.arange(total + 1), words)
    starts = ends + own
    rows = np.empty(starts[-1], np.int32)
    is_own = np.zeros(len(rows), bool)
    is_own[starts[:words]] = True
    rows[is_own] = np.arange(words)
    rows[~is_own] = words + np.searchsorted(buckets, hashed)
    return InputRows(starts, rows, buckets, words)


def strings(vocabulary: Vocabulary) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the words of a vocabulary packed: bytes (b,) and offsets (n + 1,)."""
    tensors = vocabulary.tensors()
    return np.array(tensors["vocabulary.bytes"]), np.array(tensors["vocabulary.offsets"])


def new_rows(count: int, dim: int, rng: np.random.Generator, *, wide: bool = False) -> Floats:
    """Return rows drawn evenly from -1 / dim to 1 / dim, (count, dim): how input rows begin.

    ``wide`` gives them as :func:`padded` does.
    """
    rows = np.zeros((count, _width(dim) if wide else dim), np.float32)
    for start in range(0, count, _BLOCK):
        drawn = rng.random((min(_BLOCK, count - start), dim), np.float32)
        drawn -= np.float32(0.5)
        drawn *= np.float32(2 / dim)
        rows[start : start + _BLOCK, :dim] = drawn
    return rows


def padded(matrix: Floats) -> Floats:
    """Return a copy with zeros behind each row, as the kernel needs it: a multiple of 16 floats."""
    rows, dim = matrix.shape
    wide = np.zeros((rows, _width(dim)), np.float32)
    wide[:, :dim] = matrix
    return wide


def unpadded(wide: Floats, dim: int) -> Floats:
    """Return the rows without what stands behind them, (rows, dim), in the memory of ``wide``."""
    numbers = wide.reshape(-1)
    for start in range(0, len(wide), _BLOCK):
        block = wide[start : start + _BLOCK, :dim].copy()
        numbers[start * dim : start * dim + block.size] = block.reshape(-1)
    return numbers[: len(wide) * dim].reshape(-1, dim)


def _width(dim: int) -> int:
    return -(-dim // _MULTIPLE) * _MULTIPLE


def place_end(counts: NDArray[np.int64], texts: int) -> int:
    """Return where a word that occurs once in each text belongs among falling counts (n,)."""
    return int(np.searchsorted(-counts, -texts))
