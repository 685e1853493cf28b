"""Lines of an evaluation file, within bounds: what every reader of this package starts from.

A file is UTF-8 (a byte order mark is allowed), at most 16 MiB, with lines of at most 64 KiB ended by LF or
CRLF. The largest published set, the 19,544 analogies of Mikolov et al., has 0.6 MB. Words are kept once
each and rows as numbers: reading takes up to 35 times the size of the file in memory, of 2-letter words.
"""

from __future__ import annotations

from array import array
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from lexarium.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Words", "numbered_lines"]

_MAX_BYTES = 16 * 2**20
_MAX_LINE = 64 * 2**10
_CHUNK = 64 * 2**10
_GZIP = b"\x1f\x8b"


class Words:
    """Distinct words in the order of their first use, and rows that name them by number."""

    def __init__(self) -> None:
        self.ids = array("i")
        self._numbers: dict[str, int] = {}

    @property
    def distinct(self) -> list[str]:
        """The words, each once; word i is what the number i stands for."""
        return list(self._numbers)

    def add(self, words: Sequence[str]) -> None:
        """Append the number of each word to ``ids``."""
        numbers = self._numbers
        self.ids.extend([numbers.setdefault(word, len(numbers)) for word in words])


def numbered_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank, without its end, with its number from 1.

    :raises InputError: no such file, no text in it, more than 16 MiB, a line above 64 KiB, bytes that are
        not UTF-8, a NUL (a binary file), or a carriage return inside a line; with file and line.
    """
    data = _bytes(Path(path))
    number, found = 0, False
    file = BytesIO(data)
    while raw := file.readline(_MAX_LINE + 1):
        number += 1
        if len(raw) > _MAX_LINE:
            raise InputError(path, "the line is longer than 64 KiB", "give a list of words", line=number)
        line = _decoded(path, number, raw)
        if line.strip():
            found = True
            yield number, line
    if not found:
        raise InputError(path, "there is nothing in it", "give a file with at least one line")


def _bytes(path: Path) -> bytes:
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(path, "there is no such file", did_you_mean(path.name, siblings))
    if not path.is_file():  # a pipe or a device may never end
        raise InputError(path, "it is not a file", "give a file, not a folder or a pipe")
    data = bytearray()
    try:
        with path.open("rb") as file:
            while len(data) <= _MAX_BYTES and (chunk := file.read(_CHUNK)):
                data += chunk
    except OSError as error:
        raise InputError(path, f"it cannot be read: {error.strerror}", "check its permissions") from error
    if len(data) > _MAX_BYTES:
        raise InputError(path, "it is larger than 16 MiB", "give an evaluation set, not a corpus")
    if data.startswith(_GZIP):
        raise InputError(path, "it is compressed", "unpack it first: gunzip FILE")
    return bytes(data.removeprefix(b"\xef\xbb\xbf"))


def _decoded(path: str | Path, number: int, raw: bytes) -> str:
    if b"\0" in raw:
        problem = "it holds a NUL byte, so it is a binary file or not UTF-8"
        raise InputError(path, problem, "save it as UTF-8 text", line=number)
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {raw[error.start]:#04x} at position {error.start} is not UTF-8"
        raise InputError(path, problem, "save the file as UTF-8", line=number) from error
    line = line.removesuffix("\n").removesuffix("\r")
    if "\r" in line:
        raise InputError(path, "a carriage return stands alone", "end lines with LF or CRLF", line=number)
    return line
