"""Look-up by word, whether the vocabulary has it or not."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import CheckpointError
from lexarium.words import WordVectors
from lexarium_fasttext.subwords import Subwords, engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium.roles import Floats
    from lexarium.vocabulary import Vocabulary
    from lexarium_fasttext.subwords import Engine

__all__ = ["SubwordVectors"]


class SubwordVectors(WordVectors):
    """Word vectors that also give one to a word outside the vocabulary: the mean of its n-grams' rows.

    ``len``, ``in`` and iteration are the vocabulary's. Neighbours and analogies are words of the vocabulary.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        vectors: Floats,
        subwords: Subwords | None = None,
        where: str = "word vectors",
    ) -> None:
        """Join the parts, reading none of them; without ``subwords`` it knows whole words alone.

        :raises CheckpointError: the arrays do not belong together.
        """
        super().__init__(vocabulary, vectors, where)
        self.subwords = subwords or Subwords.none(vectors)
        if len(self.subwords.sizes) != len(vocabulary) or self.subwords.parameters.dim != vectors.shape[1]:
            problem = "the vectors of words and those of their parts do not belong together"
            raise CheckpointError(where, problem)

    def __getitem__(self, word: str) -> Floats:
        """Return the vector of a word, (dim,), from its n-grams where the vocabulary lacks it.

        :raises NotFoundError: it is not in the vocabulary, and the model has none of its n-grams.
        """
        if isinstance(word, str) and word not in self.vocabulary:
            found = self.unknown([word])[0]
            if found.any():
                return np.array(found)
        return super().__getitem__(word)

    def unknown(self, words: Sequence[str], threads: int = 1) -> Floats:
        """Return what the n-grams of each word make of it, known or not, (m, dim); zeros: it has none."""
        return self.engine.from_grams(words, threads)

    @cached_property
    def engine(self) -> Engine:
        """What looks words and texts up."""
        return engine(self.vocabulary, self.vectors, self.subwords, self._where)
