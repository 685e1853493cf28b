"""An approximate index of word vectors: for millions of words, neighbours without looking at each.

An inverted file (Sivic, Zisserman, "Video Google: a text retrieval approach to object matching in videos",
2003) with product quantisation (Jégou, Douze, Schmid, "Product quantization for nearest neighbor search",
2011), as faiss makes and scans them (André, Kermarrec, Le Scouarnec, "Quicker ADC", 2021): the words lie in
cells around the means of k-means, each as four bits a component, and a search looks at the cells nearest to
the query. It proposes candidates; the scores and their order come from the vectors themselves, so a word
that is found has the score of the exact search.

How many cells to look at is measured where an index is built: the fewest with which the neighbours of some
words, and those of frequent ones, are found as often as ``recall`` asks for.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexarium.backend import check_threads, processors
from lexarium.config import require
from lexarium.errors import CheckpointError, InputError, MissingExtraError, UnsupportedError
from lexarium.inputs import check_path
from lexarium.roles import Progress, silent
from lexarium.words.algebra import normalize
from lexarium.words.index_file import (
    FILE,
    IndexSettings,
    again,
    checked_space,
    index_folder,
    read_about,
    read_bytes,
    write_index,
)
from lexarium.words.search import Best, LeftOut, blocks, units
from lexarium.words.vectors import WordVectors, check_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.words.search import Doubles, Rows

__all__ = ["IndexSettings", "WordIndex", "index_folder"]

_SCORED = 1 << 22  # components of candidates that are scored together
_MANY = 16  # one in so many words as candidates: then all may as well be looked at
_SPARE = 10  # candidates beyond those asked for
_BITS = 4  # of a component: what faiss can look up in registers
_OF_A_CELL = 40  # words that a cell's mean is learnt from
_LEAST_LEARNT = 256  # words that the values of components are learnt from
_ADDED = 1 << 16  # words added together: so few that Ctrl-C is heard
_ASKED, _FOUND = 500, 10  # words of each kind whose neighbours tell how good the index is, and how many
_FREQUENT = 10_000  # words that come first
_EPSILON = 2.0**-24  # half a unit in the last place of float32
_SHORT, _LONG = 1e-30, 1e30  # squares of lengths between which float32 neither underflows nor overflows
_OLDEST = (1, 13)
_FACTORS = (5, 10, 20, 40, 80, 160)


class WordIndex:
    """Approximate neighbours of the words of one model: build it or open it, then search."""

    def __init__(self, words: WordVectors, cells: Any, settings: IndexSettings, recall: float) -> None:  # noqa: ANN401
        """Join words and a faiss index of exactly their rows: :meth:`build` and :meth:`open` do."""
        self.words = words
        #: With the numbers in place of each None.
        self.settings = settings
        #: The share of 10 neighbours that was found, of frequent words or of any: the lesser.
        self.recall = recall
        #: How many threads answer many queries: by default as many as there are processors for this process.
        self.threads = processors()
        self._cells = cells

    @classmethod
    def build(
        cls,
        words: WordVectors,
        settings: IndexSettings | None = None,
        *,
        threads: int = 1,
        progress: Progress = silent,
    ) -> Self:
        """Build the index of all words, and measure how many neighbours it finds.

        :raises MissingExtraError: faiss is not installed.
        :raises ConfigError: ``threads`` is not from 1 to 1024; there are more cells than words.
        :raises InputError: the vectors have no components; ``words`` are none, nor are ``settings``.
        :raises CheckpointError: the vectors hold numbers that are not finite.
        """
        check_threads(threads)
        check_words(words, "words")
        settings = IndexSettings() if settings is None else settings
        if not isinstance(settings, IndexSettings):
            problem = f"{type(settings).__name__} where IndexSettings belong"
            raise InputError("settings", problem, "give IndexSettings(...)")
        count, dim = words.vectors.shape
        if dim == 0:
            raise InputError("words", "their vectors have no components", "give vectors of one or more")
        nlist = settings.nlist or max(1, int(1.5 * sqrt(count)))
        require("nlist", nlist <= max(1, count), f"{nlist} cells are more than the {count} words")
        probed = settings.nprobe or 1
        require("nprobe", probed <= nlist, f"{probed} cells are more than the {nlist} that there are")
        faiss = _faiss()
        asked, frequent = _asked(words)
        truth = words.search.nearest(*_alone(words, asked), _FOUND)
        cells = _empty(faiss, dim, nlist)
        with _working(faiss, threads):
            cells.train(_learnt_from(words, nlist))
            for block in blocks(count, 1, _ADDED):
                cells.add(normalize(words.vectors[block]))
                progress("index words", block.stop, count)
        made = cls(words, cells, replace(settings, nlist=nlist), 1.0)
        made._tune(asked, [frequent], truth, threads)
        return made

    def save(self, folder: Path, space_id: str) -> Path:
        """Write the index into ``folder``, each file whole or not at all; return the folder.

        ``space_id`` is that of the model whose words these are.

        :raises OSError: it cannot be written.
        """
        check_path(folder, "folder")
        about = {
            "space_id": checked_space(space_id),
            "dim": int(self.words.vectors.shape[1]),
            "count": len(self.words),
            "settings": self.settings,
            "recall": self.recall,
        }
        write_index(Path(folder), _faiss().serialize_index(self._cells), about)
        return Path(folder)

    @classmethod
    def open(cls, folder: Path, words: WordVectors, space_id: str, name: str = "MODEL") -> Self:
        """Open the index of ``words``: its file is read into memory, and hashed there.

        ``name`` is what the command in an error calls the model.

        :raises UnsupportedError: there is no index.
        :raises CheckpointError: it is damaged, unfinished, or of other vectors.
        :raises MissingExtraError: faiss is not installed.
        """
        check_path(folder, "folder")
        check_words(words, "words")
        file, said = Path(folder) / FILE, read_about(Path(folder), name)
        count, dim = words.vectors.shape
        if said["space_id"] != checked_space(space_id) or (said["count"], said["dim"]) != (count, dim):
            raise CheckpointError(file, "the index is of other vectors", again(name))
        faiss = _faiss()
        raw = read_bytes(file, said["size"], said["sha256"], name)
        try:
            found = faiss.deserialize_index(raw)
        except RuntimeError as error:
            raise CheckpointError(file, f"faiss cannot read it: {error}", again(name)) from error
        settings = said["settings"]
        ours = type(found) is faiss.IndexIVFPQFastScan and found.nlist == settings.nlist
        if not ours or (found.ntotal, found.d) != (count, dim):
            raise CheckpointError(file, "the index is of other vectors", again(name))
        return cls(words, found, settings, said["recall"])

    def nearest(
        self, points: Doubles, without: Sequence[Collection[int]], n: int
    ) -> list[list[tuple[int, float]]]:
        """Return ``n`` rows per query, as :meth:`lexarium.words.search.Search.nearest` does.

        All rows are looked at where a large share of them would be candidates, and for a query that too few
        candidates are found for, a zero vector for instance.

        *Shapes:* points (q, dim), of length 1 or 0; without: q sets of rows to leave out.
        """
        exact, (rows, dim) = self.words.search, self.words.vectors.shape
        out = max(1, max(map(len, without), default=0))
        count = max(n, _FOUND) * (self.settings.k_factor or 1) + _SPARE + out
        if count >= rows / _MANY or count * dim > _SCORED:
            return exact.nearest(points, without, n)
        found: list[list[tuple[int, float]]] = []
        for part in blocks(len(points), count * dim, _SCORED):
            keys = self._candidates(points[part].astype(np.float32), count)
            found += self._ranked(points[part], keys, without[part], n)
        short = [i for i, answer in enumerate(found) if len(answer) < n]  # of all rows there are more
        for i, answer in zip(
            short, exact.nearest(points[short], [without[i] for i in short], n), strict=True
        ):
            found[i] = answer
        return found

    def _tune(
        self, asked: Rows, kinds: list[int], truth: list[list[tuple[int, float]]], threads: int
    ) -> None:
        """Measure the share of neighbours that is found; choose how many cells to look at, if nobody has.

        ``kinds`` are the places where words of another kind begin; the lesser share counts.
        """
        points, without = _alone(self.words, asked)
        wanted = np.array(list(map(len, truth)))
        self.threads, meant = threads, self.threads

        def found(k_factor: int, nprobe: int) -> float:
            self.settings = replace(self.settings, k_factor=k_factor, nprobe=nprobe)
            answers = self.nearest(points, without, _FOUND)
            hits = [len(dict(a).keys() & dict(b).keys()) for a, b in zip(answers, truth, strict=True)]
            both = zip(np.split(hits, kinds), np.split(wanted, kinds), strict=True)
            return min(float(a.sum() / b.sum()) if b.sum() else 1.0 for a, b in both)

        asked_for = self.settings
        high = asked_for.nprobe or self._cells.nlist
        enough = asked_for.recall + (1 - asked_for.recall) / 3  # else the last cells are looked at for little
        for factor in (asked_for.k_factor,) if asked_for.k_factor else _FACTORS:
            reached = found(factor, high)
            if reached >= enough:
                break
        low, least = asked_for.nprobe or 1, min(asked_for.recall, reached)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if found(factor, middle) >= least else (middle + 1, high)
        self.recall = found(factor, high)
        self.threads = meant

    def _candidates(self, points: Floats, count: int) -> Rows:
        """Return ``count`` rows that may be nearest to each query, (q, count); -1 where there are fewer."""
        nlist = self._cells.nlist
        enough = ceil(2 * count * nlist / len(self.words))  # cells, to hold so many
        probes = max(self.settings.nprobe or 1, enough)
        faiss = _faiss()
        with _working(faiss, check_threads(self.threads) if len(points) > 1 else 1):
            how = faiss.SearchParametersIVF(nprobe=min(nlist, probes))
            keys: Rows = self._cells.search(points, count, params=how)[1]
        return keys

    def _ranked(
        self, points: Doubles, keys: Rows, without: Sequence[Collection[int]], n: int
    ) -> list[list[tuple[int, float]]]:
        """Return the ``n`` best of the candidates, keys (q, c), of which those below 0 are none."""
        owners, places = np.nonzero(self._hopeful(points, keys, n + max(map(len, without))))
        rows = keys[owners, places]
        kept = ~LeftOut(without).among(owners, rows)
        owners, rows = owners[kept], rows[kept]
        best = Best(len(points), n)
        best.add(owners, rows, self.words.search.exact(points[owners], rows))
        return best.answers()

    def _hopeful(self, points: Doubles, keys: Rows, keep: int) -> NDArray[np.bool_]:
        """Return which candidates may be among the ``keep`` best, (q, c): float32 rules the others out.

        A row whose length float32 has no room for stays.
        """
        there = (keys >= 0) & (keys < len(self.words))
        if keep >= keys.shape[1]:
            return there
        vectors = self.words.vectors[np.where(there, keys, 0)]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            scores = np.einsum("qcd,qd->qc", vectors, points.astype(np.float32))
            squares = np.einsum("qcd,qcd->qc", vectors, vectors)
            scores /= np.sqrt(squares)
        odd = ~((squares > _SHORT) & (squares < _LONG))
        scores[~there | odd] = -np.inf
        margin = np.float32(6 * vectors.shape[-1] + 32) * _EPSILON  # of the errors of two scores, amply
        least = np.partition(scores, -keep, axis=1)[:, -keep, None]
        return np.asarray(there & (odd | (scores >= least - margin)), np.bool_)


def _faiss() -> Any:  # noqa: ANN401  it ships no types
    try:
        import faiss  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError("an index", "faiss-cpu", "lexarium-core[index]") from error
    if tuple(map(int, faiss.__version__.split(".")[:2])) < _OLDEST:  # one before searches the wrong cells
        raise UnsupportedError(f"faiss {faiss.__version__} is too old", "type: pip install -U faiss-cpu")
    return faiss


@contextmanager
def _working(faiss: Any, threads: int) -> Iterator[None]:  # noqa: ANN401
    """Let faiss work with so many threads, and leave its number, which is torch's too, as it was."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _empty(faiss: Any, dim: int, nlist: int) -> Any:  # noqa: ANN401
    """Return an index of no words yet, by the cosine of vectors of length 1; a zero vector has 0 with all."""
    cosine = faiss.METRIC_INNER_PRODUCT
    cells = faiss.IndexIVFPQFastScan(faiss.IndexFlatIP(dim), dim, nlist, dim, _BITS, cosine)
    cells.by_residual = True  # a word is told from others of its cell, also where they are alike
    cells.cp.min_points_per_centroid = cells.pq.cp.min_points_per_centroid = 1  # else it warns of few words
    return cells


def _asked(words: WordVectors) -> tuple[Rows, int]:
    """Return rows at random, of frequent words and then of any, (m,), and how many of them are frequent.

    Zero vectors, which are as near to all words, are left out.
    """
    random, count = np.random.default_rng(1), len(words)  # and not as _learnt_from draws
    frequent = min(count, _FREQUENT)
    kinds = [random.choice(most, min(frequent, _ASKED), replace=False) for most in (frequent, count)]
    kinds = [np.sort(rows[words.vectors[rows].any(axis=1)]) for rows in kinds]
    return np.concatenate(kinds), len(kinds[0])


def _alone(words: WordVectors, rows: Rows) -> tuple[Doubles, list[list[int]]]:
    """Return rows as queries, (m, dim) of length 1, and what each leaves out: itself."""
    return units(words.vectors[rows].astype(np.float64)), [[row] for row in rows.tolist()]


def _learnt_from(words: WordVectors, nlist: int) -> Floats:
    """Return vectors of length 1 that the cells and the values of components are learnt from, (m, dim)."""
    count = len(words)
    most = max(nlist * _OF_A_CELL, 1 << 12)
    rows = np.sort(np.random.default_rng(0).choice(count, min(count, most), replace=False))
    learnt = normalize(words.vectors[rows])
    few = max(len(learnt), _LEAST_LEARNT)
    return np.asarray(np.resize(learnt, (few, learnt.shape[1])), np.float32)
