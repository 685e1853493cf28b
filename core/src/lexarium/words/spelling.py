"""The word of a vocabulary that is spelled like another one, to ask "did you mean ...?"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexarium.vocabulary import Vocabulary

__all__ = ["spelled_like"]

_FEWEST, _MOST = (
    3,
    120,
)  # bytes in UTF-8 of a word whose misspellings are looked for: of Chinese two characters
_CHARACTER = 4  # bytes of the longest
_BLOCK = 1 << 20  # words


def spelled_like(word: str, vocabulary: Vocabulary) -> str | None:
    """Return the word in another case or, of words with one edit, the one that stands first; None: no such.

    An edit is a character more, less or other, or two neighbours exchanged (Damerau, 1964). Every word of
    the vocabulary is looked at.

    :raises CheckpointError: the vocabulary is damaged.
    """
    cases = (word.strip(), word.lower(), word.title(), word.upper())
    rows = [row for case in cases if (row := vocabulary.find(case)) >= 0]
    if rows:
        return vocabulary.word(min(rows))
    for wanted in dict.fromkeys((word, word.lower())):
        found = _row(wanted, vocabulary)
        if found is not None:
            return vocabulary.word(found)
    return None


def _row(wanted: str, vocabulary: Vocabulary) -> int | None:
    size = len(_encoded(wanted))
    if len(wanted) < 2 or not _FEWEST <= size <= _MOST:  # noqa: PLR2004  of one character nothing is left
        return None
    half = len(wanted) // 2
    # One edit leaves the first half as it is, or the second, or exchanges the characters where they meet.
    head, tail = wanted[:half], wanted[half:]
    swapped = vocabulary.find(head[:-1] + tail[0] + head[-1] + tail[1:])
    limit = len(vocabulary) if swapped < 0 else swapped
    candidates = _halved(vocabulary, _encoded(head), _encoded(tail), limit)
    found = (row for row in candidates if _is_one_edit(wanted, vocabulary.word(row)))
    return next(found, None if swapped < 0 else swapped)


def _halved(vocabulary: Vocabulary, head: bytes, tail: bytes, limit: int) -> Iterator[int]:
    """Yield the words before ``limit`` that begin or end so and are about as long, in their order."""
    tensors = vocabulary.tensors()
    raw, offsets = tensors["vocabulary.bytes"], tensors["vocabulary.offsets"]
    size = len(head) + len(tail)
    for first in range(0, limit, _BLOCK):
        starts = np.asarray(offsets[first : min(first + _BLOCK, limit) + 1])
        lengths = np.diff(starts)
        sound = (starts[:-1] >= 0) & (starts[1:] <= len(raw))  # a table may come from a stranger
        kept = np.flatnonzero(sound & (lengths > 0) & (abs(lengths - size) <= _CHARACTER))
        begins = _matching(raw, starts[kept], lengths[kept], head)
        ends = _matching(raw, starts[kept + 1] - len(tail), lengths[kept], tail)
        yield from (first + kept[begins | ends]).tolist()


def _matching(
    raw: NDArray[np.uint8], places: NDArray[np.int64], lengths: NDArray[np.int64], part: bytes
) -> NDArray[np.bool_]:
    """Tell at which places, of words of these lengths, (n,) each, these bytes stand, (n,)."""
    left = np.flatnonzero(lengths >= len(part))
    for index, byte in enumerate(part):
        left = left[raw[places[left] + index] == byte]
    found = np.zeros(len(places), bool)
    found[left] = True
    return found


def _is_one_edit(a: str, b: str) -> bool:
    shorter = min(len(a), len(b))
    start = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    a, b = a[start:], b[start:]
    shorter = min(len(a), len(b))
    end = next((i for i in range(shorter) if a[-1 - i] != b[-1 - i]), shorter)
    a, b = a[: len(a) - end], b[: len(b) - end]
    return max(len(a), len(b)) <= 1 or (len(a) == len(b) == 2 and a == b[::-1])  # noqa: PLR2004


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
