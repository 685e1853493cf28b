"""GloVe's settings: how it is trained, how a text is cut into words, and how their vectors become one."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from lexarium.backend import Backend  # noqa: TC001  from_mapping reads the annotations
from lexarium.config import fit_only, require
from lexarium_static.config import StaticConfig

__all__ = ["GloveConfig"]

_LARGEST_WINDOW = 1000
_MOST_COMPONENTS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class GloveConfig(StaticConfig):
    """How GloVe is trained, and what turns a text into the mean of word vectors.

    Names and defaults are those of Stanford's programs, ``min_count`` that of their ``demo.sh``. Published
    vectors: GloVe 6B and Twitter are lower-cased; 42B and 840B have cased words too.

    ``vector_size``         components of a vector
    ``window_size``         how far apart, in known words, two words of one text may stand to count
    ``symmetric``           pairs count both ways; else with the earlier word as the row only
    ``distance_weighting``  a pair counts 1 / distance; else 1
    ``min_count``           rarer words are left out
    ``max_vocab``           keep only so many words, the most frequent
    ``x_max``, ``alpha``    a pair that counts x weighs min(1, (x / x_max) ** alpha)
    ``eta``                 AdaGrad's first learning rate
    ``grad_clip``           each component of a gradient stays within -grad_clip .. grad_clip
    ``iter``                passes over the pairs
    ``model``               the vectors are 2: word + context vectors, 1: word vectors alone
    ``shuffle``             ``tiles``: random order in tiles that fit the processor's cache, which are
                            themselves in random order; ``global``: all pairs in random order, slower
    ``memory``              GB of pairs that are kept in memory (16 bytes each); what is more goes to a file
                            without a name in the folder for temporary files (``TMPDIR``)
    ``keep_training``       store the biases, context vectors and sums of squared gradients that ``update``
                            goes on from, 4 times the size of the vectors; else the vectors alone
    ``backend``             the kernels, or numpy as the reference, which has no ``shuffle`` and ``memory``

    :raises ConfigError: a value is out of range, or of no effect beside the others.
    """

    vector_size: int = fit_only(50)
    window_size: int = fit_only(15)
    symmetric: bool = fit_only(True)
    distance_weighting: bool = fit_only(True)
    min_count: int = fit_only(5)
    max_vocab: int | None = fit_only(None)
    x_max: float = fit_only(100.0)
    alpha: float = fit_only(0.75)
    eta: float = fit_only(0.05)
    grad_clip: float = fit_only(100.0)
    iter: int = fit_only(25)
    model: Literal[1, 2] = fit_only(2)
    shuffle: Literal["tiles", "global"] = fit_only("tiles")
    memory: float = fit_only(4.0)
    keep_training: bool = fit_only(True)
    backend: Backend = fit_only("auto")  # noqa: RUF009  it makes a field

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, least, most in (
            ("vector_size", 1, _MOST_COMPONENTS),
            ("window_size", 1, _LARGEST_WINDOW),
            ("min_count", 1, 1 << 40),
            ("max_vocab", 2, 1 << 30),
            ("alpha", 0, 1000),
            ("iter", 1, 1_000_000),
            ("memory", 0, 1 << 20),
        ):
            value = getattr(self, key)
            holds = value is None or (isfinite(value) and least <= value <= most)
            require(key, holds, f"{value} is not from {least} to {most}")
        for key in ("x_max", "eta", "grad_clip"):
            value = getattr(self, key)
            require(key, isfinite(value) and value > 0, f"{value} is not a number above 0")
