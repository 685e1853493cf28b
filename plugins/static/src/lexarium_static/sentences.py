"""A corpus as gensim takes it, which the references of word2vec and fasttext train with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Sentences"]

_LONGEST = 10_000  # words of a text beyond it gensim does not see


class Sentences:
    """Texts as lists of words, none longer than gensim takes; iterated once for each epoch.

    *Shapes:* ids (t,), offsets (s + 1,) as :class:`~lexarium_static.encoding.Encoded` has them; words (n,),
    what stands for each number. A longer text is cut into several lists, and one without a word gives none.
    """

    def __init__(self, ids: NDArray[np.int32], offsets: NDArray[np.int64], words: Sequence[str]) -> None:
        self._ids = ids
        self._words = words
        pieces = -(-np.diff(offsets) // _LONGEST)
        starts = np.repeat(offsets[:-1], pieces)
        within = np.arange(len(starts)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        self._starts = starts + within * _LONGEST
        self._ends = np.minimum(self._starts + _LONGEST, np.repeat(offsets[1:], pieces))

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[list[str]]:
        words, ids = self._words, self._ids
        for start, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True):
            yield [words[i] for i in ids[start:end].tolist()]
