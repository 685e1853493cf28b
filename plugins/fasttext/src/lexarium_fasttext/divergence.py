"""The error of a training whose numbers grew beyond all bounds."""

from __future__ import annotations

from lexarium.errors import DataError

__all__ = ["DivergedError"]


class DivergedError(DataError):
    """What was trained is not finite, or words far too large: no model; a search goes on without it."""

    def __init__(self, key: str, rate: float) -> None:
        super().__init__(f"the training diverged with {key}={rate:g}", f"lower {key}")
