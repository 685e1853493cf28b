"""Word2Vec's settings: how it is trained, how a text is cut into words, and how their vectors become one."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal

from lexarium.backend import Backend  # noqa: TC001  from_mapping reads the annotations
from lexarium.config import fit_only, require
from lexarium_static.config import StaticConfig, check_idle

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Word2VecConfig"]

_MOST = 1000  # words of a window on one side, and negatives: the kernel's room is made for so many
_LARGEST = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Word2VecConfig(StaticConfig):
    """What is trained, and what turns a text into the mean of word vectors.

    Names and defaults are gensim's, but for ``sg``, which is 1 here by default and 0 there.

    ``vector_size``     components of a vector
    ``window``          words on either side of a centre word that belong to it
    ``shrink_windows``  each centre word draws its window from 1 to ``window``
    ``min_count``       rarer words are left out
    ``max_final_vocab``  only so many words, the most frequent
    ``sg``              1: skip-gram; 0: continuous bag of words (CBOW)
    ``cbow_mean``       with ``sg`` 0; 1: CBOW takes the mean of its window; 0: the sum
    ``hs``              1: hierarchical softmax, over a Huffman tree
    ``negative``        negative sampling with so many drawn words; 0: none
    ``ns_exponent``     they are drawn in proportion to count ** ns_exponent
    ``sample``          words of a greater share of the text than this are thinned out at random; 0: none
    ``alpha``           learning rate at the beginning, falling evenly ...
    ``min_alpha``       ... to this at the end
    ``epochs``          passes over the corpus
    ``phrases``         passes that join two words to one, ``new_york`` (gensim's ``Phrases``)
    ``phrases_min_count``  a pair that stands together less often is not joined
    ``phrases_threshold``  nor one with a lower score: of ``default`` from 0 on, of ``npmi`` from -1 to 1
    ``phrases_scoring``  the score of a pair: ``default`` (Mikolov et al., 2013) or ``npmi`` (Bouma, 2009)
    ``keep_training``   store the counts and output vectors that ``update`` goes on from, with ``negative`` or
                        ``hs`` as large as the vectors, with both twice; else the vectors alone
    ``backend``         the kernels, or gensim as the reference

    :raises ConfigError: a value is out of range, or of no effect beside the others.
    """

    vector_size: int = fit_only(100)  # the stored vectors say it
    window: int = fit_only(5)
    shrink_windows: bool = fit_only(True)
    min_count: int = fit_only(5)
    max_final_vocab: int | None = fit_only(None)
    sg: Literal[0, 1] = fit_only(1)
    cbow_mean: Literal[0, 1] = fit_only(1)
    hs: Literal[0, 1] = fit_only(0)
    negative: int = fit_only(5)
    ns_exponent: float = fit_only(0.75)
    sample: float = fit_only(1e-3)
    alpha: float = fit_only(0.025)
    min_alpha: float = fit_only(0.0001)
    epochs: int = fit_only(5)
    phrases: int = 0
    phrases_min_count: int = fit_only(5)
    phrases_threshold: float = fit_only(10.0)
    phrases_scoring: Literal["default", "npmi"] = fit_only("default")
    keep_training: bool = fit_only(True)
    backend: Backend = fit_only("auto")  # noqa: RUF009  a field, as the others

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, least, most in _RANGES:
            value = getattr(self, key)
            held = value is None or (isfinite(value) and least <= value <= most)
            require(key, held, f"{value} is not from {least} to {most}")
        require("alpha", self.alpha > 0, f"{self.alpha} is not above 0")
        require("min_alpha", self.min_alpha <= self.alpha, f"{self.min_alpha} is above alpha={self.alpha}")
        require("negative", self.negative or self.hs, "0 needs hs=1: without either nothing is learned")
        check_idle(self, self.sg, ("cbow_mean",), "with sg=1")
        check_idle(self, not self.negative, ("ns_exponent",), "with negative=0")
        check_idle(self, not self.phrases, _OF_PHRASES, "with phrases=0")
        npmi = self.phrases_scoring == "npmi"
        fits = not npmi or -1 <= self.phrases_threshold <= 1
        require("phrases_threshold", fits, f"{self.phrases_threshold} is not from -1 to 1, as npmi is")


_OF_PHRASES = ("phrases_min_count", "phrases_threshold", "phrases_scoring")
_RANGES: Iterable[tuple[str, float, float]] = (
    ("vector_size", 1, _LARGEST),
    ("window", 1, _MOST),
    ("min_count", 1, 1 << 40),
    ("max_final_vocab", 2, 1 << 30),
    ("negative", 0, _MOST),
    ("ns_exponent", -10, 10),
    ("sample", 0, 1),
    ("alpha", 0, 100),
    ("min_alpha", 0, 100),
    ("epochs", 1, 1_000_000),
    ("phrases", 0, 10),
    ("phrases_min_count", 1, 1 << 40),
    ("phrases_threshold", -1e12, 1e12),
)
