"""Learning TF-IDF from a corpus: its vocabulary and how many texts have each term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import ConfigError
from lexarium_counts.merging import check_same_terms, go_on, join, joint_config
from lexarium_counts.train import learn_terms
from lexarium_tfidf.embedder import Tfidf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from lexarium.roles import Corpus, Run
    from lexarium_tfidf.config import TfidfConfig

__all__ = ["fit", "merge", "update"]


def fit(corpus: Corpus, config: TfidfConfig, run: Run) -> Tfidf:
    """Learn vocabulary and weights of ``corpus``, reading it once; no thread and no seed changes the result.

    :raises DataError: there is no text, no term in the texts, or none left after ``min_df`` and ``max_df``.
    :raises ConfigError: for so many texts ``max_df`` is below ``min_df``.
    :raises InputError: an element of the corpus is not a string.
    """
    return Tfidf.of(learn_terms(corpus, config, run), config)


def update(model: Tfidf, corpus: Corpus, config: TfidfConfig, run: Run) -> Tfidf:
    """Return a model with terms and weights as if it had been fitted on its texts and the new ones.

    Terms that ``min_df`` and its like had left out of the model count from the new text on.

    :raises ConfigError: a setting would change what a term is, or needs sums that the model does not hold.
    :raises UnsupportedError: the model was stored without its statistics.
    :raises DataError: the corpus has no texts or no terms, or none is left.
    """
    check_same_terms(model.config, config)
    if config.weighting == "log-entropy" != model.config.weighting:
        raise ConfigError("weighting", f"weighting={model.config.weighting} keeps no entropy to go on from")
    return Tfidf.of(go_on((model.counter, model.statistics), corpus, config, run), config)


def merge(models: Sequence[Tfidf], settings: Mapping[str, Any]) -> Tfidf:
    """Return the model that fitting on the texts of all models gives.

    ``settings`` choose among the joint terms: ``min_df``, ``max_df``, ``max_features``. The parts must be
    fitted without them, or what is left out of one would be missing in the sum.

    :raises ConfigError: the models differ, or one has left terms out.
    :raises UnsupportedError: a model was stored without its statistics.
    """
    config = joint_config([model.config for model in models], settings)
    return Tfidf.of(join([(model.counter, model.statistics) for model in models], config), config)
