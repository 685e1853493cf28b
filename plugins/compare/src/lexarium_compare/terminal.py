"""The leaderboard in 120 columns of text."""

from __future__ import annotations

from itertools import accumulate
from textwrap import fill
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from lexarium_compare.figures import data_name, interval, p_value, plain, score, significant, size
from lexarium_compare.scoring import best_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexarium_compare.board import Board, Row

__all__ = ["show"]

_HEADS = (
    "model",
    "accuracy, 95 % CI",
    "macro-F1",
    "p",
    "p50 ms",
    "p95 ms",
    "rows/s",
    "train s",
    "size",
    "memory",
)
_LONGEST = 24
_LABELS = 4
_COLUMNS = 120
_LEGEND = (
    "* on the Pareto frontier: none is both as accurate and as quick. p: exact McNemar test against the best."
)


def show(board: Board, table: Callable[[Sequence[str], Sequence[Sequence[object]]], str]) -> str:
    """Return data, table, reasons and advice as text; ``table`` aligns columns.

    Names, labels and reasons come from strangers: what could steer a terminal is replaced.
    """
    measured = [row for row in board.rows if row.status == "ok"]
    parts = [_about(board)]
    if measured:
        best = best_row(measured)
        cells = [_cells(row, is_best=row is best) for row in measured]
        parts.append(table(*_to_the_right(["", *_HEADS], cells)))
        parts.append(_LEGEND)
        parts += [fill(plain(line), _COLUMNS, subsequent_indent="  ") for line in board.truncations()]
    failed = [plain(f"{row.model}: {row.status}: {row.error}") for row in board.rows if row.status != "ok"]
    if failed:
        parts.append("\n".join(fill(line, _COLUMNS, subsequent_indent="  ") for line in failed))
    return "\n\n".join([*parts, plain(board.advice)])


def _about(board: Board) -> str:
    data, facts = board.data, board.facts
    of = f" of {facts.file_rows:,}" if facts.file_rows != data["rows"] else ""
    labels = ", ".join(
        f"{plain(label)} ({rows:,})" for label, rows in list(facts.label_rows.items())[:_LABELS]
    )
    more = ", ..." if len(facts.label_rows) > _LABELS else ""
    return (
        f"{plain(data_name(data['path']))}: {data['rows']:,}{of} rows; {data['train']:,} to train, "
        f"{data['test']:,} to test, {data['duplicates_removed']:,} duplicates removed\n"
        f"{len(facts.label_rows)} labels: {labels}{more}; seed {facts.seed}; threads {facts.threads}"
    )


def _cells(row: Row, *, is_best: bool) -> list[str]:
    return [
        "*" if row.pareto else "",
        _cut(plain(row.model)),
        f"{score(row.accuracy)} {interval(row.accuracy_ci95)}",
        score(row.macro_f1),
        "best" if is_best else p_value(row.p_value_vs_best),
        significant(row.latency_ms_p50),
        significant(row.latency_ms_p95),
        significant(row.rows_per_second),
        significant(row.train_seconds),
        size(row.size_bytes),
        size(row.peak_memory_bytes),
    ]


def _cut(name: str) -> str:
    """Shorten a name to 24 columns; a wide character takes two."""
    widths = [2 if east_asian_width(character) in "WF" else 1 for character in name]
    if sum(widths) <= _LONGEST:
        return name
    kept = sum(total < _LONGEST for total in accumulate(widths))
    return f"{name[:kept]}…"


def _to_the_right(heads: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Pad all columns but the first two on the left, where their digits line up."""
    widths = [max(len(line[place]) for line in [heads, *rows]) for place in range(len(heads))]

    def padded(line: list[str]) -> list[str]:
        return [*line[:2], *(cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True))]

    return padded(heads), [padded(row) for row in rows]
