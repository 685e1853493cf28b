"""Lexarium: word representations from bag of words to CLIP behind one door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexarium.zoo import Zoo, load

__all__ = ["Zoo", "load"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  numpy is imported on first use, not by `lexarium --help`
    if name in __all__:
        from lexarium import zoo  # noqa: PLC0415  see above

        return getattr(zoo, name)
    message = f"module 'lexarium' has no attribute {name!r}"
    raise AttributeError(message)
