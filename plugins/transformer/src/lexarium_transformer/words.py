"""Vectors of words in their texts: a word, given by its characters, is the mean of its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium.roles import Floats, TokenMatrix

__all__ = ["word_vectors"]


def word_vectors(tokens: TokenMatrix, words: Sequence[Sequence[tuple[int, int]]]) -> list[Floats]:
    """Return one vector per word for each input, (w_i, dim) float32; zeros where no token lies in a word.

    ``words`` are the words of each input as (start, end), in characters. A token belongs to every word
    that it shares a character with.

    :raises InputError: there is not one list of words per input, or a word ends before it starts.
    """
    if len(words) != len(tokens.offsets) - 1:
        raise InputError("words", f"{len(words)} lists of words for {len(tokens.offsets) - 1} inputs")
    found = []
    for number, spans in enumerate(words):
        rows = slice(int(tokens.offsets[number]), int(tokens.offsets[number + 1]))
        places = np.array(spans, np.int64).reshape(-1, 2)
        if (places[:, 0] > places[:, 1]).any():
            raise InputError("words", f"a word of input {number} ends before it starts")
        starts, ends = tokens.spans[rows, 0], tokens.spans[rows, 1]
        inside = (starts < places[:, 1:]) & (ends > places[:, :1])  # (w_i, t_i)
        counts = np.maximum(inside.sum(1, keepdims=True), 1)
        found.append((inside.astype(np.float32) @ tokens.values[rows]) / counts.astype(np.float32))
    return found
