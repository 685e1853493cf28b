"""An approximate index of word vectors: for millions of words, neighbours without looking at each.

An inverted file (Sivic, Zisserman, "Video Google: a text retrieval approach to object matching in videos",
2003) with product quantisation (Jégou, Douze, Schmid, "Product quantization for nearest neighbor search",
2011), as faiss makes and scans them (André, Kermarrec, Le Scouarnec, "Quicker ADC", 2021): the words lie in
cells around the means of k-means, each as four bits a component, and a search looks at the cells nearest to
the query. It proposes candidates; the scores and their order come from the vectors themselves, so a word
that is found has the score of the exact search.

How many cells to look at is measured where an index is built: the fewest with which the neighbours of 500
of the words are found as often as ``recall`` asks for.

An index lies in a folder of its own, named after the space whose vectors it holds: ``words.faiss`` and
``words.json`` (format, kind, space_id, dim, count, settings, recall, size, sha256). faiss works on the file
in native code that trusts what it reads, so it is given the very bytes that were hashed.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lexarium.backend import check_threads, processors
from lexarium.config import from_mapping, require, whole
from lexarium.errors import CheckpointError, ConfigError, MissingExtraError, UnsupportedError
from lexarium.inputs import check_path
from lexarium.output import atomic
from lexarium.roles import Progress, silent
from lexarium.strict_json import parse_object
from lexarium.words.algebra import normalize
from lexarium.words.search import Best, LeftOut, blocks, units

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.words.search import Doubles, Rows
    from lexarium.words.vectors import WordVectors

__all__ = ["IndexSettings", "WordIndex", "index_folder"]

_FORMAT, _KIND = 3, "ivf-pq"  # formats 1 and 2 were graphs
_GRAPH, _ABOUT = "words.faiss", "words.json"
_MOST_ABOUT = 1 << 16  # bytes
_SCORED = 1 << 22  # components of candidates that are scored together
_SPARE = 10  # candidates beyond those asked for
_BITS = 4  # of a component: what faiss can look up in registers
_MOST_CELLS = 1 << 16
_OF_A_CELL = 40  # words that a cell's mean is learnt from
_LEAST_LEARNT = 256  # words that the values of components are learnt from
_ADDED = 1 << 16  # words added together: so few that Ctrl-C is heard
_ASKED, _FOUND = 500, 10  # words whose neighbours tell how good the index is, and how many
_EPSILON = 2.0**-24  # half a unit in the last place of float32
_SHORT, _LONG = 1e-30, 1e30  # squares of lengths between which float32 neither underflows nor overflows
_FACTORS = (10, 20, 40, 80, 160)
_SPACE = re.compile(r"[0-9a-f]{64}")
_TOGETHER = 1 << 24  # bytes that are read before they are hashed
_DAMAGED = "the index is damaged or unfinished"
_AGAIN = "build it again with: lexarium index MODEL"


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """How the index is divided and how much of it a search looks at; the names are faiss's.

    ``nlist``     cells; None: 1.5 times the square root of the number of words
    ``nprobe``    cells that a search looks at; None: the fewest that reach ``recall``
    ``k_factor``  candidates for each neighbour asked for, whose scores are computed from the vectors; None:
                  10, or as many more as ``recall`` takes, up to 160
    ``recall``    the share of 10 neighbours that is to be found, unless both of these are given

    :raises ConfigError: a value is out of range.
    """

    nlist: int | None = None
    nprobe: int | None = None
    k_factor: int | None = None
    recall: float = 0.985

    def __post_init__(self) -> None:
        for name, most in (("nlist", _MOST_CELLS), ("nprobe", _MOST_CELLS), ("k_factor", 1000)):
            value = getattr(self, name)
            if value is not None:
                require(name, 1 <= whole(name, value) <= most, f"{value} is not 1 to {most}")
        right = isinstance(self.recall, int | float) and 0 < self.recall <= 1
        require("recall", right, f"{self.recall!r:.60} is not above 0 and at most 1")


def index_folder(home: Path, space_id: str) -> Path:
    """Return where the index of a space lies under the store's folder.

    :raises CheckpointError: ``space_id`` is not 64 hexadecimal digits.
    """
    if not _SPACE.fullmatch(space_id):
        raise CheckpointError("index", f"the space id {space_id!r} is not 64 hexadecimal digits")
    return home / "indexes" / space_id


class WordIndex:
    """Approximate neighbours of the words of one model: build it or open it, then search."""

    def __init__(self, words: WordVectors, cells: Any, settings: IndexSettings, recall: float) -> None:  # noqa: ANN401
        """Join words and a faiss index of exactly their rows: :meth:`build` and :meth:`open` do."""
        self.words = words
        #: With the numbers in place of each None.
        self.settings = settings
        #: The share of the 10 nearest neighbours that was found for words of the vocabulary.
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
        :raises CheckpointError: the vectors hold numbers that are not finite.
        """
        check_threads(threads)
        settings = settings or IndexSettings()
        count, dim = words.vectors.shape
        nlist = settings.nlist or max(1, int(1.5 * sqrt(count)))
        require("nlist", nlist <= max(1, count), f"{nlist} cells are more than the {count} words")
        probed = settings.nprobe or 1
        require("nprobe", probed <= nlist, f"{probed} cells are more than the {nlist} that there are")
        faiss = _faiss()
        asked, truth = _neighbours(words)
        cells = _empty(faiss, dim, nlist)
        with _working(faiss, threads):
            cells.train(_learnt_from(words, nlist))
            for block in blocks(count, 1, _ADDED):
                cells.add(normalize(words.vectors[block]))
                progress("index words", block.stop, count)
        made = cls(words, cells, replace(settings, nlist=nlist), 1.0)
        made._tune(asked, truth, threads)
        return made

    def save(self, folder: Path, space_id: str) -> Path:
        """Write the index into ``folder``, each file whole or not at all; return the folder.

        ``space_id`` is that of the model whose words these are.

        :raises OSError: it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        raw = memoryview(_faiss().serialize_index(self._cells))
        with atomic(folder / _GRAPH) as aside:
            aside.write_bytes(raw)
        about = {
            "format": _FORMAT,
            "kind": _KIND,
            "space_id": space_id,
            "dim": int(self.words.vectors.shape[1]),
            "count": len(self.words),
            "settings": asdict(self.settings),
            "recall": self.recall,
            "size": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
        }
        with atomic(folder / _ABOUT) as aside:
            aside.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        return folder

    @classmethod
    def open(cls, folder: Path, words: WordVectors, space_id: str, name: str = "MODEL") -> Self:
        """Open the index of ``words``: its file is read into memory, and hashed there.

        ``name`` is what the command in an error calls the model.

        :raises UnsupportedError: there is no index.
        :raises CheckpointError: it is damaged, unfinished, or of other vectors.
        :raises MissingExtraError: faiss is not installed.
        """
        check_path(folder, "folder")
        file, about = Path(folder) / _GRAPH, Path(folder) / _ABOUT
        if not about.is_file() or not file.is_file():
            raise UnsupportedError("these vectors have no index", f"make one with: lexarium index {name}")
        said = _read(about)
        count, dim = words.vectors.shape
        if said["space_id"] != space_id or (said["count"], said["dim"]) != (count, dim):
            raise CheckpointError(about, "the index is of other vectors", _AGAIN)
        faiss = _faiss()
        raw = _loaded(file, said["size"], said["sha256"])
        try:
            found = faiss.deserialize_index(raw)
        except RuntimeError as error:
            raise CheckpointError(file, f"faiss cannot read it: {error}", _AGAIN) from error
        settings = said["settings"]
        whole_ = type(found) is faiss.IndexIVFPQFastScan and found.nlist == settings.nlist
        if not whole_ or (found.ntotal, found.d) != (count, dim):
            raise CheckpointError(file, "the index is of other vectors", _AGAIN)
        return cls(words, found, settings, said["recall"])

    def nearest(
        self, points: Doubles, without: Sequence[Collection[int]], n: int
    ) -> list[list[tuple[int, float]]]:
        """Return up to ``n`` rows per query, as :meth:`lexarium.words.search.Search.nearest` does.

        *Shapes:* points (q, dim), of length 1 or 0; without: q sets of rows to leave out.
        """
        if not len(points):
            return []
        count = min(len(self.words), n * (self.settings.k_factor or 1) + _SPARE + max(map(len, without)))
        keys = self._candidates(points.astype(np.float32), count)
        found: list[list[tuple[int, float]]] = []
        for part in blocks(len(points), keys.shape[1] * points.shape[1], _SCORED):
            found += self._ranked(points[part], keys[part], without[part], n)
        return found

    def _tune(self, asked: Rows, truth: list[list[tuple[int, float]]], threads: int) -> None:
        """Measure the share of neighbours that is found; choose how many cells to look at, if nobody has."""
        points = units(self.words.vectors[asked].astype(np.float64))
        without = [[row] for row in asked.tolist()]
        wanted = sum(map(len, truth))
        self.threads, meant = threads, self.threads

        def found(k_factor: int, nprobe: int) -> float:
            self.settings = replace(self.settings, k_factor=k_factor, nprobe=nprobe)
            answers = self.nearest(points, without, _FOUND)
            hits = [len(dict(a).keys() & dict(b).keys()) for a, b in zip(answers, truth, strict=True)]
            return sum(hits) / wanted if wanted else 1.0

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
        rows, nlist = len(self.words), self._cells.nlist
        if count >= rows:
            return np.broadcast_to(np.arange(rows), (len(points), rows))
        probes = max(self.settings.nprobe or 1, ceil(2 * count * nlist / rows))  # so many as to hold enough
        faiss = _faiss()
        with _working(faiss, self.threads if len(points) > 1 else 1):
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
        """Return which candidates may be among the ``keep`` best, (q, c): float32 rules the others out."""
        there = (keys >= 0) & (keys < len(self.words))
        if keep >= keys.shape[1]:
            return there
        vectors = self.words.vectors[np.where(there, keys, 0)]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            scores = np.einsum("qcd,qd->qc", vectors, points.astype(np.float32))
            squares = np.einsum("qcd,qcd->qc", vectors, vectors)
            scores /= np.sqrt(squares)
        if not ((squares > _SHORT) & (squares < _LONG)).all():  # a row that float32 has no room for
            return there
        scores[~there] = -np.inf
        margin = np.float32(6 * vectors.shape[-1] + 32) * _EPSILON  # of the errors of two scores, amply
        least = np.partition(scores, -keep, axis=1)[:, -keep, None]
        return np.asarray(there & (scores >= least - margin), np.bool_)


def _faiss() -> Any:  # noqa: ANN401  it ships no types
    try:
        import faiss  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError("an index", "faiss-cpu", "lexarium-core[index]") from error
    return faiss


@contextmanager
def _working(faiss: Any, threads: int) -> Iterator[None]:  # noqa: ANN401
    """Let faiss work with so many threads, and leave its number as it was; Ctrl-C is an interrupt."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    except RuntimeError as error:
        if "interrupted" in str(error):  # faiss's own word for Ctrl-C
            raise KeyboardInterrupt from error
        raise
    finally:
        faiss.omp_set_num_threads(before)


def _empty(faiss: Any, dim: int, nlist: int) -> Any:  # noqa: ANN401
    """Return an index of no words yet, by the cosine of vectors of length 1; a zero vector has 0 with all."""
    cosine = faiss.METRIC_INNER_PRODUCT
    cells = faiss.IndexIVFPQFastScan(faiss.IndexFlatIP(dim), dim, nlist, dim, _BITS, cosine)
    cells.cp.min_points_per_centroid = cells.pq.cp.min_points_per_centroid = 1  # else it warns of few words
    return cells


def _neighbours(words: WordVectors) -> tuple[Rows, list[list[tuple[int, float]]]]:
    """Return rows that are no zero vector, spread at random, (m,), and the neighbours of each."""
    count = len(words)
    rows = np.sort(np.random.default_rng(0).choice(count, min(count, _ASKED), replace=False))
    rows = rows[words.vectors[rows].any(axis=1)]
    points = units(words.vectors[rows].astype(np.float64))
    return rows, words.search.nearest(points, [[row] for row in rows.tolist()], _FOUND)


def _learnt_from(words: WordVectors, nlist: int) -> Floats:
    """Return vectors of length 1 that the cells and the values of components are learnt from, (m, dim)."""
    count = len(words)
    most = max(nlist * _OF_A_CELL, 1 << 12)
    rows = np.sort(np.random.default_rng(0).choice(count, min(count, most), replace=False))
    learnt = normalize(words.vectors[rows])
    few = max(len(learnt), _LEAST_LEARNT)
    return np.asarray(np.resize(learnt, (few, learnt.shape[1])), np.float32)


def _read(path: Path) -> dict[str, Any]:
    wanted = {
        "format": int,
        "kind": str,
        "space_id": str,
        "dim": int,
        "count": int,
        "recall": float,
        "size": int,
        "sha256": str,
    }
    try:
        with path.open("rb") as file:
            said = parse_object(file.read(_MOST_ABOUT), path, _AGAIN)
        whole = all(type(said.get(key)) is kind for key, kind in wanted.items())
        settings = from_mapping(IndexSettings, said["settings"]) if whole else None
    except (KeyError, TypeError, AttributeError, ConfigError) as error:
        raise CheckpointError(path, f"is damaged: {error}", _AGAIN) from error
    if settings is None or (said["format"], said["kind"]) != (_FORMAT, _KIND):
        raise CheckpointError(path, "is not a description of an index that this version reads", _AGAIN)
    return {**said, "settings": settings}


def _loaded(path: Path, size: int, sha256: str) -> NDArray[np.uint8]:
    """Return a file's bytes, whose size and hash are known.

    :raises CheckpointError: they are others.
    """
    if path.stat().st_size != size or size == 0:
        raise CheckpointError(path, _DAMAGED, _AGAIN)
    raw, digest, done = np.empty(size, np.uint8), hashlib.sha256(), 0
    memory = raw.data
    with path.open("rb") as file:
        while count := file.readinto(memory[done : done + _TOGETHER]):
            digest.update(memory[done : done + count])
            done += count
    if done != size or digest.hexdigest() != sha256:
        raise CheckpointError(path, _DAMAGED, _AGAIN)
    return raw
