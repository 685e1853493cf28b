"""``lexarium losses``."""

from __future__ import annotations

from pathlib import Path

import click

from lexarium.cli.session import Session, emit_json, json_option, note, say, table

__all__ = ["losses"]


@click.command()
@click.argument("model")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw it to this new file.")
@json_option
@click.pass_obj
def losses(session: Session, *, model: str, svg: Path | None, as_json: bool) -> None:
    """Show the loss curve of a MODEL that was pretrained here.

    lexarium losses my-bert --svg losses.svg
    """
    from lexarium_transformer.pretraining.curve import losses as read  # noqa: PLC0415  torch

    curve = read(session.zoo, model, svg)
    if as_json:
        emit_json(curve.to_json())
        return
    rows = [[point.step, point.loss, point.learning_rate] for point in curve.points]
    say(table(["step", "loss", "learning rate"], rows))
    if svg is not None:
        note(f"drawn: {svg}")
