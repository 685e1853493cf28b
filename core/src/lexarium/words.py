"""What people do with word vectors once they are there: look up, find neighbours, solve analogies."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexarium.config import require
from lexarium.errors import CheckpointError, InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import ArrayLike, NDArray

    from lexarium.roles import Floats
    from lexarium.vocabulary import Vocabulary

    _Doubles: TypeAlias = NDArray[np.float64]

__all__ = ["WordVectors"]

_BLOCK = 1 << 20  # components looked at together: 4 MiB of float32
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EDITED = range(3, 41)  # lengths of words whose misspellings are tried
_SHOWN = 12


class WordVectors:
    """n words and their vectors, (n, dim) float32; opening reads neither the words nor the vectors."""

    def __init__(self, vocabulary: Vocabulary, vectors: Floats, where: str = "word vectors") -> None:
        """Join a vocabulary and an array, memory-mapped or not.

        :raises CheckpointError: the array is not (n, dim) float32.
        """
        rows = len(vocabulary)
        if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != rows:  # noqa: PLR2004  (n, dim)
            found = f"{vectors.dtype} {vectors.shape}"
            raise CheckpointError(where, f"the vectors are {found}, not float32 ({rows}, dim)")
        self.vocabulary = vocabulary
        self.vectors: Floats = np.asarray(vectors)  # a plain view: np.memmap costs time at each slice
        self._where = where

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocabulary)

    def __getitem__(self, word: str) -> Floats:
        """Return a copy of the vector of ``word``, (dim,).

        :raises NotFoundError: the word is not in the vocabulary.
        """
        return np.array(self.vectors[self._row(word)])

    def similar(self, query: str | ArrayLike, n: int = 10) -> list[tuple[str, float]]:
        """Return the ``n`` words closest to a word or a vector (dim,), by cosine, closest first.

        Every word is compared; the query word itself is left out. A zero vector has cosine 0 with
        everything. Words of one cosine come in the order of the vocabulary.

        :raises NotFoundError: the word is not in the vocabulary.
        :raises InputError: the vector is not (dim,) finite numbers.
        :raises ConfigError: ``n`` is below 1.
        """
        if isinstance(query, str):
            row = self._row(query)
            return self._nearest(self._unit(row), n, {row})
        return self._nearest(_normalized(self._vector(query)), n, ())

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the ``n`` best answers to "a is to b as c is to ...?", best first.

        3CosAdd of Mikolov, Yih, Zweig, "Linguistic regularities in continuous space word
        representations", 2013: the words closest to ``b - a + c`` (vectors of length 1), these
        three left out.

        :raises NotFoundError: a word is not in the vocabulary.
        :raises ConfigError: ``n`` is below 1.
        """
        rows = [self._row(word) for word in (a, b, c)]
        unit_a, unit_b, unit_c = (self._unit(row) for row in rows)
        return self._nearest(_normalized(unit_b - unit_a + unit_c), n, set(rows))

    def _nearest(self, unit: _Doubles, n: int, without: Collection[int]) -> list[tuple[str, float]]:
        require("n", n >= 1, f"{n} is below 1")
        scores = self._cosines(unit)
        scores[list(without)] = -np.inf
        count = min(n, len(scores) - len(without))
        if count < 1:
            return []
        least = np.partition(scores, -count)[-count]
        rows = np.flatnonzero(scores >= least)
        best = rows[np.argsort(-scores[rows], kind="stable")[:count]]
        return [(self.vocabulary.word(int(row)), float(scores[row])) for row in best]

    def _cosines(self, unit: _Doubles) -> _Doubles:
        products = np.empty(len(self), np.float32)
        direction = unit.astype(np.float32)
        with np.errstate(invalid="ignore", over="ignore"):  # answered below, by name
            for block in self._blocks():
                np.dot(self.vectors[block], direction, out=products[block])
            scores = products / self._norms
        if not np.isfinite(scores).all():
            raise CheckpointError(self._where, "the vectors hold numbers that are not finite")
        return np.clip(scores, -1.0, 1.0)

    @cached_property
    def _norms(self) -> _Doubles:
        norms = np.empty(len(self), np.float64)
        for block in self._blocks():
            norms[block] = np.sqrt(np.square(self.vectors[block], dtype=np.float64).sum(axis=1))
        norms[norms == 0] = 1  # so that a zero vector has cosine 0, not NaN
        return norms

    def _blocks(self) -> Iterator[slice]:
        rows = max(1, _BLOCK // max(1, self.vectors.shape[1]))
        return (slice(start, start + rows) for start in range(0, len(self), rows))

    def _row(self, word: str) -> int:
        row = self.vocabulary.find(word)
        if row < 0:
            near = self._near(word)
            some = near or self.vocabulary.sample(_SHOWN)
            remedy = "" if near else f"these are {len(some)} of {len(self)} words"
            raise NotFoundError("word", word, some, remedy)
        return row

    def _near(self, word: str) -> list[str]:
        """Return the word first in the vocabulary that is one edit or a change of case away, if any."""
        found = sorted(row for near in _edits(word) if (row := self.vocabulary.find(near)) >= 0)
        return [self.vocabulary.word(found[0])] if found else []

    def _unit(self, row: int) -> _Doubles:
        return _normalized(self.vectors[row].astype(np.float64))

    def _vector(self, query: ArrayLike) -> _Doubles:
        vector = np.asarray(query, np.float64)
        dim = self.vectors.shape[1]
        if vector.shape != (dim,) or not np.isfinite(vector).all():
            problem = f"a vector of shape {vector.shape}, not of {dim} finite numbers"
            raise InputError("query", problem, f"give a word or {dim} numbers")
        return vector


def _normalized(vector: _Doubles) -> _Doubles:
    length = np.sqrt(np.dot(vector, vector))
    return vector / length if length else vector


def _edits(word: str) -> Iterator[str]:
    """Yield ``word`` in other cases and, where it is neither short nor long, with one edit (Norvig, 2007)."""
    yield from (word.strip(), word.lower(), word.title(), word.upper())
    if len(word) not in _EDITED:
        return
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        yield head + tail[1:]
        yield head + tail[1:2] + tail[:1] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            yield head + letter + tail[1:]
