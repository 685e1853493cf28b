"""Letter frequencies: the share of each letter in a text, letters hashed into ``buckets``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from zlib import crc32

import numpy as np

from lexarium.config import from_mapping, require, to_mapping
from lexarium.errors import CheckpointError
from lexarium.inputs import check_texts
from lexarium.roles import Corpus, Floats, Run, Space, State

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class LettersConfig:
    """Settings of ``letters``."""

    buckets: int = 64

    def __post_init__(self) -> None:
        require("buckets", self.buckets > 0, f"{self.buckets} is not a positive number")


class Letters:
    """The embedder: shares times a weight per bucket, rare letters weighing more."""

    def __init__(self, config: LettersConfig, weights: Floats) -> None:
        self.config = config
        self.weights = weights

    @property
    def space(self) -> Space:
        """One component per bucket."""
        return Space(dim=self.config.buckets)

    def embed(self, inputs: Sequence[str]) -> Floats:
        """Return (n, buckets)."""
        rows = np.zeros((len(check_texts(inputs)), self.config.buckets), np.float32)
        for row, text in zip(rows, inputs, strict=True):
            np.add.at(row, _buckets(text, self.config.buckets), 1 / max(1, len(text)))
        return rows * self.weights

    def state(self) -> State:
        """Return the settings and the weights."""
        return State(config=to_mapping(self.config), tensors={"weights": self.weights})

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the embedder from its state."""
        config = from_mapping(LettersConfig, state.config)
        weights = state.tensors.get("weights")
        if weights is None or weights.shape != (config.buckets,):
            raise CheckpointError("letters", "the weights are missing or not one per bucket")
        return cls(config, weights)

    @classmethod
    def tiny(cls) -> Self:
        """Return one fitted on two sentences."""
        config = LettersConfig()
        return cls(config, _weights(["a small book", "一本小书"], config.buckets))


def fit(corpus: Corpus, config: LettersConfig, run: Run) -> Letters:
    """Weigh each letter by how rare it is in the corpus."""
    del run  # nothing here is random or slow
    return Letters(config, _weights(corpus, config.buckets))


def _weights(corpus: Corpus, buckets: int) -> Floats:
    counts = np.ones(buckets)
    for text in corpus:
        np.add.at(counts, _buckets(text, buckets), 1)
    weights: Floats = np.log(counts.sum() / counts).astype(np.float32)
    return weights


def _buckets(text: str, buckets: int) -> list[int]:
    return [crc32(letter.lower().encode("utf-8", "surrogatepass")) % buckets for letter in text]
