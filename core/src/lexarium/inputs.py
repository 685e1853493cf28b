"""What every embedder does with its inputs first: check them, and cut them into batches."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from os import PathLike
from typing import TYPE_CHECKING, TypeVar

from lexarium.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["batches", "check_list", "check_path", "check_texts"]

_T = TypeVar("_T")


def check_texts(inputs: Sequence[str], where: str = "inputs") -> Sequence[str]:
    """Return ``inputs``, a sequence of strings, as it is; ``where`` is how errors call it.

    :raises InputError: it is a single string, no list at all, or an element is not a string.
    """
    check_list(inputs, where)
    if not hasattr(inputs, "__len__") or isinstance(inputs, AbstractSet):
        raise InputError(where, f"{type(inputs).__name__} where a list of texts belongs", "pass a list")
    if set(map(type, inputs)) <= {str}:  # nearly always, and several times as fast as the loop
        return inputs
    for index, text in enumerate(inputs):
        if not isinstance(text, str):
            problem = f"element {index} is {type(text).__name__}, not text"
            raise InputError(where, problem, "pass strings")
    return inputs


def check_list(texts: object, where: str, remedy: str = "write [text]") -> None:
    """Refuse what is no list of texts to begin with; ``remedy`` is for a single text.

    :raises InputError: it is a single string, or nothing that can be iterated.
    """
    if isinstance(texts, str | bytes):
        raise InputError(where, "a single text where a list of texts belongs", remedy)
    is_table = isinstance(texts, Mapping) or hasattr(texts, "columns")  # the latter a data frame
    is_scalar = not hasattr(texts, "__iter__") or getattr(texts, "shape", None) == ()  # np.array("text")
    if is_table or is_scalar:
        raise InputError(where, f"{type(texts).__name__} where a list of texts belongs", "pass a list")


def check_path(path: object, where: str = "path") -> None:
    """Refuse what is no path.

    :raises InputError: it is neither text nor a path object.
    """
    if not isinstance(path, str | PathLike):
        raise InputError(where, f"{path!r:.60} is {type(path).__name__}, not a path", "give text, or a Path")


def batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield ``items`` in order, ``size`` at a time; the last batch may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
