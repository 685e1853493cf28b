"""TF-IDF: one component per term, its value the weighted and normalised count of the term."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexarium.errors import CheckpointError
from lexarium.roles import Run
from lexarium.vocabulary import Vocabulary
from lexarium_counts.config import read_config
from lexarium_counts.counter import TermCounter
from lexarium_counts.train import EXAMPLE_CORPUS, learn
from lexarium_tfidf.config import TfidfConfig
from lexarium_tfidf.model import inverse_document_frequency, weigh

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from lexarium.roles import Space, State

__all__ = ["Tfidf"]

_IDF = "idf"
_MOST = 1000.0  # ln(N) + 1 of a corpus of e**999 texts


class Tfidf:
    """Texts to weighted term counts; equal to scikit-learn's ``TfidfVectorizer`` up to float32."""

    def __init__(self, config: TfidfConfig, counter: TermCounter, idf: NDArray[np.floating] | None) -> None:
        """Join a counter of n terms and the (n,) weights of the terms, None without ``use_idf``."""
        self._config = config
        self._counter = counter
        self._idf = idf
        self.space: Space = counter.space(normalized=config.norm == "l2")

    def embed(self, inputs: Sequence[str]) -> csr_array:
        """Return the weights as float32 (len(inputs), dim); a term outside the vocabulary counts nowhere.

        :raises InputError: an input is not a string.
        """
        counts = self._counter.count(inputs)
        return weigh(counts, self._idf, sublinear=self._config.sublinear_tf, norm=self._config.norm)

    def feature_names(self) -> Sequence[str]:
        """Return the dim terms, in the order of the components."""
        return self._counter.terms

    def state(self) -> State:
        """Return settings, vocabulary and the weight of each term."""
        state = self._counter.state()
        return state if self._idf is None else replace(state, tensors={**state.tensors, _IDF: self._idf})

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the embedder from its state.

        :raises CheckpointError: a setting, the vocabulary or the weights are damaged.
        """
        config = read_config(TfidfConfig, state)
        counter = TermCounter(config, Vocabulary(state.tensors))
        return cls(config, counter, _idf(state.tensors, len(counter)) if config.use_idf else None)

    @classmethod
    def tiny(cls) -> Self:
        """Return the TF-IDF of eight short sentences, four English and four Chinese."""
        config = TfidfConfig()
        counter, counts = learn(EXAMPLE_CORPUS, config, Run())
        return cls(config, counter, inverse_document_frequency(counts, smooth=config.smooth_idf))


def _idf(tensors: Mapping[str, NDArray[Any]], terms: int) -> NDArray[np.floating]:
    idf = tensors.get(_IDF)
    if idf is None:
        raise CheckpointError(_IDF, "the tensor is missing, though use_idf is set")
    if idf.dtype not in (np.float32, np.float64) or idf.shape != (terms,):
        problem = (
            f"the tensor is {idf.dtype} of shape {idf.shape}, not float32 or float64 of shape ({terms},)"
        )
        raise CheckpointError(_IDF, problem)
    # By its formula no weight is below 1, a NaN is in no range, and so no row overflows or divides by zero.
    wrong = np.flatnonzero(~((idf >= 1.0) & (idf <= _MOST)))
    if len(wrong):
        problem = f"{len(wrong)} weights are not in 1 to {_MOST:g}, the first that of term {wrong[0]}"
        raise CheckpointError(_IDF, f"{problem}: {idf[wrong[0]]}")
    return idf
