"""Many pieces through an encoder: batches of like lengths, and workers of one thread each."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["bucket", "each", "single_threaded"]

_B = TypeVar("_B")
_R = TypeVar("_R")


def bucket(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Return the indices of pieces in batches of like length, the longest first.

    A batch, padded to its longest, takes at most ``tokens`` tokens, or it is a single piece.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if not batches or (len(batches[-1]) + 1) * lengths[batches[-1][0]] > tokens:
            batches.append([])
        batches[-1].append(index)
    return batches


def each(work: Callable[[_B], _R], batches: Sequence[_B], workers: int) -> Iterator[tuple[_B, _R]]:
    """Yield each batch with what ``work`` makes of it, in order.

    Where there is more than one batch for it, ``workers`` of one torch thread each share them.
    """
    count = min(workers, len(batches))
    if count <= 1:
        yield from ((batch, work(batch)) for batch in batches)
        return
    with single_threaded():
        pool = ThreadPoolExecutor(count, thread_name_prefix="lexarium-embed")
        try:
            yield from zip(batches, pool.map(work, batches), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


class _Held:
    """How many calls are at work, and how many threads torch had before the first."""

    lock = threading.Lock()
    calls = 0
    threads = 1


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let torch use one thread per worker, and give the process its setting back after the last call."""
    with _Held.lock:
        if not _Held.calls:
            _Held.threads = torch.get_num_threads()
            torch.set_num_threads(1)
        _Held.calls += 1
    try:
        yield
    finally:
        with _Held.lock:
            _Held.calls -= 1
            if not _Held.calls:
                torch.set_num_threads(_Held.threads)
