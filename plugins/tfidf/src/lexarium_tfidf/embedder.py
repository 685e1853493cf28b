"""TF-IDF: one component per term, its value the weighted and normalised count of the term."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexarium.errors import CheckpointError
from lexarium.roles import Run
from lexarium_counts.config import read_config
from lexarium_counts.counter import restore_counter
from lexarium_counts.explain import top_terms
from lexarium_counts.statistics import Statistics
from lexarium_counts.train import EXAMPLE_CORPUS, learn_terms
from lexarium_tfidf.config import TfidfConfig
from lexarium_tfidf.model import (
    entropy_weights,
    inverse_document_frequency,
    lucene_idf,
    saturate,
    weigh,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from lexarium.roles import Space, State
    from lexarium_counts.counter import HashCounter, TermCounter
    from lexarium_counts.train import Learned
    from lexarium_tfidf.config import Weighting

__all__ = ["Tfidf", "Weights"]

_FACTORS: dict[Weighting, str] = {"tfidf": "idf", "bm25": "idf", "log-entropy": "entropy"}
_LENGTH = "average_length"
_MOST = 1000.0  # ln(N) + 1 of a corpus of e**999 texts
# By its formula: tf-idf's factors begin at 1, BM25's above 0, entropy weights are shares.
_RANGES: dict[Weighting, tuple[float, float]] = {
    "tfidf": (1.0, _MOST),
    "bm25": (0.0, _MOST),
    "log-entropy": (0.0, 1.0),
}


@dataclass(frozen=True)
class Weights:
    """What weighting takes from the corpus: a factor for each of n terms (None: ones), texts' mean length."""

    factors: NDArray[np.floating] | None
    average: float | None = None

    @classmethod
    def of(cls, statistics: Statistics, config: TfidfConfig) -> Weights:
        """Reckon them from what the corpus says about the terms."""
        frequency, texts = statistics.document_frequency, statistics.texts
        if config.weighting == "log-entropy":
            return cls(entropy_weights(statistics))
        if config.weighting == "bm25":
            average = float(statistics.term_frequency.sum()) / texts
            return cls(lucene_idf(frequency, texts) if config.use_idf else None, average)
        smooth = config.smooth_idf
        return cls(inverse_document_frequency(frequency, texts, smooth=smooth) if config.use_idf else None)

    def tensors(self, config: TfidfConfig) -> dict[str, NDArray[Any]]:
        """Return them by the names that they are stored under."""
        factors = {} if self.factors is None else {_FACTORS[config.weighting]: self.factors}
        return factors if self.average is None else {**factors, _LENGTH: np.array([self.average])}

    @classmethod
    def read(cls, tensors: Mapping[str, NDArray[Any]], config: TfidfConfig, n: int) -> Weights:
        """Read the stored ones.

        :raises CheckpointError: one is missing, of another type or shape, or out of range.
        """
        factors = _factors(tensors, config, n) if config.use_idf else None
        if config.weighting != "bm25":
            return cls(factors)
        length = tensors.get(_LENGTH)
        if length is None or length.dtype != np.float64 or length.shape != (1,) or not 0 < length[0] < np.inf:
            raise CheckpointError(_LENGTH, "the tensor is missing, or is not one positive float64")
        return cls(factors, float(length[0]))


class Tfidf:
    """Texts to weighted term counts; equal to scikit-learn's ``TfidfVectorizer`` up to float32."""

    def __init__(
        self,
        config: TfidfConfig,
        counter: TermCounter | HashCounter,
        weights: Weights,
        statistics: Statistics | None = None,
    ) -> None:
        """Join a counter of n terms, what they weigh, and the sums over the corpus that say so.

        Vectors need no statistics; merging and updating do.
        """
        self.config = config
        self.counter = counter
        self.weights = weights
        needed = statistics is None or config.weighting == "log-entropy"
        self.statistics = statistics if needed or statistics is None else statistics.without_entropy()
        self.space: Space = counter.space(normalized=config.norm == "l2")

    @classmethod
    def of(cls, learned: Learned, config: TfidfConfig) -> Self:
        """Make the embedder of what was learned from a corpus."""
        return cls(config, learned.counter, Weights.of(learned.statistics, config), learned.statistics)

    def embed(self, inputs: Sequence[str]) -> csr_array:
        """Return the weights as float32 (len(inputs), dim); a term outside the vocabulary counts nowhere.

        :raises InputError: an input is not a string.
        """
        counts = self.counter.count(inputs)
        config, average = self.config, self.weights.average
        if average is not None:
            local = saturate(counts, k1=config.k1, b=config.b, average=average)
        elif config.weighting == "log-entropy":
            local = np.log1p(counts.data.astype(np.float64))
        else:
            local = counts.data.astype(np.float64)
            if config.sublinear_tf:
                local = np.log(local) + 1.0
        return weigh(counts, self.weights.factors, local, config.norm)

    def feature_names(self) -> Sequence[str]:
        """Return the dim terms, in the order of the components; with ``n_features``, their numbers."""
        return self.counter.terms

    def top_terms(self, text: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the n terms of a text that weigh most, and their weights.

        :raises InputError: it is not a string.
        """
        return top_terms(self.counter, text, self.embed([text]), n)

    def state(self) -> State:
        """Return settings, vocabulary, the weight of each term, and how often it was met."""
        state = self.counter.state()
        sums = {} if self.statistics is None else self.statistics.tensors()
        return replace(state, tensors={**state.tensors, **self.weights.tensors(self.config), **sums})

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the embedder from its state.

        :raises CheckpointError: a setting, the vocabulary, the weights or the statistics are damaged.
        """
        config = read_config(TfidfConfig, state)
        counter = restore_counter(config, state.tensors)
        entropy = config.weighting == "log-entropy"
        statistics = Statistics.read(state.tensors, len(counter), entropy=entropy)
        return cls(config, counter, Weights.read(state.tensors, config, len(counter)), statistics)

    @classmethod
    def tiny(cls) -> Self:
        """Return the TF-IDF of eight short sentences, four English and four Chinese."""
        config = TfidfConfig()
        return cls.of(learn_terms(EXAMPLE_CORPUS, config, Run()), config)


def _factors(tensors: Mapping[str, NDArray[Any]], config: TfidfConfig, n: int) -> NDArray[np.floating]:
    name = _FACTORS[config.weighting]
    least, most = _RANGES[config.weighting]
    factors = tensors.get(name)
    if factors is None:
        raise CheckpointError(name, f"the tensor is missing, though weighting={config.weighting} needs it")
    if factors.dtype not in (np.float32, np.float64) or factors.shape != (n,):
        found = f"{factors.dtype} of shape {factors.shape}"
        raise CheckpointError(name, f"the tensor is {found}, not float32 or float64 of shape ({n},)")
    # A NaN is in no range, and so no row overflows.
    wrong = np.flatnonzero(~((factors >= least) & (factors <= most)))
    if len(wrong):
        problem = f"{len(wrong)} weights are not in {least:g} to {most:g}, the first that of term {wrong[0]}"
        raise CheckpointError(name, f"{problem}: {factors[wrong[0]]}")
    return factors
