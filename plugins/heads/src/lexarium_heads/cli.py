"""``lexarium train``, ``lexarium predict`` and ``lexarium evaluate``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lexarium.cli.session import Session, emit_json, json_option, note, packed, say, table
from lexarium_heads.intrinsic.cli import Chosen, check_usage, report_words, word_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lexarium_heads.training import Training

__all__ = ["evaluate", "predict", "train"]

_AVERAGES = {
    "accuracy": "accuracy",
    "macro F1": "macro_f1",
    "micro F1": "micro_f1",
    "weighted F1": "weighted_f1",
}
_MAX_CONFUSION = 12
_MAX_MISTAKES = 10


@dataclass(frozen=True, kw_only=True)
class _Train:
    embedder: str
    head: str
    tune: str
    pairs: tuple[str, ...]
    test: str | None
    test_size: float
    license: str | None
    name: str
    threads: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class _Predict:
    texts: tuple[str, ...]
    column: str | None
    out: str | None
    proba: bool
    as_json: bool


def _columns(command: Callable[..., None]) -> Callable[..., None]:
    label = click.option("--label", required=True, metavar="COLUMN", help="The column with the labels.")
    text = click.option("--text", required=True, metavar="COLUMN", help="The column with the texts.")
    return text(label(command))


def _work(command: Callable[..., None]) -> Callable[..., None]:
    seed = click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of split and folds."
    )
    threads = click.option(
        "--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="To work with."
    )
    return seed(threads(command))


@click.command()
@click.option(
    "--data",
    required=True,
    type=click.Path(),
    metavar="FILE",
    help="Labelled rows: .csv, .tsv, .jsonl, .parquet; .gz too.",
)
@_columns
@click.option(
    "--embedder",
    required=True,
    metavar="REF",
    help="A stored model, or a method to fit on the training rows.",
)
@click.option(
    "--head", default="classifier", show_default=True, metavar="HEAD", help="See: lexarium methods."
)
@click.option(
    "--tune", default="frozen", show_default=True, metavar="WHAT", help="What learns; frozen: the head alone."
)
@click.option(
    "--set", "pairs", multiple=True, metavar="KEY=VALUE", help="As in head.C=1.0 or embedder.min_df=2."
)
@click.option(
    "--test", type=click.Path(), metavar="FILE", help="Labelled rows to test on, instead of a part of --data."
)
@click.option(
    "--test-size", type=float, default=0.2, show_default=True, help="The part of --data to test on."
)
@click.option("--license", metavar="SPDX", help="Its licence; by default that of a stored embedder.")
@click.option("--name", required=True, help="What to store the model as.")
@_work
@json_option
@packed(_Train)
@click.pass_obj
def train(session: Session, /, *, data: str, text: str, label: str, as_json: bool, options: _Train) -> None:
    """Fit a task head on labelled rows and store it with its embedder; print scores before and after."""
    from lexarium.config import parse_settings  # noqa: PLC0415  after --help
    from lexarium.roles import Run  # noqa: PLC0415  numpy
    from lexarium_heads.training import TrainOptions  # noqa: PLC0415  numpy
    from lexarium_heads.training import train as verb  # noqa: PLC0415  numpy

    with session.progress() as progress:
        chosen = TrainOptions(
            settings=parse_settings(options.pairs),
            run=Run(threads=options.threads, seed=options.seed, progress=progress),
            tune=options.tune,
            test=options.test,
            test_size=options.test_size,
            license=options.license,
            name=options.name,
        )
        columns = {"text": text, "label": label}
        done = verb(
            session.zoo, data, **columns, embedder=options.embedder, head=options.head, options=chosen
        )
    if as_json:
        emit_json({"model": done.model, "before": done.before, "after": done.after})
    else:
        _report(done)


def _report(done: Training) -> None:
    from lexarium_heads.classifier import Classifier  # noqa: PLC0415  numpy

    rows = f"trained on {done.train_rows:,} rows, tested on {done.test_rows:,}"
    gone = f" ({done.duplicates_removed:,} training rows removed: their text is in the test part)"
    say(f"{done.model}: {rows}{gone if done.duplicates_removed else ''}")
    if isinstance(done.pipeline.head, Classifier):
        say(f"classifier: {done.pipeline.head.choice}")
    say("")
    say(_scores(done.before, done.after))


@click.command()
@click.argument("model")
@click.argument("source", required=False, type=click.Path(), metavar="[INPUT]")
@click.option("--column", help="The column with the texts, where INPUT is a table.")
@click.option(
    "--text", "texts", multiple=True, metavar="TEXT", help="A text itself, instead of INPUT; repeatable."
)
@click.option(
    "--out", type=click.Path(), metavar="FILE", help="Write to a .csv or .jsonl file instead of printing."
)
@click.option("--proba", is_flag=True, help="Probabilities too (--json always has them).")
@json_option
@packed(_Predict)
@click.pass_obj
def predict(session: Session, /, *, model: str, source: str | None, options: _Predict) -> None:
    """Print the label of each text of INPUT (a file; - is stdin), one a line, in the order of the rows."""
    if (source is None) == (not options.texts):
        raise click.UsageError("give INPUT (a file, or - for stdin) or one or more --text")
    from lexarium.tables import read_texts  # noqa: PLC0415  after --help
    from lexarium_heads.evaluation import predict as verb  # noqa: PLC0415  numpy
    from lexarium_heads.formats import check_ending, prediction_rows, write_predictions  # noqa: PLC0415  after --help

    if options.out:
        check_ending(options.out)
    given = list(options.texts) if source is None else read_texts(source, options.column).texts
    with session.progress() as progress:
        found = verb(session.zoo, model, given, progress=progress)
    if options.out:
        write_predictions(options.out, found, proba=options.proba)
        note(f"{len(found.labels):,} predictions written to {options.out}")
    if options.as_json:
        emit_json({"model": found.model, "predictions": list(prediction_rows(found, proba=True))})
    elif not options.out:
        for label, row in zip(found.labels, found.probabilities, strict=True):
            shown = " ".join(label.splitlines())
            say(f"{shown}\t{row.max():.4f}" if options.proba else shown)


@click.command()
@click.argument("model")
@click.argument("data", nargs=-1, required=True, type=click.Path())
@word_options
@json_option
@packed(Chosen)
@click.pass_obj
def evaluate(
    session: Session, /, *, model: str, data: tuple[str, ...], as_json: bool, options: Chosen
) -> None:
    """Score MODEL: a pipeline on the labelled rows of DATA (--text, --label), or word vectors (--task).

    For a pipeline, before is the majority class of its training. For word vectors, DATA are files of word
    pairs with scores, of analogies, or of groups with an odd word.
    """
    check_usage(data, options)
    if options.task is not None:
        report_words(session, model, data, options, as_json=as_json)
        return
    from lexarium_heads.evaluation import evaluate as verb  # noqa: PLC0415  numpy

    columns = {"text": str(options.text), "label": str(options.label)}
    with session.progress() as progress:
        done = verb(session.zoo, model, data[0], **columns, progress=progress)
    if as_json:
        emit_json({"model": done.model, "before": done.before, "after": done.after})
    else:
        rows = sum(row["support"] for row in done.after["labels"].values())
        say(f"{done.model}: evaluated on {rows:,} rows\n")
        say(_scores(done.before, done.after))


def _scores(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return three tables: averages before and after, each label, and what was taken for what."""
    averages = [[name, before[key], after[key]] for name, key in _AVERAGES.items()]
    labels = [[name, *row.values()] for name, row in after["labels"].items()]
    return "\n\n".join(
        [
            table(["", "before", "after"], averages),
            table(["label", "precision", "recall", "F1", "support"], labels),
            _confusion(list(after["labels"]), after["confusion"]),
        ]
    )


def _confusion(labels: list[str], counts: list[list[int]]) -> str:
    if len(labels) <= _MAX_CONFUSION:
        rows = [[name, *row] for name, row in zip(labels, counts, strict=True)]
        return "Rows are the true labels, columns the predicted ones:\n" + table(["", *labels], rows)
    mistakes = [
        (-count, true, guess)
        for true, row in zip(labels, counts, strict=True)
        for guess, count in zip(labels, row, strict=True)
        if count and guess != true
    ]
    if not mistakes:
        return "No mistakes."
    shown = [[true, guess, -less] for less, true, guess in sorted(mistakes)[:_MAX_MISTAKES]]
    return "The most frequent mistakes:\n" + table(["true", "predicted", "rows"], shown)
