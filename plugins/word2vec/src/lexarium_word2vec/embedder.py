"""Word2Vec as an embedder: texts as the mean of word vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lexarium_static.embedder import StaticEmbedder
from lexarium_word2vec.config import Word2VecConfig
from lexarium_word2vec.phrases import join_known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lexarium_static.config import StaticConfig

__all__ = ["Word2Vec"]


class Word2Vec(StaticEmbedder):
    """Word2Vec's word vectors (Mikolov, Chen, Corrado, Dean, 2013), and texts as their pooled words.

    What training goes on from, over n words of dim components: ``counts`` (n,); ``context`` (n, dim), the
    output vectors of negative sampling; for hierarchical softmax ``nodes`` (n, dim), the vectors of the n - 1
    inner nodes and a row of zeros, and ``tree`` (n, 2) (:mod:`lexarium_word2vec.tree`).
    """

    name: ClassVar[str] = "word2vec"
    config_class: ClassVar[type[Word2VecConfig]] = Word2VecConfig

    @classmethod
    def kept(cls, config: StaticConfig) -> Mapping[str, tuple[type[np.generic], int]]:
        """Return the tensors that training with ``config`` goes on from."""
        kinds: dict[str, tuple[type[np.generic], int]] = {"counts": (np.int64, 1)}
        settings: Any = config
        if settings.negative:
            kinds["context"] = (np.float32, 2)
        if settings.hs:
            kinds |= {"nodes": (np.float32, 2), "tree": (np.int32, 2)}
        return kinds

    @property
    def joins(self) -> bool:
        """Whether words are joined to phrases."""
        settings: Any = self.config
        return bool(settings.phrases)

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text, known or not; two that are one phrase of the vocabulary are joined."""
        found = super().tokenize(text)
        settings: Any = self.config
        for _ in range(settings.phrases):
            found = join_known(found, self.words.vocabulary)
        return found
