"""The Pareto plot: accuracy over latency, as SVG that takes its colours from the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from lexarium_compare.advice import MAJORITY
from lexarium_compare.figures import interval, score, significant
from lexarium_compare.labels import Box, place, text_width
from lexarium_compare.scale import AREA, accuracy_ticks, fit, latency_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium_compare.board import Row
    from lexarium_compare.scale import Scale

__all__ = ["draw"]

_WIDTH, _HEIGHT = 960, 470
_RADIUS = 6
_TEXT = 13.0
_SMALL = 12.0
_BOLD = 1.1
_LINE = 18.0
_LONGEST = 30
_NAMED = 'aria-labelledby="plot-title plot-desc"'
_ACROSS = "median latency of one text, ms (logarithmic) → dearer"
_UP = "accuracy, with 95 % intervals"


@dataclass(frozen=True)
class _Point:
    row: Row
    x: float
    y: float
    low: float
    high: float


def draw(rows: Sequence[Row], recommended: str | None) -> str:
    """Return the plot of all measured rows; empty where only the majority class was measured."""
    floor = next((row for row in rows if row.status == "ok" and row.model == MAJORITY), None)
    shown = [row for row in rows if row.status == "ok" and row.model != MAJORITY]
    if not shown:
        return ""
    scale, floor_shows = fit(shown, floor)
    points = [_point(row, scale) for row in shown]
    stairs = _stairs(
        [p for p in points if p.row.pareto], scale.y(floor.accuracy or 0) if floor and floor_shows else None
    )
    floor_name = _floor_name(floor, scale, points, shows=floor_shows)
    parts = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {_NAMED}>',
        '<title id="plot-title">Accuracy over latency</title>',
        f'<desc id="plot-desc">{_describe(shown, floor)}</desc>',
        *_axes(scale),
        *_draw_floor(floor, scale, floor_name, shows=floor_shows),
        *_draw_stairs(stairs),
        *_names(points, stairs, floor_name[1], recommended),
        *(part for point in points for part in _draw_point(point, recommended)),
        "</svg>",
    ]
    return "\n".join(parts)


def _point(row: Row, scale: Scale) -> _Point:
    accuracy = row.accuracy or 0.0
    low, high = row.accuracy_ci95 or (accuracy, accuracy)
    x = scale.x(row.latency_ms_p50 or 0.0)
    return _Point(row, x, scale.y(accuracy), scale.y(low), scale.y(high))


def _axes(scale: Scale) -> list[str]:
    parts = []
    for tick, said in accuracy_ticks(scale):
        y = scale.y(tick)
        parts.append(f'<line class="grid" x1="{AREA.left}" x2="{AREA.right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="tick" x="{AREA.left - 8}" y="{y + 4}" text-anchor="end">{said}</text>')
    for latency in latency_ticks(scale):
        x = scale.x(latency)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{AREA.top}" y2="{AREA.bottom}"/>')
        said = f"{latency:,g}"
        parts.append(f'<text class="tick" x="{x}" y="{AREA.bottom + 18}" text-anchor="middle">{said}</text>')
    middle, below = AREA.left + AREA.width / 2, AREA.bottom + 46
    return [
        *parts,
        f'<text class="axis" x="{middle}" y="{below}" text-anchor="middle">{_ACROSS}</text>',
        f'<text class="axis" x="{AREA.left - 8}" y="{AREA.top - 8}">{_UP}</text>',
    ]


def _floor_name(floor: Row | None, scale: Scale, points: Sequence[_Point], *, shows: bool) -> tuple[str, Box]:
    """Return what to call the majority class's line, and where no point or whisker is in the way."""
    if floor is None:
        return "", Box(0, 0, 0, 0)
    said = f"{MAJORITY} {score(floor.accuracy)}"
    y = scale.y(floor.accuracy or 0.0)
    heights = [y + 2, y - _LINE - 2]
    if not shows:
        said, heights = f"{said}, below this picture ↓", [AREA.bottom - _LINE - 4]
    width = text_width(said, _SMALL)
    columns = [AREA.right - width - 6, AREA.left + 6, AREA.left + (AREA.width - width) / 2]
    places = [Box(left, top, width, _LINE) for top in heights for left in columns]
    blocks = [Box(p.x - 9, min(p.high, p.y - 9), 18, max(p.low - p.high, 18)) for p in points]
    free = (box for box in places if box.within(AREA) and not any(box.overlaps(block) for block in blocks))
    return said, next(free, places[0])


def _draw_floor(floor: Row | None, scale: Scale, name: tuple[str, Box], *, shows: bool) -> list[str]:
    if floor is None:
        return []
    said, box = name
    parts = [f'<text class="floor-name" x="{box.left:.1f}" y="{box.top + 13:.1f}">{said}</text>']
    if shows:
        y = scale.y(floor.accuracy or 0.0)
        parts.insert(0, f'<line class="floor" x1="{AREA.left}" x2="{AREA.right}" y1="{y}" y2="{y}"/>')
    return parts


def _stairs(points: Sequence[_Point], floor: float | None) -> list[tuple[float, float]]:
    """Return the corners of the frontier: at each latency, the best accuracy to be had."""
    corners: list[tuple[float, float]] = []
    height = AREA.bottom if floor is None else floor
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        corners += [(point.x, height), (point.x, point.y)]
        height = point.y
    return [*corners, (AREA.right, height)] if corners else []


def _draw_stairs(corners: Sequence[tuple[float, float]]) -> list[str]:
    if not corners:
        return []
    path = " ".join(f"{x},{y}" for x, y in corners)
    (left, start), (right, _) = corners[0], corners[-1]
    under = f"{path} {right},{start} {left},{start}"
    return [f'<polygon class="under" points="{under}"/>', f'<polyline class="frontier" points="{path}"/>']


def _names(
    points: Sequence[_Point], stairs: Sequence[tuple[float, float]], floor: Box, recommended: str | None
) -> list[str]:
    texts = [_shorten(point.row.model) for point in points]
    values = [score(point.row.accuracy) for point in points]
    sizes = [
        (text_width(f"{text} {value}", _TEXT) * (_BOLD if point.row.model == recommended else 1), _LINE)
        for point, text, value in zip(points, texts, values, strict=True)
    ]
    dots = [Box(p.x - 9, p.y - 9, 18, 18) for p in points]
    whiskers = [Box(p.x - 3, p.high, 6, max(1.0, p.low - p.high)) for p in points]
    steps = [
        Box(min(a[0], b[0]) - 2, min(a[1], b[1]) - 2, abs(a[0] - b[0]) + 4, abs(a[1] - b[1]) + 4)
        for a, b in pairwise(stairs)
    ]
    boxes = place(
        [(p.x, p.y) for p in points], sizes, area=AREA, solid=[*dots, floor], lines=[*whiskers, *steps]
    )
    parts = []
    for point, text, value, box in zip(points, texts, values, boxes, strict=True):
        x, y = box.nearest(point.x, point.y)
        if math.hypot(x - point.x, y - point.y) > _LINE:
            parts.append(f'<line class="leader" x1="{point.x}" y1="{point.y}" x2="{x:.1f}" y2="{y:.1f}"/>')
        chosen = " chosen" if point.row.model == recommended else ""
        parts.append(
            f'<text class="name{chosen}" x="{box.left:.1f}" y="{box.top + 13.5:.1f}">{escape(text)} '
            f'<tspan class="value">{value}</tspan></text>'
        )
    return parts


def _draw_point(point: _Point, recommended: str | None) -> list[str]:
    row = point.row
    said = (
        f"{row.model}: accuracy {score(row.accuracy)} ({interval(row.accuracy_ci95)}), "
        f"{significant(row.latency_ms_p50)} ms"
    )
    kind = "on" if row.pareto else "off"
    ring = (
        f'<circle class="ring" cx="{point.x}" cy="{point.y}" r="{_RADIUS + 5}"/>'
        if row.model == recommended
        else ""
    )
    left = point.x - 4
    whisker = f"M{point.x} {point.low}V{point.high}M{left} {point.low}h8M{left} {point.high}h8"
    return [
        f'<g class="point {kind}"><title>{escape(said)}</title>',
        f'<path class="whisker" d="{whisker}"/>',
        f'{ring}<circle class="dot" cx="{point.x}" cy="{point.y}" r="{_RADIUS}"/></g>',
    ]


def _describe(shown: Sequence[Row], floor: Row | None) -> str:
    each = [f"{row.model} {score(row.accuracy)} at {significant(row.latency_ms_p50)} ms" for row in shown]
    last = [] if floor is None else [f"{MAJORITY} {score(floor.accuracy)}"]
    return escape("; ".join([*each, *last]) + ".")


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
