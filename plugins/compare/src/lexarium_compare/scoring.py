"""From predictions to rows: scores, intervals, the test against the best, the Pareto frontier."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from lexarium_compare.board import Row
from lexarium_compare.intervals import Cells, mcnemar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium_compare.runner import Outcome

__all__ = ["best_row", "better_than", "frontier", "rank"]


def rank(
    outcomes: Sequence[tuple[str, Outcome]], truth: Sequence[int], *, classes: int, seed: int
) -> tuple[Row, ...]:
    """Return a row per named outcome: the measured ones by latency, then the others as they came.

    ``truth`` are the label indices of the test part.
    """
    rows = [_row(name, outcome, truth, classes, seed) for name, outcome in outcomes]
    points = [(row.accuracy or 0.0, row.latency_ms_p50 or 0.0) for row in rows if row.status == "ok"]
    on = iter(frontier(points))
    rows = [replace(row, pareto=next(on)) if row.status == "ok" else row for row in rows]
    best = best_row(rows)
    if best is not None:
        predicted = {name: o.measured.predicted for name, o in outcomes if o.measured is not None}
        rows = [
            replace(row, p_value_vs_best=mcnemar(truth, predicted[row.model], predicted[best.model]))
            if row.status == "ok" and row is not best
            else row
            for row in rows
        ]
    return tuple(sorted(rows, key=lambda row: inf if row.latency_ms_p50 is None else row.latency_ms_p50))


def best_row(rows: Sequence[Row]) -> Row | None:
    """Return the most accurate row, the quickest among equals; None where nothing was measured."""
    measured = [row for row in rows if row.status == "ok"]
    return min(measured, key=lambda row: (-(row.accuracy or 0.0), row.latency_ms_p50 or 0.0), default=None)


def better_than(
    name: str, outcomes: Sequence[tuple[str, Outcome]], truth: Sequence[int], *, noise: float
) -> frozenset[str]:
    """Return the names of the outcomes that are right more often than ``name``, with p below ``noise``."""
    predicted = {other: o.measured.predicted for other, o in outcomes if o.measured is not None}
    if name not in predicted:
        return frozenset()

    def right(of: Sequence[int]) -> int:
        return sum(guess == true for guess, true in zip(of, truth, strict=True))

    own = predicted[name]
    return frozenset(
        other
        for other, theirs in predicted.items()
        if right(theirs) > right(own) and mcnemar(truth, theirs, own) < noise
    )


def frontier(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Tell which (accuracy, latency) points no other one beats: as good in both and better in one."""
    order = sorted(range(len(points)), key=lambda i: (points[i][1], -points[i][0]))
    on = [False] * len(points)
    top, top_latency = -inf, -inf
    for index in order:
        accuracy, latency = points[index]
        on[index] = accuracy > top or (accuracy == top and latency == top_latency)
        if accuracy > top:
            top, top_latency = accuracy, latency
    return on


def _row(name: str, outcome: Outcome, truth: Sequence[int], classes: int, seed: int) -> Row:
    measured = outcome.measured
    if measured is None:
        return Row(model=name, status=outcome.status, error=outcome.error)
    cells = Cells.count(truth, measured.predicted, classes)
    accuracy, macro = cells.scores()
    accuracy_bounds, macro_bounds = cells.intervals(seed)
    return Row(
        model=name,
        status="ok",
        accuracy=accuracy,
        accuracy_ci95=accuracy_bounds,
        macro_f1=macro,
        macro_f1_ci95=macro_bounds,
        train_seconds=measured.train_seconds,
        rows_per_second=measured.rows_per_second,
        latency_ms_p50=measured.latency_ms_p50,
        latency_ms_p95=measured.latency_ms_p95,
        size_bytes=measured.size_bytes,
        peak_memory_bytes=measured.peak_memory_bytes,
        truncated_texts=measured.truncated_texts,
        truncated_tokens=measured.truncated_tokens,
        token_limit=measured.token_limit,
    )
