"""``lexarium fill-mask``."""

from __future__ import annotations

from dataclasses import asdict

import click

from lexarium.cli.session import Session, emit_json, json_option, say, table

__all__ = ["fill_mask"]


@click.command("fill-mask")
@click.argument("model")
@click.argument("texts", nargs=-1, required=True, metavar="TEXT...")
@click.option("-n", "count", default=5, show_default=True, type=click.IntRange(1), help="How many words.")
@json_option
@click.pass_obj
def fill_mask(session: Session, *, model: str, texts: tuple[str, ...], count: int, as_json: bool) -> None:
    """Say which words MODEL expects where TEXT has [MASK].

    lexarium fill-mask bert-base "The capital of France is [MASK]."
    """
    from lexarium_bert.masks import fill_mask as filled  # noqa: PLC0415  torch, only when the command runs

    found = filled(session.zoo, model, texts, count)
    if as_json:
        results = [
            {"text": text, "masks": [[asdict(one) for one in mask] for mask in masks]}
            for text, masks in zip(texts, found, strict=True)
        ]
        emit_json({"model": model, "results": results})
        return
    for masks in found:
        for mask in masks:
            say(table(["token", "probability", "text"], [[f.token, f.probability, f.text] for f in mask]))
