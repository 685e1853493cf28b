"""``lexarium quantize``."""

from __future__ import annotations

from dataclasses import asdict

import click

from lexarium.cli.session import Session, emit_json, json_option, note, say

__all__ = ["quantize"]

_MEAN, _CLOSE = 0.995, 0.99  # below, vectors of 8 bits change what is nearest to what


@click.command()
@click.argument("model")
@click.option(
    "--corpus", required=True, type=click.Path(), metavar="FILE", help="Texts like those to be embedded."
)
@click.option("--column", help="The column with the texts, where FILE is a table.")
@click.option(
    "--check",
    type=click.Path(),
    metavar="FILE",
    help="Texts to check with; left out: some of FILE, which calibration does without.",
)
@json_option
@click.pass_obj
def quantize(
    session: Session, *, model: str, corpus: str, column: str | None, check: str | None, as_json: bool
) -> None:
    """Prepare the encoder MODEL for 8 bits on this machine, and say how near its vectors stay.

    lexarium quantize minilm --corpus reviews.csv --column text

    lexarium embed minilm reviews.csv --column text --out vectors.npy --set dtype=int8
    """
    from lexarium.tables import read_texts  # noqa: PLC0415  after --help
    from lexarium_transformer.backends.quantizing import quantize as verb  # noqa: PLC0415  torch

    texts = read_texts(corpus, column).texts
    others = None if check is None else read_texts(check, column).texts
    with session.progress() as progress:
        found = verb(session.zoo, model, texts, others, progress)
    if as_json:
        emit_json({"model": model, "backend": "openvino", "dtype": "int8", **asdict(found)})
    else:
        say(f"calibrated on {found.calibrated} texts, checked on {found.checked} others")
        mean, median, least = (f"{value:.4f}" for value in (found.mean, found.median, found.least))
        say(f"cosine to 32 bits: mean {mean}, median {median}, least {least}")
        say(f"0.99 or more: {100 * found.close:.1f} % of the texts")
    if found.mean < _MEAN or found.close < _CLOSE:
        note("8 bits are not near enough for this model or these texts: a mean of 0.995 and 99 % are wanted")
