"""What every embedder does with its inputs first: check them, and cut them into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lexarium.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["batches", "check_texts"]

_T = TypeVar("_T")


def check_texts(inputs: Sequence[str]) -> Sequence[str]:
    """Return ``inputs``, a sequence of strings, as it is.

    :raises InputError: it is a single string, or an element is not a string.
    """
    if isinstance(inputs, str | bytes):
        raise InputError("inputs", "a single text where a list of texts belongs", "write [text]")
    if set(map(type, inputs)) <= {str}:  # nearly always, and several times as fast as the loop
        return inputs
    for index, text in enumerate(inputs):
        if not isinstance(text, str):
            problem = f"element {index} is {type(text).__name__}, not text"
            raise InputError("inputs", problem, "pass strings")
    return inputs


def batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield ``items`` in order, ``size`` at a time; the last batch may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
