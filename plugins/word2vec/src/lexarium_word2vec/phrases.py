"""Two words that mean one thing become one word, ``new_york``, as gensim's ``Phrases`` finds them.

Mikolov, Sutskever, Chen, Corrado, Dean, "Distributed representations of words and phrases and their
compositionality", 2013, section 4; "npmi" is normalised pointwise mutual information (Bouma, 2009).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import DataError
from lexarium.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lexarium_static.encoding import Encoded
    from lexarium_word2vec.config import Word2VecConfig

__all__ = ["join_found", "join_known", "join_known_ids", "prune", "renumber"]

_MARK = "_"


def join_known(tokens: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Join neighbours whose joined word is in the vocabulary, from left to right; none is joined twice."""
    if len(tokens) < 2:  # noqa: PLR2004  no neighbours
        return list(tokens)
    pairs = [a + _MARK + b for a, b in pairwise(tokens)]
    flags = _apart(vocabulary.ids(pairs) >= 0)
    kept = np.append(True, ~flags)  # a token that is the second of a pair goes into the first
    return [pairs[i] if i < len(pairs) and flags[i] else tokens[i] for i in np.flatnonzero(kept).tolist()]


def join_found(encoded: Encoded, config: Word2VecConfig) -> Encoded:
    """Find the phrases of a corpus with all its words in it, ``config.phrases`` times; join them.

    The words keep their order, phrases come behind them; ``counts`` may be 0.
    """
    for _ in range(config.phrases):
        before = encoded

        def is_good(pairs: _Pairs, before: Encoded = before) -> NDArray[np.bool_]:
            return _scored(pairs, before, config)

        encoded = _join(encoded, is_good)
    return encoded


def join_known_ids(encoded: Encoded, known: Vocabulary, passes: int) -> Encoded:
    """Join as :func:`join_known` does, in a whole corpus."""
    for _ in range(passes):
        words = list(encoded.vocabulary)

        def is_known(pairs: _Pairs, words: list[str] = words) -> NDArray[np.bool_]:
            names = (words[a] + _MARK + words[b] for a, b in zip(pairs.a, pairs.b, strict=True))
            return known.ids(names) >= 0

        encoded = _join(encoded, is_known)
    return encoded


def prune(encoded: Encoded, min_count: int, max_vocab: int | None) -> Encoded:
    """Leave out rare words, and all but ``max_vocab``; number the rest as :func:`encode` does.

    :raises DataError: no word is left.
    """
    words, counts = list(encoded.vocabulary), encoded.counts
    raw = [word.encode("utf-8", "surrogatepass") for word in words]
    frequent = np.flatnonzero(counts >= min_count).tolist()
    if not frequent:
        problem = f"none of the {len(words)} words occurs {min_count} times"
        raise DataError(f"{problem}, the most frequent {counts.max()} times", "lower min_count")
    kept = sorted(frequent, key=lambda i: (-counts[i], raw[i]))[:max_vocab]
    numbers = np.full(len(words), -1, np.int32)
    numbers[kept] = np.arange(len(kept))
    return renumber(encoded, numbers, Vocabulary.build([words[i] for i in kept]))


def renumber(encoded: Encoded, numbers: NDArray[np.int32], vocabulary: Vocabulary) -> Encoded:
    """Give each word another number, -1 to leave it out; *shape:* numbers (n,)."""
    ids = numbers[encoded.ids]
    known = ids >= 0
    offsets = np.append(0, np.cumsum(known, dtype=np.int64))[encoded.offsets]
    ids = ids[known]
    counts = np.bincount(ids, minlength=len(vocabulary)).astype(np.int64)
    return replace(encoded, vocabulary=vocabulary, counts=counts, ids=ids, offsets=offsets)


class _Pairs:
    """The distinct pairs (a, b) of neighbours in a corpus, and how often each occurs."""

    def __init__(self, encoded: Encoded) -> None:
        n = len(encoded.vocabulary)
        ids = encoded.ids.astype(np.int64)
        keys = ids[:-1] * n + ids[1:]
        ends = encoded.offsets[1:] - 1
        self._inside = np.ones(len(keys), bool)  # both words are of one text
        self._inside[ends[(ends >= 0) & (ends < len(keys))]] = False
        self._keys = keys
        self._distinct, self.counts = np.unique(keys[self._inside], return_counts=True)
        self.a, self.b = self._distinct // n, self._distinct % n

    def where(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell at which places of the corpus a chosen pair begins."""
        if not chosen.any():
            return np.zeros(len(self._keys), bool)
        wanted = self._distinct[chosen]
        at = np.searchsorted(wanted, self._keys)
        found: NDArray[np.bool_] = self._inside & (wanted[np.minimum(at, len(wanted) - 1)] == self._keys)
        return found


def _join(encoded: Encoded, choose: Callable[[_Pairs], NDArray[np.bool_]]) -> Encoded:
    if len(encoded.ids) < 2:  # noqa: PLR2004  no pair
        return encoded
    pairs = _Pairs(encoded)
    flags = _apart(pairs.where(choose(pairs)))
    places = np.flatnonzero(flags)
    n = len(encoded.vocabulary)
    keys, which = np.unique(
        encoded.ids[places].astype(np.int64) * n + encoded.ids[places + 1], return_inverse=True
    )
    words = list(encoded.vocabulary)
    numbers = {word: number for number, word in enumerate(words)}
    joined = [
        numbers.setdefault(words[a] + _MARK + words[b], len(numbers))
        for a, b in zip((keys // n).tolist(), (keys % n).tolist(), strict=True)
    ]
    ids = encoded.ids.copy()
    ids[places] = np.array(joined, np.int32)[which]
    kept = np.append(True, ~flags)
    offsets = np.append(0, np.cumsum(kept, dtype=np.int64))[encoded.offsets]
    ids = ids[kept]
    counts = np.bincount(ids, minlength=len(numbers)).astype(np.int64)
    vocabulary = Vocabulary.build(list(numbers))
    return replace(encoded, vocabulary=vocabulary, counts=counts, ids=ids, offsets=offsets)


def _apart(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each run of true values keep every second one, beginning with the first."""
    places = np.arange(len(flags))
    before = np.maximum.accumulate(np.where(flags, -1, places))  # the last false value, -1 for none
    kept: NDArray[np.bool_] = flags & ((places - before) % 2 == 1)
    return kept


def _scored(pairs: _Pairs, encoded: Encoded, config: Word2VecConfig) -> NDArray[np.bool_]:
    """Tell which pairs score above the threshold; counts and vocabulary as gensim has them."""
    of_a, of_b = (encoded.counts[ids].astype(np.float64) for ids in (pairs.a, pairs.b))
    least, counts = config.phrases_min_count, pairs.counts
    if config.phrases_scoring == "default":
        distinct = np.count_nonzero(encoded.counts) + len(counts)  # words and pairs share gensim's vocabulary
        scores: Any = (counts - least) / (of_a * of_b) * distinct
    else:
        share = counts / len(encoded.ids)
        with np.errstate(divide="ignore", invalid="ignore"):  # a pair that is the whole corpus
            scores = np.log(share / (of_a * of_b / len(encoded.ids) ** 2)) / -np.log(share)
        scores = np.where(counts >= least, scores, -np.inf)
    chosen: NDArray[np.bool_] = scores > config.phrases_threshold
    return chosen
