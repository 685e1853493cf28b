"""Two words that mean one thing become one word, ``new_york``, as gensim's ``Phrases`` finds them.

Mikolov, Sutskever, Chen, Corrado, Dean, "Distributed representations of words and phrases and their
compositionality", 2013, section 4; "npmi" is normalised pointwise mutual information (Bouma, 2009).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import DataError
from lexarium.vocabulary import Vocabulary
from lexarium_static.numbering import renumber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium_static.encoding import Encoded
    from lexarium_word2vec.config import Word2VecConfig

__all__ = ["join_found", "join_known", "prune"]

_MARK = "_"
_STEP = 1 << 20  # tokens looked at together


def join_known(tokens: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Join neighbours whose joined word is in the vocabulary, from left to right; none is joined twice."""
    if len(tokens) < 2:  # noqa: PLR2004  no neighbours
        return list(tokens)
    pairs = [a + _MARK + b for a, b in pairwise(tokens)]
    flags = _apart(vocabulary.ids(pairs) >= 0)
    kept = np.append(True, ~flags)  # a token that is the second of a pair goes into the first
    return [pairs[i] if i < len(pairs) and flags[i] else tokens[i] for i in np.flatnonzero(kept).tolist()]


def join_found(encoded: Encoded, config: Word2VecConfig) -> Encoded:
    """Find the phrases of a corpus with all its words in it, ``config.phrases`` times; join them in place.

    The words keep their order, phrases come behind them; ``counts`` may be 0. Beside the corpus itself,
    which is changed, memory grows with its distinct pairs of neighbours.
    """
    for _ in range(config.phrases):
        if len(encoded.ids) > 1:
            pairs = _pairs(encoded)
            encoded = _join(encoded, pairs.keys[_scored(pairs, encoded, config)])
    return encoded


def prune(encoded: Encoded, min_count: int, max_vocab: int | None) -> Encoded:
    """Leave out rare words, and all but ``max_vocab``, in place; number the rest as :func:`encode` does.

    :raises DataError: no word is left.
    """
    words, counts = list(encoded.vocabulary), encoded.counts
    raw = [word.encode("utf-8", "surrogatepass") for word in words]
    frequent = np.flatnonzero(counts >= min_count).tolist()
    if not frequent:
        problem = f"no word (of {len(words)}) occurs {min_count} times"
        raise DataError(f"{problem}, the most frequent {counts.max()} times", "lower min_count")
    kept = sorted(frequent, key=lambda i: (-counts[i], raw[i]))[:max_vocab]
    table = np.full(len(words), -1, np.int32)
    table[kept] = np.arange(len(kept))
    left = renumber(encoded.ids, encoded.offsets, table)
    vocabulary = Vocabulary.build([words[i] for i in kept])
    return replace(encoded, vocabulary=vocabulary, counts=counts[kept], ids=encoded.ids[:left])


@dataclass(frozen=True)
class _Pairs:
    """The distinct pairs (a, b) of neighbours, as a * n + b, rising, and how often each occurs, (m,) each."""

    keys: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def total(cls, parts: list[_Pairs]) -> _Pairs:
        """Add up the counts of several sets of pairs."""
        if len(parts) == 1:
            return parts[0]
        keys, which = np.unique(np.concatenate([part.keys for part in parts]), return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, which, np.concatenate([part.counts for part in parts]))
        return cls(keys, counts)


def _neighbours(encoded: Encoded) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield blocks of the corpus: where each begins, and the key of each token and the next one of its text.

    -1 stands for a token that is the last of its text.
    """
    n, ids, offsets = len(encoded.vocabulary), encoded.ids, encoded.offsets.copy()
    for start in range(0, len(ids), _STEP):
        block = ids[start : start + _STEP + 1].astype(np.int64)
        keys = np.full(min(_STEP, len(ids) - start), -1)
        keys[: len(block) - 1] = block[:-1] * n + block[1:]
        ends = offsets[slice(*np.searchsorted(offsets, [start, start + len(keys)], "right"))]
        keys[ends - 1 - start] = -1
        yield start, keys


def _pairs(encoded: Encoded) -> _Pairs:
    found, pending = [_Pairs(np.empty(0, np.int64), np.empty(0, np.int64))], 0
    for _, keys in _neighbours(encoded):
        found.append(_Pairs(*np.unique(keys[keys >= 0], return_counts=True)))
        pending += len(found[-1].keys)
        if pending > max(_STEP, len(found[0].keys)):  # so that each pair is sorted a few times only
            found, pending = [_Pairs.total(found)], 0
    return _Pairs.total(found)


def _join(encoded: Encoded, chosen: NDArray[np.int64]) -> Encoded:
    """Put one word in place of each chosen pair, in place; *shape:* chosen, rising keys, (m,)."""
    words, n = list(encoded.vocabulary), len(encoded.vocabulary)
    numbers = {word: number for number, word in enumerate(words)}
    joined = [
        numbers.setdefault(words[a] + _MARK + words[b], len(numbers))
        for a, b in zip((chosen // n).tolist(), (chosen % n).tolist(), strict=True)
    ]
    names = np.array([*joined, -1], np.int32)
    ids, old, offsets = encoded.ids, encoded.offsets.copy(), encoded.offsets
    counts = np.zeros(len(numbers), np.int64)
    left, first, taken = 0, 0, False
    for start, keys in _neighbours(encoded):
        at = np.searchsorted(chosen, keys)
        flags = np.append(chosen, -1)[at] == keys
        flags[keys < 0] = False
        flags[0] &= not taken  # the token before has taken this one
        flags = _apart(flags)
        kept = np.append(not taken, ~flags[:-1])
        block = np.where(flags, names[at], ids[start : start + len(keys)])[kept]
        before = np.append(0, np.cumsum(kept))
        last = int(np.searchsorted(old, start + len(keys), "right"))
        offsets[first:last] = left + before[old[first:last] - start]
        ids[left : left + len(block)] = block
        counts += np.bincount(block, minlength=len(counts))
        left, first, taken = left + len(block), last, bool(flags[-1])
    return replace(encoded, vocabulary=Vocabulary.build(list(numbers)), counts=counts, ids=ids[:left])


def _apart(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each run of true values keep every second one, beginning with the first."""
    places = np.arange(len(flags))
    before = np.maximum.accumulate(np.where(flags, -1, places))  # the last false value, -1 for none
    kept: NDArray[np.bool_] = flags & ((places - before) % 2 == 1)
    return kept


def _scored(pairs: _Pairs, encoded: Encoded, config: Word2VecConfig) -> NDArray[np.bool_]:
    """Tell which pairs score above the threshold; counts and vocabulary as gensim has them."""
    n = len(encoded.vocabulary)
    of_a, of_b = (encoded.counts[ids].astype(np.float64) for ids in (pairs.keys // n, pairs.keys % n))
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
