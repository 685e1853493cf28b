"""``lexarium fit`` and ``lexarium import``: making stored models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexarium.cli.session import Session, emit_json, human_bytes, json_option, packed, say
from lexarium.config import parse_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium.tables import Texts

__all__ = ["fit", "import_"]


@dataclass(frozen=True, kw_only=True)
class _Options:
    corpus: tuple[str, ...]
    column: str | None
    settings: tuple[str, ...]
    name: str
    as_json: bool


def _method_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    offers = ctx.ensure_object(Session).host.methods()
    return [offer.descriptor.name for offer in offers if offer.descriptor.name.startswith(incomplete)]


def _shared(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        click.option("--name", required=True, help="What to store the model as."),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the method."
        ),
        click.option("--column", help="The column with the texts, where the corpus is a table."),
    ):
        function = option(function)
    return function


@click.command()
@click.argument("method", shell_complete=_method_names)
@click.argument("more", nargs=-1, type=click.Path(), metavar="[FILE]...")
@click.option(
    "--corpus",
    multiple=True,
    required=True,
    type=click.Path(),
    metavar="FILE...",
    help="The files to train on.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1, 1024))
@_shared
@packed(_Options)
@click.pass_obj
def fit(
    session: Session, *, method: str, more: tuple[str, ...], threads: int, seed: int, options: _Options
) -> None:
    """Train METHOD on the texts of FILE.

    A .txt has one text a line; .csv, .tsv, .jsonl and .parquet need --column; .gz is read too; - is
    standard input.
    """
    zoo = session.zoo
    with session.progress() as progress:
        zoo.fit(
            method,
            _texts((*options.corpus, *more), options.column),
            config=parse_settings(options.settings),
            name=options.name,
            threads=threads,
            seed=seed,
            progress=progress,
        )
    _report(session, options)


@click.command("import")
@click.argument("method", shell_complete=_method_names)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--corpus", multiple=True, type=click.Path(), metavar="FILE", help="Texts to estimate word weights from."
)
@click.option("--license", "licence", metavar="SPDX", help="The model's licence, for instance PDDL-1.0.")
@_shared
@packed(_Options)
@click.pass_obj
def import_(session: Session, *, method: str, path: Path, licence: str | None, options: _Options) -> None:
    """Read the file or folder PATH, written by another tool, as a model of METHOD."""
    if options.column and not options.corpus:
        raise click.UsageError("--column is for the texts of --corpus")
    with session.progress() as progress:
        session.zoo.import_from(
            method,
            path,
            config=parse_settings(options.settings),
            source=_texts(options.corpus, options.column) if options.corpus else None,
            name=options.name,
            license=licence,
            progress=progress,
        )
    _report(session, options)


def _texts(paths: tuple[str, ...], column: str | None) -> Texts:
    from lexarium.tables import corpus  # noqa: PLC0415  csv and gzip, only when the command runs

    return corpus([Path(path) for path in paths], column)


def _report(session: Session, options: _Options) -> None:
    stored = session.zoo.store.find(options.name)
    document = stored.manifest.to_json()
    space = document["space"]
    facts = {
        "model": f"{stored.name}@{stored.version}",
        "method": document["method"],
        "dim": space["dim"],
        "space_id": space["id"],
        "size_bytes": stored.manifest.size,
    }
    if options.as_json:
        emit_json(facts)
    else:
        size = human_bytes(stored.manifest.size)
        say(f"stored {facts['model']}: {facts['method']}, {facts['dim']} dimensions, {size}")
