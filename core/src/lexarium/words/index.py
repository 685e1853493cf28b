"""An approximate index of word vectors: for millions of words, neighbours without looking at each.

Hierarchical navigable small worlds (Malkov, Yashunin, "Efficient and robust approximate nearest
neighbor search using hierarchical navigable small world graphs", 2020), as usearch builds them, over
vectors of length 1 in a byte a component. It proposes candidates; the scores and their order come from
the vectors themselves, so a word that is found has the score of the exact search.

The defaults are measured on GloVe 6B, 400,000 words of 50 dimensions, with 2,000 words of any frequency as
queries: recall@10 is 0.982 (with an ``expansion_search`` of 40, 0.974; of 80, 0.988). Half precision is no
better and takes 1.4 times as long to search; with a ``connectivity`` of 16 recall is about 0.03 lower and the
index takes half the memory.

An index lies in a folder of its own, named after the space whose vectors it holds: ``hnsw.usearch``
and ``hnsw.json`` (format, kind, space_id, dim, count, settings, size, sha256). usearch works on the
file in native code that trusts what it reads, so it is given the very bytes that were hashed: they are
read into memory, on huge pages where Linux has them, because a search goes from place to place in it.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from errno import ENOSPC
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
from lexarium.words.search import Best, LeftOut, blocks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from lexarium.words.search import Doubles, Rows
    from lexarium.words.vectors import WordVectors

__all__ = ["IndexSettings", "WordIndex", "index_folder"]

_FORMAT, _KIND = 2, "hnsw"  # format 1 had half precision
_GRAPH, _ABOUT = "hnsw.usearch", "hnsw.json"
_MOST_ABOUT = 1 << 16  # bytes
_QUERIES = 256  # whose candidates are scored together
_SPARE = 10  # candidates beyond those asked for
_SPACE = re.compile(r"[0-9a-f]{64}")
_TOGETHER = 1 << 24  # bytes that are read before they are hashed
_DAMAGED = "the index is damaged or unfinished"
_AGAIN = "build it again with: lexarium index MODEL"


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """How thorough the index is; the names are usearch's.

    ``connectivity``      links per word and layer (M): memory
    ``expansion_add``     candidates kept while building (efConstruction): time to build
    ``expansion_search``  candidates kept while searching (ef): recall against time

    :raises ConfigError: a value is out of range.
    """

    connectivity: int = 32
    expansion_add: int = 128
    expansion_search: int = 56

    def __post_init__(self) -> None:
        for name in ("connectivity", "expansion_add", "expansion_search"):
            whole(name, getattr(self, name))
        require("connectivity", 2 <= self.connectivity <= 256, f"{self.connectivity} is not 2 to 256")  # noqa: PLR2004
        for name in ("expansion_add", "expansion_search"):
            value = getattr(self, name)
            require(name, 1 <= value <= 65536, f"{value} is not 1 to 65536")  # noqa: PLR2004


def index_folder(home: Path, space_id: str) -> Path:
    """Return where the index of a space lies under the store's folder.

    :raises CheckpointError: ``space_id`` is not 64 hexadecimal digits.
    """
    if not _SPACE.fullmatch(space_id):
        raise CheckpointError("index", f"the space id {space_id!r} is not 64 hexadecimal digits")
    return home / "indexes" / space_id


class WordIndex:
    """Approximate neighbours of the words of one model: build it or open it, then search."""

    def __init__(self, words: WordVectors, graph: Any, settings: IndexSettings) -> None:  # noqa: ANN401  usearch's
        """Join words and a usearch index of exactly their rows: :meth:`build` and :meth:`open` do."""
        self.words = words
        self.settings = settings
        #: How many threads answer many queries: by default as many as there are processors for this process.
        self.threads = processors()
        self._graph = graph
        self._memory: memoryview | None = None
        self._graph.expansion_search = settings.expansion_search

    @classmethod
    def build(
        cls,
        words: WordVectors,
        settings: IndexSettings | None = None,
        *,
        threads: int = 1,
        progress: Progress = silent,
    ) -> Self:
        """Build the index of all words; with several threads its graph, not its scores, varies a little.

        :raises MissingExtraError: usearch is not installed.
        :raises ConfigError: ``threads`` is not from 1 to 1024.
        """
        check_threads(threads)
        settings = settings or IndexSettings()
        count, dim = words.vectors.shape
        graph = _empty(dim, settings)
        for block in blocks(count, 16 * dim):  # so small that Ctrl-C is heard
            rows = np.arange(block.start, block.stop, dtype=np.uint64)
            try:
                graph.add(rows, normalize(words.vectors[block]), threads=threads)
            except RuntimeError as error:
                if "terminated" in str(error):  # usearch's own word for Ctrl-C
                    raise KeyboardInterrupt from error
                raise
            progress("index words", block.stop, count)
        return cls(words, graph, settings)

    def save(self, folder: Path, space_id: str) -> Path:
        """Write the index into ``folder``, each file whole or not at all; return the folder.

        ``space_id`` is that of the model whose words these are.

        :raises OSError: it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with atomic(folder / _GRAPH) as aside:
            try:
                self._graph.save(str(aside))
            except RuntimeError as error:  # usearch's own word for a disk that refuses
                raise OSError(
                    ENOSPC, f"the index cannot be written ({error})", str(folder / _GRAPH)
                ) from error
            about = {
                "format": _FORMAT,
                "kind": _KIND,
                "space_id": space_id,
                "dim": int(self.words.vectors.shape[1]),
                "count": len(self.words),
                "settings": asdict(self.settings),
                "size": aside.stat().st_size,
                "sha256": _hash(aside),
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
        :raises MissingExtraError: usearch is not installed.
        """
        check_path(folder, "folder")
        graph, about = Path(folder) / _GRAPH, Path(folder) / _ABOUT
        if not about.is_file() or not graph.is_file():
            raise UnsupportedError("these vectors have no index", f"make one with: lexarium index {name}")
        said = _read(about)
        settings = said["settings"]
        count, dim = words.vectors.shape
        if said["space_id"] != space_id or (said["count"], said["dim"]) != (count, dim):
            raise CheckpointError(about, "the index is of other vectors", _AGAIN)
        memory = _loaded(graph, said["size"], said["sha256"])
        found = _empty(dim, settings)
        try:
            found.view(memory)
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(graph, f"usearch cannot read it: {error}", _AGAIN) from error
        if (len(found), found.ndim) != (count, dim):
            raise CheckpointError(graph, "the index is of other vectors", _AGAIN)
        opened = cls(words, found, settings)
        opened._memory = memory
        return opened

    def nearest(
        self, units: Doubles, without: Sequence[Collection[int]], n: int
    ) -> list[list[tuple[int, float]]]:
        """Return up to ``n`` rows per query, as :meth:`lexarium.words.search.Search.nearest` does.

        *Shapes:* units (q, dim), of length 1 or 0; without: q sets of rows to leave out.
        """
        if not len(units):
            return []
        count = min(len(self.words), n + _SPARE + max(map(len, without)))
        threads = self.threads if len(units) > 1 else 1
        matches = self._graph.search(units.astype(np.float32), count, threads=threads)
        keys = np.atleast_2d(matches.keys)
        counts = np.asarray(getattr(matches, "counts", [keys.shape[1]]), np.int64)
        found: list[list[tuple[int, float]]] = []
        for start in range(0, len(units), _QUERIES):
            part = slice(start, start + _QUERIES)
            found += self._ranked(units[part], keys[part], counts[part], without[part], n)
        return found

    def _ranked(
        self,
        units: Doubles,
        keys: NDArray[np.uint64],
        counts: Rows,
        without: Sequence[Collection[int]],
        n: int,
    ) -> list[list[tuple[int, float]]]:
        """Return the ``n`` best of the candidates: the first ``counts[i]`` of ``keys[i]``, keys (q, c)."""
        owners, places = np.nonzero(np.arange(keys.shape[1]) < counts[:, None])
        rows = keys[owners, places].astype(np.int64)
        there = (rows >= 0) & (rows < len(self.words))
        owners, rows = owners[there], rows[there]
        kept = ~LeftOut(without).among(owners, rows)
        owners, rows = owners[kept], rows[kept]
        best = Best(len(units), n)
        best.add(owners, rows, self.words.search.exact(units[owners], rows))
        return best.answers()


def _empty(dim: int, settings: IndexSettings) -> Any:  # noqa: ANN401  usearch's
    try:
        from usearch.index import Index  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError("an index", "usearch", "lexarium-core[index]") from error
    return Index(
        ndim=dim,
        metric="ip",  # of vectors of length 1, so the cosine; a zero vector has 0 with everything
        dtype="i8",
        connectivity=settings.connectivity,
        expansion_add=settings.expansion_add,
        expansion_search=settings.expansion_search,
    )


def _read(path: Path) -> dict[str, Any]:
    wanted = {
        "format": int,
        "kind": str,
        "space_id": str,
        "dim": int,
        "count": int,
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


def _loaded(path: Path, size: int, sha256: str) -> memoryview:
    """Return a file's bytes, whose size and hash are known.

    :raises CheckpointError: they are others.
    """
    if path.stat().st_size != size or size == 0:
        raise CheckpointError(path, _DAMAGED, _AGAIN)
    pages = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE)
    memory, digest, done = memoryview(pages), hashlib.sha256(), 0
    with path.open("rb") as file:
        while count := file.readinto(memory[done : done + _TOGETHER]):
            digest.update(memory[done : done + count])
            done += count
    if done != size or digest.hexdigest() != sha256:
        raise CheckpointError(path, _DAMAGED, _AGAIN)
    return memory


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
