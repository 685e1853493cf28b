"""Roles: small protocols that callers use and plugins provide. There is nothing to inherit.

Shapes: n inputs, dim components, T tokens. A ``Matrix`` is float32 of shape (n, dim): a numpy
array, or a scipy ``csr_array`` where ``space.sparse``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.checkpoint.manifest import Manifest
    from lexarium.words import WordVectors

__all__ = [
    "Corpus",
    "Coverage",
    "Embedder",
    "Explainable",
    "Floats",
    "Fuser",
    "HasWords",
    "Head",
    "Leaderboard",
    "Matrix",
    "Progress",
    "ReplacesWords",
    "Reports",
    "Run",
    "Space",
    "State",
    "Store",
    "StoredEmbedder",
    "StoredFuser",
    "StoredVersion",
    "TokenEmbedder",
    "TokenMatrix",
    "Training",
    "silent",
]

Floats: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = Floats | csr_array
Corpus: TypeAlias = Iterable[str]  # iterated more than once: a list, Texts or FileCorpus, not a generator


class Progress(Protocol):
    """Told how far long work has come; ``total`` is None where nobody knows."""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Report that ``done`` of ``total`` steps of ``what`` are done."""
        ...


def silent(what: str, done: int, total: int | None) -> None:
    """Report to nobody: the default in Python."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """How to work, apart from what to compute: never global state."""

    threads: int = 1
    seed: int = 0
    progress: Progress = silent


@dataclass(frozen=True, kw_only=True)
class Space:
    """What a caller may assume about the vectors.

    ``similarity`` is the comparison that the vectors are meant for (cosine, dot or euclidean);
    ``normalized`` says that every non-zero row has length 1.
    """

    dim: int
    modalities: tuple[str, ...] = ("text",)
    dtype: str = "float32"
    sparse: bool = False
    similarity: str = "cosine"
    normalized: bool = False


@dataclass(frozen=True, kw_only=True)
class State:
    """All that a model is, apart from its code: only core puts it on a disk and takes it from there.

    ``config`` is JSON; ``tensors`` go to safetensors; ``files`` are what the method needs besides
    (name to bytes).
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]]
    files: Mapping[str, bytes] = field(default_factory=dict)


@runtime_checkable
class Embedder(Protocol):
    """Inputs to vectors."""

    @property
    def space(self) -> Space:
        """What the vectors are."""
        ...

    def embed(self, inputs: Sequence[str]) -> Matrix:
        """Return one finite row per input, (n, dim); no row depends on its neighbours.

        :raises InputError: an input is not a string.
        """
        ...


@runtime_checkable
class StoredEmbedder(Embedder, Protocol):
    """An embedder that can be kept."""

    def state(self) -> State:
        """Return all that :meth:`restore` needs."""
        ...

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the embedder from its state.

        :raises CheckpointError: the state is damaged or of another method.
        """
        ...

    @classmethod
    def tiny(cls) -> Self:
        """Return a small working example: offline, under a second; for tests and docs."""
        ...


@dataclass(frozen=True)
class TokenMatrix:
    """One vector per token of several inputs, packed.

    *Shapes:* values (T, dim) float32; offsets (n + 1,) int64: input i has rows
    ``offsets[i]:offsets[i + 1]``; spans (T, 2) int64: where each token stands in its input, in
    characters.
    """

    values: Floats
    offsets: NDArray[np.int64]
    spans: NDArray[np.int64]


@runtime_checkable
class TokenEmbedder(Protocol):
    """Inputs to one vector per token."""

    def embed_tokens(self, inputs: Sequence[str]) -> TokenMatrix:
        """Return a vector for each token of each input."""
        ...


@runtime_checkable
class HasWords(Protocol):
    """Static methods: vectors of single words."""

    @property
    def words(self) -> WordVectors:
        """Look-up by word, neighbours, analogies."""
        ...


@runtime_checkable
class ReplacesWords(HasWords, Protocol):
    """Static methods whose texts can be embedded with other word vectors."""

    def with_words(self, words: WordVectors) -> StoredEmbedder:
        """Return the same embedder over other word vectors, for texts that are embedded from now on.

        :raises UnsupportedError: the embedder needs something of a word that ``words`` adds.
        """
        ...


@dataclass(frozen=True)
class Coverage:
    """How much of some texts a vocabulary knows."""

    tokens: int
    unknown: int
    examples: tuple[str, ...]


@runtime_checkable
class Reports(Protocol):
    """Embedders with a closed vocabulary."""

    def coverage(self, inputs: Sequence[str]) -> Coverage:
        """Count tokens and unknown tokens; name the most frequent unknown ones."""
        ...


@runtime_checkable
class Explainable(Protocol):
    """Embedders whose components have names."""

    def feature_names(self) -> Sequence[str]:
        """Return the name of each of the ``dim`` components."""
        ...


@runtime_checkable
class Head(Protocol):
    """What learns a task on top of vectors."""

    @classmethod
    def fit(cls, matrix: Matrix, targets: Sequence[str], config: Any, run: Run) -> Self:  # noqa: ANN401
        """Learn ``targets`` (n,) from ``matrix`` (n, dim).

        :raises DataError: there is nothing to learn, for instance one class only.
        """
        ...

    @property
    def labels(self) -> Sequence[str]:
        """The K classes, in the order of the columns of :meth:`predict_proba`."""
        ...

    @property
    def majority(self) -> str:
        """The most frequent class of the training data: the "before" of a frozen classifier."""
        ...

    def predict(self, matrix: Matrix) -> list[str]:
        """Return the predicted class of each row."""
        ...

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return the probability of each class, (n, K); rows sum to 1."""
        ...

    @staticmethod
    def metrics(targets: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
        """Score predictions; the keys are those of ``evaluate --json``."""
        ...

    def state(self) -> State:
        """Return all that :meth:`restore` needs."""
        ...

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the head from its state.

        :raises CheckpointError: the state is damaged or of another head.
        """
        ...


@runtime_checkable
class Fuser(Protocol):
    """One vector from the vectors of several parts (text, image, audio)."""

    def space(self, parts: Mapping[str, Space]) -> Space:
        """Return the space of the fused vectors, known before anything runs."""
        ...

    def fuse(self, parts: Mapping[str, Matrix]) -> Matrix:
        """Fuse one (n, dim_p) matrix per part into one (n, dim)."""
        ...


@runtime_checkable
class StoredFuser(Fuser, Protocol):
    """A fuser that can be kept."""

    def state(self) -> State:
        """Return all that :meth:`restore` needs."""
        ...

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the fuser from its state."""
        ...

    @classmethod
    def tiny(cls) -> Self:
        """Return a small working example."""
        ...


class Training(Protocol):
    """What training returns: the stored name (None: not stored) and the scores before and after."""

    @property
    def model(self) -> str | None:
        """The reference of the stored pipeline."""
        ...

    @property
    def before(self) -> Mapping[str, Any]:
        """Scores on the test part of what there was before; keys as :meth:`Head.metrics`."""
        ...

    @property
    def after(self) -> Mapping[str, Any]:
        """Scores on the test part of the trained pipeline."""
        ...


class Leaderboard(Protocol):
    """What comparing returns."""

    @property
    def rows(self) -> Sequence[Any]:
        """One row per candidate, cheapest first; the attributes are the keys of ``compare --json``."""
        ...

    @property
    def advice(self) -> str:
        """One sentence: which representation to take."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``compare --json``."""
        ...

    def to_html(self, path: Path) -> None:
        """Write one self-contained page: table and Pareto plot."""
        ...


@dataclass(frozen=True, kw_only=True)
class StoredVersion:
    """One version of one stored model: its manifest and where each listed file lies."""

    name: str
    version: str
    manifest: Manifest
    locate: Callable[[str], Path]


class Store(Protocol):
    """A place where models are kept, several versions to a name; built as ``Store(home)``."""

    def __init__(self, home: Path | None = None) -> None: ...

    @property
    def home(self) -> Path:
        """The folder that it keeps them in."""
        ...

    def names(self) -> list[str]:
        """Return the names of all stored models, sorted."""
        ...

    def versions(self, name: str) -> list[str]:
        """Return the versions of ``name``, oldest first; empty where there is none."""
        ...

    def find(self, name: str, version: str | None = None) -> StoredVersion:
        """Return a version, the newest where none is named.

        :raises ModelNotFoundError: there is no such name or version.
        """
        ...

    def resolve(self, reference: str) -> StoredVersion:
        """Return what a reference names: a stored version, or a model folder.

        :raises StoreError: the text is not a reference.
        :raises ModelNotFoundError: nothing of that name is stored.
        """
        ...

    def publish(self, name: str, write: Callable[[Path], object]) -> StoredVersion:
        """Store what ``write(folder)`` puts into a new folder as a version with a new number, or nothing.

        :raises StoreError: the name cannot be one, or the disk refuses.
        """
        ...

    def remove(self, name: str, version: str | None = None) -> list[str]:
        """Remove a version, or all of a name; return the versions removed."""
        ...
