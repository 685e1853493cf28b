"""Which implementation works: the compiled loops of ``lexarium-kernels``, or a reference library.

The kernels are an optional distribution. Where they are not built, or ``LEXARIUM_BACKEND=reference``
is set, or a setting says so, the reference library of the field does the work (scikit-learn, gensim,
fastText) and the log says so once.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeAlias

from lexarium.errors import ConfigError, UnsupportedError

__all__ = ["Backend", "kernel"]

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


@cache
def _module(name: str) -> Any:  # noqa: ANN401
    try:
        return import_module(f"lexarium_kernels.{name}")
    except ImportError:
        return None


@cache
def _say_once(name: str, instead: str) -> None:
    _log.warning("lexarium-kernels is not installed (%s): %s works instead, slower", name, instead)
