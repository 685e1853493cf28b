"""Writing word vectors in the formats that other tools read: word2vec's text and binary, GloVe's text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import UnsupportedError
from lexarium.output import atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexarium.roles import Floats, Progress
    from lexarium.words import WordVectors

__all__ = ["write_binary", "write_text"]

_BLOCK = 1 << 18  # numbers turned into bytes together
_FORBIDDEN = re.compile("[ \n\r]")
_HEADER = re.compile(r"[0-9]+ [0-9]+")
_BYTE_ORDER_MARK = "\ufeff"


def write_text(words: WordVectors, path: Path, progress: Progress, *, header: bool = True) -> None:
    """Write a line for each word: the word and its numbers, which read back to the same float32.

    ``header`` puts ``count dim`` first, as word2vec and fastText do and GloVe does not.

    :raises UnsupportedError: a word or a vector that the format cannot hold.
    """
    n, dim = words.vectors.shape
    form = " ".join(["%.9g"] * dim)  # nine digits tell every float32 from its neighbours
    with atomic(path) as aside, aside.open("wb") as file:
        if header:
            file.write(f"{n} {dim}\n".encode())
        for names, rows in _blocks(words, progress):
            if not header and file.tell() == 0:
                _check_first(names[0], form % tuple(rows[0].tolist()))
            lines = (f"{name} {form % tuple(row)}\n" for name, row in zip(names, rows.tolist(), strict=True))
            file.write("".join(lines).encode())


def write_binary(words: WordVectors, path: Path, progress: Progress) -> None:
    """Write word2vec's binary format: a header, then each word, a space and float32 numbers, low byte first.

    :raises UnsupportedError: a word or a vector that the format cannot hold.
    """
    n, dim = words.vectors.shape
    with atomic(path) as aside, aside.open("wb") as file:
        file.write(f"{n} {dim}\n".encode())
        for names, rows in _blocks(words, progress):
            low_first = rows.astype("<f4")
            file.write(
                b"".join(
                    name.encode() + b" " + row.tobytes() for name, row in zip(names, low_first, strict=True)
                )
            )


def _blocks(words: WordVectors, progress: Progress) -> Iterator[tuple[list[str], Floats]]:
    n, dim = words.vectors.shape
    if n == 0:
        raise UnsupportedError("there is no word to write", "export a model that has words")
    step = max(1, _BLOCK // max(1, dim))
    for start in range(0, n, step):
        names = [_writable(words.vocabulary.word(i)) for i in range(start, min(start + step, n))]
        rows = np.asarray(words.vectors[start : start + step])
        if not np.isfinite(rows).all():
            wrong = names[int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])]
            raise UnsupportedError(
                f"the vector of {wrong!r} has a number that is NaN or infinite", "train anew"
            )
        yield names, rows
        progress("write vectors", start + len(names), n)


def _check_first(name: str, numbers: str) -> None:
    """Refuse a first line that, without a header, would be read as something else."""
    if name.startswith(_BYTE_ORDER_MARK):
        raise UnsupportedError(f"the first word {name[:40]!r} would be read without its mark", "leave it out")
    if _HEADER.fullmatch(f"{name} {numbers}"):
        raise UnsupportedError(
            f"the first line, {name} {numbers}, would be read as a header", "write a header"
        )


def _writable(word: str) -> str:
    lone = not word.isprintable() and any("\ud800" <= character <= "\udfff" for character in word)
    if not word or _FORBIDDEN.search(word) or lone:
        problem = f"the word {word[:40]!r} is empty, or has a space, a line end or half a character in it"
        raise UnsupportedError(
            f"{problem}, which the format cannot hold", "export to folder, or leave the word out"
        )
    return word
