"""Roles: small protocols that callers use and plugins provide. There is nothing to inherit.

Shapes: n inputs, dim components, T tokens. A ``Matrix`` is float32 of shape (n, dim): a numpy
array, or a scipy ``csr_array`` where ``space.sparse``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lexarium.backend import check_threads
from lexarium.config import require, whole
from lexarium.files import EncodingErrors  # noqa: TC001  the types of Run are looked up when settings are read

if TYPE_CHECKING:
    from lexarium.words import WordVectors

__all__ = [
    "Adjustable",
    "Corpus",
    "Coverage",
    "Embedder",
    "Encoded",
    "Explainable",
    "Floats",
    "Fuser",
    "HasWords",
    "Head",
    "Matrix",
    "Progress",
    "ReplacesWords",
    "Reports",
    "Run",
    "Space",
    "State",
    "StoredEmbedder",
    "StoredFuser",
    "TokenEmbedder",
    "TokenMatrix",
    "TrainableEmbedder",
    "TrainingNetwork",
    "Truncates",
    "Truncation",
    "silent",
]

Floats: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = Floats | csr_array
Tensor: TypeAlias = Any  # torch's; core does without torch
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
    """How to work, apart from what to compute: never global state.

    ``threads`` is from 1 to 1024, ``seed`` from 0 to 2**63 - 1. ``encoding_errors``: what readers of foreign
    text do about bytes that are not UTF-8.

    :raises ConfigError: threads or seed is out of range.
    """

    threads: int = 1
    seed: int = 0
    progress: Progress = silent
    encoding_errors: EncodingErrors = "strict"

    def __post_init__(self) -> None:
        # Plain numbers, whatever kind of whole number was given: the lineage of a model is JSON.
        object.__setattr__(self, "threads", check_threads(self.threads))
        object.__setattr__(self, "seed", whole("seed", self.seed))
        require("seed", 0 <= self.seed < 2**63, f"{self.seed} is not from 0 to 2**63 - 1")


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
    (name to bytes), of the kinds that docs/format.md lists.
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


@dataclass(frozen=True)
class Truncation:
    """How many texts are cut, how many tokens that cuts off, and how many a text may have (``limit``)."""

    inputs: int
    tokens: int
    limit: int


@runtime_checkable
class Truncates(Protocol):
    """Embedders that see so many tokens of a text and no more."""

    def truncation(self, inputs: Sequence[str]) -> Truncation:
        """Count the texts that are cut, and the tokens that are cut off."""
        ...


@runtime_checkable
class Adjustable(Protocol):
    """Embedders with settings that may change later: how a model is used, not what it has learned."""

    def with_settings(self, settings: Mapping[str, Any]) -> StoredEmbedder:
        """Return the same model under other settings; those that are not named stay.

        :raises ConfigError: a setting is unknown, out of range, or cannot change any more.
        """
        ...


@dataclass(frozen=True)
class Encoded:
    """What a network makes of a batch: torch tensors, which carry gradients.

    *Shapes:* tokens (B, T, H), a state per token; mask (B, T) bool, False at padding; pooled (B, H).
    """

    tokens: Tensor
    mask: Tensor
    pooled: Tensor


class TrainingNetwork(Protocol):
    """A torch module over texts; it has torch's ``parameters()``, ``train()`` and the like as well."""

    def collate(self, inputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Return the batch that :meth:`forward` takes, by name."""
        ...

    def forward(self, batch: Mapping[str, Tensor]) -> Encoded:
        """Return token states and pooled vectors."""
        ...

    def layers(self) -> Sequence[Any]:
        """Return the modules from input to output: for freezing, and learning rates by depth."""
        ...


@runtime_checkable
class TrainableEmbedder(StoredEmbedder, Protocol):
    """An embedder whose weights a task can change."""

    def network(self) -> TrainingNetwork:
        """Return a network with a copy of the weights; the embedder stays as it is."""
        ...

    def with_network(self, network: Any) -> Self:  # noqa: ANN401  one that network() gave
        """Return the same embedder with the weights of a trained network of it."""
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
