"""The settings that say what fastText's vectors make of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lexarium_static.config import StaticConfig

__all__ = ["TextConfig"]


@dataclass(frozen=True, kw_only=True)
class TextConfig(StaticConfig):
    """What turns a text into one vector.

    ``pooling``   as the other static methods', or ``fasttext``: what fastText's own sentence vectors are, the
                  mean of the words' vectors divided by their lengths; of a classifier, the mean of all rows
                  of the text (words, their n-grams, runs of words, the end of the line), which its output
                  layer takes
    ``subwords``  whether words outside the vocabulary count, with the vectors that their n-grams give them

    With ``pooling=fasttext``, ``tokenizer=whitespace`` and ``lowercase=false`` a text is read as fastText
    reads it: cut at ASCII white space and NUL.

    :raises ConfigError: a value is out of range, or of no effect beside the others.
    """

    pooling: Literal["mean", "idf", "sif", "fasttext"] = "mean"  # type: ignore[assignment]  # one more
    subwords: bool = True
