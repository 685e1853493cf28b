"""What an objective of pretraining is: a tokenizer, a network, and what is asked of it for each block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from lexarium_transformer.pretraining.config import PretrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tokenizers import Tokenizer
    from torch import Tensor

    from lexarium_transformer.pretraining.encoded import Sample
    from lexarium_transformer.pretraining.sizes import Plan, Size

__all__ = ["IGNORED", "STORED_DROPOUT", "Collator", "Objective", "generator"]

_C_contra = TypeVar("_C_contra", bound=PretrainingConfig, contravariant=True)
IGNORED = -100  # the label of a place where nothing is to be told; torch's cross-entropy leaves it out
STORED_DROPOUT = 0.1  # what config.json says, for fine-tuning; pretraining has a setting of its own


class Collator(Protocol):
    """Blocks to a batch; what is drawn depends on the seed and a block's number in the run alone."""

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Return the batch that the network takes, its ``labels`` among it."""
        ...


class Objective(Protocol[_C_contra]):
    """Masked words, the next word, or missing spans."""

    @property
    def sizes(self) -> Mapping[str, Size]:
        """The presets."""
        ...

    @property
    def relative(self) -> bool:
        """Whether a tensor's updates are shares of its size: Adafactor in place of AdamW."""
        ...

    @property
    def dropouts(self) -> tuple[str, ...]:
        """The keys of config.json that hold a dropout."""
        ...

    def tokenizer(self, texts: Callable[[], Iterator[str]], plan: Plan[_C_contra]) -> Tokenizer:
        """Learn the tokenizer.

        :raises ConfigError: the vocabulary is too small for the corpus.
        """
        ...

    def files(self, tokenizer: Tokenizer, plan: Plan[_C_contra]) -> dict[str, bytes]:
        """Return the tokenizer's files."""
        ...

    def window(self, plan: Plan[_C_contra]) -> int:
        """Return how many ids of the corpus one block takes.

        :raises ConfigError: ``max_length`` leaves no place for any, or is too long.
        """
        ...

    def collator(self, tokenizer: Tokenizer, plan: Plan[_C_contra]) -> Collator:
        """Return what makes batches of blocks."""
        ...

    def network(self, tokenizer: Tokenizer, plan: Plan[_C_contra]) -> Any:  # noqa: ANN401  transformers' class
        """Return transformers' own network with random weights."""
        ...


def generator(seed: int, number: int) -> np.random.Generator:
    """Return the source of randomness of one block."""
    return np.random.default_rng([seed, number])
