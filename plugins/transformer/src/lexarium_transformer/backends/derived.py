"""Files that are made from a stored model and can be made again: a cache, never exchanged, safe to delete.

They lie under ``LEXARIUM_HOME/derived``, by default in the user's cache folder. An entry is a folder named
by a key, a sha256 over all that it was made from; it appears whole, by a rename, and what two processes make
at once is the same. Native code reads the files and trusts them, so they are hashed before.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from lexarium.checkpoint.paths import read_small
from lexarium.errors import StoreError
from lexarium.output import atomic

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cache_folder", "find", "publish", "read_note", "write_note"]

_ABOUT = "about.json"
_MOST = 1 << 20  # bytes of a JSON file here
_DAY = 86_400.0  # seconds


def cache_folder() -> Path:
    """Return the folder; it need not exist."""
    home = os.environ.get("LEXARIUM_HOME")
    return (Path(home).absolute() if home else user_cache_path("lexarium", appauthor=False)) / "derived"


def find(key: str) -> Path | None:
    """Return the entry's folder, where there is one and each of its files is as it was written."""
    folder = cache_folder() / key
    about = _parsed(folder / _ABOUT)
    files = about.get("files")
    if not isinstance(files, dict) or not files:
        return None
    try:
        whole = all(_hash(folder / Path(name).name) == wanted for name, wanted in files.items())
    except OSError:
        return None
    return folder if whole else None


def publish(key: str, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill an empty folder, and make it the entry ``key``; return where it lies then.

    An entry that is there already and whole stays; a damaged one is replaced.

    :raises StoreError: the folder cannot be written.
    """
    root = cache_folder()
    aside = root / f".{token_hex(8)}.part"
    try:
        aside.mkdir(parents=True)
        _clear(root)
        write(aside)
        files = {path.name: _hash(path) for path in sorted(aside.iterdir())}
        (aside / _ABOUT).write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")
        return _place(aside, root / key, key)
    except OSError as error:
        what = f"{error.filename or root} cannot be written: {error.strerror or error}"
        raise StoreError(what, "free some space, or set LEXARIUM_HOME to another folder") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def read_note(name: str) -> dict[str, Any]:
    """Return a small JSON object that :func:`write_note` kept; empty where there is none."""
    return _parsed(cache_folder() / f"{name}.json")


def write_note(name: str, note: dict[str, Any]) -> None:
    """Keep a small JSON object, whole or not at all.

    :raises OSError: the folder cannot be written.
    """
    root = cache_folder()
    root.mkdir(parents=True, exist_ok=True)
    with atomic(root / f"{name}.json") as aside:
        aside.write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")


def _place(aside: Path, target: Path, key: str) -> Path:
    with suppress(OSError):  # something is there: another process was faster, or it is damaged
        aside.rename(target)
        return target
    found = find(key)
    if found is not None:
        return found
    target.rename(aside.with_name(f".{token_hex(8)}.part"))
    aside.rename(target)
    return target


def _clear(root: Path) -> None:
    """Remove what a killed process left more than a day ago."""
    for path in root.glob(".*.part"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _DAY:
                shutil.rmtree(path)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_small(path, _MOST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
