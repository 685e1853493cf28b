"""How often each term stands in a text: the n terms of a vocabulary, or n columns of hash values."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.utils import murmurhash3_32

from lexarium.config import to_mapping
from lexarium.errors import CheckpointError
from lexarium.inputs import check_texts
from lexarium.roles import Space, State
from lexarium.vocabulary import Vocabulary
from lexarium_counts.analysis import analyzer
from lexarium_counts.kernel import KernelCounter, KernelHasher, compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from numpy.typing import NDArray

    from lexarium_counts.config import CountConfig

    _Count: TypeAlias = Callable[[Sequence[str]], csr_array]

__all__ = ["Counter", "HashCounter", "TermCounter", "restore_counter"]


class Counter(Protocol):
    """Texts to counts, in n columns."""

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the n columns."""
        ...

    def __len__(self) -> int: ...

    def count(self, inputs: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(inputs), n), the columns of each row ascending."""
        ...

    def names(self, text: str, columns: NDArray[np.integer]) -> list[str]:
        """Return what stands for each of some columns in a text."""
        ...

    def space(self, *, normalized: bool) -> Space:
        """Return the space of vectors with one component per column."""
        ...

    def state(self) -> State:
        """Return all that makes this counter."""
        ...


class TermCounter:
    """Counts the n terms of a vocabulary; term i is column i."""

    def __init__(self, config: CountConfig, vocabulary: Vocabulary) -> None:
        """Join settings and terms, reading none of them: they are indexed when texts are first counted.

        :raises CheckpointError: the vocabulary is empty.
        """
        self.config = config
        self._vocabulary = vocabulary
        if not len(vocabulary):
            raise CheckpointError("vocabulary", "it holds no terms")

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The n terms, in the order of the columns.

        :raises CheckpointError: one is not UTF-8.
        """
        return tuple(self._vocabulary)

    @cached_property
    def _count(self) -> _Count:
        if compiled() is not None:
            try:
                return KernelCounter(self.config, self._vocabulary).count
            except ValueError as error:
                self._columns()  # says which term it is
                raise CheckpointError("vocabulary", str(error)) from error
        analyze, _ = analyzer(self.config)
        vectorizer = CountVectorizer(
            analyzer=analyze, vocabulary=self._columns(), binary=self.config.binary, dtype=np.float32
        )
        return lambda texts: csr_array(vectorizer.transform(texts))

    def _columns(self) -> dict[str, int]:
        columns = dict(zip(self.terms, range(len(self.terms)), strict=True))
        if len(columns) < len(self.terms):
            raise CheckpointError("vocabulary", f"{len(self.terms) - len(columns)} of its terms are repeats")
        return columns

    def __len__(self) -> int:
        return len(self._vocabulary)

    def count(self, inputs: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(inputs), n), the columns of each row ascending.

        :raises InputError: an input is not a string.
        :raises CheckpointError: the stored vocabulary is damaged, or has a term twice.
        :raises MissingExtraError: ``tokenizer="jieba"`` and jieba is not installed.
        """
        return self._count(check_texts(inputs))

    def names(self, text: str, columns: NDArray[np.integer]) -> list[str]:
        """Return the term of each of some columns, whatever the text."""
        del text
        return [self._vocabulary.word(int(column)) for column in columns]

    def space(self, *, normalized: bool) -> Space:
        """Return the space of vectors with one component per term."""
        return Space(dim=len(self), sparse=True, similarity="cosine", normalized=normalized)

    def packed(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the terms as UTF-8 and offsets."""
        tensors = self._vocabulary.tensors()
        return tensors["vocabulary.bytes"], tensors["vocabulary.offsets"]

    def state(self) -> State:
        """Return settings and vocabulary: all that makes this counter."""
        return State(config=to_mapping(self.config), tensors=self._vocabulary.tensors())


class HashCounter:
    """Counts terms in ``n_features`` columns, each term in the one that its hash value gives.

    Feature hashing (Weinberger et al., 2009) with MurmurHash3, as scikit-learn's ``HashingVectorizer``
    with ``norm=None`` has it. There is no vocabulary to hold, and nothing to learn.
    """

    def __init__(self, config: CountConfig) -> None:
        """Take the settings.

        :raises MissingExtraError: ``tokenizer="jieba"`` and jieba is not installed.
        """
        if config.n_features is None:
            message = "n_features is not set"
            raise ValueError(message)
        self.config = config
        self._size = config.n_features
        self._analyze, _ = analyzer(config)
        if compiled() is not None:
            self._count: _Count = KernelHasher(config, self._size).count
            return
        vectorizer = HashingVectorizer(
            analyzer=self._encodable,
            n_features=self._size,
            binary=config.binary,
            norm=None,
            alternate_sign=config.alternate_sign,
            dtype=np.float32,
        )
        self._count = lambda texts: csr_array(vectorizer.transform(texts))

    def _encodable(self, text: str) -> list[bytes]:
        """Return the terms as bytes: scikit-learn cannot encode lone surrogates."""
        return [term.encode("utf-8", "surrogatepass") for term in self._analyze(text)]

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the columns: their numbers, because any number of terms may share one."""
        return tuple(f"column {column}" for column in range(self._size))

    def __len__(self) -> int:
        return self._size

    def count(self, inputs: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(inputs), n_features), the columns of each row ascending.

        :raises InputError: an input is not a string.
        """
        return self._count(check_texts(inputs))

    def names(self, text: str, columns: NDArray[np.integer]) -> list[str]:
        """Return the terms of the text that share each of some columns, joined by " | "."""
        found: dict[int, dict[str, None]] = {}
        for term in self._analyze(text):
            raw = term.encode("utf-8", "surrogatepass")
            found.setdefault(abs(murmurhash3_32(raw, seed=0)) % self._size, {})[term] = None
        return [" | ".join(found[int(column)]) for column in columns]

    def space(self, *, normalized: bool) -> Space:
        """Return the space of vectors with one component per column."""
        return Space(dim=self._size, sparse=True, similarity="cosine", normalized=normalized)

    def state(self) -> State:
        """Return the settings: all that makes this counter."""
        return State(config=to_mapping(self.config), tensors={})


def restore_counter(config: CountConfig, tensors: Mapping[str, NDArray[Any]]) -> TermCounter | HashCounter:
    """Return the counter of a stored model.

    :raises CheckpointError: the vocabulary is missing, empty, damaged, or has a term twice.
    """
    return TermCounter(config, Vocabulary(tensors)) if config.n_features is None else HashCounter(config)
