"""The settings that static methods share: how a text is cut into words, and how their vectors become one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from lexarium.config import fit_only, require
from lexarium.tokens import TokenizerName, check_choice

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["StaticConfig", "check_idle"]


def check_idle(config: Any, idle: object, keys: Iterable[str], because: str) -> None:  # noqa: ANN401  any dataclass
    """Refuse a value other than the default for settings that are ``idle``, which nothing would read.

    ``because`` completes the sentence "has no effect ...".

    :raises ConfigError: names the first such setting.
    """
    if idle:
        defaults = {field.name: field.default for field in fields(config)}
        for key in keys:
            require(key, getattr(config, key) == defaults[key], f"has no effect {because}; leave it out")


@dataclass(frozen=True, kw_only=True)
class StaticConfig:
    """What turns a text into the mean of word vectors.

    ``lowercase``  whether texts are lower-cased first: published vectors are of both kinds
    ``tokenizer``  what a word is (:mod:`lexarium.tokens`); ``pattern`` asks for a ``token_pattern``
    ``token_pattern``  a regular expression of tokens, with ``tokenizer=pattern``
    ``pooling``    ``mean``; ``idf``, weighted by inverse document frequency; or ``sif``, the weights
                   a / (a + p(word)) and, given a corpus, the removal of the common component
    ``sif_a``      a of SIF (Arora et al., 2017); only with ``pooling`` ``sif``
    ``normalize``  rows of length 1

    :raises ConfigError: a value is out of range, or of no effect beside the others.
    """

    lowercase: bool = True
    tokenizer: TokenizerName = "words"
    token_pattern: str | None = None
    pooling: Literal["mean", "idf", "sif"] = "mean"
    sif_a: float = fit_only(1e-3)  # the weights are stored
    normalize: bool = False

    def __post_init__(self) -> None:
        require("sif_a", isfinite(self.sif_a) and self.sif_a > 0, f"{self.sif_a} is not a number above 0")
        check_idle(self, self.pooling != "sif", ("sif_a",), "without pooling=sif")
        check_choice(self.tokenizer, self.token_pattern)
