"""What Stanford's ``glove -binary 1`` writes: all parameters as float64, without words; and ``vocab.txt``.

``vectors.bin`` holds, low byte first, the word vectors and behind them the context vectors, a row being the
components and the bias: 2 x n x (dim + 1) numbers. ``gradsq.bin`` (``-save-gradsq 1``) holds the sums of the
squared gradients in the same way. The n words are the lines of ``vocab.txt``, a word and its count each, as
``vocab_count`` writes them. The file itself says neither n nor dim, so a file that was cut could pass for
one of shorter vectors: dim has to be said. (Stanford's src/glove.c and src/vocab_count.c.)
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import FormatError, InputError, UnsupportedError
from lexarium.output import atomic
from lexarium_glove.model import Parameters
from lexarium_static.decoding import NOT_UTF8, Decoder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lexarium.files import EncodingErrors
    from lexarium.roles import Floats, Progress

__all__ = ["GRADIENTS", "VOCABULARY", "read_parameters", "write_parameters"]

VOCABULARY, GRADIENTS = "vocab.txt", "gradsq.bin"
_MAX_LINE = 1 << 16
_SPACE = re.compile(r"[ \t\n\v\f\r\0]")  # where Stanford's programs end a word
_LONGEST = 1000  # bytes of a word that they read
_LINE = re.compile(rb"([^ \n]+) ([0-9]{1,18})\n")
_BYTES = 8  # of a number
_BLOCK = 1 << 20  # numbers turned into float32 together
_TOGETHER = "vectors.bin and vocab.txt of one training belong together"


def read_parameters(
    path: Path, dim: int, progress: Progress, errors: EncodingErrors = "strict"
) -> tuple[list[str], Parameters]:
    """Return n words and their parameters, (n, dim + 1); without ``gradsq.bin`` no sums of squares.

    ``errors`` says what becomes of words that are not UTF-8.

    :raises FormatError: names the place that breaks the format.
    :raises InputError: a file is missing or cannot be read.
    """
    words, rows, lines = _words(path.parent / VOCABULARY, errors)
    vectors = _matrix(path, lines, dim, progress)
    gradients = path.parent / GRADIENTS
    squares = _matrix(gradients, lines, dim, progress) if gradients.is_file() else None
    if squares is not None and squares.min() < 1:
        raise FormatError(gradients, "a sum of squares is below 1, where it begins", "fetch it again")
    empty = np.empty((0, dim + 1), np.float32)
    arrays = (vectors[rows], vectors[rows + lines])
    sums = (empty, empty) if squares is None else (squares[rows], squares[rows + lines])
    return words, Parameters(*arrays, *sums)


def write_parameters(words: Iterable[str], found: Parameters, path: Path, progress: Progress) -> None:
    """Write ``path``, and ``vocab.txt`` and ``gradsq.bin`` beside it: all three or none; the counts are 0.

    :raises UnsupportedError: a word that Stanford's programs would not read as it is.
    :raises InputError: one of the files beside ``path`` exists already, or is to be ``path`` itself.
    :raises OSError: a file cannot be written.
    """
    vocabulary, gradients = path.with_name(VOCABULARY), path.with_name(GRADIENTS)
    for beside in (vocabulary, gradients):
        if path == beside or os.path.lexists(beside):
            problem = "it exists already" if path != beside else "this name is taken for what belongs beside"
            raise InputError(beside, problem, "give a path in an empty folder, such as FOLDER/vectors.bin")
    lines = b"".join(_line(word) for word in words)
    with atomic(path) as rows, atomic(gradients) as sums, atomic(vocabulary) as listed:
        listed.write_bytes(lines)
        _write(sums, (found.word_squares, found.context_squares), progress)
        _write(rows, (found.words, found.contexts), progress)


def _line(word: str) -> bytes:
    raw = word.encode("utf-8", "surrogatepass")
    if not raw or _SPACE.search(word) or len(raw) > _LONGEST or raw != word.encode("utf-8", "replace"):
        problem = f"the word {word[:40]!r} is empty, has a space or half a character in it, or is too long"
        raise UnsupportedError(f"{problem} for GloVe's programs", "export to folder, or leave the word out")
    return raw + b" 0\n"


def _write(path: Path, matrices: tuple[Floats, Floats], progress: Progress) -> None:
    total, done = sum(matrix.size for matrix in matrices), 0
    with path.open("wb") as file:
        for matrix in matrices:
            flat = matrix.reshape(-1)
            for start in range(0, len(flat), _BLOCK):
                block = flat[start : start + _BLOCK]
                file.write(block.astype("<f8").data)
                done += len(block)
                progress("write parameters", done, total)


def _words(path: Path, errors: EncodingErrors) -> tuple[list[str], np.ndarray, int]:
    """Return the words, the line of each, counted from 0, and how many lines there are."""
    decoder, found, number = Decoder(path, errors), dict[str, int](), 0
    try:
        with path.open("rb") as file:
            while raw := file.readline(_MAX_LINE):
                number += 1
                line = _LINE.fullmatch(raw)
                if line is None:
                    problem = "not a word, a space, its count and a line end"
                    raise FormatError(path, problem, "give the file that vocab_count wrote", line=number)
                _add(decoder, found, line[1], number)
    except OSError as error:
        remedy = f"{_TOGETHER}: put it beside the .bin"
        raise InputError(path, f"cannot be read: {error.strerror}", remedy) from error
    if not found:
        raise FormatError(path, "there is no word in it", _TOGETHER)
    decoder.report()
    return list(found), np.fromiter(found.values(), np.int64), number


def _add(decoder: Decoder, found: dict[str, int], raw: bytes, number: int) -> None:
    shown = repr(raw[:40].decode("utf-8", "backslashreplace"))
    try:
        word = decoder.word(raw)
    except UnicodeDecodeError as error:
        raise FormatError(decoder.path, f"the word {shown} is not UTF-8", NOT_UTF8, line=number) from error
    if word not in found:
        found[word] = number - 1
    elif not decoder.leaves_out(word):
        problem = f"the word {shown} stands on line {found[word] + 1} too"
        raise FormatError(decoder.path, problem, "give the file that vocab_count wrote", line=number)


def _matrix(path: Path, words: int, dim: int, progress: Progress) -> Floats:
    """Return the numbers of a file, (2 words, dim + 1)."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size != 2 * words * (dim + 1) * _BYTES:
                raise _wrong_size(path, size, words, dim)
            found = np.empty(2 * words * (dim + 1), np.float32)
            file.seek(0)
            for start in range(0, len(found), _BLOCK):
                block = found[start : start + _BLOCK]
                raw = file.read(_BYTES * len(block))
                if len(raw) != _BYTES * len(block):
                    raise FormatError(path, "the file became shorter while it was read", "try again")
                with np.errstate(over="ignore"):  # refused on the next line
                    block[:] = np.frombuffer(raw, "<f8")
                wrong = np.flatnonzero(~np.isfinite(block))
                if len(wrong):
                    at = _BYTES * (start + int(wrong[0]))
                    problem = f"at byte {at}: a number is NaN, infinite, or too large for float32"
                    raise FormatError(path, problem, "fetch it again; it may not be GloVe's")
                progress("read parameters", start + len(block), len(found))
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}", "check the file") from error
    return found.reshape(2 * words, dim + 1)


def _wrong_size(path: Path, size: int, words: int, dim: int) -> FormatError:
    right = 2 * words * (dim + 1) * _BYTES
    problem = f"{size} bytes, where {words} words of {VOCABULARY} with vector_size={dim} take {right}"
    columns, odd = divmod(size, 2 * words * _BYTES)
    remedy = f"{_TOGETHER}; fetch both again"
    if not odd and columns > 1:
        remedy = f"if they were trained so, type --set vector_size={columns - 1}; else fetch both files again"
    return FormatError(path, problem, remedy)
