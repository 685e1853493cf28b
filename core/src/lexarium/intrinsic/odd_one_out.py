"""Odd one out: the word of a group that is farthest from the mean of the group."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from lexarium.intrinsic.report import OddOneOut, Section, nothing_known, some
from lexarium.intrinsic.similarity import units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.intrinsic.groups import Groups
    from lexarium.intrinsic.lookup import Lookup
    from lexarium.roles import Progress
    from lexarium.words import WordVectors

__all__ = ["word_odd_one_out"]


def word_odd_one_out(
    model: WordVectors, groups: Groups, *, oov: str, lookup: Lookup, progress: Progress
) -> OddOneOut:
    """Find the odd word of each group and count, per category, the right ones.

    The rule is that of gensim's ``doesnt_match``: of the vectors at length 1, the one with the least
    cosine with their mean; of equal ones, the word that comes first by code points. Unknown words of a group
    are ignored, as there; a group whose odd word is unknown, or with fewer than two other known words, is
    left out, or with ``oov="zero"`` counts as wrong.

    :raises DataError: no group can be used.
    """
    used, oovs, correct, ignored = Counter[str](), Counter[str](), Counter[str](), 0
    for done, cluster in enumerate(groups.clusters(), 1):
        together = [int(word) for word in cluster.together if lookup.rows[word] >= 0]
        odd = [int(word) for word in cluster.odd if lookup.rows[word] >= 0]
        name, usable = cluster.category, len(odd) if len(together) > 1 else 0
        used[name] += usable
        oovs[name] += len(cluster.odd) - usable
        if usable:
            ignored += (len(cluster.together) - len(together)) * usable
            correct[name] += _found(model, lookup.rows, groups.words, together, odd)
        progress("finding the odd ones", done, len(groups.sizes))
    if not used.total():
        raise nothing_known(groups.path, "group", groups.words)
    names = [name for name in dict.fromkeys(groups.categories) if used[name] or oovs[name]]
    parts = tuple(_section(name, used[name], oovs[name], correct[name], oov) for name in names)
    return OddOneOut(
        path=groups.path,
        categories=parts,
        total=_section("total", used.total(), oovs.total(), correct.total(), oov),
        ignored=ignored,
        unknown=some(groups.words, lookup.rows),
    )


def _section(name: str, used: int, oovs: int, correct: int, oov: str) -> Section:
    return Section(name, used + oovs, used + oovs if oov == "zero" else used, oovs, correct)


def _found(
    model: WordVectors, rows: NDArray[np.int64], words: list[str], together: list[int], odd: list[int]
) -> int:
    """Return how many of the odd words are the odd one of the group that they make with ``together``.

    The cosine of u with the mean of a group grows with the sum of u's cosines with the group, so a
    matrix of cosines is enough.
    """
    same, other = units(model.vectors[rows[together]]), units(model.vectors[rows[odd]])
    inner = (same @ same.T).sum(axis=1)  # (k,)
    outer = other @ same.T  # (m, k)
    of_odd = outer.sum(axis=1) + (other * other).sum(axis=1)
    of_same = inner + outer  # (m, k)
    least = of_same.min(axis=1)
    right = of_odd < least
    for place in np.flatnonzero(of_odd == least):
        equal = [words[together[k]] for k in np.flatnonzero(of_same[place] == least[place])]
        right[place] = words[odd[place]] < min(equal)
    return int(right.sum())
