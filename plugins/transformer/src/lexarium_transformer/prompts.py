"""Prompts to ids: whole, or as much of their end as a model can see, with bounded work for any text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lexarium.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["encode_prompt"]

_LOOKED_AT = 32  # characters for each token that there is room for, and more if they were too few


def encode_prompt(
    text: str, encode: Callable[[str], list[int]], room: int, truncate: Literal["left"] | None
) -> list[int]:
    """Return at most ``room`` ids of a prompt.

    Of a text of more than 32 characters for each of them, only that much is looked at first.

    :raises InputError: there are more, and nothing is to be cut off.
    """
    reach = room * _LOOKED_AT
    while True:
        part = text if len(text) <= reach else text[-reach:] if truncate else text[:reach]
        ids = encode(part)
        if len(ids) > room or len(part) == len(text):
            break
        reach *= 8
    if len(ids) <= room:
        return ids
    if truncate:
        return ids[-room:]
    more = "more than " if len(part) < len(text) else ""
    problem = f"the prompt takes {more}{len(ids)} tokens, and the model has room for {room}"
    remedy = "shorten it, or keep its end: --truncate left (in Python: truncate='left')"
    raise InputError("prompt", problem, remedy)
