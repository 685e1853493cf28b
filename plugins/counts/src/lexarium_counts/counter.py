"""A fixed vocabulary of n terms, and how often each stands in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

from lexarium.config import to_mapping
from lexarium.errors import CheckpointError
from lexarium.inputs import check_texts
from lexarium.roles import Space, State
from lexarium_counts.analysis import analyzer
from lexarium_counts.kernel import KernelCounter, covers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexarium.vocabulary import Vocabulary
    from lexarium_counts.config import CountConfig

__all__ = ["TermCounter"]


class TermCounter:
    """Counts the n terms of a vocabulary; term i is column i."""

    def __init__(self, config: CountConfig, vocabulary: Vocabulary) -> None:
        """Make ready to count, so that no call of :meth:`count` builds anything.

        :raises CheckpointError: the vocabulary is empty, damaged, or has a term twice.
        :raises MissingExtraError: ``tokenizer="jieba"`` and jieba is not installed.
        """
        self.config = config
        self.terms = tuple(vocabulary)
        self._vocabulary = vocabulary
        columns = dict(zip(self.terms, range(len(self.terms)), strict=True))
        if not columns:
            raise CheckpointError("vocabulary", "it holds no terms")
        if len(columns) < len(self.terms):
            raise CheckpointError("vocabulary", f"{len(self.terms) - len(columns)} of its terms are repeats")
        if covers(config):
            self._count: Callable[[Sequence[str]], csr_array] = KernelCounter(config, vocabulary).count
            return
        analyze, _ = analyzer(config)
        vectorizer = CountVectorizer(
            analyzer=analyze, vocabulary=columns, binary=config.binary, dtype=np.float32
        )
        self._count = lambda texts: csr_array(vectorizer.transform(texts))

    def __len__(self) -> int:
        return len(self.terms)

    def count(self, inputs: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(inputs), n), the columns of each row ascending.

        :raises InputError: an input is not a string.
        """
        return self._count(check_texts(inputs))

    def space(self, *, normalized: bool) -> Space:
        """Return the space of vectors with one component per term."""
        return Space(dim=len(self), sparse=True, similarity="cosine", normalized=normalized)

    def state(self) -> State:
        """Return settings and vocabulary: all that makes this counter."""
        return State(config=to_mapping(self.config), tensors=self._vocabulary.tensors())
