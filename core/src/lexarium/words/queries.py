"""What people ask word vectors for: words, vectors, a number of answers, checked before any is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

import numpy as np

from lexarium.config import require, whole
from lexarium.errors import InputError
from lexarium.inputs import check_texts

if TYPE_CHECKING:
    from lexarium.words.search import Doubles

__all__ = ["count_of", "vector_of", "vectors_of", "words_of"]


def words_of(query: object, where: str) -> list[str] | None:
    """Return a list of words, or None for what is to be an array of numbers.

    :raises InputError: it is one word, or words and other things; ``where`` is how the error calls it.
    """
    if isinstance(query, np.ndarray) and (query.ndim == 0 or query.dtype.kind not in "OU"):
        return None
    if not hasattr(query, "__iter__") or isinstance(query, bytes):
        return None
    if isinstance(query, Mapping | AbstractSet):
        raise InputError(where, f"{type(query).__name__} where a list of words belongs", "pass a list")
    items = query if isinstance(query, str) else list(query)
    words = not items or any(isinstance(item, str) for item in items)
    return list(check_texts(items, where)) if words else None


def vector_of(query: object, dim: int) -> Doubles:
    """Return a vector, (dim,).

    :raises InputError: it is not ``dim`` finite numbers.
    """
    vector = _numbers(query)
    if vector.shape != (dim,) or not np.isfinite(vector).all():
        problem = f"a vector of shape {vector.shape}, not of {dim} finite numbers"
        raise InputError("query", problem, f"give a word or {dim} numbers")
    return vector


def vectors_of(queries: object, dim: int) -> Doubles:
    """Return vectors, (q, dim).

    :raises InputError: they are not rows of ``dim`` finite numbers.
    """
    vectors = _numbers(queries)
    if vectors.ndim != 2 or vectors.shape[1] != dim or not np.isfinite(vectors).all():  # noqa: PLR2004
        problem = f"an array of shape {vectors.shape}, not (q, {dim}) finite numbers"
        raise InputError("queries", problem, f"give words, or rows of {dim} numbers")
    return vectors


def count_of(n: int) -> int:
    """Return a number of answers.

    :raises ConfigError: it is not a whole number from 1 on.
    """
    n = whole("n", n)
    require("n", n >= 1, f"{n} is below 1")
    return n


def _numbers(given: object) -> Doubles:
    """Return an array of numbers, an empty one for what is none."""
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        return np.empty(0)
