"""Bag of words: one component per term, its value how often the term stands in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from lexarium.roles import Run
from lexarium.vocabulary import Vocabulary
from lexarium_counts.config import CountConfig, read_config
from lexarium_counts.counter import TermCounter
from lexarium_counts.train import EXAMPLE_CORPUS, learn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from lexarium.roles import Space, State

__all__ = ["BagOfWords"]


class BagOfWords:
    """Texts to term counts; equal to scikit-learn's ``CountVectorizer``."""

    def __init__(self, counter: TermCounter) -> None:
        self._counter = counter
        self.space: Space = counter.space(normalized=False)

    def embed(self, inputs: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(inputs), dim); a term outside the vocabulary counts nowhere.

        :raises InputError: an input is not a string.
        """
        return self._counter.count(inputs)

    def feature_names(self) -> Sequence[str]:
        """Return the dim terms, in the order of the components."""
        return self._counter.terms

    def state(self) -> State:
        """Return settings and vocabulary."""
        return self._counter.state()

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the embedder from its state.

        :raises CheckpointError: a setting or the vocabulary is damaged.
        """
        return cls(TermCounter(read_config(CountConfig, state), Vocabulary(state.tensors)))

    @classmethod
    def tiny(cls) -> Self:
        """Return the bag of words of eight short sentences, four English and four Chinese."""
        counter, _ = learn(EXAMPLE_CORPUS, CountConfig(), Run())
        return cls(counter)
