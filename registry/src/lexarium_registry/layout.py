"""Where everything lies in the store's folder, format 2; nothing here reads a model or needs numpy.

format                    the number of this layout
lock                      held by who writes
blobs/ab/SHA256           files of models
manifests/ab/SHA256       ``lexarium.json`` of each version
refs/NAME/VERSION         the manifest's sha256 and the origin, as JSON
refs/NAME/VERSION.removed the highest number that was removed: none is given twice
refs/NAME/TAG.tag         the version that a tag is on
aliases/ALIAS             the reference that a second name stands for
index                     what ``lexarium list`` shows; made again where it is missing or old
checked/ab/SHA256         size, time and inode of a version's files when they were last hashed
pulled/ab/SHA256          what a revision on the Hub was when it was last asked for, as JSON
staging/                  what is being written, each in a folder that its writer holds a lock in
partial/SHA256.part       what is being downloaded; its writer holds ``SHA256.lock``
indexes/                  approximate indexes of word vectors, each named by its space
quarantine/               damaged files that ``lexarium repair`` took out
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DIGEST", "FORMAT", "REMOVED", "TAG", "Layout", "default_home", "disk", "listed"]

FORMAT = b"2\n"
DIGEST = re.compile(r"[0-9a-f]{64}")
REMOVED = re.compile(r"([1-9][0-9]{0,8})\.removed")
TAG = ".tag"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ELSEWHERE = "check the folder, or set LEXARIUM_HOME to another"


def default_home() -> Path:
    """Return ``LEXARIUM_HOME``, or the user's data folder for Lexarium."""
    home = os.environ.get("LEXARIUM_HOME")
    if home:
        return Path(home).absolute()
    from platformdirs import user_data_path  # noqa: PLC0415  only who says nothing pays for it

    return user_data_path("lexarium", appauthor=False)


@dataclass(frozen=True)
class Layout:
    """The paths in one store."""

    home: Path

    def blob(self, digest: str) -> Path:
        """Return where the file of that sha256 lies."""
        return self.home / f"blobs/{digest[:2]}/{digest}"

    def manifest(self, digest: str) -> Path:
        """Return where the manifest of that sha256 lies."""
        return self.home / f"manifests/{digest[:2]}/{digest}"

    def checked(self, digest: str) -> Path:
        """Return where the state of the files of the manifest of that sha256 is recorded."""
        return self.home / f"checked/{digest[:2]}/{digest}"

    def pulled(self, reference: str) -> Path:
        """Return where it stands what a repository, or a revision of it, was when it was last pulled."""
        digest = hashlib.sha256(reference.encode()).hexdigest()
        return self.home / f"pulled/{digest[:2]}/{digest}"

    @property
    def refs(self) -> Path:
        """The folder of the names."""
        return self.home / "refs"

    def ref(self, name: str, version: str) -> Path:
        """Return where the reference to a version lies."""
        return self.refs / name / version

    def tag(self, name: str, tag: str) -> Path:
        """Return where a tag of a name lies."""
        return self.refs / name / f"{tag}{TAG}"

    @property
    def aliases(self) -> Path:
        """The folder of the aliases."""
        return self.home / "aliases"

    @property
    def index(self) -> Path:
        """The file with what is shown of every version."""
        return self.home / "index"

    @property
    def indexes(self) -> Path:
        """The folder of the approximate indexes of word vectors, each named by its space."""
        return self.home / "indexes"

    @property
    def lock(self) -> Path:
        """The file that who writes holds a lock on."""
        return self.home / "lock"

    @property
    def staging(self) -> Path:
        """The folder of what is being written."""
        return self.home / "staging"

    @property
    def partial(self) -> Path:
        """The folder of what is being downloaded."""
        return self.home / "partial"

    @property
    def quarantine(self) -> Path:
        """The folder of damaged files."""
        return self.home / "quarantine"

    @property
    def writable(self) -> bool:
        """Whether files can be made in the store."""
        return os.access(self.home, os.W_OK)

    def check_format(self) -> None:
        """Refuse a store that another version of Lexarium keeps in another way.

        :raises StoreError: it is of another format, or cannot be read.
        """
        try:
            raw = read_small(self.home / "format", 64)
        except (FileNotFoundError, NotADirectoryError):
            return  # nothing is stored yet
        except CheckpointError as error:
            raise StoreError(str(error), _ELSEWHERE) from error
        except OSError as error:
            raise StoreError(f"the store cannot be read: {error}", _ELSEWHERE) from error
        if raw != FORMAT:
            shown = raw.decode("utf-8", "replace").strip()
            raise StoreError(
                f"the store {self.home} is of format {shown!r}; this Lexarium knows format 2",
                "use the Lexarium that made it, or set LEXARIUM_HOME to another folder",
            )


@contextmanager
def disk(*, only_full: bool = False, stores: bool = True) -> Iterator[None]:
    """Turn what the disk refuses into an error of ours; with ``only_full``, that it is full alone.

    What ``stores`` a model stores none if it ends so; other work may be done in part, and is done again.

    :raises StoreError: says what the disk said, and what to do.
    """
    try:
        yield
    except OSError as error:
        if only_full and error.errno not in _FULL:
            raise
        full = "free some space; nothing was stored" if stores else "free some space, and type the same again"
        remedy = full if error.errno in _FULL else _ELSEWHERE
        raise StoreError(f"the store cannot be written: {error}", remedy) from error


def listed(folder: Path) -> list[str]:
    """Return the names in a folder, none where there is no such folder."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
