"""What the verbs of plugins return: the scores of a training, and a leaderboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Leaderboard", "Training"]


class Training(Protocol):
    """What training returns: the stored name (None: not stored) and the scores before and after."""

    @property
    def model(self) -> str | None:
        """The reference of the stored pipeline."""
        ...

    @property
    def before(self) -> Mapping[str, Any]:
        """Scores on the test part of what there was before; keys as :meth:`Head.metrics`."""
        ...

    @property
    def after(self) -> Mapping[str, Any]:
        """Scores on the test part of the trained pipeline."""
        ...


class Leaderboard(Protocol):
    """What comparing returns."""

    @property
    def rows(self) -> Sequence[Any]:
        """One row per candidate, cheapest first; the attributes are the keys of ``compare --json``."""
        ...

    @property
    def advice(self) -> str:
        """One sentence: which representation to take."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``compare --json``."""
        ...

    def to_html(self, path: Path) -> None:
        """Write one self-contained page: table and Pareto plot."""
        ...
