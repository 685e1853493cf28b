"""Which terms are kept: in the end by scikit-learn's rules, and while counting where memory is bounded."""

from __future__ import annotations

from collections import Counter
from math import log
from typing import TYPE_CHECKING

import numpy as np

from lexarium_counts.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lexarium_counts.config import CountConfig

__all__ = ["choose_terms", "count_pruned"]


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


def count_pruned(
    texts: Iterable[Sequence[str]], prune_at: int, *, binary: bool
) -> tuple[list[str], Statistics]:
    """Count the terms of texts, holding ``prune_at`` at most behind each text, as the kernels do.

    Returned are the terms in order, and what is known of them: lower bounds.
    """
    held: dict[str, tuple[int, int, float]] = {}
    read = 0
    for terms in texts:
        read += 1
        for term, times in Counter(terms).items():
            frequency, total, entropy = held.get(term, (0, 0, 0.0))
            count = 1 if binary else times
            held[term] = frequency + 1, total + count, entropy + count * log(count)
        if len(held) > prune_at:
            falling = sorted((frequency for frequency, *_ in held.values()), reverse=True)
            dropped = falling[prune_at - prune_at // 4]
            held = {term: sums for term, sums in held.items() if sums[0] > dropped}
    kept = sorted(held)
    columns = np.array([held[term] for term in kept], np.float64).reshape(len(kept), 3).T
    return kept, Statistics(read, columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2])
