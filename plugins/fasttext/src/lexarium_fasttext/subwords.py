"""Words by their parts: fastText's hash values, and the rows that n-grams have.

:func:`engine` gives the compiled look-up, or the one of this module, which says in numpy what the other
computes. The hash values are those of the original program, so that models go both ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from lexarium.backend import kernel
from lexarium.errors import CheckpointError
from lexarium.tokens import tokenizer
from lexarium_fasttext.model import EOS, Parameters, Quantised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.vocabulary import Vocabulary

__all__ = [
    "WORD_PATTERN",
    "Engine",
    "Pooling",
    "Subwords",
    "engine",
    "fasttext_words",
    "hash_word",
    "hashed_ngrams",
    "hashed_runs",
    "is_cut_alike",
    "word_means",
]

_MASK_32, _MASK_64 = (1 << 32) - 1, (1 << 64) - 1
_START, _FACTOR, _RUN_FACTOR = 2166136261, 16777619, 116049371
#: What fastText takes for a word: what stands between ASCII white space and NUL, and nothing else.
WORD_PATTERN = r"[^ \t\n\v\f\r\0]+"
_FASTTEXT_WORD = re.compile(WORD_PATTERN)
#: Where fastText cuts and ``tokenizer=whitespace`` does not, or the other way round.
_ELSEWHERE = "\0\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_ELSEWHERE_ASCII = "".join(filter(str.isascii, _ELSEWHERE))
_TOGETHER = 256  # texts


def fasttext_words(text: str) -> list[str]:
    """Return the words of a text as fastText cuts it: a no-break or an ideographic space is part of one."""
    return _FASTTEXT_WORD.findall(text)


def is_cut_alike(texts: Sequence[str]) -> bool:
    """Tell whether ``tokenizer=whitespace`` cuts these texts as fastText does."""
    for start in range(
        0, len(texts), _TOGETHER
    ):  # joined, since a text's own loop takes longer than the search
        joined = "".join(texts[start : start + _TOGETHER])
        if any(mark in joined for mark in (_ELSEWHERE_ASCII if joined.isascii() else _ELSEWHERE)):
            return False
    return True


def hash_word(word: bytes) -> int:
    """Return the 32-bit hash value of UTF-8 bytes: FNV-1a, but that bytes from 0x80 on are sign-extended."""
    value = _START
    for byte in word:
        value = ((value ^ (byte if byte < 0x80 else byte | 0xFFFFFF00)) * _FACTOR) & _MASK_32  # noqa: PLR2004  ASCII
    return value


def hashed_ngrams(word: str, parameters: Parameters) -> list[int]:
    """Return the bucket of each n-gram of ``<word>``, in fastText's order; the brackets alone are none."""
    if parameters.maxn < 1 or parameters.bucket < 1 or word == EOS:
        return []
    characters = [char.encode("utf-8", "surrogatepass") for char in f"<{word}>"]
    last = len(characters)
    shortest = max(1, parameters.minn)
    spans = (
        (begin, end)
        for begin in range(last)
        for end in range(begin + shortest, min(begin + parameters.maxn, last) + 1)
        if end - begin > 1 or (begin > 0 and end < last)
    )
    return [hash_word(b"".join(characters[begin:end])) % parameters.bucket for begin, end in spans]


def hashed_runs(words: Sequence[str], parameters: Parameters) -> list[int]:
    """Return the bucket of each run of 2 to ``word_ngrams`` words, in fastText's order."""
    if parameters.word_ngrams < 2 or parameters.bucket < 1:  # noqa: PLR2004  runs of two
        return []
    hashes = [hash_word(word.encode("utf-8", "surrogatepass")) for word in words]
    signed = [value - (1 << 32) if value >> 31 else value for value in hashes]  # as the program keeps them
    found = []
    for first, value in enumerate(signed):
        run = value & _MASK_64
        for following in signed[first + 1 : first + parameters.word_ngrams]:
            run = (run * _RUN_FACTOR + following) & _MASK_64
            found.append(run % parameters.bucket)
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Subwords:
    """What gives vectors to words outside the vocabulary, and to texts.

    *Shapes:* ``sizes`` (n,) int32: of how many rows each word's vector is the mean. ``rows`` (k, dim)
    float32: those of the buckets, whose numbers are ``ids`` (k,) int64, rising, or None where all are there;
    quantised, ``rows`` are the words' too, (n + k, dim), the words first. ``pruned``: an absent bucket does
    not count.
    """

    parameters: Parameters
    sizes: NDArray[np.int32]
    rows: Floats | Quantised
    ids: NDArray[np.int64] | None = None
    pruned: bool = False
    tokens: int = 0

    @classmethod
    def none(cls, vectors: Floats) -> Subwords:
        """Return what a model of whole words has, (n, dim)."""
        dim = vectors.shape[1]
        plain = Parameters(dim=dim, model="skipgram", loss="ns", minn=0, maxn=0, bucket=0)
        return cls(
            parameters=plain, sizes=np.ones(len(vectors), np.int32), rows=np.empty((0, dim), np.float32)
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Pooling:
    """How texts become sums of rows.

    ``pooling``: ``weighted``, weight times vector; ``normalized``, vectors divided by their lengths;
    ``features``, all rows of a text. ``split``: a rule of :mod:`lexarium.tokens`, ``fasttext`` (ASCII white
    space and NUL) or ``lines``. ``unknown`` is the weight of words outside the vocabulary, 0: they do not
    count. What begins with ``label_prefix`` is no feature. ``per_token``: the divisor counts words, not
    weights.

    *Shapes:* weights (n,), one per word, or None: 1 each.
    """

    pooling: Literal["weighted", "normalized", "features"]
    split: str
    lowercase: bool = False
    label_prefix: str = ""
    weights: Floats | None = None
    unknown: float = 0.0
    per_token: bool = False


class Engine(Protocol):
    """What looks words and texts up: :class:`_Compiled` or :class:`_Reference`."""

    def from_grams(self, words: Sequence[str], threads: int) -> Floats:
        """Return the mean of the rows of each word's n-grams, (m, dim); zeros where it has none."""
        ...

    def pool(self, texts: Sequence[str], how: Pooling, threads: int) -> tuple[Floats, NDArray[np.float64]]:
        """Return sums over the words of each text, (n, dim), and what to divide them by, (n,)."""
        ...

    def scores(self, texts: Sequence[str], label_prefix: str, threads: int) -> NDArray[np.float64]:
        """Return the mean of all rows of each text, (n, dim): ``features``, cut as fastText cuts."""
        ...


def engine(vocabulary: Vocabulary, vectors: Floats, subwords: Subwords, where: str) -> Engine:
    """Return what looks words and texts up, compiled where the kernels are built.

    :raises CheckpointError: the parts, ``where`` they are from, do not belong together or are out of range.
    """
    compiled = kernel("_fasttext", instead="numpy")
    if compiled is None:
        return _Reference(vocabulary, vectors, subwords)
    settings = subwords.parameters
    try:
        model = compiled.Model(
            _words(compiled, vocabulary),
            np.ascontiguousarray(vectors),
            subwords.sizes,
            _buckets(compiled, len(vocabulary), subwords),
            settings.minn,
            settings.maxn,
            settings.word_ngrams if settings.model == "supervised" else 1,
        )
    except ValueError as error:
        raise CheckpointError(where, str(error), "the model is damaged: fetch or import it again") from error
    return _Compiled(model)


def word_means(
    vocabulary: Vocabulary, rows: Floats | None, subwords: Subwords, threads: int
) -> tuple[Floats, NDArray[np.int32]]:
    """Return the vector of each word, the mean of its row and its n-grams' (n, dim), and their numbers (n,).

    *Shapes:* rows (n, dim), one per word, or None where ``subwords`` holds them quantised.
    """
    settings = subwords.parameters
    compiled = kernel("_fasttext", instead="numpy")
    if compiled is not None:
        words = _words(compiled, vocabulary)
        buckets = _buckets(compiled, len(vocabulary), subwords)
        found: tuple[Floats, NDArray[np.int32]] = compiled.word_means(
            words, rows, buckets, settings.minn, settings.maxn, threads
        )
        return found
    table = _Rows(len(vocabulary), subwords)
    vectors = np.empty((len(vocabulary), settings.dim), np.float32)
    sizes = np.empty(len(vocabulary), np.int32)
    for index, word in enumerate(vocabulary):
        own = rows[index : index + 1] if rows is not None else table.words(slice(index, index + 1))
        parts, absent = table.buckets(hashed_ngrams(word, settings))
        sizes[index] = 1 + len(parts) + absent
        # Row after row, as fastText adds them up, so that the sum is the same to the bit.
        total = np.add.accumulate(np.concatenate([own, parts]), axis=0, dtype=np.float32)[-1]
        vectors[index] = total * np.float32(1.0 / sizes[index])
    return vectors, sizes


def _words(compiled: Any, vocabulary: Vocabulary) -> Any:  # noqa: ANN401
    tensors = vocabulary.tensors()
    return compiled.Words(*(tensors[f"vocabulary.{part}"] for part in ("bytes", "offsets", "slots")))


def _buckets(compiled: Any, words: int, subwords: Subwords) -> Any:  # noqa: ANN401  a compiled module and its object
    rows = subwords.rows
    ids, count, pruned = subwords.ids, subwords.parameters.bucket, subwords.pruned
    if not isinstance(rows, Quantised):
        return compiled.Buckets(np.ascontiguousarray(rows), None, 0, ids, count, pruned)
    codes = compiled.Codes(rows.codes, rows.centroids, rows.norm_codes, rows.norms, rows.dim, rows.dsub)
    return compiled.Buckets(None, codes, words, ids, count, pruned)


class _Rows:
    """Rows by bucket."""

    def __init__(self, words: int, subwords: Subwords) -> None:
        self._subwords = subwords
        self._first = words if isinstance(subwords.rows, Quantised) else 0

    def words(self, which: slice) -> Floats:
        assert isinstance(self._subwords.rows, Quantised)  # noqa: S101  asked where nothing else holds them
        return self._subwords.rows.rows(which)

    def buckets(self, numbers: Sequence[int]) -> tuple[Floats, int]:
        """Return the rows that there are, and how many absent ones count, as zeros."""
        ids, wanted = self._subwords.ids, np.array(numbers, np.int64)
        places = wanted
        if ids is not None:
            places = np.searchsorted(ids, wanted)
            there = np.append(ids, -1)[places] == wanted
            places = places[there]
        rows = self._subwords.rows
        which = self._first + places
        found = rows.rows(which) if isinstance(rows, Quantised) else rows[which]
        return found, 0 if self._subwords.pruned else len(numbers) - len(places)


class _Compiled:
    """The look-up of the kernels, many texts at a time."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401  a compiled object
        self._model = model

    def from_grams(self, words: Sequence[str], threads: int) -> Floats:
        found: Floats = self._model.from_grams(words, threads)
        return found

    def pool(self, texts: Sequence[str], how: Pooling, threads: int) -> tuple[Floats, NDArray[np.float64]]:
        found: tuple[Floats, NDArray[np.float64]] = self._model.pool(
            texts,
            how.pooling,
            how.split,
            how.lowercase,
            how.label_prefix,
            how.weights,
            how.unknown,
            how.per_token,
            threads,
        )
        return found

    def scores(self, texts: Sequence[str], label_prefix: str, threads: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._model.scores(texts, label_prefix, threads)
        return found


class _Reference:
    """The look-up in numpy, a text at a time."""

    def __init__(self, vocabulary: Vocabulary, vectors: Floats, subwords: Subwords) -> None:
        self._vocabulary = vocabulary
        self._vectors = vectors
        self._subwords = subwords
        self._rows = _Rows(len(vocabulary), subwords)

    def from_grams(self, words: Sequence[str], threads: int) -> Floats:  # noqa: ARG002  one is all it has
        found = np.zeros((len(words), self._vectors.shape[1]), np.float32)
        for row, word in zip(found, words, strict=True):
            rows, absent = self._rows.buckets(hashed_ngrams(word, self._subwords.parameters))
            row[:] = rows.sum(axis=0, dtype=np.float64) / max(1, len(rows) + absent)
        return found

    def pool(
        self,
        texts: Sequence[str],
        how: Pooling,
        threads: int,  # noqa: ARG002
    ) -> tuple[Floats, NDArray[np.float64]]:
        sums = np.zeros((len(texts), self._vectors.shape[1]), np.float32)
        totals = np.zeros(len(texts))
        for place, text in enumerate(texts):
            words = list(_cut(text, how.split, lowercase=how.lowercase))
            if how.pooling == "features":
                vectors, factors, totals[place] = self._features(words, how.label_prefix)
            else:
                vectors, factors = self._weighted(words, how.weights, how.unknown)
                totals[place] = len(factors) if how.per_token else factors.sum()
                if how.pooling == "normalized":
                    factors = 1 / np.sqrt(np.square(vectors).sum(axis=1, dtype=np.float64))
                    totals[place] = len(factors)
            sums[place] = factors @ vectors.astype(np.float64)
        return sums, totals

    def scores(self, texts: Sequence[str], label_prefix: str, threads: int) -> NDArray[np.float64]:
        how = Pooling(pooling="features", split="fasttext", label_prefix=label_prefix)
        sums, totals = self.pool(texts, how, threads)
        means: NDArray[np.float64] = sums / np.maximum(totals, 1)[:, None]
        return means

    def _weighted(
        self, words: list[str], weights: Floats | None, unknown: float
    ) -> tuple[Floats, NDArray[np.float64]]:
        ids = self._vocabulary.ids(words)
        factors = np.ones(len(words)) if weights is None else weights[ids].astype(np.float64)
        vectors = (
            self._vectors[ids]
            if len(self._vectors)
            else np.zeros((len(ids), self._vectors.shape[1]), np.float32)
        )
        absent = np.flatnonzero(ids < 0)
        vectors[absent] = self.from_grams([words[index] for index in absent], 1)
        factors[absent] = unknown
        known = (ids >= 0) | (vectors.any(axis=1) & (unknown > 0))
        if unknown == 0:
            known = ids >= 0
        return vectors[known], factors[known]

    def _features(self, words: list[str], label_prefix: str) -> tuple[Floats, NDArray[np.float64], int]:
        if EOS in words:  # what fastText takes for the end of the line
            words = words[: words.index(EOS)]
        words = [*words, EOS]
        ids = self._vocabulary.ids(words)
        kept = [
            i
            for i, word in enumerate(words)
            if ids[i] >= 0 or not (label_prefix and word.startswith(label_prefix))
        ]
        words, ids = [words[i] for i in kept], ids[kept]
        numbers = [
            number
            for index, word in zip(ids, words, strict=True)
            if index < 0
            for number in hashed_ngrams(word, self._subwords.parameters)
        ]
        if self._subwords.parameters.model == "supervised":
            numbers += hashed_runs(words, self._subwords.parameters)
        rows, absent = self._rows.buckets(numbers)
        ids = ids[ids >= 0]
        sizes = self._subwords.sizes[ids]
        vectors = np.concatenate([self._vectors[ids], rows])
        factors = np.concatenate([sizes, np.ones(len(rows))]).astype(np.float64)
        return vectors, factors, int(sizes.sum()) + len(rows) + absent


def _cut(text: str, split: str, *, lowercase: bool) -> Iterator[str]:
    if split == "fasttext":
        return iter(fasttext_words(text))
    if split == "lines":
        return filter(None, text.split("\n"))
    rule: Any = split
    return iter(tokenizer(rule)(text.lower() if lowercase else text))
