"""Names of files in a model folder, and reading of small files: one set of rules for writer and reader."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from typing import TYPE_CHECKING, BinaryIO

from lexarium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "CARD",
    "GOLDEN_INPUTS",
    "GOLDEN_ROWS",
    "MANIFEST",
    "TENSORS",
    "check_part_name",
    "check_path",
    "check_paths",
    "fold_path",
    "is_device",
    "open_regular",
    "read_small",
]

MANIFEST = "lexarium.json"
TENSORS = "model.safetensors"
GOLDEN_ROWS, GOLDEN_INPUTS = "golden.safetensors", "golden.json"
CARD = "README.md"
_ROLES = {GOLDEN_ROWS: "golden", GOLDEN_INPUTS: "golden", CARD.casefold(): "card"}
#: What a model may be made of, by the ending: data that no program takes for code of its own.
_KINDS = (".safetensors", ".json", ".jsonl", ".txt", ".tsv", ".csv", ".model", ".spm", ".jinja", ".md")
_PART = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
_NOT_IN_PATHS, _NOT_NAMES = frozenset('\\:*?"<>|'), frozenset(("", ".", ".."))
_LONGEST, _LONGEST_NAME = 1024, 255  # bytes, of a path and of one name in it


def is_device(name: str) -> bool:
    """Tell whether Windows takes a file of this name for a device, whatever its ending."""
    return name.partition(".")[0].rstrip().casefold() in _DEVICES


def fold_path(path: str) -> str:
    """Return what is the same for paths that some file system takes for one: in case, in composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def check_path(path: str, where: str) -> None:
    """Refuse a path that is not plain, relative and within the folder on every file system.

    It is in Unicode's composed form (NFC), without control and bidirectional characters, names no
    device, and no name in it is hidden (a first full stop), lost on a file system (a last blank or full
    stop) or too long.

    :raises CheckpointError: names the path.
    """
    names = path.split("/")
    if not path.isprintable() or not _NOT_IN_PATHS.isdisjoint(path) or not _NOT_NAMES.isdisjoint(names):
        raise CheckpointError(where, f"{path!r} is not a path within the folder")
    if unicodedata.normalize("NFC", path) != path:
        raise CheckpointError(where, f"{path!a} is not in Unicode's composed form (NFC)")
    for name in names:
        if name.startswith("."):
            raise CheckpointError(where, f"{path!r} is hidden, and a model has no hidden files")
        if is_device(name) or name.endswith((".", " ")) or name.startswith(" "):
            raise CheckpointError(where, f"{path!r} is not a path that every file system can hold")
    if len(path.encode()) > _LONGEST or max(len(name.encode()) for name in names) > _LONGEST_NAME:
        raise CheckpointError(where, f"{path[:80]!r}... is longer than a file system can hold")


def check_paths(files: Iterable[tuple[str, str]], where: str) -> None:
    """Refuse files, given as path and role, that a model folder cannot hold.

    A path is plain, relative and within the folder, and ends as a file that holds data alone; no two are
    the same or one a folder of the other, in any case of letters; the names that the format gives a
    meaning have the role that goes with it.

    :raises CheckpointError: names the path, and which of these it breaks.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for path, role in files:
        check_path(path, where)
        if not path.endswith(_KINDS):
            kinds = f"a model may hold {', '.join(_KINDS)}"
            raise CheckpointError(where, f"{path!r} is none of the kinds that hold data alone", kinds)
        folded = fold_path(path)
        if folded == MANIFEST or _ROLES.get(folded, role) != role:
            raise CheckpointError(where, f"{path!r} is a name that the format keeps for itself")
        *above, name = folded.split("/")
        if name == TENSORS and role != "tensors":
            raise CheckpointError(where, f"{path!r} is a name that the format keeps for itself")
        if folded in seen:
            raise CheckpointError(where, f"a file is listed twice: {path!r}")
        seen.add(folded)
        folders.update("/".join(above[:deep]) for deep in range(1, len(above) + 1))
    for both in sorted(seen & folders):
        raise CheckpointError(where, f"{both!r} is both a file and a folder")


def check_part_name(name: str, where: str) -> None:
    """Refuse a name that a part, and so its folder, cannot have.

    :raises CheckpointError: it is not a lower-case word of at most 32 letters, digits and underscores.
    """
    if not _PART.fullmatch(name):
        raise CheckpointError(where, f"{name!r} is not the name of a part")


def read_small(path: Path, most: int) -> bytes:
    """Read a regular file of at most ``most`` bytes; a pipe or a device is not waited for.

    :raises OSError: it cannot be read.
    :raises CheckpointError: it is not a regular file, or it is longer.
    """
    with open_regular(path) as file:
        there = os.fstat(file.fileno()).st_size
        raw = file.read(min(there, most) + 1)  # room for what may be is taken, and may be much
        if len(raw) > there:  # it grows, or says nothing of its size
            raw += file.read(most + 1 - len(raw))
    if len(raw) > most:
        raise CheckpointError(path, f"the file takes more than {most} bytes")
    return raw


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read it; a pipe or a device is not waited for.

    :raises OSError: it cannot be read.
    :raises CheckpointError: it is not a regular file.
    """
    # O_NONBLOCK: the open of a pipe that nobody writes to would not return.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CheckpointError(path, "this is not a regular file")
    return os.fdopen(descriptor, "rb")
