"""From latency and accuracy to places in the picture, and where the ticks go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexarium_compare.labels import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium_compare.board import Row

__all__ = ["AREA", "Scale", "accuracy_ticks", "fit", "latency_ticks"]

#: Where points may lie, in the picture's own units.
AREA = Box(62, 22, 870, 380)
_LEAST_SPAN = 0.04  # smaller differences are noise, and are not blown up to fill the picture
_LEAST_DECADES = 0.7
_LEAST_LATENCY = 1e-5
_TICKS = 6
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Scale:
    """Numbers to pixels: x by the logarithm of the latency, y by the accuracy."""

    left: float
    right: float
    low: float
    high: float

    def x(self, latency: float) -> float:
        """Return the distance from the left edge."""
        part = (math.log10(max(latency, _LEAST_LATENCY)) - self.left) / (self.right - self.left)
        return round(AREA.left + part * AREA.width, 1)

    def y(self, accuracy: float) -> float:
        """Return the distance from the upper edge."""
        return round(AREA.bottom - (accuracy - self.low) / (self.high - self.low) * AREA.height, 1)


def fit(shown: Sequence[Row], floor: Row | None) -> tuple[Scale, bool]:
    """Fit the picture to the candidates; the majority class shows unless it would squeeze them."""
    bounds = [
        edge for row in shown for edge in (row.accuracy_ci95 or (row.accuracy or 0.0, row.accuracy or 0.0))
    ]
    low, high = min(bounds), max(bounds)
    grow = max(0.0, _LEAST_SPAN - (high - low)) / 2
    low, high = low - grow, high + grow
    shows = floor is not None and low - (floor.accuracy or 0.0) < high - low
    if floor is not None and shows:
        low, high = min(low, floor.accuracy or 0.0), max(high, floor.accuracy or 0.0)
    pad = 0.1 * (high - low)
    logs = [math.log10(max(row.latency_ms_p50 or 0.0, _LEAST_LATENCY)) for row in shown]
    left, right = min(logs), max(logs)
    widen = max(0.0, _LEAST_DECADES - (right - left)) / 2 + 0.12 * max(right - left, _LEAST_DECADES)
    return Scale(left - widen, right + widen, low - pad, high + pad), shows


def accuracy_ticks(scale: Scale) -> list[tuple[float, str]]:
    """Return round accuracies with their texts, from bottom to top."""
    rough = (scale.high - scale.low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    digits = max(2, -math.floor(math.log10(step) + _ROUNDING))
    first, last = math.ceil(scale.low / step - _ROUNDING), math.floor(scale.high / step + _ROUNDING)
    ticks = [n * step for n in range(first, last + 1)]
    return [(tick, f"{tick:.{digits}f}") for tick in ticks if -_ROUNDING <= tick <= 1 + _ROUNDING]


def latency_ticks(scale: Scale) -> list[float]:
    """Return round latencies, as few as show that the scale is logarithmic."""
    decades = range(math.floor(scale.left), math.ceil(scale.right) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        ticks = [factor * 10.0**decade for decade in decades for factor in factors]
        inside = [tick for tick in ticks if scale.left <= math.log10(tick) <= scale.right]
        if len(inside) >= 4:  # noqa: PLR2004  enough to see that it is logarithmic
            break
    return inside
