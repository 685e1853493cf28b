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

from lexarium.errors import ConfigError, UnsupportedError

__all__ = ["Backend", "kernel", "processors"]

Backend: TypeAlias = Literal["auto", "kernels", "reference"]
_VARIABLE = "LEXARIUM_BACKEND"
_log = logging.getLogger("lexarium")


def kernel(name: str, backend: Backend = "auto", *, instead: str = "") -> Any:  # noqa: ANN401  a compiled module
    """Return the compiled module ``name`` (``_counting``, for instance), or None for the reference.

    ``backend="auto"`` is what ``LEXARIUM_BACKEND`` says, and without it the kernels where they are
    built. ``instead`` names what does the work otherwise; the log says it once.

    :raises UnsupportedError: the kernels are asked for and not built.
    :raises ConfigError: ``LEXARIUM_BACKEND`` is none of auto, kernels, reference.
    """
    chosen = os.environ.get(_VARIABLE, "auto") if backend == "auto" else backend
    if chosen not in {"auto", "kernels", "reference"}:
        raise ConfigError(_VARIABLE, f"{chosen!r} is not one of auto, kernels, reference")
    if chosen == "reference":
        return None
    module = _module(name)
    if module is None and chosen == "kernels":
        raise UnsupportedError("lexarium-kernels is not installed", "type: pip install 'lexarium[kernels]'")
    if module is None and instead:
        _say_once(name, instead)
    return module


def processors() -> int:
    """Return how many threads to use where nobody says: ``OMP_NUM_THREADS``, or this process's processors.

    A container or ``taskset`` may have given it fewer than the machine has.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@cache
def _module(name: str) -> Any:  # noqa: ANN401
    try:
        return import_module(f"lexarium_kernels.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("lexarium_kernels"):
            _log.warning("lexarium-kernels cannot be used (%s): reinstall it", error)
    except ImportError as error:
        _log.warning("lexarium-kernels cannot be used (%s): reinstall it", error)
    return None


@cache
def _say_once(name: str, instead: str) -> None:
    _log.warning("lexarium-kernels is not installed (%s): %s works instead, slower", name, instead)
