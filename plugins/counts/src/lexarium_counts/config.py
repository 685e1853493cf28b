"""The settings of counting, under scikit-learn's names and with its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from lexarium.config import fit_only, from_mapping, require
from lexarium.errors import CheckpointError, ConfigError
from lexarium.tokens import TokenizerName, check_choice

if TYPE_CHECKING:
    from lexarium.roles import State

__all__ = ["CountConfig", "read_config"]

_C = TypeVar("_C", bound="CountConfig")
_MOST_COLUMNS = 2**31
_IDLE_WITH_HASHING = (("min_df", 1), ("max_df", 1.0), ("max_features", None), ("prune_at", None))
_LONGEST = 100  # a longer n-gram is a typing slip, and a stored model must not ask for quadratic memory


@dataclass(frozen=True, kw_only=True)
class CountConfig:
    """What a term is, and which terms are kept.

    ``lowercase``     whether texts are lower-cased first
    ``strip_accents``  take accents from letters: ``unicode`` from all; ``ascii`` drops what is not ASCII
    ``analyzer``      terms are n-grams of words (``word``), of characters (``char``), or of
                      characters inside words, padded with a space (``char_wb``)
    ``ngram_range``   shortest and longest n-gram
    ``tokenizer``     what a word is (:mod:`lexarium.tokens`), with ``analyzer="word"``; ``unicode`` is
                      scikit-learn's default ``token_pattern``, ``pattern`` asks for one
    ``token_pattern``  a regular expression of tokens, with ``tokenizer="pattern"``
    ``stop_words``    ``"english"`` (scikit-learn's list), or words to leave out, with ``analyzer="word"``
    ``min_df``, ``max_df``  fewest and most texts a term may stand in: an int counts texts, a float is a share
    ``max_features``  keep only so many terms, the most frequent
    ``binary``        1 where a term stands in a text, however often
    ``n_features``    so many columns, each term in the one that its hash value gives, and no vocabulary: as
                      scikit-learn's ``HashingVectorizer``; terms that share a column are added up
    ``alternate_sign``  with ``n_features``: half of the terms count negatively, so that in a shared column
                      they cancel on average
    ``prune_at``      hold at most so many terms behind each text: where there are more, those in the fewest
                      texts are dropped, all of one number of texts together, until three quarters of
                      ``prune_at`` or fewer are left. What was dropped and comes again is counted from 0, so
                      that counts are lower bounds. One thread counts then

    :raises ConfigError: a value is out of range, or of no effect beside the others.
    """

    lowercase: bool = True
    strip_accents: Literal["ascii", "unicode"] | None = None
    stop_words: Literal["english"] | tuple[str, ...] | None = None
    tokenizer: TokenizerName = "unicode"
    token_pattern: str | None = None
    analyzer: Literal["word", "char", "char_wb"] = "word"
    ngram_range: tuple[int, int] = (1, 1)
    min_df: int | float = fit_only(1)
    max_df: int | float = fit_only(1.0)
    max_features: int | None = fit_only(None)
    binary: bool = False
    n_features: int | None = None
    alternate_sign: bool = False
    prune_at: int | None = fit_only(None)

    def __post_init__(self) -> None:
        shortest, longest = self.ngram_range
        require(
            "ngram_range",
            1 <= shortest <= longest <= _LONGEST,
            f"({shortest}, {longest}) is not a shortest and a longest length from 1 to {_LONGEST}",
        )
        require("max_features", self.max_features is None or self.max_features >= 1, "is below 1")
        self._check_frequencies()
        self._check_hashing()
        check_choice(self.tokenizer, self.token_pattern)
        if self.analyzer != "word":
            for key, default in (("tokenizer", "unicode"), ("stop_words", None)):
                idle = getattr(self, key) == default
                require(key, idle, f"has no effect with analyzer={self.analyzer}; leave one of them out")

    def _check_hashing(self) -> None:
        require("prune_at", self.prune_at is None or self.prune_at >= 1, "is below 1")
        if self.n_features is None:
            require("alternate_sign", not self.alternate_sign, "has no effect without n_features")
            return
        require("n_features", 1 <= self.n_features < _MOST_COLUMNS, f"is not in 1 to {_MOST_COLUMNS - 1}")
        for key, default in _IDLE_WITH_HASHING:
            require(
                key, getattr(self, key) == default, "has no effect with n_features; leave one of them out"
            )

    def _check_frequencies(self) -> None:
        for key, value in (("min_df", self.min_df), ("max_df", self.max_df)):
            holds = 0.0 <= value <= 1.0 if isinstance(value, float) else value >= 1
            require(key, holds, f"{value} is neither a share from 0.0 to 1.0 nor a count of texts from 1 on")
        alike = isinstance(self.min_df, float) == isinstance(self.max_df, float)
        require(
            "max_df", not alike or self.min_df <= self.max_df, f"{self.max_df} is below min_df={self.min_df}"
        )


def read_config(cls: type[_C], state: State) -> _C:
    """Return the settings that a stored model was made with.

    :raises CheckpointError: a setting is unknown, of another type or out of range.
    """
    try:
        return from_mapping(cls, state.config)
    except ConfigError as error:
        raise CheckpointError("config", str(error), "the model is damaged, or of another version") from error
