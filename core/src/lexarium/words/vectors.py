"""What people do with word vectors once they are there: look up, search, compare, transform, align."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from lexarium.config import require, whole
from lexarium.errors import CheckpointError, DataError, InputError, MissingExtraError, NotFoundError
from lexarium.inputs import check_list, check_texts
from lexarium.vocabulary import Vocabulary
from lexarium.words import algebra
from lexarium.words.alignment import Alignment, cosines, drifted, paired, rotation_between, shared
from lexarium.words.queries import count_of, vector_of, vectors_of, words_of
from lexarium.words.search import Search, blocks, largest, unit, units
from lexarium.words.spelling import spelled_like

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike

    from lexarium.roles import Floats
    from lexarium.words.index import WordIndex
    from lexarium.words.search import Doubles

__all__ = ["AnalogyMethod", "Neighbours", "WordVectors", "check_words"]

Neighbours: TypeAlias = list[tuple[str, float]]
AnalogyMethod: TypeAlias = Literal["3cosadd", "3cosmul"]

_EPSILON = 0.001  # Levy and Goldberg 2014, section 3.3
_FEWEST = 3  # words of which one can be the odd one


class WordVectors:
    """n words and their vectors, (n, dim) float32; opening reads neither the words nor the vectors.

    What transforms (``normalized``, ``reduced``, ...) returns new word vectors and changes nothing
    here. A class with vectors for words outside its vocabulary overrides ``__getitem__``, through which
    every query is looked up, and ``unknown``.
    """

    def __init__(
        self, vocabulary: Vocabulary | Sequence[str], vectors: Floats, where: str = "word vectors"
    ) -> None:
        """Join a vocabulary, or a list of words, and an array, memory-mapped or not.

        :raises InputError: it is no array, or they are no words.
        :raises CheckpointError: the array is not (n, dim) float32.
        """
        if not isinstance(vectors, np.ndarray):
            raise InputError("vectors", f"{type(vectors).__name__} where an array belongs", "np.array(...)")
        if not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary.build(check_texts(vocabulary, "vocabulary"))
        rows = len(vocabulary)
        if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != rows:  # noqa: PLR2004  (n, dim)
            found = f"{vectors.dtype} {vectors.shape}"
            raise CheckpointError(where, f"the vectors are {found}, not float32 ({rows}, dim)")
        self.vocabulary = vocabulary
        self.vectors: Floats = np.asarray(vectors)  # a plain view: np.memmap costs time at each slice
        self._where = where

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocabulary)

    def __getitem__(self, word: str) -> Floats:
        """Return a copy of the vector of ``word``, (dim,).

        :raises NotFoundError: the word is not in the vocabulary.
        """
        return np.array(self.vectors[self._row(word)])

    def unknown(self, words: Sequence[str], threads: int = 1) -> Floats:  # noqa: ARG002  overriding takes work
        """Return the vectors made of words that the vocabulary may lack, (m, dim); zeros: there is none."""
        return np.zeros((len(words), self._dim), np.float32)

    def similar(
        self,
        query: str | Sequence[str] | ArrayLike,
        n: int = 10,
        *,
        negative: Sequence[str] = (),
        index: WordIndex | None = None,
    ) -> Neighbours:
        """Return the ``n`` words closest by cosine to a word, several words, or a vector (dim,).

        The closest come first. Several words count as the sum of their vectors of length 1, less
        those of the ``negative`` words. Every word is compared, or, with an ``index``, those that it
        proposes; the words asked for are left out. A zero vector has cosine 0 with everything. Words
        of one cosine come in the order of the vocabulary.

        :raises NotFoundError: a word is not in the vocabulary.
        :raises InputError: the vector is not (dim,) finite numbers, or no word is given.
        :raises ConfigError: ``n`` is below 1.
        """
        words = [query] if isinstance(query, str) else words_of(query, "query")
        check_texts(negative, "negative")
        if words is None:
            if negative:
                raise InputError("query", "is a vector, and negative words go with words", "give words")
            point, rows = unit(vector_of(query, self._dim)), []
        else:
            point, rows = self._direction(words, negative), self._rows([*words, *negative])
        return self._named(self._search(index).nearest(point[None], [rows], count_of(n))[0])

    def similar_many(
        self, queries: Sequence[str] | ArrayLike, n: int = 10, *, index: WordIndex | None = None
    ) -> list[Neighbours]:
        """Return for each of q queries what :meth:`similar` returns, faster: words, or vectors (q, dim).

        :raises NotFoundError: a word is not in the vocabulary.
        :raises InputError: the vectors are not (q, dim) finite numbers.
        :raises ConfigError: ``n`` is below 1.
        """
        words = words_of(queries, "queries")
        if words is None:
            points = units(vectors_of(queries, self._dim))
            rows: list[list[int]] = [[]] * len(points)
        else:
            ids = self.vocabulary.ids(words)
            if type(self).__getitem__ is WordVectors.__getitem__ and (ids >= 0).all():
                looked_up = self.vectors[ids].astype(np.float64)
            else:
                looked_up = np.array([self[word] for word in words], np.float64).reshape(-1, self._dim)
            points = units(units(looked_up))  # twice, as for several words, to the same bits
            rows = [[row] if row >= 0 else [] for row in ids.tolist()]
        return [self._named(found) for found in self._search(index).nearest(points, rows, count_of(n))]

    def analogy(
        self, a: str, b: str, c: str, n: int = 10, *, method: AnalogyMethod = "3cosadd"
    ) -> Neighbours:
        """Return the ``n`` best answers to "a is to b as c is to ...?", best first, these three left out.

        ``3cosadd``: the words closest to ``b - a + c`` (vectors of length 1): Mikolov, Yih, Zweig,
        "Linguistic regularities in continuous space word representations", 2013.
        ``3cosmul``: the largest ``s(b) s(c) / (s(a) + 0.001)`` with the shifted cosines
        ``s(x) = (1 + cos(word, x)) / 2``: Levy, Goldberg, "Linguistic regularities in sparse and
        explicit word representations", 2014.

        :raises NotFoundError: a word is not in the vocabulary.
        :raises ConfigError: ``n`` is below 1, or ``method`` is neither of the two.
        """
        known = get_args(AnalogyMethod)
        require("method", method in known, f"{method!r} is not one of {', '.join(known)}")
        check_texts([a, b, c], "words")
        if method == "3cosadd":
            return self.similar([b, c], n, negative=[a])
        points = np.array([self._unit(word) for word in (a, b, c)])
        scores = np.empty(len(self), np.float64)
        for block in blocks(*self.vectors.shape):
            away, one, other = (1 + self.search.products(points, block).astype(np.float64)) / 2
            scores[block] = one * other / (away + _EPSILON)
        left_out = self._rows([a, b, c])
        scores[left_out] = -np.inf
        best = largest(scores, min(count_of(n), len(scores) - len(left_out)))
        return self._named([(int(row), float(scores[row])) for row in best])

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of two words.

        :raises NotFoundError: a word is not in the vocabulary.
        """
        return float(np.clip(np.dot(self._unit(a), self._unit(b)), -1.0, 1.0))

    def distance(self, a: str, b: str) -> float:
        """Return 1 less the cosine of two words: 0 for one direction, 2 for the opposite.

        :raises NotFoundError: a word is not in the vocabulary.
        """
        return 1 - self.similarity(a, b)

    def centroid(self, words: Sequence[str], *, normalized: bool = True) -> Floats:
        """Return the mean of the words' vectors, each of length 1 unless ``normalized`` is false, (dim,).

        :raises NotFoundError: a word is not in the vocabulary.
        :raises InputError: no word is given.
        """
        check_list(words, "words")
        words = check_texts(list(words), "words")
        rows = [self._unit(word) if normalized else self[word].astype(np.float64) for word in words]
        if not rows:
            raise InputError("words", "there is none", "give at least one word")
        return np.asarray(np.mean(rows, axis=0), np.float32)

    def centrality(self, words: Sequence[str]) -> Neighbours:
        """Return the words with their cosines to the mean of all (vectors of length 1), largest first.

        :raises NotFoundError: a word is not in the vocabulary.
        :raises InputError: fewer than three words are given.
        """
        if len(check_texts(words, "words")) < _FEWEST:
            raise InputError("words", f"{len(words)} given", "give at least three words")
        rows = np.array([self._unit(word) for word in words])
        scores = (rows * unit(rows.mean(axis=0))).sum(axis=1)
        return [(words[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]

    def odd_one_out(self, words: Sequence[str]) -> str:
        """Return the word that is farthest from the mean of all: the last of :meth:`centrality`.

        :raises NotFoundError: a word is not in the vocabulary.
        :raises InputError: fewer than three words are given.
        """
        return self.centrality(words)[-1][0]

    def normalized(self) -> WordVectors:
        """Return the words with vectors of length 1; zero vectors stay zero."""
        return self._with(algebra.normalize(self.vectors))

    def reduced(self, dim: int, *, center: bool = True) -> WordVectors:
        """Return the words with their ``dim`` principal components, (n, dim).

        With ``center`` the mean is removed first (PCA), without it the axes are those of the
        uncentred second moments (a truncated singular value decomposition), so cosines change less.

        :raises ConfigError: ``dim`` is not between 1 and the present dimension.
        """
        dim = whole("dim", dim)
        require("dim", 1 <= dim <= self._dim, f"{dim} is not between 1 and {self._dim}")
        mean = algebra.mean_of(self.vectors) if center else np.zeros(self._dim)
        axes = algebra.principal_axes(self.vectors, mean)
        return self._with(algebra.project(self.vectors, mean, axes[:, :dim]))

    def all_but_the_top(self, components: int | None = None) -> WordVectors:
        """Return the words without the mean and the first principal components of their vectors, (n, dim).

        Mu, Viswanath, "All-but-the-top: simple and effective postprocessing for word representations",
        2018, algorithm 1; ``components`` is by default dim / 100, at least 1, as there.

        :raises ConfigError: ``components`` is not between 0 and dim.
        """
        count = max(1, self._dim // 100) if components is None else whole("components", components)
        require("components", 0 <= count <= self._dim, f"{count} is not between 0 and {self._dim}")
        mean = algebra.mean_of(self.vectors)
        top = algebra.principal_axes(self.vectors, mean)[:, :count]
        return self._with(algebra.project(self.vectors, mean, np.eye(self._dim) - top @ top.T))

    def restricted(self, words: int | Iterable[str]) -> WordVectors:
        """Return the first ``words`` of the vocabulary, or those given that are in it, in its order.

        The vectors of a number of words are a view of these, not a copy.

        :raises ConfigError: the number is below 1.
        :raises DataError: none of the words is in the vocabulary.
        """
        if not hasattr(words, "__iter__"):
            count = whole("words", words)
            require("words", count >= 1, f"{count} is below 1")
            kept = range(min(count, len(self)))
            return self._with(self.vectors[: len(kept)], [self.vocabulary.word(row) for row in kept])
        check_list(words, "words")
        rows = np.unique(self.vocabulary.ids(check_texts(list(words), "words")))
        rows = rows[rows >= 0]
        if not len(rows):
            raise DataError("none of the words is in the vocabulary", "give words that it has")
        return self._with(self.vectors[rows], [self.vocabulary.word(int(row)) for row in rows])

    def mixed(self, other: WordVectors, how: Literal["concat", "mean"] = "concat") -> WordVectors:
        """Return the words that both have, in the order of these, with both vectors joined.

        ``concat`` puts vectors of length 1 side by side: Yin, Schütze, "Learning word
        meta-embeddings", 2016. ``mean`` takes their mean, the shorter filled up with zeros: Coates,
        Bollegala, "Frustratingly easy meta-embedding", 2018.

        :raises ConfigError: ``how`` is neither of the two.
        :raises DataError: they have no word in common.
        """
        require("how", how in {"concat", "mean"}, f"{how!r} is not one of concat, mean")
        check_words(other, "other")
        rows = shared(self, other)
        join = algebra.side_by_side if how == "concat" else algebra.padded_mean
        return self._with(
            join(self.vectors, other.vectors, rows), [self.vocabulary.word(int(row)) for row in rows[0]]
        )

    def aligned(self, other: WordVectors, pairs: Iterable[tuple[str, str]] | None = None) -> Alignment:
        """Return these words rotated into the space of ``other``, with the rotation and how well it fits.

        The rotation is found from ``pairs`` (a word here, its counterpart there: a dictionary) or from
        the words that both have. Pairs with a word that is not there are left out; lengths are kept.

        :raises InputError: the dimensions differ.
        :raises DataError: no pair is left.
        """
        self._check_dim(other)
        rows, there = shared(self, other) if pairs is None else paired(self, other, pairs)
        source, target = self.vectors[rows], other.vectors[there]
        rotation = rotation_between(source, target)
        score = float(cosines(source, target, rotation).mean())
        turned = algebra.project(self.vectors, np.zeros(self._dim), rotation)
        return Alignment(self._with(turned), rotation, score, len(rows))

    def drift(self, other: WordVectors, n: int = 10) -> Neighbours:
        """Return the ``n`` shared words that moved most from here to ``other``, with 1 less their cosine.

        The spaces are aligned over all shared words first, as Hamilton, Leskovec, Jurafsky (2016) do
        for corpora of different times; rare words move by chance, so restrict both to frequent ones.

        :raises InputError: the dimensions differ.
        :raises DataError: they have no word in common.
        :raises ConfigError: ``n`` is below 1.
        """
        self._check_dim(other)
        rows, there = shared(self, other)
        source, target = self.vectors[rows], other.vectors[there]
        moved = drifted(source, target)
        best = largest(moved, min(count_of(n), len(moved)))
        return self._named([(int(rows[i]), float(moved[i])) for i in best])

    def as_gensim(self) -> Any:  # noqa: ANN401  gensim ships no types
        """Return gensim's ``KeyedVectors`` over the same memory: only the list of words is made.

        :raises MissingExtraError: gensim is not installed.
        """
        try:
            from gensim.models import KeyedVectors  # noqa: PLC0415  an extra, and slow to import
        except ImportError as error:
            raise MissingExtraError("as_gensim()", "gensim", "lexarium-core[gensim]") from error
        keyed = KeyedVectors(self._dim)
        keyed.index_to_key = list(self)
        keyed.key_to_index = {word: row for row, word in enumerate(keyed.index_to_key)}
        keyed.vectors = self.vectors
        return keyed

    @cached_property
    def search(self) -> Search:
        """Exact search over the rows; it keeps their lengths, (n,) float64, from its first use on."""
        return Search(self.vectors, self._where)

    @property
    def _dim(self) -> int:
        return int(self.vectors.shape[1])

    def _with(self, vectors: Floats, words: Sequence[str] | None = None) -> WordVectors:
        vocabulary = self.vocabulary if words is None else Vocabulary.build(words)
        return WordVectors(vocabulary, vectors, self._where)

    def _named(self, found: Iterable[tuple[int, float]]) -> Neighbours:
        return [(self.vocabulary.word(row), score) for row, score in found]

    def _row(self, word: str) -> int:
        if not isinstance(word, str):
            raise InputError("word", f"{word!r:.80} is {type(word).__name__}, not text", "give words as text")
        row = self.vocabulary.find(word)
        if row < 0:
            near = spelled_like(word, self.vocabulary)
            if near is None:
                hint = f"none of the {len(self)} words is spelled like it"
                raise NotFoundError("word", word, (), hint=hint)
            raise NotFoundError("word", word, [near], hint=f"did you mean {near!r}?")
        return row

    def _rows(self, words: Iterable[str]) -> list[int]:
        """Return the rows of those words that have one, each once."""
        return sorted({row for word in words if (row := self.vocabulary.find(word)) >= 0})

    def _search(self, index: WordIndex | None) -> Search | WordIndex:
        if index is not None and not hasattr(index, "nearest"):
            problem = f"{index!r:.60} is {type(index).__name__}, not an index"
            raise InputError("index", problem, "give a WordIndex, or leave it out")
        if index is not None and index.words is not self and not self._is_like(index.words):
            raise InputError("index", "it is of other vectors", "open the index of these")
        return self.search if index is None else index

    def _is_like(self, other: WordVectors) -> bool:
        """Tell whether these are the same vectors: by their number, and the first, a middle and the last."""
        rows = [0, len(self) // 2, -1] if len(self) else []
        return len(self) == len(other) and np.array_equal(self.vectors[rows], other.vectors[rows])

    def _check_dim(self, other: WordVectors) -> None:
        check_words(other, "other")
        if self._dim != other._dim:
            problem = f"{self._dim} dimensions here, {other._dim} there"
            least = min(self._dim, other._dim)
            remedy = f"reduce the larger, type: lexarium words reduce MODEL {least} --name NAME"
            raise InputError("vectors", problem, remedy)

    def _direction(self, words: Sequence[str], negative: Sequence[str] = ()) -> Doubles:
        signed = [*map(self._unit, words), *(-self._unit(word) for word in negative)]
        if not signed:
            raise InputError("query", "there is no word", "give at least one")
        return unit(np.sum(signed, axis=0))

    def _unit(self, word: str) -> Doubles:
        return unit(self[word].astype(np.float64))


def check_words(given: object, where: str) -> None:
    """Refuse what is no word vectors, a model for instance; ``where`` is how the error calls it."""
    if not isinstance(given, WordVectors):
        problem = f"{type(given).__name__} where word vectors belong"
        raise InputError(where, problem, "of a model that has them, give model.words")
