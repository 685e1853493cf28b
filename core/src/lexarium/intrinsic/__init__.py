"""Intrinsic evaluation of word vectors: word similarity, analogies, odd one out.

>>> from lexarium.intrinsic import evaluate  # doctest: +SKIP
>>> evaluate(lexarium.load("glove").words, "wordsim353.tsv", task="similarity").spearman  # doctest: +SKIP
"""

from __future__ import annotations

from lexarium.intrinsic.evaluation import TASKS, Options, Result, evaluate, words_in

__all__ = ["TASKS", "Options", "Result", "evaluate", "words_in"]
