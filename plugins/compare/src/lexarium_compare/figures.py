"""Numbers as a person reads them; the terminal and the page say them alike."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "UNKNOWN",
    "data_name",
    "interval",
    "latency_ratio",
    "one_line",
    "p_value",
    "plain",
    "score",
    "significant",
    "size",
]

UNKNOWN = "–"
_LONGEST = 300


def score(value: float | None) -> str:
    """Say an accuracy or F1.

    >>> score(0.8714)
    '0.871'
    """
    return UNKNOWN if value is None else f"{value:.3f}"


def interval(bounds: tuple[float, float] | None) -> str:
    """Say an interval of scores."""
    return UNKNOWN if bounds is None else f"{bounds[0]:.3f}–{bounds[1]:.3f}"


def significant(value: float | None) -> str:
    """Say a measured number to three significant figures, without an exponent.

    >>> significant(0.01234), significant(1234.5), significant(1.5)
    ('0.0123', '1,230', '1.50')
    """
    if value is None:
        return UNKNOWN
    if value < 0.001:  # noqa: PLR2004  a microsecond, where milliseconds are meant
        return "<0.001"
    rounded = float(f"{value:.3g}")
    digits = max(0, 2 - int(f"{rounded:e}".partition("e")[2]))
    return f"{rounded:,.{digits}f}"


def size(count: int | None) -> str:
    """Say a number of bytes in decimal units.

    >>> size(12), size(1_500_000)
    ('12 B', '1.5 MB')
    """
    if count is None:
        return UNKNOWN
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:  # noqa: PLR2004  1,000 after rounding
        value /= 1000
        units.pop(0)
    digits = 1 if value < 9.95 and units[0] != "B" else 0  # noqa: PLR2004  10 after rounding
    return f"{value:.{digits}f} {units[0]}"


def p_value(value: float | None) -> str:
    """Say a p value.

    >>> p_value(0.41), p_value(0.00001), p_value(0.049)
    ('0.41', '<0.001', '0.049')
    """
    if value is None:
        return UNKNOWN
    if value < 0.001:  # noqa: PLR2004
        return "<0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"  # noqa: PLR2004


def latency_ratio(mine: float, other: float) -> str:
    """Say ``mine`` as a part of ``other``, the slower one.

    >>> latency_ratio(1, 40), latency_ratio(1, 2), latency_ratio(3, 5)
    ('1/40 of its latency', 'half its latency', '60 % of its latency')
    """
    part = mine / other if other > 0 else 1.0
    if 0.45 <= part <= 0.55:  # noqa: PLR2004
        return "half its latency"
    if part > 0.4:  # noqa: PLR2004
        return f"{part:.0%} of its latency".replace("%", " %")
    times = float(f"{1 / max(part, 1e-9):.2g}")
    return f"1/{times:,.0f} of its latency"


def data_name(path: str | None) -> str:
    """Say which data: a file's name, or that there is no file."""
    return "data in memory" if path is None else Path(path).name


def one_line(text: str) -> str:
    """Return a foreign message as one line of at most 300 characters, whatever they are."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def plain(text: str) -> str:
    r"""Return a name, label or reason as a terminal may show it: one line, nothing that steers it.

    >>> plain("a\nb\x1b[31m")
    'a b�[31m'
    """
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
