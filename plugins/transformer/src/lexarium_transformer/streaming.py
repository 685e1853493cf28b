"""Text that is told while it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

__all__ = ["TextStream"]

_UNFINISHED = "\ufffd"  # what half a character is decoded to


class TextStream:
    """A streamer for transformers' ``generate``: tokens in, whole characters out.

    Half a character, and what may be the beginning of a stop string, wait until they are known.
    """

    def __init__(
        self, decode: Callable[[list[int]], str], stops: Sequence[str], tell: Callable[[str], object]
    ) -> None:
        """Tell ``tell`` each new part of the text that ``decode`` makes of the tokens so far."""
        self._decode = decode
        self._stops = stops
        self._tell = tell
        self._tokens: list[int] = []
        self._told = ""
        self._prompted = False

    def put(self, value: Tensor) -> None:
        """Take the next token; the first call brings the prompt."""
        if self._prompted:
            self._tokens += value.flatten().tolist()
            text = self._decode(self._tokens)
            self._tell_new(text, text.rstrip(_UNFINISHED))
        self._prompted = True

    def end(self) -> None:
        """Tell what waited."""
        text = self._decode(self._tokens)
        self._tell_new(text, text, last=True)

    def _tell_new(self, text: str, whole: str, *, last: bool = False) -> None:
        places = [place for place in (text.find(stop) for stop in self._stops) if place >= 0]
        if places:
            ready = whole[: min(places)]
        else:
            waiting = 0 if last else max((_begun(whole, stop) for stop in self._stops), default=0)
            ready = whole[: len(whole) - waiting]
        # A decoder may change what it has told, as a blank before a comma: then the rest waits for the end.
        shared = _shared(ready, self._told)
        if len(ready) > shared and (last or shared == len(self._told)):
            self._tell(ready[shared:])
            self._told = ready


def _shared(text: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = zip(text, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(text), len(other)))


def _begun(text: str, stop: str) -> int:
    """Return how many characters at the end of ``text`` are the beginning of ``stop``."""
    return next((size for size in range(len(stop) - 1, 0, -1) if text.endswith(stop[:size])), 0)
