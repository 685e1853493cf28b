"""Settings of the method ``static``, and of distillation into it, with model2vec's names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

from lexarium.config import require
from lexarium.errors import ConfigError

__all__ = ["DistillConfig", "MaxLength", "StaticModelConfig", "Weighting"]

#: How many tokens of a text count: a number, or all of them.
MaxLength: TypeAlias = int | Literal["all"]
#: What a token's vector is multiplied with.
Weighting: TypeAlias = Literal["sif", "zipf", "none"]


@dataclass(frozen=True, kw_only=True)
class StaticModelConfig:
    """What turns a text into the mean of its tokens' vectors; None stands for what a folder says.

    ``normalize``     rows of length 1
    ``max_length``    tokens of a text that count, or ``all``. A number also bounds the characters: so many
                      times the median length of a token, as in model2vec
    ``skip_unknown``  whether the token for what the vocabulary lacks is left out, as in model2vec, or
                      counts with a vector of its own, as in sentence-transformers

    :raises ConfigError: a value is out of range.
    """

    normalize: bool | None = None
    max_length: MaxLength | None = None
    skip_unknown: bool | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        _check_length(self.max_length)

    @property
    def limit(self) -> int | None:
        """How many tokens of a text count; None for all of them."""
        return self.max_length if isinstance(self.max_length, int) else None


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """How a static model is made of an encoder.

    ``pca_dims``              components that are kept, the ones of most variance; all where there are fewer,
                              and none is computed for ``none``
    ``weighting``             by rank r of the n tokens: ``sif``, a / (a + p) with p = 1 / (r + 1), divided by
                              the sum over all ranks; ``zipf``, log(1 + r); or ``none``
    ``sif_coefficient``       a of SIF; only with ``weighting`` ``sif``
    ``token_remove_pattern``  a regular expression; tokens that begin with a match have no vector
    ``normalize``, ``max_length``  as :class:`StaticModelConfig`

    :raises ConfigError: a value is out of range, or of no effect beside the others.
    """

    pca_dims: int | None = 256
    weighting: Weighting = "sif"
    sif_coefficient: float = 1e-4
    token_remove_pattern: str | None = r"\[unused\d+\]"  # noqa: S105  no password
    normalize: bool = True
    max_length: MaxLength = "all"

    def __post_init__(self) -> None:
        """Check ranges."""
        require("pca_dims", self.pca_dims is None or self.pca_dims >= 1, f"{self.pca_dims} is below 1")
        a = self.sif_coefficient
        require("sif_coefficient", isfinite(a) and 0 < a < 1, f"{a} is not between 0 and 1")
        idle = self.weighting != "sif" and a != type(self).sif_coefficient
        require("sif_coefficient", not idle, "has no effect without weighting=sif; leave it out")
        _check_length(self.max_length)
        try:
            re.compile(self.token_remove_pattern or "")
        except re.error as error:
            problem = f"{self.token_remove_pattern!r} is no regular expression: {error}"
            raise ConfigError("token_remove_pattern", problem) from error


def _check_length(value: MaxLength | None) -> None:
    require("max_length", not isinstance(value, int) or value >= 1, f"{value} is below 1")
