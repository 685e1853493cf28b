"""Progress of long work: a bar on a terminal, silence elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lexarium.roles import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["terminal"]


@contextmanager
def terminal() -> Iterator[Progress]:
    """Give a :class:`~lexarium.roles.Progress` that draws bars on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console  # noqa: PLC0415  not needed when piped
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def report(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                shown = "".join(c if c.isprintable() else "�" for c in what)  # a model's name may steer
                tasks[what] = bars.add_task(shown, total=total)
            bars.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]

        yield report
