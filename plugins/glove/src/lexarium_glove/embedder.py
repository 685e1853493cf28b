"""Texts to tokens to rows to one vector: GloVe as an embedder."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import CheckpointError, ConfigError
from lexarium.inputs import check_texts
from lexarium.pooling import mean_pool, normalize_rows, remove_component
from lexarium.roles import Coverage, Space, State
from lexarium.tokens import tokenizer
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_glove.config import GloveConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.tokens import Tokenize

__all__ = ["Glove"]

_BLOCK = 1 << 17  # tokens pooled together, and at least one text
_EXAMPLES = 10
_TINY = """
the of and a in is to it was this good bad great boring film movie king queen man woman
电影 好看 难看 国王 女王 男人 女人 很 的 。 . ,
"""


class Glove:
    """The mean of the vectors of a text's known words; a text without one is a zero row."""

    def __init__(
        self,
        config: GloveConfig,
        words: WordVectors,
        weights: Floats | None = None,
        component: Floats | None = None,
    ) -> None:
        """Join the parts, reading none of them.

        *Shapes:* weights (n,), one per word, for pooling "idf" and "sif"; component (dim,), for
        "sif": what the texts have in common, of length 1, or zeros where nothing is known of it.
        """
        self.config = config
        self.words = words
        self.weights = weights
        self.component = component
        dim = words.vectors.shape[1]
        self.space = Space(dim=dim, similarity="cosine", normalized=config.normalize)

    def embed(self, inputs: Sequence[str]) -> Floats:
        """Return one row per text, (n, dim) float32.

        :raises InputError: an input is not a string.
        """
        texts = check_texts(inputs)
        matrix = np.zeros((len(texts), self.space.dim), np.float32)
        done = 0
        for ids, offsets in self.packed(texts):
            rows = self.pool(ids, offsets)
            if self.component is not None:
                rows = remove_component(rows, self.component)
            matrix[done : done + len(rows)] = normalize_rows(rows) if self.config.normalize else rows
            done += len(rows)
        return matrix

    def coverage(self, inputs: Sequence[str]) -> Coverage:
        """Count tokens and unknown tokens; name the ten most frequent unknown ones."""
        tokens, unknown = 0, Counter[str]()
        for text in check_texts(inputs):
            found = self.tokenize(text)
            tokens += len(found)
            ids = self.words.vocabulary.ids(found)
            unknown.update(found[index] for index in np.flatnonzero(ids < 0))
        examples = tuple(word for word, _ in unknown.most_common(_EXAMPLES))
        return Coverage(tokens=tokens, unknown=unknown.total(), examples=examples)

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text, known or not."""
        return self._tokenize(text.lower() if self.config.lowercase else text)

    def packed(self, texts: Iterable[str]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the word ids of some texts at a time and their offsets, as :func:`mean_pool` takes them."""
        block: list[NDArray[np.int64]] = []
        size = 0
        for text in texts:
            block.append(self.words.vocabulary.ids(self.tokenize(text)))
            size += len(block[-1]) + 1
            if size >= _BLOCK:
                yield _pack(block)
                block, size = [], 0
        if block:
            yield _pack(block)

    def pool(self, ids: NDArray[np.int64], offsets: NDArray[np.int64]) -> Floats:
        """Return the means of packed texts, (n, dim), with their common component."""
        # SIF divides by the number of words, as the paper does; idf is a weighted mean.
        per: Any = "token" if self.config.pooling == "sif" else "weight"
        return mean_pool(self.words.vectors, ids, offsets, self.weights, per=per)

    @cached_property
    def _tokenize(self) -> Tokenize:
        # On first use: a segmenter's dictionary takes longer to load than the model to open.
        return tokenizer(self.config.tokenizer, self.config.token_pattern)

    def state(self) -> State:
        """Return vectors, vocabulary and, as the pooling needs them, weights and component."""
        tensors: dict[str, NDArray[Any]] = {"vectors": self.words.vectors, **self.words.vocabulary.tensors()}
        if self.weights is not None:
            tensors["weights"] = self.weights
        if self.component is not None:
            tensors["component"] = self.component
        return State(config=to_mapping(self.config), tensors=tensors)

    @classmethod
    def restore(cls, state: State) -> Self:
        """Open a stored model: shapes and types are checked, no word and no vector is read.

        :raises CheckpointError: a setting or a tensor is missing, or is not what it should be.
        """
        try:
            config = from_mapping(GloveConfig, state.config)
        except ConfigError as error:
            raise CheckpointError(
                "glove", str(error), "the model is damaged, or of another version"
            ) from error
        if "vectors" not in state.tensors:
            raise CheckpointError("glove", "the tensor 'vectors' is missing")
        words = WordVectors(Vocabulary(state.tensors, "glove"), state.tensors["vectors"], "glove")
        length, dim = words.vectors.shape
        weights = None if config.pooling == "mean" else _floats(state, "weights", length)
        component = _floats(state, "component", dim) if config.pooling == "sif" else None
        return cls(config, words, weights, component)

    @classmethod
    def tiny(cls) -> Self:
        """Return 32 words, English and Chinese, with 8 components drawn with a fixed seed."""
        words = _TINY.split()
        vectors = np.random.default_rng(0).standard_normal((len(words), 8)).astype(np.float32)
        return cls(GloveConfig(), WordVectors(Vocabulary.build(words), vectors))


def _pack(block: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    offsets = np.cumsum([0, *map(len, block)], dtype=np.int64)
    return np.concatenate(block), offsets


def _floats(state: State, name: str, length: int) -> Floats:
    tensor = state.tensors.get(name)
    if tensor is None or tensor.dtype != np.float32 or tensor.shape != (length,):
        raise CheckpointError(
            "glove", f"the tensor {name!r} is missing or is not float32 of shape ({length},)"
        )
    return tensor
