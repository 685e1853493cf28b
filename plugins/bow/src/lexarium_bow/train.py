"""Learning a bag of words from a corpus: its vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_bow.embedder import BagOfWords
from lexarium_counts.counter import HashCounter
from lexarium_counts.merging import check_same_terms, go_on, join, joint_config
from lexarium_counts.train import check_corpus, learn_terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from lexarium.roles import Corpus, Run
    from lexarium_counts.config import CountConfig

__all__ = ["fit", "merge", "update"]


def fit(corpus: Corpus, config: CountConfig, run: Run) -> BagOfWords:
    """Learn the vocabulary of ``corpus``, reading it once; no thread and no seed changes the result.

    :raises DataError: there is no text, no term in the texts, or none left after ``min_df`` and ``max_df``.
    :raises ConfigError: for so many texts ``max_df`` is below ``min_df``.
    :raises InputError: an element of the corpus is not a string.
    """
    if config.n_features is not None:
        return _hashed(corpus, config)
    learned = learn_terms(corpus, config, run)
    return BagOfWords(learned.counter, learned.statistics)


def update(model: BagOfWords, corpus: Corpus, config: CountConfig, run: Run) -> BagOfWords:
    """Return a model with the terms of the new text, too, as if it had been fitted on both.

    Terms that ``min_df`` and its like had left out of the model count from the new text on.

    :raises ConfigError: a setting would change what a term is.
    :raises UnsupportedError: the model was stored without its statistics.
    :raises DataError: the corpus has no texts or no terms, or none is left.
    """
    check_same_terms(model.config, config)
    if config.n_features is not None:
        return _hashed(corpus, config)
    learned = go_on((model.counter, model.statistics), corpus, config, run)
    return BagOfWords(learned.counter, learned.statistics)


def merge(models: Sequence[BagOfWords], settings: Mapping[str, Any]) -> BagOfWords:
    """Return the model that fitting on the texts of all models gives.

    ``settings`` choose among the joint terms: ``min_df``, ``max_df``, ``max_features``. The parts must be
    fitted without them, or what is left out of one would be missing in the sum.

    :raises ConfigError: the models differ, or one has left terms out.
    :raises UnsupportedError: a model was stored without its statistics.
    """
    config = joint_config([model.config for model in models], settings)
    if config.n_features is not None:
        return BagOfWords(HashCounter(config))
    learned = join([(model.counter, model.statistics) for model in models], config)
    return BagOfWords(learned.counter, learned.statistics)


def _hashed(corpus: Corpus, config: CountConfig) -> BagOfWords:
    """Return the model of hash values: nothing is learned, but an empty corpus is an error all the same."""
    check_corpus(corpus)
    return BagOfWords(HashCounter(config))
