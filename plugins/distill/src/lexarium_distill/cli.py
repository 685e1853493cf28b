"""``lexarium distill``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from lexarium.cli.session import Session, json_option, packed, report_stored

__all__ = ["distill"]


@dataclass(frozen=True, kw_only=True)
class _Options:
    vocabulary: str | None
    column: str | None
    settings: tuple[str, ...]
    name: str | None


@click.command()
@click.argument("model")
@click.option("--to", type=click.Choice(["static"]), default="static", show_default=True, help="The method.")
@click.option(
    "--vocabulary",
    type=click.Path(),
    metavar="FILE",
    help="Words that get vectors too, one a line, or a table.",
)
@click.option("--column", help="The column with the words, where FILE is a table.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="As in pca_dims=128 or weighting=none."
)
@click.option("--name", help="What to store the model as; by default minilm-static, for minilm.")
@json_option
@packed(_Options)
@click.pass_obj
def distill(session: Session, *, model: str, to: Literal["static"], as_json: bool, options: _Options) -> None:
    """Make word vectors out of the sentence encoder MODEL: each of its tokens, embedded alone.

    MODEL is the name of a stored one, as minilm, or bert:minilm with its method.

    lexarium distill minilm --to static --name minilm-static
    """
    if options.column and not options.vocabulary:
        raise click.UsageError("--column is for the words of --vocabulary")
    from lexarium.config import parse_settings  # noqa: PLC0415  after --help
    from lexarium.tables import read_texts  # noqa: PLC0415  after --help
    from lexarium_distill.verbs import distill as verb  # noqa: PLC0415  numpy

    name = options.name or f"{Path(model.rpartition(':')[2]).name.partition('@')[0]}-{to}"
    words = read_texts(options.vocabulary, options.column).texts if options.vocabulary else []
    with session.progress() as progress:
        verb(
            session.zoo,
            model,
            to=to,
            vocabulary=words,
            config=parse_settings(options.settings),
            name=name,
            progress=progress,
        )
    report_stored(session, name, as_json=as_json)
