"""From the words of an evaluation file to rows of a model: which words count, and what case means.

``case="auto"``: a word as it stands, else its lower-case form where the model is lower-cased (no word of
it has a capital A to Z). ``case="ignore"``: the first word of the vocabulary whose upper-case form is the
same, which is gensim's ``case_insensitive``, its default. ``restrict``: only the first words of the
vocabulary are known; published vectors list words by falling frequency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexarium.words import WordVectors

__all__ = ["Lookup", "lower_cased"]

_BYTES = "vocabulary.bytes"
_CHUNK = 1 << 24


class Lookup:
    """The rows of a file's words among the first ``limit`` of a model; rows of one word under ``case``."""

    def __init__(self, model: WordVectors, words: Sequence[str], *, case: str, restrict: int | None) -> None:
        self.limit = len(model) if restrict is None else min(restrict, len(model))
        self._alike: dict[int, tuple[int, ...]] = {}
        if case == "ignore":
            self.rows = self._folded(model, words)
        else:
            self.rows = self._exact(model, words)

    def alike(self, row: int) -> tuple[int, ...]:
        """Return the rows that are the same word as ``row``, itself included."""
        return self._alike.get(row, (row,))

    def _exact(self, model: WordVectors, words: Sequence[str]) -> NDArray[np.int64]:
        rows = self._known(model, words)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown) and lower_cased(model):
            rows[unknown] = self._known(model, [words[place].lower() for place in unknown.tolist()])
        return rows

    def _known(self, model: WordVectors, words: Sequence[str]) -> NDArray[np.int64]:
        rows = np.array([model.vocabulary.find(word) for word in words], np.int64)
        rows[rows >= self.limit] = -1
        return rows

    def _folded(self, model: WordVectors, words: Sequence[str]) -> NDArray[np.int64]:
        upper = [word.upper() for word in words]
        found: dict[str, list[int]] = {word: [] for word in upper}
        for row in range(self.limit):
            same = found.get(model.vocabulary.word(row).upper())
            if same is not None:
                same.append(row)
        self._alike = {rows[0]: tuple(rows) for rows in found.values() if len(rows) > 1}
        return np.array([next(iter(found[word]), -1) for word in upper], np.int64)


def lower_cased(model: WordVectors) -> bool:
    """Return whether no word of the model has a capital A to Z."""
    data = model.vocabulary.tensors()[_BYTES]
    for start in range(0, len(data), _CHUNK):
        part = data[start : start + _CHUNK]
        if ((part >= ord("A")) & (part <= ord("Z"))).any():
            return False
    return True
