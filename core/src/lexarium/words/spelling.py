"""Words one slip away from a word, to ask "did you mean ...?" of a vocabulary that is only looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["edits"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EDITED = range(3, 41)  # lengths of words whose misspellings are tried


def edits(word: str) -> Iterator[str]:
    """Yield ``word`` in other cases and, where it is neither short nor long, with one edit (Norvig, 2007)."""
    yield from (word.strip(), word.lower(), word.title(), word.upper())
    if len(word) not in _EDITED:
        return
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        yield head + tail[1:]
        yield head + tail[1:2] + tail[:1] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            yield head + letter + tail[1:]
