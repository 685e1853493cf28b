"""Text to terms, exactly as scikit-learn does it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from sklearn.feature_extraction.text import CountVectorizer

from lexarium.tokens import tokenizer

if TYPE_CHECKING:
    from lexarium_counts.config import CountConfig

__all__ = ["Analyze", "analyzer"]

Analyze: TypeAlias = Callable[[str], list[str]]


def analyzer(config: CountConfig) -> tuple[Analyze, list[str]]:
    """Return what turns a text into its terms, and what scikit-learn remarks about the settings.

    The one remark there is: stop words that the tokenizer would cut further, so that they never match.
    It is returned and not warned of, because it concerns who fits a model and not who opens one.

    :raises MissingExtraError: ``tokenizer="jieba"`` and jieba is not installed.
    """
    stop_words = list(config.stop_words) if isinstance(config.stop_words, tuple) else config.stop_words
    options: dict[str, object] = {
        "lowercase": config.lowercase,
        "strip_accents": config.strip_accents,
        "stop_words": stop_words,
        "analyzer": config.analyzer,
        "ngram_range": config.ngram_range,
    }
    if config.analyzer == "word" and config.tokenizer != "unicode":
        options |= {"tokenizer": tokenizer(config.tokenizer, config.token_pattern), "token_pattern": None}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        analyze: Analyze = CountVectorizer(**options).build_analyzer()
    return analyze, [str(warning.message) for warning in caught]
