"""The files of an index of words: faiss's own, and a description of it. Strictly read.

An index lies in a folder of its own, named after the space whose vectors it holds: ``words.faiss`` and
``words.json`` (format, kind, space_id, dim, count, settings, recall, size, sha256). faiss works on the file
in native code that trusts what it reads, so it is given the very bytes that were hashed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.config import from_mapping, require, whole
from lexarium.errors import CheckpointError, ConfigError, UnsupportedError
from lexarium.inputs import check_path
from lexarium.output import atomic
from lexarium.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "FILE",
    "IndexSettings",
    "again",
    "checked_space",
    "index_folder",
    "read_about",
    "read_bytes",
    "write_index",
]

#: The name of faiss's file.
FILE = "words.faiss"
_ABOUT = "words.json"
_FORMAT, _KIND = 3, "ivf-pq"  # formats 1 and 2 were graphs
_MOST_ABOUT = 1 << 16  # bytes
_MOST_CELLS = 1 << 16
_SPACE = re.compile(r"[0-9a-f]{64}")
_TOGETHER = 1 << 24  # bytes that are read before they are hashed
_DAMAGED = "the index is damaged or unfinished"


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """How the index is divided and how much of it a search looks at; the names are faiss's.

    ``nlist``     cells; None: 1.5 times the square root of the number of words
    ``nprobe``    cells that a search looks at; None: the fewest that reach ``recall``
    ``k_factor``  candidates for each neighbour asked for, whose scores are computed from the vectors; None:
                  5, or as many more as ``recall`` takes, up to 160
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
                value = whole(name, value)
                require(name, 1 <= value <= most, f"{value} is not 1 to {most}")
                object.__setattr__(self, name, value)
        right = isinstance(self.recall, Real) and not isinstance(self.recall, bool) and 0 < self.recall <= 1
        require("recall", right, f"{self.recall!r:.60} is not above 0 and at most 1")
        object.__setattr__(self, "recall", float(self.recall))


def index_folder(home: Path | str, space_id: str) -> Path:
    """Return where the index of a space lies under the store's folder.

    :raises CheckpointError: ``space_id`` is not 64 hexadecimal digits.
    """
    check_path(home, "home")
    return Path(home) / "indexes" / checked_space(space_id)


def checked_space(space_id: str) -> str:
    """Return the id of a space.

    :raises CheckpointError: it is not 64 hexadecimal digits.
    """
    if not isinstance(space_id, str) or not _SPACE.fullmatch(space_id):
        raise CheckpointError("index", f"the space id {space_id!r:.80} is not 64 hexadecimal digits")
    return space_id


def again(name: str) -> str:
    """Return what to do about an index of the model ``name`` that cannot be used."""
    return f"build it again with: lexarium index {name}"


def write_index(folder: Path, raw: NDArray[np.uint8], about: Mapping[str, Any]) -> None:
    """Write faiss's bytes and their description, each whole or not at all; ``folder`` is there or is made.

    ``about`` are space_id, dim, count, settings and recall.

    :raises OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / FILE) as aside:
        aside.write_bytes(raw.data)
    sealed = {"size": len(raw), "sha256": hashlib.sha256(raw.data).hexdigest()}
    document = {"format": _FORMAT, "kind": _KIND, **about, "settings": asdict(about["settings"]), **sealed}
    with atomic(folder / _ABOUT) as aside:
        aside.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_about(folder: Path, name: str) -> dict[str, Any]:
    """Read the description of an index, its settings as :class:`IndexSettings`; ``name`` is the model's.

    :raises UnsupportedError: there is no index.
    :raises CheckpointError: it is none that this version reads.
    """
    path = folder / _ABOUT
    if not path.is_file() or not (folder / FILE).is_file():
        raise UnsupportedError("these vectors have no index", f"make one with: lexarium index {name}")
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
            said = parse_object(file.read(_MOST_ABOUT), path, again(name))
        typed = all(type(said.get(key)) is kind for key, kind in wanted.items())
        settings = from_mapping(IndexSettings, said["settings"]) if typed else None
        right = settings is not None and _is_whole(settings) and 0 <= said["recall"] <= 1
    except (KeyError, TypeError, AttributeError, ConfigError) as error:
        raise CheckpointError(path, f"is damaged: {error}", again(name)) from error
    if not right or (said["format"], said["kind"]) != (_FORMAT, _KIND):
        raise CheckpointError(path, "is not a description of an index that this version reads", again(name))
    return {**said, "settings": settings}


def _is_whole(settings: IndexSettings) -> bool:
    """Tell whether no number is open, as in a built index."""
    nlist, nprobe = settings.nlist, settings.nprobe
    return nlist is not None and nprobe is not None and nprobe <= nlist and settings.k_factor is not None


def read_bytes(path: Path, size: int, sha256: str, name: str) -> NDArray[np.uint8]:
    """Return a file's bytes, whose size and hash are known; ``name`` is the model's.

    :raises CheckpointError: they are others.
    """
    if path.stat().st_size != size or size == 0:
        raise CheckpointError(path, _DAMAGED, again(name))
    raw, digest, done = np.empty(size, np.uint8), hashlib.sha256(), 0
    memory = raw.data
    with path.open("rb") as file:
        while count := file.readinto(memory[done : done + _TOGETHER]):
            digest.update(memory[done : done + count])
            done += count
    if done != size or digest.hexdigest() != sha256:
        raise CheckpointError(path, _DAMAGED, again(name))
    return raw
