"""What every command shares: the zoo, where output goes, and how it looks."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from dataclasses import fields
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import click

from lexarium.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from lexarium.roles import Progress
    from lexarium.zoo import Zoo

__all__ = [
    "Session",
    "emit_json",
    "human_bytes",
    "json_option",
    "note",
    "packed",
    "printable",
    "say",
    "table",
]

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def packed(cls: type[Any], name: str = "options") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Pass the options that are fields of the dataclass ``cls`` to a command as one argument ``name``."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def _command(*args: Any, **values: Any) -> None:  # noqa: ANN401  click's own calling convention
            values[name] = cls(**{field.name: values.pop(field.name) for field in fields(cls)})
            function(*args, **values)

        return _command

    return decorate


class Session:
    """One run of ``lexarium``: built by the group, passed to commands by ``@click.pass_obj``."""

    @cached_property
    def host(self) -> Host:
        """The plugins."""
        return Host.discover()

    @cached_property
    def zoo(self) -> Zoo:
        """The store and the plugins."""
        from lexarium.zoo import Zoo  # noqa: PLC0415  numpy, only where models are touched

        return Zoo(host=self.host)

    def progress(self) -> AbstractContextManager[Progress]:
        """Give a progress bar on stderr, or silence where that is no terminal."""
        from lexarium.progress import terminal  # noqa: PLC0415  numpy, as above

        return terminal()


def emit_json(document: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401  any JSON value
    """Print one JSON document on stdout; numbers that JSON lacks (NaN, infinity) are null."""
    text = json.dumps(_finite(document), ensure_ascii=_ascii_only(), indent=indent)
    click.echo(_encodable(text, "utf-8"))  # a lone surrogate becomes its JSON escape


def say(text: str) -> None:
    """Print a result on stdout; control characters, which could steer a terminal, are replaced."""
    click.echo(_encodable(printable(text), sys.stdout.encoding))


def note(text: str) -> None:
    """Print what is not a result on stderr, as :func:`say` does."""
    click.echo(_encodable(printable(text), sys.stderr.encoding), err=True)


def printable(text: str) -> str:
    """Replace what is neither printable nor a line break nor a tab: names and labels come from strangers."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " if c.isspace() else "�" for c in text)


def table(headers: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> str:
    """Return aligned columns; columns of numbers align right, wide characters count as two."""
    cells = [[_cell(value) for value in row] for row in rows]
    lines = [[_cell(header) for header in headers], *cells] if headers else cells
    if not lines:
        return ""
    widths = [max(_width(line[i]) for line in lines) for i in range(len(lines[0]))]
    right = [
        bool(rows) and all(isinstance(r[i], int | float) or r[i] is None for r in rows)
        for i in range(len(widths))
    ]
    return "\n".join(
        "  ".join(
            _pad(cell, width, at_right) for cell, width, at_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def human_bytes(count: float) -> str:
    """Return a size as people read it, in units of 1,000: ``80.0 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    return printable(text).replace("\n", " ").replace("\t", " ")


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _pad(text: str, width: int, at_right: bool) -> str:  # noqa: FBT001  private
    gap = " " * (width - _width(text))
    return gap + text if at_right else text + gap


def _ascii_only() -> bool:
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"


def _encodable(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
