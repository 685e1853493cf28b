"""The user's own text files: their lines, or blocks of whole lines, in bounded memory.

Formats by ending: ``.txt`` (one text a line), ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet``, each but
the last also ``.gz``; ``-`` is standard input, one text a line. Files are UTF-8, with or without a
byte order mark. A line may be 64 MiB long.
"""

from __future__ import annotations

import gzip
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TypeAlias, cast
from zlib import error as zlib_error

from lexarium.backend import kernel
from lexarium.errors import InputError, UnsupportedError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ENDINGS", "MAX_LINE", "Block", "EncodingErrors", "TextFile", "standard_input"]

#: What to do about bytes that are not UTF-8: refuse them, or put U+FFFD in their place.
EncodingErrors: TypeAlias = Literal["strict", "replace"]
ENDINGS = (".txt", ".csv", ".tsv", ".jsonl", ".parquet")
MAX_LINE = 64 * 2**20
_BYTE_ORDER_MARK, _GZIP = b"\xef\xbb\xbf", b"\x1f\x8b"


@dataclass(frozen=True)
class Block:
    """Whole lines of a file: the number of the first one, where in the file it begins, and the bytes.

    ``ends`` is how many of them end with a line end: all, except perhaps the last of the file.
    """

    line: int
    offset: int
    raw: bytes
    ends: int


@dataclass(frozen=True)
class TextFile:
    """A file by its path, or ``-``; ``opener``, where given, opens it in place of the path."""

    path: str | Path
    errors: EncodingErrors = "strict"
    opener: Callable[[], IO[bytes]] | None = None

    @property
    def ending(self) -> str:
        """The format; ``-`` has none.

        :raises UnsupportedError: Lexarium does not read such files.
        """
        if str(self.path) == "-":
            return ""
        name = Path(self.path).name.lower().removesuffix(".gz")
        ending = Path(name).suffix
        if ending not in ENDINGS:
            raise UnsupportedError(
                f"{self.path}: Lexarium does not read {ending or 'files without an ending'}",
                f"use {', '.join(ENDINGS)} or .gz of them",
            )
        return ending

    @property
    def plain(self) -> bool:
        """Whether each line is a text; else the file is a table."""
        return self.ending in {"", ".txt"}

    def existing(self) -> Path:
        """Return the path of a file that is there.

        :raises InputError: there is none, or it is a folder.
        """
        found = Path(self.path)
        if not found.exists():
            siblings = [p.name for p in found.parent.iterdir()] if found.parent.is_dir() else []
            raise InputError(self.path, "there is no such file", did_you_mean(found.name, siblings))
        if not found.is_file():
            raise InputError(self.path, "it is not a file", "give a file, not a folder")
        return found

    def open(self) -> IO[bytes]:
        """Open for reading, unpacked.

        :raises InputError: as :meth:`existing`, and the system refuses.
        """
        if self.opener is not None or str(self.path) == "-":
            return _unpacked(self.opener() if self.opener else standard_input())
        found = self.existing()
        try:
            return cast("IO[bytes]", gzip.open(found) if self._packed else found.open("rb"))
        except OSError as error:
            raise self._unreadable(error) from error

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield each line with its number; the line end stays, so that csv sees its own.

        :raises InputError: bytes that are not UTF-8, a line of more than 64 MiB, damaged gzip.
        """
        number, offset = 0, 0
        with self.open() as file, self._explained(lambda: number):
            while raw := file.readline(MAX_LINE + 1):
                number += 1
                if len(raw) > MAX_LINE:
                    raise self._too_long(number)
                text = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
                yield number, self.decode(Block(number, offset + len(raw) - len(text), text, 1))
                offset += len(raw)

    def blocks(self, size: int = 4 * 2**20) -> Iterator[Block]:
        """Yield blocks of whole lines, of about ``size`` bytes or one longer line, not yet checked.

        :raises InputError: a line of more than 64 MiB, damaged gzip.
        """
        line, offset = 1, 0
        held: list[bytes] = []  # pieces of a line whose end has not come
        with self.open() as file, self._explained(lambda: line - 1):
            while raw := file.read(size):
                if not offset and not held and raw.startswith(_BYTE_ORDER_MARK):
                    raw, offset = raw.removeprefix(_BYTE_ORDER_MARK), len(_BYTE_ORDER_MARK)
                if sum(map(len, held)) + (raw.find(b"\n") + 1 or len(raw)) > MAX_LINE:
                    raise self._too_long(line)
                end = raw.rfind(b"\n") + 1
                if end:
                    whole = b"".join([*held, raw[:end]])
                    held, raw = [], raw[end:]
                    ends = whole.count(b"\n")
                    yield Block(line, offset, whole, ends)
                    line += ends
                    offset += len(whole)
                if raw:
                    held.append(raw)
            if held:
                yield Block(line, offset, b"".join(held), 0)

    def checked(self, block: Block) -> bytes:
        """Return a block's bytes if they are UTF-8, or with replacements where ``errors`` says so.

        :raises InputError: they are not; names line and byte.
        """
        kernels = kernel("_corpus")
        if block.raw.isascii():
            return block.raw
        if kernels is not None and kernels.find_invalid(block.raw) == len(block.raw):
            return block.raw
        return self.decode(block).encode()

    def decode(self, block: Block) -> str:
        """Return a block as text; errors as in :meth:`checked`."""
        try:
            return block.raw.decode("utf-8", self.errors)
        except UnicodeDecodeError as error:
            line = block.line + block.raw.count(b"\n", 0, error.start)
            position = error.start - block.raw.rfind(b"\n", 0, error.start) - 1
            problem = (
                f"byte {block.raw[error.start]:#04x} at position {position} is not UTF-8 "
                f"(offset {block.offset + error.start} of the {'unpacked ' * self._packed}file)"
            )
            remedy = "save the file as UTF-8; fit, update and import also take --encoding-errors replace"
            raise InputError(self.path, problem, remedy, line=line) from error

    @property
    def _packed(self) -> bool:
        return str(self.path).lower().endswith(".gz")

    def _too_long(self, line: int) -> InputError:
        return InputError(self.path, f"the line is longer than {MAX_LINE >> 20} MiB", "cut it", line=line)

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(self.path, f"cannot be read: {error.strerror or error}", "check the file")

    @contextmanager
    def _explained(self, lines: Callable[[], int]) -> Iterator[None]:
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib_error) as error:
            problem = f"damaged gzip: {error}"
            raise InputError(self.path, problem, "fetch it again", line=lines() + 1) from error
        except OSError as error:
            raise self._unreadable(error) from error


def _unpacked(stream: IO[bytes]) -> IO[bytes]:
    """Return what a stream without a name holds, gzipped or not."""
    ahead = stream if isinstance(stream, BufferedReader) else BufferedReader(cast("RawIOBase", stream))
    return cast("IO[bytes]", gzip.open(ahead) if ahead.peek(2)[:2] == _GZIP else ahead)


def standard_input() -> IO[bytes]:
    """Return standard input as bytes.

    :raises InputError: there is none, or it is closed.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise InputError("-", "there is no standard input, or it has been read already", "give a file")
    return getattr(sys.stdin, "buffer", None) or BytesIO(sys.stdin.read().encode())
