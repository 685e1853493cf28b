"""Bag of words: one component per term, its value how often the term stands in the text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from lexarium.roles import Run
from lexarium_counts.config import CountConfig, read_config
from lexarium_counts.counter import restore_counter
from lexarium_counts.explain import top_terms
from lexarium_counts.statistics import Statistics
from lexarium_counts.train import EXAMPLE_CORPUS, learn_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from lexarium.roles import Space, State
    from lexarium_counts.counter import HashCounter, TermCounter

__all__ = ["BagOfWords"]


class BagOfWords:
    """Texts to term counts; equal to scikit-learn's ``CountVectorizer``, or its ``HashingVectorizer``."""

    def __init__(self, counter: TermCounter | HashCounter, statistics: Statistics | None = None) -> None:
        """Join a counter and what its corpus summed up to.

        No vector needs it; merging and updating do, unless columns are hash values.
        """
        self.counter = counter
        hashed = counter.config.n_features is not None
        self.statistics = None if statistics is None or hashed else statistics.without_entropy()
        self.space: Space = counter.space(normalized=False)

    @property
    def config(self) -> CountConfig:
        """The settings."""
        return self.counter.config

    def embed(self, inputs: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(inputs), dim); a term outside the vocabulary counts nowhere.

        :raises InputError: an input is not a string.
        """
        return self.counter.count(inputs)

    def feature_names(self) -> Sequence[str]:
        """Return the dim terms, in the order of the components; with ``n_features``, their numbers."""
        return self.counter.terms

    def top_terms(self, text: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the n most frequent terms of a text and their counts.

        :raises InputError: it is not a string.
        """
        return top_terms(self.counter, text, self.embed([text]), n)

    def state(self) -> State:
        """Return settings, vocabulary, and how often each term was met."""
        state = self.counter.state()
        if self.statistics is None:
            return state
        return replace(state, tensors={**state.tensors, **self.statistics.tensors()})

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the embedder from its state.

        :raises CheckpointError: a setting, the vocabulary or the statistics are damaged.
        """
        config = read_config(CountConfig, state)
        counter = restore_counter(config, state.tensors)
        hashed = config.n_features is not None
        return cls(counter, None if hashed else Statistics.read(state.tensors, len(counter)))

    @classmethod
    def tiny(cls) -> Self:
        """Return the bag of words of eight short sentences, four English and four Chinese."""
        learned = learn_terms(EXAMPLE_CORPUS, CountConfig(), Run())
        return cls(learned.counter, learned.statistics)
