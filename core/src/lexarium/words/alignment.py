"""Two spaces brought together by a rotation: monolingual drift, and dictionaries between languages.

Orthogonal Procrustes: Schönemann, "A generalized solution of the orthogonal Procrustes problem",
1966. Drift between corpora of two times: Hamilton, Leskovec, Jurafsky, "Diachronic word embeddings
reveal statistical laws of semantic change", 2016. Between languages, over vectors of length 1:
Xing, Wang, Liu, Lin, "Normalized word embedding and orthogonal transform for bilingual word
translation", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import DataError, InputError
from lexarium.words.algebra import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lexarium.roles import Floats
    from lexarium.words.search import Doubles, Rows
    from lexarium.words.vectors import WordVectors

__all__ = ["Alignment", "cosines", "drifted", "paired", "rotation_between", "shared"]


_PAIR = [True, True]  # of two words


@dataclass(frozen=True)
class Alignment:
    """Word vectors turned into another space.

    ``words``     the vectors, rotated
    ``rotation``  (dim, dim) float64, orthogonal: ``rotated = vectors @ rotation``
    ``score``     mean cosine of the pairs that it was found from, after it; 1 is a perfect fit
    ``pairs``     how many pairs that were
    """

    words: WordVectors
    rotation: Doubles
    score: float
    pairs: int


def rotation_between(source: Floats, target: Floats) -> Doubles:
    """Return the orthogonal R (dim, dim) that minimises ``|source R - target|``, rows of length 1.

    *Shapes:* source, target (m, dim): row i of one belongs to row i of the other.
    """
    product = normalize(source).T.astype(np.float64) @ normalize(target).astype(np.float64)
    left, _, right = np.linalg.svd(product)
    return np.asarray(left @ right, np.float64)


def cosines(source: Floats, target: Floats, rotation: Doubles) -> Doubles:
    """Return the cosine of each row of ``source @ rotation`` with that row of ``target``, (m,)."""
    rotated = normalize(source).astype(np.float64) @ rotation
    products = np.einsum("ij,ij->i", rotated, normalize(target).astype(np.float64))
    return np.asarray(np.clip(products, -1.0, 1.0), np.float64)


def drifted(source: Floats, target: Floats) -> Doubles:
    """Return 1 less the cosine of each row and its own in the other space, after alignment, (m,).

    A zero row points nowhere, so it has not moved: 0.
    """
    moved = 1 - cosines(source, target, rotation_between(source, target))
    moved[~(source.any(axis=1) & target.any(axis=1))] = 0
    return moved


def shared(left: WordVectors, right: WordVectors) -> tuple[Rows, Rows]:
    """Return the rows, left and right, of the words that both have, in the order of ``left``, (m,) each.

    :raises DataError: there is none.
    """
    there = right.vocabulary.ids(left)
    rows = np.flatnonzero(there >= 0)
    if not len(rows):
        raise DataError("the two have no word in common", "give pairs of words, or other vectors")
    return rows, there[rows]


def paired(left: WordVectors, right: WordVectors, pairs: Iterable[tuple[str, str]]) -> tuple[Rows, Rows]:
    """Return the rows of the pairs of which both words are there, (m,) each.

    :raises InputError: something else is among them.
    :raises DataError: there is none.
    """
    given: list[Any] = list(pairs) if hasattr(pairs, "__iter__") else [pairs]
    for place, pair in enumerate(given):
        several = not isinstance(pair, str) and hasattr(pair, "__len__")
        if not several or [isinstance(word, str) for word in pair] != _PAIR:
            problem = f"element {place}, {pair!r:.60}, is no pair of words"
            raise InputError("pairs", problem, "give (word here, word there)")
    rows = left.vocabulary.ids(word for word, _ in given)
    there = right.vocabulary.ids(word for _, word in given)
    both = (rows >= 0) & (there >= 0)
    if not both.any():
        problem = f"none of the {len(given)} pairs has both its words in the vocabularies"
        raise DataError(problem, "give the word of the first model first, then the other's")
    return rows[both], there[both]
