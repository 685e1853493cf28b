"""How a pull or a push works, apart from what it moves: whom it tells, and how long it waits."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from lexarium.errors import HubNetworkError
from lexarium.roles import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Patience", "Transfer", "is_offline", "persist"]

_TRUE = {"1", "ON", "YES", "TRUE"}
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    ``connect`` and ``read`` bound each wait for the other side, ``slowest`` is the rate in bytes per second
    below which a download counts as stalled, ``first_wait`` doubles from try to try up to ``longest_wait``,
    which also bounds what a server may ask for with ``Retry-After``. A request that brings nothing ends
    after ``tries`` tries: with these numbers within seven minutes, and within 8 seconds where the hub
    cannot be connected to at all.
    """

    tries: int = 5
    connect: float = 10.0
    read: float = 20.0
    slowest: float = 1024.0
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def pause(self, attempt: int, asked: float | None) -> float:
        """Return the seconds to wait after failed try number ``attempt``, from 0 on, with jitter."""
        if asked is not None:
            return min(asked, self.longest_wait)
        wait: float = self.first_wait * 2**attempt * random.uniform(0.75, 1.25)
        return min(self.longest_wait, wait)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Whom to tell how far the work has come, and how long to wait for the hub."""

    progress: Progress = silent
    patience: Patience = field(default_factory=Patience)


def is_offline() -> bool:
    """Tell whether ``HF_HUB_OFFLINE`` (or ``TRANSFORMERS_OFFLINE``) is set, as the Hub's client reads it."""
    said = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return said.upper() in _TRUE


def persist(patience: Patience, work: Callable[[], _T]) -> _T:
    """Do ``work`` again, after a pause, as long as the network is what fails.

    :raises HubNetworkError: it has failed ``patience.tries`` times.
    """
    for attempt in range(patience.tries - 1):
        try:
            return work()
        except HubNetworkError as error:
            time.sleep(patience.pause(attempt, error.retry_after))
    return work()
