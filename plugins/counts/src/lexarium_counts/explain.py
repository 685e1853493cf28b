"""Which terms of a text weigh most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lexarium.config import require, whole

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from lexarium_counts.counter import Counter

__all__ = ["top_terms"]


def top_terms(counter: Counter, text: str, row: csr_array, n: int) -> list[tuple[str, float]]:
    """Return the n terms of largest absolute weight in the vector of ``text``, largest first, with them.

    Terms of one weight come in the order of their columns.

    *Shape:* row (1, columns).

    :raises ConfigError: ``n`` is not a whole number from 1 on.
    """
    n = whole("n", n)
    require("n", n >= 1, f"{n} is below 1")
    order = np.argsort(-np.abs(row.data), kind="stable")[:n]
    names = counter.names(text, row.indices[order])
    return [(name, float(weight)) for name, weight in zip(names, row.data[order], strict=True)]
