"""Learning a bag of words from a corpus: its vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_bow.embedder import BagOfWords
from lexarium_counts.train import learn

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_counts.config import CountConfig

__all__ = ["fit"]


def fit(corpus: Corpus, config: CountConfig, run: Run) -> BagOfWords:
    """Learn the vocabulary of ``corpus``; ``run.threads`` and ``run.seed`` change nothing.

    :raises DataError: there is no text, no term in the texts, or none left after ``min_df`` and ``max_df``.
    :raises ConfigError: for so many texts ``max_df`` is below ``min_df``.
    :raises InputError: an element of the corpus is not a string.
    """
    counter, _ = learn(corpus, config, run)
    return BagOfWords(counter)
