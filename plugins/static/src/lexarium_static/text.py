r"""Word vectors in text, as GloVe, word2vec and fastText (``.vec``) write them.

A word and its numbers on each line, separated by single spaces.

What published files need, and nothing looser:

- A first line of two integers is a header, "count dim", as word2vec, fastText and newer GloVe write
  it; the file must then hold exactly so many vectors of exactly so many numbers.
- Without a header, dim is what most of the first 20 lines have.
- A word may hold spaces (GloVe 840B has ``. . .`` and ``at name@domain.com``): the last dim fields are
  the numbers. A word with spaces that ends in a number is refused, because a line with one number too
  many looks just so; no published file has one.
- Every line ends in ``\n`` or ``\r\n``, the last one too: a number that was cut off is a number. Fields
  are separated by the space alone: U+0085 and U+00A0 are words. A number may have other ASCII white space
  at its edges, a tab for instance, which is passed over.
- A word is UTF-8, not empty, without a space at its edge, and occurs once. Other bytes are replaced
  where the caller says so (:mod:`lexarium_static.decoding`).
- The file may be gzipped, or a file in a zip archive (:mod:`lexarium_static.archive`); nothing is unpacked
  to disk.

Memory grows with what has been read, never with what a header promises. A file without a header that was
cut behind a whole line cannot be told from a shorter one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from itertools import chain, islice
from math import isinf, isnan
from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import FormatError
from lexarium_static.archive import open_stream
from lexarium_static.decoding import NOT_UTF8, Decoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexarium.files import EncodingErrors
    from lexarium.roles import Floats, Progress

__all__ = ["read_text"]

_MAX_LINE = 4 << 20
_PEEK = 20
_BLOCK = 1 << 16  # numbers turned into float32 together
_HEADER = re.compile(rb"(\d{1,15}) (\d{1,15})")
_BYTE_ORDER_MARK = "\ufeff".encode()
_SHAPE = "each line is a word and its numbers, separated by single spaces"


def read_text(
    path: Path, progress: Progress, *, errors: EncodingErrors = "strict"
) -> tuple[list[str], Floats]:
    """Return the words and their vectors (n, dim) of a text file, gzipped or not, or of one in a zip archive.

    ``archive.zip:member`` names one of several files there. ``errors`` says what becomes of words that are
    not UTF-8.

    :raises FormatError: names the line that breaks the format.
    :raises InputError: the file cannot be read.
    """
    lines = _lines(path)
    first = list(islice(lines, _PEEK))
    if first and not first[0].startswith(_BYTE_ORDER_MARK + b" "):  # alone it is a word like any other
        first[0] = first[0].removeprefix(_BYTE_ORDER_MARK)
    if not first:
        raise FormatError(path, "the file is empty", _SHAPE)
    header = _HEADER.fullmatch(first[0])
    count, dim = map(int, header.groups()) if header else (None, _dimension(first))
    if dim < 1:
        raise FormatError(path, "no numbers follow the word", f"in text {_SHAPE}", line=1)
    rows = _Rows(Decoder(path, errors), dim, skipped=1 if header else 0)
    for line in chain(first[1:] if header else first, lines):
        if rows.read == count:
            problem = f"there are more vectors than the {count} that line 1 promises"
            raise FormatError(path, problem, "correct the first line, or delete it", line=rows.line)
        rows.add(line)
        if rows.read % 10_000 == 0:
            progress("read vectors", rows.read, count)
    words, vectors = rows.finish()
    if rows.read != (rows.read if count is None else count):
        problem = f"line 1 promises {count} vectors, the file holds {rows.read}"
        raise FormatError(path, problem, "fetch the file again, or correct its first line")
    if not words:
        raise FormatError(path, "the file holds no vector", _SHAPE)
    progress("read vectors", rows.read, rows.read)
    return words, vectors


class _Rows:
    """The lines read so far: their words, and their numbers packed as float32."""

    def __init__(self, decoder: Decoder, dim: int, skipped: int) -> None:
        self.words: dict[str, None] = {}
        self._decoder = decoder
        self._path = decoder.path
        self._dim = dim
        self._skipped = skipped
        self._pending: list[float] = []
        self._packed = bytearray()  # grows in place, where a list of arrays would be copied at the end
        self._left_out: list[int] = []  # how many words there were before each line that was left out

    @property
    def line(self) -> int:
        """The number of the line that comes next."""
        return self._line(len(self.words))

    @property
    def read(self) -> int:
        """How many vectors have been read, those left out too."""
        return len(self.words) + len(self._left_out)

    def add(self, line: bytes) -> None:
        head, *numbers = line.rsplit(b" ", self._dim)
        if len(numbers) != self._dim:
            problem = f"{len(numbers)} numbers follow the word {_show(head)}, where {self._dim} belong"
            raise self._error(problem, "complete or delete the line")
        try:
            self._pending.extend(map(float, numbers))
            spelt = b"_" not in line[len(head) :]  # Python's own spelling of numbers
        except ValueError:
            spelt = False
        if not spelt:
            wrong = next(piece for piece in numbers if not _is_number(piece))
            problem = f"{_show(wrong)} is not a number; {self._dim} numbers belong at the end of each line"
            raise self._error(problem, "complete, correct or delete the line")
        word = self._word(head)
        if word in self.words:
            if not self._decoder.leaves_out(word):
                first = self._line(list(self.words).index(word))
                problem = f"a second vector for the word {_show(head)}; the first is on line {first}"
                raise self._error(problem, "delete one of the two lines")
            del self._pending[-self._dim :]
            self._left_out.append(len(self.words))
            return
        self.words[word] = None
        if len(self._pending) >= _BLOCK:
            self._pack()

    def finish(self) -> tuple[list[str], Floats]:
        self._pack()
        self._decoder.report()
        return list(self.words), np.frombuffer(self._packed, np.float32).reshape(-1, self._dim)

    def _word(self, head: bytes) -> str:
        if not head or head.startswith(b" ") or head.endswith(b" "):
            raise self._error(f"the word {_show(head)} is empty or has a space at its edge", _SHAPE)
        if b" " in head and _is_number(head[head.rindex(b" ") + 1 :]):
            problem = f"more than {self._dim} numbers follow the word {_show(head.split(b' ')[0])}"
            raise self._error(problem, "delete what is too many; no word with a space may end in a number")
        try:
            return self._decoder.word(head)
        except UnicodeDecodeError as error:
            raise self._error(f"the word {_show(head)} is not UTF-8", NOT_UTF8) from error

    def _pack(self) -> None:
        with np.errstate(over="ignore"):  # refused on the next line
            block = np.array(self._pending, np.float32).reshape(-1, self._dim)
        wrong = np.argwhere(~np.isfinite(block))
        if len(wrong):
            raise self._not_finite(*map(int, wrong[0]))
        self._packed += block.tobytes()
        self._pending.clear()

    def _not_finite(self, pending: int, column: int) -> FormatError:
        """Return the error of a number, ``column`` of a row that is ``pending``."""
        number = self._pending[pending * self._dim + column]
        what = (
            "NaN" if isnan(number) else "infinite" if isinf(number) else f"{number:g}, too large for float32"
        )
        row = len(self._packed) // (4 * self._dim) + pending
        word = next(islice(self.words, row, None))
        problem = f"number {column + 1} of the word {word[:40]!r} is {what}"
        return FormatError(self._path, problem, "correct or delete the line", line=self._line(row))

    def _line(self, row: int) -> int:
        return self._skipped + row + bisect_right(self._left_out, row) + 1

    def _error(self, problem: str, remedy: str) -> FormatError:
        return FormatError(self._path, problem, remedy, line=self.line)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, compressed or not, without the spaces and the line end at their end."""
    with open_stream(path) as stream:
        number = 0
        while line := stream.readline(_MAX_LINE + 1):
            number += 1
            if len(line) > _MAX_LINE:
                problem = f"the line is longer than {_MAX_LINE >> 20} MiB"
                raise FormatError(path, problem, f"in text {_SHAPE}", line=number)
            if not line.endswith(b"\n"):  # a number cut short is a number too
                remedy = "fetch it again; or, if nothing is missing, add a line end"
                raise FormatError(path, "the last line has no end: the file may be cut", remedy, line=number)
            yield line.rstrip(b" \r\n")


def _dimension(lines: list[bytes]) -> int:
    votes = Counter(map(_numbers_in, lines))
    most = max(votes.values())
    return max(dim for dim, number in votes.items() if number == most)  # a number is rather lost than gained


def _numbers_in(line: bytes) -> int:
    """Return how many fields at the end of a line are its vector, if the line is sound."""
    fields = line.split(b" ")
    start = len(fields)
    while start > 1 and _is_number(fields[start - 1]):
        start -= 1
    # A number further left means that a damaged field, not a word, ended the run: "the 0.1 0,2 0.3".
    return len(fields) - (1 if any(map(_is_number, fields[1:start])) else start)


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field


def _show(field: bytes) -> str:
    return repr(field[:40].decode("utf-8", "backslashreplace"))
