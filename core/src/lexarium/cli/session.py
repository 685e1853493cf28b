"""What every command shares: the zoo, where output goes, and how it looks."""

from __future__ import annotations

import json
import math
import os
import sys
import unicodedata
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import click

from lexarium.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from lexarium.roles import Progress
    from lexarium.zoo import Zoo

__all__ = [
    "Session",
    "counted",
    "emit_json",
    "human_bytes",
    "json_option",
    "note",
    "offline_option",
    "packed",
    "printable",
    "report_stored",
    "say",
    "table",
]

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_OFFLINE = "HF_HUB_OFFLINE"


def offline_option(*, hidden: bool = False) -> Callable[[Any], Any]:
    """Return the option ``--offline``, for a command or a function that becomes one."""
    return click.option(
        "--offline",
        is_flag=True,
        expose_value=False,
        hidden=hidden,
        callback=_go_offline,
        help="Ask nothing of the network: take what was pulled before.",
    )


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
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else " " if c.isspace() else "�" for c in text)


def table(headers: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> str:
    """Return aligned columns; columns of numbers align right, wide characters count as two."""
    lines = [list(headers), *rows] if headers else list(rows)
    columns = []
    for index, column in enumerate(zip(*lines, strict=True)):
        cells = [_cell(value) for value in column]
        right = bool(rows) and all(isinstance(row[index], int | float) or row[index] is None for row in rows)
        columns.append(_aligned(cells, right))
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def human_bytes(count: float) -> str:
    """Return a size as people read it, in units of 1,000: ``80.0 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(number: int, what: str) -> str:
    """Return a number and what is counted, in the plural but for one: ``3 words``, ``1 word``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def report_stored(session: Session, name: str, *, as_json: bool) -> None:
    """Print what was stored under ``name``: its version, method, dimensions and size."""
    stored = session.zoo.store.find(name)
    document = stored.manifest.to_json()
    space = document["space"] or document["parts"]["embedder"]["space"]  # the latter a pipeline's
    facts = {
        "model": f"{stored.name}@{stored.version}",
        "method": document["method"],
        "dim": space["dim"],
        "space_id": space["id"],
        "size_bytes": stored.manifest.size,
    }
    if as_json:
        emit_json(facts)
    else:
        size = human_bytes(stored.manifest.size)
        say(f"stored {facts['model']}: {facts['method']}, {counted(space['dim'], 'dimension')}, {size}")


def _go_offline(ctx: click.Context, _: click.Parameter, given: bool) -> None:  # noqa: FBT001  click's own signature
    if given:
        ctx.with_resource(_offline())


@contextmanager
def _offline() -> Iterator[None]:
    """Set what the Hub's client, and the processes that a command starts, go by."""
    before = os.environ.get(_OFFLINE)
    os.environ[_OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_OFFLINE]
        else:
            os.environ[_OFFLINE] = before


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if type(value) is str and value.isprintable():
        return value
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    return printable(text).replace("\n", " ").replace("\t", " ")


def _aligned(cells: list[str], right: bool) -> list[str]:  # noqa: FBT001  private
    """Fill cells with blanks to the width of the widest, as a terminal counts."""
    if all(map(str.isascii, cells)):
        width = max(map(len, cells))
        return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]
    widths = [_width(cell) for cell in cells]
    widest = max(widths)
    gaps = [" " * (widest - width) for width in widths]
    return [gap + cell if right else cell + gap for cell, gap in zip(cells, gaps, strict=True)]


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


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
