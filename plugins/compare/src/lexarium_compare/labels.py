"""Where the names of points go, so that no name covers another name or a point.

Greedy: names are placed one after another, each at the nearest of many places around its point
that is free; with the few dozen names of a leaderboard that is enough. Lines may be crossed, at a price.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Box", "place", "text_width"]

_RADII = (0, 10, 22, 36, 52, 72, 96, 124, 160)
_GRID = 12
_GAP = 14.0
_CROSSING = 14.0  # a crossed line is as bad as being this much further away
_NARROW = "ijl.,:;'|!()[]{}tfr1- "
_BROAD = "mwMW@%"


@dataclass(frozen=True)
class Box:
    """A rectangle in the picture; y grows downwards."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def overlaps(self, other: Box) -> bool:
        """Tell whether the two share any area."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def within(self, other: Box) -> bool:
        """Tell whether all of it lies in ``other``."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Return its point nearest to (x, y)."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)


def text_width(text: str, size: float) -> float:
    """Estimate the width of a text set in a sans-serif face: no browser is at hand to ask."""
    return size * sum(_advance(character) for character in text)


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    *,
    area: Box,
    solid: Sequence[Box] = (),
    lines: Sequence[Box] = (),
) -> list[Box]:
    """Return a box of each of the n (width, height) ``sizes`` for each of the n ``points``.

    Boxes lie in ``area``, free of each other and of ``solid``; ``lines`` are avoided where that
    costs little. Where nothing is free, the place that overlaps least is taken.
    """
    placed: list[Box] = []
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        taken = [*solid, *placed]
        best, best_cost = None, math.inf
        for box in _places(x, y, width, height, area):
            if not box.within(area):
                continue
            near_x, near_y = box.nearest(x, y)
            cost = math.hypot(near_x - x, near_y - y)
            if cost >= best_cost:
                continue
            cost += _CROSSING * sum(box.overlaps(line) for line in lines)
            cost += 1e4 * sum(box.overlaps(other) for other in taken)
            if cost < best_cost:
                best, best_cost = box, cost
        placed.append(
            best or Box(min(max(x, area.left), max(area.left, area.right - width)), y, width, height)
        )
    return placed


def _places(x: float, y: float, width: float, height: float, area: Box) -> Iterator[Box]:
    """Yield places around a point, right of it first, then a grid over the whole area."""
    for radius in _RADII:
        gap = _GAP + radius
        for turn in (0, 8, 1, 15, 7, 9, 2, 14, 6, 10, 3, 13, 5, 11, 4, 12):
            angle = turn * math.pi / 8
            across, down = math.cos(angle), -math.sin(angle)
            yield Box(
                x + gap * across + (across - 1) * width / 2,
                y + gap * down + (down - 1) * height / 2,
                width,
                height,
            )
    for row in range(int(area.height // _GRID)):
        for column in range(int(area.width // _GRID)):
            yield Box(area.left + column * _GRID, area.top + row * _GRID, width, height)


def _advance(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in _NARROW:
        return 0.38
    return 0.9 if character in _BROAD else 0.62
