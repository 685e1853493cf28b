"""Learning TF-IDF from a corpus: its vocabulary and how many texts have each term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_counts.train import learn
from lexarium_tfidf.embedder import Tfidf
from lexarium_tfidf.model import inverse_document_frequency

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_tfidf.config import TfidfConfig

__all__ = ["fit"]


def fit(corpus: Corpus, config: TfidfConfig, run: Run) -> Tfidf:
    """Learn vocabulary and weights of ``corpus``; ``run.threads`` and ``run.seed`` change nothing.

    :raises DataError: there is no text, no term in the texts, or none left after ``min_df`` and ``max_df``.
    :raises ConfigError: for so many texts ``max_df`` is below ``min_df``.
    :raises InputError: an element of the corpus is not a string.
    """
    counter, counts = learn(corpus, config, run)
    idf = inverse_document_frequency(counts, smooth=config.smooth_idf) if config.use_idf else None
    return Tfidf(config, counter, idf)
