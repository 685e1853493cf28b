"""``lexarium compare``."""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lexarium.cli.session import Session, emit_json, json_option, note, packed, say, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

__all__ = ["compare"]

_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


class _Budget(click.ParamType[float]):
    """A time such as 90s, 10m or 1h; a bare number is seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401  click's own signature
        if isinstance(value, int | float):
            return float(value)
        found = _BUDGET.fullmatch(str(value).strip().lower())
        seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
        if seconds <= 0:
            self.fail(f"{value!r} is not a time above 0; write 90s, 10m or 1h", param, ctx)
        return seconds


@dataclass(frozen=True, kw_only=True)
class _Given:
    models: str | None
    head: str
    budget: float | None
    sample: int | None
    test_size: float
    seed: int
    threads: int | None
    page: str | None
    as_json: bool


@click.command()
@click.argument("data", type=click.Path())
@click.option("--text", required=True, metavar="COLUMN", help="The column with the texts.")
@click.option("--label", required=True, metavar="COLUMN", help="The column with the labels.")
@click.option(
    "--models",
    metavar="A,B,...",
    help="Methods or stored models; left out: every installed method at its default.",
)
@click.option(
    "--head", default="classifier", show_default=True, metavar="HEAD", help="What learns the labels."
)
@click.option(
    "--budget", type=_Budget(), help="Wall time for all, as in 90s, 10m, 1h; what is late is said to be."
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Take N rows only, labels in proportion.")
@click.option(
    "--test-size", type=float, default=0.2, show_default=True, help="The part of the rows to test on."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of sample, split and training."
)
@click.option(
    "--threads", type=click.IntRange(1, 1024), help="For each candidate; left out: the processors, at most 4."
)
@click.option(
    "--html", "page", type=click.Path(dir_okay=False), help="Also write a page with table and plot."
)
@json_option
@packed(_Given)
@click.pass_obj
def compare(session: Session, /, *, data: str, text: str, label: str, options: _Given) -> None:
    """Compare representations on your own labelled table.

    Each candidate is trained and timed alone in a fresh process, on the same split of DATA (.csv,
    .tsv, .jsonl, .parquet; .gz too). Cheapest first; the last line says which one to take.
    """
    from pathlib import Path  # noqa: PLC0415  after --help

    from lexarium_compare.comparison import compare as verb  # noqa: PLC0415  numpy
    from lexarium_compare.options import CompareOptions, default_threads  # noqa: PLC0415  numpy
    from lexarium_compare.terminal import show  # noqa: PLC0415

    target = None if options.page is None else _writable(Path(options.page))
    models = options.models
    with _ended_in_order(), session.progress() as progress:
        how = CompareOptions(
            models=None if models is None else tuple(name.strip() for name in models.split(",")),
            head=options.head,
            budget_seconds=options.budget,
            sample=options.sample,
            test_size=options.test_size,
            seed=options.seed,
            threads=options.threads or default_threads(),
            progress=progress,
        )
        board = verb(session.zoo, data, text=text, label=label, options=how)
    if target is not None:
        board.to_html(target)
        note(f"Wrote {target}")
    if options.as_json:
        emit_json(board.to_json())
    else:
        say(show(board, table))


class _EndedError(BaseException):
    """A signal asked to end; no ``except Exception`` on the way may keep it."""

    def __init__(self, status: int) -> None:
        self.status = status


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let a closed terminal or a ``kill`` end the work as Ctrl-C does: no candidate, no file stays behind."""

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  signal's own signature
        raise _EndedError(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]  # nohup ignores one
    for number in ours:
        signal.signal(number, leave)
    try:
        yield
    except _EndedError as ended:
        raise click.exceptions.Exit(ended.status) from None
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _writable(page: Path) -> Path:
    """Refuse a page that cannot be written before the work and not after it.

    :raises InputError: its folder does not exist.
    """
    from lexarium.errors import InputError  # noqa: PLC0415  after --help

    if not page.absolute().parent.is_dir():
        raise InputError(page, "its folder does not exist", "make it first, or give another path")
    return page
