"""One vector per document from the vectors of its tokens: :class:`Pooler` from texts, the rest from ids.

The ids of documents come packed: ``ids`` (t,) int64 holds the tokens of all documents one after
another, as rows of ``vectors`` (-1: unknown, left out), and ``offsets`` (n + 1,) int64 says that
document i has ``ids[offsets[i]:offsets[i + 1]]``. A document's row is the same to the bit whatever
stands beside it, and tokens cost some 50 bytes each on the way, whatever ``dim`` is: their vectors
are never gathered.
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from lexarium.backend import Backend, check_threads, kernel, processors
from lexarium.errors import CheckpointError, InputError
from lexarium.inputs import check_texts
from lexarium.tokens import tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.tokens import Tokenize
    from lexarium.vocabulary import Vocabulary

__all__ = ["Per", "Pooler", "mean_pool", "normalize_rows", "remove_component"]

#: What a weighted sum is divided by: the sum of the weights, or the number of known tokens.
Per: TypeAlias = Literal["weight", "token"]

_BLOCK = 1 << 22  # characters tokenised together, and at least one text
_PROBES = 4096  # slots looked at for a word, as lexarium.vocabulary does

#: Tokens added up in float32; longer documents are summed in pieces, and the pieces in float64.
_PIECE = 256


class Pooler:
    """Texts to the (weighted) means of their known words' vectors, straight from the strings.

    With the kernels a text is cut, looked up in the stored vocabulary and averaged in one pass, in
    several threads; without them :func:`mean_pool` gives the same but for rounding. Either way a text's
    row is the same to the bit whatever stands beside it. Opening reads nothing and builds nothing.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        vectors: Floats,
        *,
        tokenizer: Literal["unicode", "words", "whitespace", "characters"] | Tokenize = "words",
        lowercase: bool = True,
        backend: Backend = "auto",
        threads: int | None = None,
    ) -> None:
        """Join the words, their vectors (v, dim) float32, and how a text is cut into words.

        ``tokenizer`` is one of :mod:`lexarium.tokens` by name, before which the text is lower-cased or
        not, or a function that gets the text as it is. ``threads`` is by default the number of processors
        that this process may use; a few short texts never take more than one.

        :raises InputError: ``vectors`` is not float32 with one row per word.
        :raises ConfigError: ``threads`` is not from 1 to 1024.
        """
        if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != len(vocabulary):  # noqa: PLR2004
            problem = f"they are {vectors.dtype} {vectors.shape}, not float32 ({len(vocabulary)}, dim)"
            raise InputError("vectors", problem)
        self._vocabulary = vocabulary
        self._vectors = np.ascontiguousarray(vectors)
        self._tokenizer = tokenizer
        self._lowercase = lowercase
        self._threads = processors() if threads is None else check_threads(threads)
        self._rule = tokenizer if isinstance(tokenizer, str) else None
        self._module = kernel("_pooling", backend, instead="numpy")

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of a text, known or not."""
        return self._cut(text)

    def pool(self, texts: Sequence[str], weights: Floats | None = None, *, per: Per = "weight") -> Floats:
        """Return one row per text, (n, dim) float32; zeros where no token is known.

        *Shapes:* weights (v,) float32, one per word. ``per`` is what the weighted sum is divided by: the
        sum of the weights, or the number of known tokens, as Arora et al. (2017) do.

        :raises InputError: a text is not a string, or there is not one weight for each word.
        :raises CheckpointError: the stored vocabulary is damaged.
        """
        if weights is not None and (weights.dtype != np.float32 or weights.shape != (len(self._vocabulary),)):
            problem = f"they are {weights.dtype} {weights.shape}, not float32 ({len(self._vocabulary)},)"
            raise InputError("weights", problem)
        result = np.empty((len(check_texts(texts)), self._vectors.shape[1]), np.float32)
        done = 0
        for block in _blocks(texts):
            result[done : done + len(block)] = self._pooled(block, weights, per)
            done += len(block)
        return result

    def packed(self, texts: Iterable[str]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the word ids of some texts at a time, -1 for unknown ones, and their offsets.

        :raises InputError: a text is not a string.
        :raises CheckpointError: the stored vocabulary is damaged.
        """
        for block in _blocks(texts):
            if self._compiled is None or self._rule is None:
                yield self._looked_up(block)
            else:
                find = self._compiled.find_texts
                yield self._called(find, block, self._rule, self._lowercase, self._threads)

    def _pooled(self, texts: list[str], weights: Floats | None, per: Per) -> Floats:
        if self._compiled is None:
            return mean_pool(self._vectors, *self._looked_up(texts), weights, per=per)
        settings = (weights, per == "token", self._threads)
        result: Floats
        if self._rule is not None:
            work = self._compiled.pool_texts
            result = self._called(work, texts, self._rule, self._lowercase, *settings)
        else:
            tokens = [self.tokenize(text) for text in texts]
            ends = np.cumsum([0, *map(len, tokens)], dtype=np.int64)
            result = self._called(
                self._compiled.pool_tokens, list(chain.from_iterable(tokens)), ends, *settings
            )
        return result

    def _looked_up(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ids = [self._vocabulary.ids(self.tokenize(text)) for text in texts]
        return np.concatenate([np.empty(0, np.int64), *ids]), np.cumsum([0, *map(len, ids)], dtype=np.int64)

    def _called(self, work: Any, *given: Any) -> Any:  # noqa: ANN401  a compiled function
        try:
            return work(*given)
        except ValueError as error:
            raise CheckpointError("vocabulary", str(error), "the model is damaged: fetch it again") from error

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401  a compiled object, or None
        if self._module is None:
            return None
        parts = self._vocabulary.tensors()
        names = ("vocabulary.bytes", "vocabulary.offsets", "vocabulary.slots")
        # A stranger's file may leave tensors at odd addresses; they are copied then.
        tensors = [np.require(parts[name], requirements=["C", "A"]) for name in names]
        return self._module.Pooler(*tensors, _PROBES, np.require(self._vectors, requirements=["C", "A"]))

    @cached_property
    def _cut(self) -> Tokenize:
        if not isinstance(self._tokenizer, str):
            return self._tokenizer
        cut = tokenizer(self._tokenizer)
        return (lambda text: cut(text.lower())) if self._lowercase else cut


def mean_pool(
    vectors: Floats,
    ids: NDArray[np.int64],
    offsets: NDArray[np.int64],
    weights: Floats | None = None,
    *,
    per: Per = "weight",
) -> Floats:
    """Return the (weighted) mean of the known tokens' vectors, (n, dim); zeros where there is none.

    *Shapes:* vectors (v, dim), C-contiguous (others are copied); weights (v,), one per row of
    ``vectors``. ``per`` is what the weighted sum is divided by: the sum of the weights, or the
    number of known tokens, as Arora et al. (2017) do.

    :raises InputError: an id is no row of ``vectors``, or ``offsets`` do not rise from 0 to t.
    """
    _check(len(vectors), ids, offsets)
    known = ids >= 0
    offsets = np.concatenate(([0], np.cumsum(known)))[offsets]
    ids = ids[known]
    factors = np.ones(len(ids), np.float32) if weights is None else weights[ids]
    sums = _sum(vectors, ids, offsets, factors)
    lengths = np.diff(offsets)
    totals: NDArray[np.float64] = lengths.astype(np.float64)
    if weights is not None and per == "weight":
        documents = np.repeat(np.arange(len(lengths)), lengths)
        totals = np.bincount(documents, factors, len(lengths)).astype(np.float64)
    totals[totals == 0] = 1
    sums /= totals[:, None]
    return sums.astype(np.float32)


def remove_component(matrix: Floats, component: Floats) -> Floats:
    """Return each row less its projection on ``component``: ``x - (x·u) u``, (n, dim).

    *Shapes:* matrix (n, dim); component (dim,), of length 1. The common component removal of Arora
    et al., "A simple but tough-to-beat baseline for sentence embeddings", 2017, algorithm 1.
    """
    unit = component.astype(np.float64)
    # A sum over each row by itself, not a BLAS product: that one rounds by how many rows there are.
    projected = (matrix * unit).sum(axis=1, keepdims=True)
    return np.asarray(matrix - projected * unit, np.float32)


def normalize_rows(matrix: Floats) -> Floats:
    """Return each row divided by its Euclidean length, (n, dim); a zero row stays zero."""
    lengths = np.sqrt(np.square(matrix, dtype=np.float64).sum(axis=1, keepdims=True))
    lengths[lengths == 0] = 1
    return np.asarray(matrix / lengths, np.float32)


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    size = 0
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError("texts", f"element {index} is {type(text).__name__}, not text", "pass strings")
        block.append(text)
        size += len(text) + 1
        if size >= _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _check(rows: int, ids: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
    # What follows is compiled code that reads where the ids point, without looking.
    if len(ids) and not -1 <= ids.min() <= ids.max() < rows:
        raise InputError("ids", f"there are {rows} rows, the ids go from {ids.min()} to {ids.max()}")
    if offsets[0] != 0 or offsets[-1] != len(ids) or (np.diff(offsets) < 0).any():
        raise InputError("offsets", f"they do not rise from 0 to the number of ids, {len(ids)}")


def _sum(
    vectors: Floats, ids: NDArray[np.int64], offsets: NDArray[np.int64], factors: Floats
) -> NDArray[np.float64]:
    # In order within a document, so that the sum depends on nothing else.
    pieces = -(-np.diff(offsets) // _PIECE)  # of each document, rounded up
    first = np.concatenate(([0], np.cumsum(pieces)))
    within = np.arange(first[-1]) - np.repeat(first[:-1], pieces)
    starts = np.append(np.repeat(offsets[:-1], pieces) + within * _PIECE, len(ids))
    dense = np.ascontiguousarray(vectors)
    tokens = csr_array((factors, ids, starts), shape=(first[-1], len(vectors)))
    documents = csr_array((np.ones(first[-1]), np.arange(first[-1]), first), shape=(len(pieces), first[-1]))
    sums: NDArray[np.float64] = documents @ (tokens @ dense).astype(np.float64)
    return sums
