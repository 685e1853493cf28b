"""What a server, a manifest or a person may call a thing: checked before a path or an address is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexarium.checkpoint.paths import check_path, fold_path, is_device
from lexarium.errors import CheckpointError, HubCorruptedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "HUB",
    "HubReference",
    "check_commit",
    "check_files",
    "check_header",
    "check_revision",
    "check_sha256",
    "local_name",
    "parse_hub",
]

HUB = "hf://"
_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARTS = 2
_LONGEST_HEADER = 512


@dataclass(frozen=True)
class HubReference:
    """A repository on the Hub, ``org/repo``, and the branch, tag or commit that was asked for."""

    repository: str
    revision: str = "main"

    @property
    def reference(self) -> str:
        """The reference without a revision: ``hf://org/repo``."""
        return f"{HUB}{self.repository}"

    @property
    def pinned(self) -> bool:
        """Whether the revision is a commit, which names one content for ever."""
        return _COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        return self.reference if self.revision == "main" else f"{self.reference}@{self.revision}"


def parse_hub(reference: str) -> HubReference:
    """Read ``hf://org/repo[@revision]``.

    :raises StoreError: it is not one: says what is wrong, and what to type.
    """
    if not reference.startswith(HUB):
        raise StoreError(f"{reference!r} is no reference to the Hub", f"type {HUB}org/repo")
    repository, at, revision = reference.removeprefix(HUB).partition("@")
    parts = repository.split("/")
    if len(parts) != _PARTS or not all(_is_repository(part) for part in parts):
        remedy = "it is organisation and repository: hf://sentence-transformers/all-MiniLM-L6-v2"
        raise StoreError(f"{reference!a} names no repository on the Hub", remedy)
    if at:
        check_revision(revision, reference)
    return HubReference(repository, revision if at else "main")


def check_revision(revision: str, where: str) -> str:
    """Return the name of a branch or tag, or a commit, if it can be one.

    :raises StoreError: it holds what git has no place for, or what would lead out of a path.
    """
    names = revision.split("/")
    odd = any(not name or name.startswith(".") or name.endswith((".", ".lock")) for name in names)
    if not _REVISION.fullmatch(revision) or odd or ".." in revision or any(map(is_device, names)):
        remedy = "a revision is a branch, a tag or a commit: letters, digits and . _ - /"
        raise StoreError(f"{where!a}: {revision!a} is no revision", remedy)
    return revision


def check_commit(commit: object, where: str) -> str:
    """Return a commit's 40 hexadecimal digits.

    :raises HubCorruptedError: a server gave something else.
    """
    return _hexadecimal(commit, _COMMIT, f"{where}: the server names no commit but", "the commit")


def check_sha256(digest: object, where: str) -> str:
    """Return the 64 hexadecimal digits of a sha256.

    :raises HubCorruptedError: a server gave something else.
    """
    return _hexadecimal(digest, _SHA256, f"{where}: the server names no sha256 but", "the hash")


def check_header(value: str | None, where: str, most: int = _LONGEST_HEADER) -> str | None:
    """Return a header's value without the quotes and the ``W/`` of an ETag; None where there is none.

    It may have ``most`` characters.

    :raises HubCorruptedError: it is too long, or holds what is no printable ASCII.
    """
    if value is None:
        return None
    if len(value) > most or not (value.isascii() and value.isprintable()):
        raise HubCorruptedError(f"{where}: the server sends a header that is none", _AGAIN)
    return value.strip().removeprefix("W/").strip('"')


def check_files(paths: Iterable[str], where: str) -> None:
    """Refuse paths that a folder cannot hold side by side on every file system.

    :raises HubCorruptedError: names the path: it leads out of the folder, names a device, is not in
        composed form, or is the same as another but for case.
    """
    seen: dict[str, str] = {}
    for path in paths:
        try:
            check_path(path, where)
        except CheckpointError as error:
            raise HubCorruptedError(str(error), _RENAME) from error
        other = seen.setdefault(fold_path(path), path)
        if other != path:
            raise HubCorruptedError(f"{where}: {other!a} and {path!a} differ in case only", _RENAME)


def local_name(repository: str) -> str:
    """Return a legal name for a stored model, from the last part of a repository's name.

    >>> local_name("sentence-transformers/all-MiniLM-L6-v2")
    'all-minilm-l6-v2'
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", repository.rpartition("/")[2].lower()).strip("-._")
    return f"model-{name}"[:96] if not name or is_device(name) else name


_AGAIN = "try again later, or ask whoever runs this hub"
_RENAME = "ask its owner to rename the file"


def _is_repository(name: str) -> bool:
    odd = ".." in name or "--" in name or name.lower().endswith(".git") or is_device(name)
    return _REPOSITORY.fullmatch(name) is not None and not odd


def _hexadecimal(value: object, pattern: re.Pattern[str], problem: str, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        shown = str(value)[:80] if value else "nothing"
        raise HubCorruptedError(f"{problem} {shown!a}", f"{what} is needed to know what one gets; {_AGAIN}")
    return value
