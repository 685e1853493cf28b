"""The options of ``lexarium evaluate --task``, their rules, and what it prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from lexarium.cli.session import Session, emit_json, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Chosen", "check_usage", "report_words", "word_options"]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The options as typed; None is: not typed."""

    text: str | None
    label: str | None
    task: str | None
    oov: str | None
    case: str | None
    restrict: int | None
    method: str | None


def word_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of :class:`Chosen` to a command."""
    for option in reversed(
        (
            click.option("--text", metavar="COLUMN", help="The column with the texts."),
            click.option("--label", metavar="COLUMN", help="The column with the labels."),
            click.option(
                "--task",
                type=click.Choice(("similarity", "analogy", "odd-one-out")),
                help="Evaluate word vectors instead.",
            ),
            click.option(
                "--oov",
                type=click.Choice(("skip", "zero")),
                help="With --task: leave out what has unknown words (default), or count it as zero.",
            ),
            click.option(
                "--case",
                type=click.Choice(("auto", "ignore")),
                help="With --task: as written, else lower-cased if the model is (default); or any case.",
            ),
            click.option(
                "--restrict",
                type=click.IntRange(1),
                metavar="N",
                help="With --task: the first N words only (default: 300000 for analogies, else all).",
            ),
            click.option(
                "--method",
                type=click.Choice(("3cosadd", "3cosmul")),
                help="With --task analogy (default: 3cosadd).",
            ),
        )
    ):
        command = option(command)
    return command


def check_usage(data: Sequence[str], chosen: Chosen) -> None:
    """Refuse options that do not go together.

    :raises click.UsageError: columns and a task, neither, or options of another task.
    """
    columns = [f"--{name}" for name in ("text", "label") if getattr(chosen, name) is not None]
    if chosen.task is None:
        _check_pipeline(data, chosen, columns)
    elif columns:
        raise click.UsageError(
            f"{columns[0]} is for a pipeline and --task for word vectors: give one of them"
        )
    elif chosen.method is not None and chosen.task != "analogy":
        raise click.UsageError("--method is for --task analogy")


def _check_pipeline(data: Sequence[str], chosen: Chosen, columns: Sequence[str]) -> None:
    for name in ("oov", "case", "restrict", "method"):
        if getattr(chosen, name) is not None:
            raise click.UsageError(f"--{name} needs --task")
    if len(columns) != 2:  # noqa: PLR2004  texts and labels
        missing = "--label" if "--text" in columns else "--text"
        raise click.UsageError(
            f"Missing option '{missing}': give --text and --label for a pipeline, or --task for word vectors"
        )
    if len(data) > 1:
        raise click.UsageError("a pipeline is evaluated on one DATA; several are for --task")


def report_words(session: Session, model: str, data: Sequence[str], chosen: Chosen, *, as_json: bool) -> None:
    """Evaluate word vectors and print tables, or JSON."""
    from lexarium.config import from_mapping  # noqa: PLC0415  after --help
    from lexarium.intrinsic import Options  # noqa: PLC0415  numpy
    from lexarium_heads.intrinsic.evaluation import evaluate_words, tables  # noqa: PLC0415  numpy

    typed = {name: getattr(chosen, name) for name in ("oov", "case", "restrict", "method")}
    options = from_mapping(Options, {name: value for name, value in typed.items() if value is not None})
    with session.progress() as progress:
        done = evaluate_words(
            session.zoo, model, data, task=str(chosen.task), options=options, progress=progress
        )
    if as_json:
        emit_json(done.document())
        return
    first, shown, unknown = tables(done)
    say("\n\n".join([first, *(table(headers, rows) for headers, rows in shown)]))
    if unknown:
        say("\n" + "\n".join(unknown))
