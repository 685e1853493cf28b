"""What a model costs: rows per second, latency of one call, bytes on disk, peak memory."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Predict: TypeAlias = Callable[[Sequence[str]], Sequence[str]]

__all__ = ["BATCH", "folder_bytes", "latency", "peak_memory", "throughput"]

BATCH = 32
_STEADY_SECONDS = 0.3
_CALLS = 200
_WARM_UPS = 5
_ROUNDS = 25
_FIRST_SECONDS = 10.0
_MORE_SECONDS = 2.0


def throughput(predict: Predict, texts: Sequence[str]) -> tuple[list[str], float]:
    """Predict all ``texts`` in batches of 32; return the predictions and the rows per second.

    Small sets are gone through again until 0.3 s have passed: one pass of a fast method is shorter
    than the noise of the clock and the scheduler.
    """
    predict(texts[:BATCH])  # the first call pays for what is built lazily
    predicted: list[str] = []
    rows, start = 0, perf_counter()
    while True:
        for first in range(0, len(texts), BATCH):
            batch = texts[first : first + BATCH]
            found = predict(batch)
            rows += len(batch)
            if len(predicted) < len(texts):
                predicted.extend(found)
        seconds = perf_counter() - start
        if seconds >= _STEADY_SECONDS:
            return predicted, rows / seconds


def latency(predict: Predict, texts: Sequence[str]) -> tuple[float, float]:
    """Return the median and the 95th percentile, in milliseconds, of predicting one text.

    Up to 200 texts, spread evenly over the test part, 25 times over or as often as 2 s allow: a
    neighbour on the same processor rarely lasts that long. A first round is cut short after 10 s.
    """
    places = np.linspace(0, len(texts) - 1, min(_CALLS, len(texts))).astype(int)
    single = [texts[place : place + 1] for place in places]
    for one in single[:_WARM_UPS]:
        predict(one)
    times: list[float] = []
    begin = perf_counter()
    for turn in range(_ROUNDS):
        for one in single:
            start = perf_counter()
            predict(one)
            times.append(perf_counter() - start)
            if perf_counter() - begin > (_MORE_SECONDS if turn else _FIRST_SECONDS):
                break
        if perf_counter() - begin > _MORE_SECONDS:
            break
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    return float(p50), float(p95)


def folder_bytes(folder: Path) -> int:
    """Return the sum of the sizes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def peak_memory() -> int | None:
    """Return the most memory that this process has held, in bytes; None where nobody knows.

    Linux's ``ru_maxrss`` survives exec, so a child would report its parent's peak; ``VmHWM`` starts
    anew with the program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource  # noqa: PLC0415  not on every platform
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
