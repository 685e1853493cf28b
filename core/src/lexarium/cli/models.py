"""``lexarium fit``, ``update``, ``import`` and ``export``: making stored models, and giving them away."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexarium.cli.session import (
    Session,
    emit_json,
    human_bytes,
    json_option,
    note,
    packed,
    report_stored,
    say,
)
from lexarium.config import parse_settings
from lexarium.errors import TrainingInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lexarium.files import EncodingErrors
    from lexarium.tables import Labelled, Source

__all__ = ["export", "fit", "import_", "merge", "update"]


_KEEP = "On Ctrl-C, store the model as far as training has come."
_BYTES = "Bytes that are not UTF-8 are refused, or replaced by U+FFFD."


@dataclass(frozen=True, kw_only=True)
class _Options:
    corpus: tuple[str, ...]
    column: str | None
    settings: tuple[str, ...]
    name: str
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class _Work:
    """How ``fit`` and ``update`` work."""

    seed: int
    threads: int
    keep: bool
    encoding_errors: EncodingErrors


@dataclass(frozen=True, kw_only=True)
class _Foreign:
    """A file of another tool, and how it is read."""

    path: Path
    licence: str | None
    encoding_errors: EncodingErrors


def _method_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    offers = ctx.ensure_object(Session).host.methods()
    return [offer.descriptor.name for offer in offers if offer.descriptor.name.startswith(incomplete)]


def _shared(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the method."
        ),
        click.option("--column", help="The column with the texts, where the corpus is a table."),
    ):
        function = option(function)
    return function


_encoding_errors = click.option(
    "--encoding-errors",
    type=click.Choice(["strict", "replace"]),
    default="strict",
    show_default=True,
    help=_BYTES,
)


def _trained(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        _encoding_errors,
        click.option("--keep", is_flag=True, help=_KEEP),
        click.option("--threads", default=1, show_default=True, type=click.IntRange(1, 1024)),
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0)),
    ):
        function = option(function)
    return function


_named = click.option("--name", required=True, help="What to store the model as.")


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
@click.option("--label", metavar="COLUMN", help="The column with the labels, for a method that learns them.")
@_trained
@_named
@_shared
@packed(_Options)
@packed(_Work, "work")
@click.pass_obj
def fit(
    session: Session, *, method: str, more: tuple[str, ...], label: str | None, work: _Work, options: _Options
) -> None:
    """Train METHOD on the texts of FILE.

    A .txt has one text a line; .csv, .tsv, .jsonl and .parquet need --column; .gz is read too, and every
    such file of a folder; - is standard input.
    """
    paths = (*options.corpus, *more)
    with session.progress() as progress, _kept(session, options, work):
        session.zoo.fit(
            method,
            _texts(paths, options.column, work.encoding_errors)
            if label is None
            else _labelled(paths, options.column, label, work.encoding_errors),
            config=parse_settings(options.settings),
            name=options.name,
            threads=work.threads,
            seed=work.seed,
            progress=progress,
        )
    report_stored(session, options.name, as_json=options.as_json)


@click.command()
@click.argument("model")
@click.argument("more", nargs=-1, type=click.Path(), metavar="[FILE]...")
@click.option(
    "--data",
    "corpus",
    multiple=True,
    required=True,
    type=click.Path(),
    metavar="FILE...",
    help="The files with the new text.",
)
@_trained
@click.option("--name", default="", help="What to store the result as; by default a new version of MODEL.")
@_shared
@packed(_Options)
@packed(_Work, "work")
@click.pass_obj
def update(session: Session, *, model: str, more: tuple[str, ...], work: _Work, options: _Options) -> None:
    """Train the stored MODEL on with the texts of FILE, new words included.

    The version that is stored stays as it is. Settings of training (epochs, for instance) may be changed.
    """
    options = replace(options, name=options.name or session.zoo.store.resolve(model).name)
    with session.progress() as progress, _kept(session, options, work):
        session.zoo.update(
            model,
            _texts((*options.corpus, *more), options.column, work.encoding_errors),
            config=parse_settings(options.settings),
            name=options.name,
            threads=work.threads,
            seed=work.seed,
            progress=progress,
        )
    report_stored(session, options.name, as_json=options.as_json)


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL MODEL...")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting, min_df for instance.")
@_named
@json_option
@click.pass_obj
def merge(
    session: Session, *, models: tuple[str, ...], settings: tuple[str, ...], name: str, as_json: bool
) -> None:
    """Join stored MODELs, each fitted on a part of a corpus, into the model of the whole corpus.

    The parts may come from several processes or machines; they are fitted without min_df, max_df and
    max_features, which are given here.
    """
    session.zoo.merge(models, config=parse_settings(settings), name=name)
    report_stored(session, name, as_json=as_json)


@click.command("import")
@click.argument("method", shell_complete=_method_names)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--corpus", multiple=True, type=click.Path(), metavar="FILE", help="Texts to estimate word weights from."
)
@click.option("--license", "licence", metavar="SPDX", help="The model's licence, for instance PDDL-1.0.")
@_encoding_errors
@_named
@_shared
@packed(_Options)
@packed(_Foreign, "foreign")
@click.pass_obj
def import_(session: Session, *, method: str, foreign: _Foreign, options: _Options) -> None:
    """Read the file or folder PATH, written by another tool, as a model of METHOD.

    --encoding-errors is for the words of PATH, in text and in the binary formats of word2vec and fastText,
    and for --corpus.
    """
    from lexarium.roles import Run  # noqa: PLC0415  numpy, only when the command runs

    if options.column and not options.corpus:
        raise click.UsageError("--column is for the texts of --corpus")
    with session.progress() as progress:
        session.zoo.import_from(
            method,
            foreign.path,
            config=parse_settings(options.settings),
            source=_texts(options.corpus, options.column, foreign.encoding_errors)
            if options.corpus
            else None,
            name=options.name,
            license=foreign.licence,
            run=Run(progress=progress, encoding_errors=foreign.encoding_errors),
        )
    report_stored(session, options.name, as_json=options.as_json)


@click.command()
@click.argument("model")
@click.option("--format", "form", required=True, help="folder (the model folder), or a format of its method.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new path.")
@json_option
@click.pass_obj
def export(session: Session, *, model: str, form: str, out: Path, as_json: bool) -> None:
    """Write MODEL as a model folder (--format folder), or in a foreign format of its method.

    A format that the method does not write is answered with those that it does.
    """
    from lexarium.roles import Run  # noqa: PLC0415  numpy, only when the command runs

    with session.progress() as progress:
        path = session.zoo.export(model, form, out, Run(progress=progress))
    size = sum(each.stat().st_size for each in [path, *path.rglob("*")] if each.is_file())
    if as_json:
        emit_json({"model": model, "format": form, "path": str(path), "size_bytes": size})
    else:
        say(f"wrote {path}: {form}, {human_bytes(size)}")


@contextmanager
def _kept(session: Session, options: _Options, work: _Work) -> Iterator[None]:
    """Store what an interrupted training has, where ``--keep`` asks for it; it stays an interrupt."""
    try:
        yield
    except TrainingInterrupted as stop:
        note(str(stop))
        if work.keep:
            lineage = {**stop.lineage, "interrupted_at": round(stop.done, 4)}
            session.zoo.save(stop.model, name=options.name, license=stop.license, lineage=lineage)
            report_stored(session, options.name, as_json=options.as_json)
        raise


def _texts(paths: tuple[str, ...], column: str | None, errors: EncodingErrors) -> Source:
    from lexarium.tables import corpus  # noqa: PLC0415  csv and gzip, only when the command runs

    return corpus([Path(path) for path in paths], column, errors)


def _labelled(paths: tuple[str, ...], column: str | None, label: str, errors: EncodingErrors) -> Labelled:
    from lexarium.tables import labelled_corpus  # noqa: PLC0415  as above

    return labelled_corpus([Path(path) for path in paths], column, label, errors)
