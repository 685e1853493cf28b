r"""Word vectors in word2vec's binary format: ``count dim\n``, then each word, a space, and dim numbers.

Numbers are float32, low byte first. Behind each vector ``word2vec.c`` writes ``\n`` and gensim nothing; a
file does the one or the other throughout. A word is UTF-8, not empty, without space or line end, and
occurs once; other bytes are replaced where the caller says so (:mod:`lexarium_static.decoding`). Memory
grows with what has been read, never with what the header promises.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

import numpy as np

from lexarium.errors import FormatError
from lexarium_static.archive import open_stream
from lexarium_static.decoding import NOT_UTF8, Decoder

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.files import EncodingErrors
    from lexarium.roles import Floats, Progress

__all__ = ["is_binary", "read_binary"]

_HEADER = re.compile(rb"(\d{1,15}) (\d{1,15})\r?\n")
#: How files begin that are taken for word vectors, and what reads them.
_OTHERS = {
    b"\xba\x16\x4f\x2f": ("a model of fastText", "lexarium import fasttext"),
    b"GGUF": ("a GGUF file", "lexarium import gpt"),
}
_MAX_HEADER = 64
_MAX_WORD = 1 << 16
_CHUNK = 1 << 20
_REPORT = 10_000
# A number in text; NaN and infinity also as C's printf, Java and Microsoft's runtimes write them.
_NUMBER = re.compile(rb"[-+]?([\d.,]+(e[-+]?\d+|#\w+)?|(nan|inf)[\w()]*)", re.IGNORECASE)
_SHAPE = (
    "word2vec's binary format is 'count dim', a line end, then each word, a space and dim float32 numbers"
)


def is_binary(path: Path) -> bool:
    """Tell whether a file, packed or not, begins as the binary format does and not as the text format.

    In text most of what stands behind the first word on its line are numbers, be they NaN or infinite.

    :raises InputError: the file cannot be read.
    :raises FormatError: its compressed data is damaged, or it is a model of another kind.
    """
    with open_stream(path) as stream:
        start = stream.read(_MAX_HEADER + _MAX_WORD)
    for magic, (kind, remedy) in _OTHERS.items():
        if start.startswith(magic):
            raise FormatError(path, f"this is {kind}, not word vectors", f"type: {remedy} {path}")
    header = _HEADER.match(start)
    if header is None:
        return False
    _, _, vector = start[header.end() :].partition(b" ")
    fields = vector.partition(b"\n")[0].split()
    numbers = sum(_NUMBER.fullmatch(field) is not None for field in fields)
    return bool(vector) and 2 * numbers <= len(fields)


def read_binary(
    path: Path, progress: Progress, *, errors: EncodingErrors = "strict"
) -> tuple[list[str], Floats]:
    """Return the words and their vectors (n, dim) of a binary file, gzipped or not, or one in a zip archive.

    ``errors`` says what becomes of words that are not UTF-8.

    :raises FormatError: names the vector that breaks the format.
    :raises InputError: the file cannot be read.
    """
    with open_stream(path) as stream:
        source = _Source(stream)
        header = _HEADER.fullmatch(source.until(b"\n", _MAX_HEADER))
        if header is None:
            raise FormatError(path, "the first line is not two integers, 'count dim'", _SHAPE, line=1)
        count, dim = map(int, header.groups())
        if count < 1 or dim < 1:
            raise FormatError(path, f"the header promises {count} vectors of {dim} numbers", _SHAPE, line=1)
        words, packed = _rows(Decoder(path, errors), source, count, dim, progress)
    vectors = np.frombuffer(packed, "<f4").astype(np.float32, copy=False).reshape(-1, dim)
    return words, vectors


def _rows(
    decoder: Decoder, source: _Source, count: int, dim: int, progress: Progress
) -> tuple[list[str], bytearray]:
    path = decoder.path
    numbers: dict[str, int] = {}
    packed = bytearray()
    ended: bool | None = None  # whether a line end follows each vector
    for number in range(1, count + 1):
        where = f"vector {number} of {count}"
        word = _word(decoder, source.until(b" ", _MAX_WORD), where)
        left_out = word in numbers and decoder.leaves_out(word)
        if word in numbers and not left_out:
            problem = (
                f"{where} is a second one for the word {word[:40]!r}; the first is vector {numbers[word]}"
            )
            raise FormatError(path, problem, "leave one of the two out")
        begin = len(packed)
        source.take(4 * dim, packed)
        if len(packed) - begin < 4 * dim:
            raise FormatError(path, f"the file ends inside {where}", "fetch the file again")
        if not np.isfinite(np.frombuffer(packed, "<f4", offset=begin)).all():
            raise FormatError(
                path, f"{where}, the word {word[:40]!r}, has a number that is NaN or infinite", _SHAPE
            )
        if left_out:
            del packed[begin:]
        else:
            numbers[word] = number
        follows = source.skip(b"\n")
        if ended is not None and follows != ended:
            what = "no line end follows" if ended else "a line end follows"
            raise FormatError(path, f"{what} {where}, unlike the one before it", "fetch the file again")
        ended = follows
        if number % _REPORT == 0:
            progress("read vectors", number, count)
    if source.more():
        raise FormatError(path, f"there is more than the {count} vectors that the header promises", _SHAPE)
    progress("read vectors", count, count)
    decoder.report()
    return list(numbers), packed


def _word(decoder: Decoder, raw: bytes, where: str) -> str:
    path = decoder.path
    if not raw.endswith(b" "):
        problem = (
            f"the file ends before {where}" if len(raw) < _MAX_WORD else f"no space ends the word of {where}"
        )
        raise FormatError(path, problem, _SHAPE)
    if len(raw) == 1 or b"\n" in raw:
        raise FormatError(path, f"the word of {where} is empty or has a line end in it", _SHAPE)
    try:
        return decoder.word(raw[:-1])
    except UnicodeDecodeError as error:
        raise FormatError(path, f"the word of {where} is not UTF-8", NOT_UTF8) from error


class _Source:
    """A stream, read by pieces of a bounded size: ``read(n)`` would make room for n bytes beforehand."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._held = b""
        self._at = 0

    def until(self, mark: bytes, most: int) -> bytes:
        """Return what comes up to and with ``mark``; less where the stream ends, or after ``most`` bytes."""
        searched = self._at
        while (found := self._held.find(mark, searched)) < 0 and len(self._held) - self._at < most:
            searched = len(self._held) - self._at
            if not self._more():
                break
        end = found + 1 if found >= 0 else len(self._held)
        return self._pass(min(end, self._at + most))

    def take(self, size: int, to: bytearray) -> None:
        """Put the next ``size`` bytes behind ``to``; fewer where the stream ends."""
        while size and self.more():
            part = self._pass(min(len(self._held), self._at + size))
            to += part
            size -= len(part)

    def skip(self, mark: bytes) -> bool:
        """Step over the byte ``mark`` where it comes next, and tell whether it did."""
        found = self.more() and self._held[self._at : self._at + 1] == mark
        self._at += found
        return found

    def more(self) -> bool:
        """Tell whether something comes next."""
        return self._at < len(self._held) or self._more()

    def _pass(self, end: int) -> bytes:
        passed = self._held[self._at : end]
        self._at = end
        return passed

    def _more(self) -> bool:
        more = self._stream.read(_CHUNK)
        self._held = self._held[self._at :] + more
        self._at = 0
        return bool(more)
