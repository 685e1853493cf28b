"""What a corpus says about n terms: enough to weigh them, to merge models and to go on counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

__all__ = ["Statistics"]

_TEXTS = "statistics.texts"
_DOCUMENT_FREQUENCY = "statistics.document_frequency"
_TERM_FREQUENCY = "statistics.term_frequency"
_ENTROPY = "statistics.entropy"


@dataclass(frozen=True)
class Statistics:
    """Sums over the texts of a corpus, of which two corpora's are added to have those of both.

    ``texts``               how many texts there are
    ``document_frequency``  (n,) int64, how many of them have the term
    ``term_frequency``      (n,) int64, how often it stands in all of them
    ``entropy``             (n,) float64, the sum over the texts of count x ln(count); None: not kept

    Stored, they take 16 bytes a term, 24 with the entropy.
    """

    texts: int
    document_frequency: NDArray[np.int64]
    term_frequency: NDArray[np.int64]
    entropy: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, counts: csr_array) -> Statistics:
        """Add up the counts (texts, n) of a corpus."""
        n = counts.shape[1]
        data = counts.data.astype(np.float64)
        sums = np.bincount(counts.indices, weights=data * np.log(data), minlength=n)
        entropy = sums.astype(np.float64)  # without entries it would be of integers
        total = np.bincount(counts.indices, weights=data, minlength=n).astype(np.int64)
        present = np.bincount(counts.indices, minlength=n).astype(np.int64)
        return cls(counts.shape[0], present, total, entropy)

    def kept(self, columns: NDArray[np.intp]) -> Statistics:
        """Return those of some of the terms."""
        entropy = None if self.entropy is None else self.entropy[columns]
        return Statistics(self.texts, self.document_frequency[columns], self.term_frequency[columns], entropy)

    def without_entropy(self) -> Statistics:
        """Return the rest: what a weighting other than log-entropy has no use for is not stored."""
        return Statistics(self.texts, self.document_frequency, self.term_frequency)

    def spread(self, places: NDArray[np.int64], n: int) -> Statistics:
        """Return those of n terms, of which term ``places[i]`` is term i here and the others have nothing."""
        document, term = np.zeros(n, np.int64), np.zeros(n, np.int64)
        document[places], term[places] = self.document_frequency, self.term_frequency
        if self.entropy is None:
            return Statistics(self.texts, document, term)
        entropy = np.zeros(n)
        entropy[places] = self.entropy
        return Statistics(self.texts, document, term, entropy)

    def __add__(self, other: Statistics) -> Statistics:
        """Return those of both corpora, of the same n terms."""
        entropy = None
        if self.entropy is not None and other.entropy is not None:
            entropy = self.entropy + other.entropy
        document = self.document_frequency + other.document_frequency
        term = self.term_frequency + other.term_frequency
        return Statistics(self.texts + other.texts, document, term, entropy)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return them by the names that they are stored under."""
        stored: dict[str, NDArray[Any]] = {
            _TEXTS: np.array([self.texts], np.int64),
            _DOCUMENT_FREQUENCY: self.document_frequency,
            _TERM_FREQUENCY: self.term_frequency,
        }
        return stored if self.entropy is None else {**stored, _ENTROPY: self.entropy}

    @classmethod
    def read(cls, tensors: Mapping[str, NDArray[Any]], n: int, *, entropy: bool = False) -> Statistics | None:
        """Read the stored ones of n terms; None where a model has none, as those of version 0.1 have.

        :raises CheckpointError: some are missing, of another type or shape, or out of range.
        """
        if not any(name.startswith("statistics.") for name in tensors):
            return None
        texts = _tensor(tensors, _TEXTS, np.int64, 1)
        document = _tensor(tensors, _DOCUMENT_FREQUENCY, np.int64, n)
        term = _tensor(tensors, _TERM_FREQUENCY, np.int64, n)
        total = int(texts[0])
        for name, wrong in (
            (_TEXTS, total < 1),
            (_DOCUMENT_FREQUENCY, ((document < 0) | (document > total)).any()),
            (_TERM_FREQUENCY, (term < document).any()),
        ):
            if wrong:
                raise CheckpointError(name, "the numbers are impossible")
        if not entropy:
            return cls(total, document, term)
        sums = _tensor(tensors, _ENTROPY, np.float64, n)
        if not ((sums >= 0) & np.isfinite(sums)).all():
            raise CheckpointError(_ENTROPY, "the numbers are impossible")
        return cls(total, document, term, sums)


def _tensor(tensors: Mapping[str, NDArray[Any]], name: str, dtype: type, n: int) -> NDArray[Any]:
    tensor = tensors.get(name)
    if tensor is None or tensor.dtype != dtype or tensor.shape != (n,):
        found = "missing" if tensor is None else f"{tensor.dtype} of shape {tensor.shape}"
        raise CheckpointError(name, f"the tensor is {found}, not {np.dtype(dtype)} of shape ({n},)")
    return tensor
