"""Which terms are kept, by the texts that they stand in and by how often: scikit-learn's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium_counts.config import CountConfig
    from lexarium_counts.statistics import Statistics

__all__ = ["choose_terms"]


def choose_terms(statistics: Statistics, config: CountConfig) -> NDArray[np.intp]:
    """Leave out terms in fewer than ``min_df`` or more than ``max_df`` texts, then all but ``max_features``.

    Terms of one frequency are chosen as scikit-learn 1.9 chooses them. Returned are the columns kept,
    ascending.

    :raises ValueError: no term is left, or ``max_df`` is fewer texts than ``min_df``.
    """
    frequency = statistics.document_frequency
    if len(frequency) == 0:
        message = "empty vocabulary"
        raise ValueError(message)
    least, most = (v if isinstance(v, int) else v * statistics.texts for v in (config.min_df, config.max_df))
    if most < least:
        message = "max_df corresponds to fewer texts than min_df"
        raise ValueError(message)
    keep = np.flatnonzero((frequency >= least) & (frequency <= most))
    if config.max_features is not None and len(keep) > config.max_features:
        totals = statistics.term_frequency[keep]
        keep = np.sort(keep[(-totals).argsort()[: config.max_features]])
    if not len(keep):
        message = "no terms remain"
        raise ValueError(message)
    return keep
