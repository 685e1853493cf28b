"""Which implementation works: the compiled loops of ``lexarium-kernels``, or a reference library.

The kernels are an optional distribution. Where ``LEXARIUM_BACKEND=reference`` is set, or a setting says
so, a reference library of the field (scikit-learn, gensim, fastText) or numpy does the work; where the
kernels are not built it does too, and the log says so once.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeAlias

from lexarium.config import require, whole
from lexarium.errors import ConfigError, UnsupportedError

__all__ = ["MOST_THREADS", "Backend", "check_threads", "kernel", "processors"]

Backend: TypeAlias = Literal["auto", "kernels", "reference"]
#: What a kernel takes at most.
MOST_THREADS = 1024
_VARIABLE = "LEXARIUM_BACKEND"
_log = logging.getLogger("lexarium")
_said: list[str] = []  # why the kernels are not used, once the log says so


def kernel(name: str, backend: Backend = "auto", *, instead: str = "") -> Any:  # noqa: ANN401  a compiled module
    """Return the compiled module ``name`` (``_counting``, for instance), or None for the reference.

    ``backend="auto"`` is what ``LEXARIUM_BACKEND`` says, and without it the kernels where they are
    built. ``instead`` names what does the work otherwise, where that is worth a word: that kernels are
    missing the log says once in a process, whichever is asked for first.

    :raises UnsupportedError: the kernels are asked for and not built.
    :raises ConfigError: ``LEXARIUM_BACKEND`` is none of auto, kernels, reference.
    """
    chosen = os.environ.get(_VARIABLE, "auto") if backend == "auto" else backend
    if chosen not in {"auto", "kernels", "reference"}:
        raise ConfigError(_VARIABLE, f"{chosen!r} is not one of auto, kernels, reference")
    if chosen == "reference":
        return None
    module, problem, remedy = _module(name)
    if module is None and chosen == "kernels":
        raise UnsupportedError(problem, remedy)
    if module is None and instead:
        _say_once(problem, remedy)
        _log.info("%s works instead of %s", instead, name)
    return module


def processors() -> int:
    """Return how many threads to use where nobody says: ``OMP_NUM_THREADS``, or this process's processors.

    A container or ``taskset`` may have given it fewer than the machine has. It is never more than 1024.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    affinity = getattr(os, "sched_getaffinity", None)
    there = len(affinity(0)) if affinity else os.cpu_count() or 1
    wanted = int(asked.lstrip("0")[:5] or 0) if asked.isdecimal() else 0  # int() refuses 4,301 digits
    return min(wanted or there, MOST_THREADS)


def check_threads(threads: int) -> int:
    """Return ``threads``, a number that the kernels take.

    :raises ConfigError: it is not from 1 to 1024.
    """
    threads = whole("threads", threads)
    require("threads", 1 <= threads <= MOST_THREADS, f"{threads} is not from 1 to {MOST_THREADS}")
    return threads


@cache
def _module(name: str) -> tuple[Any, str, str]:
    """Return the module; or None, why it is not there, and what to do."""
    whole = f"lexarium_kernels.{name}"
    try:
        return import_module(whole), "", ""
    except ImportError as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing == "lexarium_kernels":
            return None, "lexarium-kernels is not installed", "type: pip install 'lexarium[kernels]'"
        if missing == whole:
            return None, f"this lexarium-kernels lacks {name}", "type: pip install -U lexarium-kernels"
        return None, f"lexarium-kernels cannot be used ({error})", "reinstall it"


def _say_once(problem: str, remedy: str) -> None:
    if not _said:
        _said.append(problem)
        _log.warning("%s, so slower code does its work; %s", problem, remedy)
