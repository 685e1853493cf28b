"""The leaderboard: what was measured, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from lexarium_compare.intervals import Interval

__all__ = ["Board", "Facts", "Row"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One candidate; the numbers are None unless ``status`` is ok, and ``error`` says why.

    ``p_value_vs_best`` is the exact McNemar test against the most accurate row, None for that row
    itself; ``truncated_texts`` are longer than the ``token_limit`` that the embedder sees, together by
    ``truncated_tokens`` (None: it sees all). ``pareto`` marks rows that no other beats in both accuracy
    and latency.
    """

    model: str
    status: Literal["ok", "failed", "skipped", "timeout"]
    accuracy: float | None = None
    accuracy_ci95: Interval | None = None
    macro_f1: float | None = None
    macro_f1_ci95: Interval | None = None
    train_seconds: float | None = None
    rows_per_second: float | None = None
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
    size_bytes: int | None = None
    peak_memory_bytes: int | None = None
    truncated_texts: int | None = None
    truncated_tokens: int | None = None
    token_limit: int | None = None
    pareto: bool = False
    p_value_vs_best: float | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values; intervals are lists."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How the board was made, for people; scripts read ``Board.data``.

    ``command`` makes it again; None where the data came in memory.
    """

    text: str
    label: str
    label_rows: Mapping[str, int]
    file_rows: int
    head: str
    seed: int
    threads: int
    command: str | None


@dataclass(frozen=True, kw_only=True)
class Board:
    """Rows, cheapest first, and one sentence of advice.

    ``data`` has path (None: in memory), rows, train, test, labels (their names) and duplicates_removed; rows
    are train + test + duplicates_removed. ``recommended`` is the model that the advice names, if any.
    """

    data: Mapping[str, Any]
    rows: tuple[Row, ...]
    advice: str
    recommended: str | None
    facts: Facts

    def truncations(self) -> list[str]:
        """Return a sentence for each candidate that did not see all of the texts."""
        texts = self.data["train"] + self.data["test"]
        return [
            f"{row.model} sees {row.token_limit:,} tokens of a text: {row.truncated_texts:,} of {texts:,} "
            f"texts were cut, which lost {row.truncated_tokens:,} tokens"
            for row in self.rows
            if row.truncated_texts
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the document that ``lexarium compare --json`` prints."""
        rows = [row.to_json() for row in self.rows]
        return {"data": dict(self.data), "rows": rows, "advice": self.advice}

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write one self-contained page; ``path`` is replaced at once or not at all.

        :raises InputError: the path cannot be written.
        """
        from lexarium_compare.page import write_page  # noqa: PLC0415  the page is not always asked for

        write_page(self, path)
