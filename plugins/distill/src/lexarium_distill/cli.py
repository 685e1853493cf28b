"""``lexarium distill``."""

from __future__ import annotations

from dataclasses import dataclass

import click

from lexarium.cli.session import Session, emit_json, human_bytes, json_option, packed, say

__all__ = ["distill"]


@dataclass(frozen=True, kw_only=True)
class _Options:
    vocabulary: str | None
    column: str | None
    settings: tuple[str, ...]
    name: str


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
@click.option("--name", required=True, help="What to store the model as.")
@json_option
@packed(_Options)
@click.pass_obj
def distill(session: Session, *, model: str, to: str, as_json: bool, options: _Options) -> None:
    """Make word vectors out of the sentence encoder MODEL: each of its tokens, embedded alone.

    lexarium distill minilm --to static --name minilm-static
    """
    if options.column and not options.vocabulary:
        raise click.UsageError("--column is for the words of --vocabulary")
    from lexarium.config import parse_settings  # noqa: PLC0415  after --help
    from lexarium.tables import read_texts  # noqa: PLC0415  after --help
    from lexarium_distill.verbs import distill as verb  # noqa: PLC0415  numpy

    words = read_texts(options.vocabulary, options.column).texts if options.vocabulary else []
    with session.progress() as progress:
        verb(
            session.zoo,
            model,
            to="static",
            vocabulary=words,
            config=parse_settings(options.settings),
            name=options.name,
            progress=progress,
        )
    stored = session.zoo.store.find(options.name)
    space = stored.manifest.to_json()["space"]
    facts = {
        "model": f"{stored.name}@{stored.version}",
        "method": to,
        "dim": space["dim"],
        "space_id": space["id"],
        "size_bytes": stored.manifest.size,
    }
    if as_json:
        emit_json(facts)
    else:
        size = human_bytes(stored.manifest.size)
        say(f"stored {facts['model']}: {to}, {facts['dim']} dimensions, {size}")
