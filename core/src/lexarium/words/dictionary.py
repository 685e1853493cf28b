"""Bilingual dictionaries: a word and its counterpart on each line, as MUSE and most others have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import FormatError, InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_pairs"]

_LONGEST = 1 << 16  # bytes in a line
_SHAPE = "each line is a word, a tab or a space, and its counterpart"


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Read pairs of words: UTF-8, one pair a line, separated by a tab or else by white space.

    With a tab the words may hold spaces. Empty lines are passed over.

    :raises FormatError: names the line that is no pair, is too long, or is not UTF-8.
    :raises InputError: the file cannot be read, or holds no pair.
    """
    pairs = []
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(_LONGEST + 1):
                number += 1
                if len(raw) > _LONGEST:
                    raise FormatError(path, f"is longer than {_LONGEST} bytes", _SHAPE, line=number)
                if raw.strip():
                    pairs.append(_pair(path, raw, number))
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}", "check the file") from error
    if not pairs:
        raise InputError(path, "holds no pair of words", _SHAPE)
    return pairs


def _pair(path: Path, raw: bytes, number: int) -> tuple[str, str]:
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise FormatError(path, "is not UTF-8", "convert the file", line=number) from error
    fields = [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
    if len(fields) != 2 or not all(fields):  # noqa: PLR2004
        problem = f"{len(fields)} fields where a pair of words belongs"
        raise FormatError(path, problem, _SHAPE, line=number)
    return fields[0], fields[1]
