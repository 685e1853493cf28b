"""``lexarium translate``, ``summarize`` and ``text2text``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from lexarium.cli.session import Session, counted, emit_json, json_option, packed, say
from lexarium.config import parse_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium.generation import Generated

__all__ = ["summarize", "text2text", "translate"]


@dataclass(frozen=True, kw_only=True)
class _Input:
    texts: tuple[str, ...]
    within: str | None
    column: str | None
    out: str | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class _Writing:
    """The options whose names are settings of GenerateConfig; None leaves them to the checkpoint."""

    num_beams: int | None
    max_new_tokens: int | None
    min_new_tokens: int | None
    length_penalty: float | None
    no_repeat_ngram_size: int | None
    early_stopping: bool | None
    seed: int | None
    truncate: str | None
    settings: tuple[str, ...]

    def given(self) -> dict[str, Any]:
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "settings"}
        return {key: value for key, value in named.items() if value is not None} | parse_settings(
            self.settings
        )


_OPTIONS = (
    click.argument("texts", nargs=-1, metavar="[TEXT]..."),
    click.option("--in", "within", type=click.Path(), metavar="FILE", help="The texts of FILE; - is stdin."),
    click.option("--column", help="The column with the texts, where FILE is a table."),
    click.option("--out", type=click.Path(), help="Write .txt, one text a line, or .jsonl."),
    click.option("--num-beams", type=int, help="How many texts are kept on the way to the likeliest."),
    click.option("--max-new-tokens", type=int, help="The most tokens of a text."),
    click.option("--min-new-tokens", type=int, help="The fewest tokens of a text."),
    click.option("--length-penalty", type=float, help="Of beams: above 0 prefers long texts, below 0 short."),
    click.option("--no-repeat-ngram-size", type=int, help="No n tokens in a row come twice."),
    click.option(
        "--early-stopping/--no-early-stopping", default=None, help="End with the first num-beams texts."
    ),
    click.option("--seed", type=int, help="Of what is drawn."),
    click.option("--truncate", type=click.Choice(["left"]), help="Keep the end of a text that is too long."),
    click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As in temperature=0.7."),
    json_option,
)


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command()
@click.argument("model")
@click.option("--from", "source", metavar="LANGUAGE", help="As in en, or as the model calls it: eng_Latn.")
@click.option("--to", "target", metavar="LANGUAGE", help="As in zh, or zh_CN, or zho_Hans.")
@_options
@packed(_Input, "given")
@packed(_Writing, "writing")
@click.pass_obj
def translate(
    session: Session, *, model: str, source: str | None, target: str | None, given: _Input, writing: _Writing
) -> None:
    """Translate TEXT, or each text of a file, with MODEL.

    lexarium translate t5-small "A good film." --from en --to de
    """
    from lexarium_t5 import verbs  # noqa: PLC0415  torch, only when the command runs

    texts = _texts(given)
    settings = writing.given()
    found = verbs.translate(session.zoo, model, texts, source=source, target=target, config=settings)
    _tell({"model": model, "from": source, "to": target}, texts, found, given)


@click.command()
@click.argument("model")
@_options
@packed(_Input, "given")
@packed(_Writing, "writing")
@click.pass_obj
def summarize(session: Session, *, model: str, given: _Input, writing: _Writing) -> None:
    """Say in short what TEXT, or each text of a file, says.

    lexarium summarize bart-cnn --in articles.txt --out summaries.txt
    """
    from lexarium_t5 import verbs  # noqa: PLC0415  torch, only when the command runs

    texts = _texts(given)
    found = verbs.summarize(session.zoo, model, texts, config=writing.given())
    _tell({"model": model}, texts, found, given)


@click.command()
@click.argument("model")
@_options
@packed(_Input, "given")
@packed(_Writing, "writing")
@click.pass_obj
def text2text(session: Session, *, model: str, given: _Input, writing: _Writing) -> None:
    """Write what MODEL makes of TEXT, or of each text of a file, with nothing put before it.

    lexarium text2text flan-t5-small "Translate to Chinese: A good film."
    """
    from lexarium_t5 import verbs  # noqa: PLC0415  torch, only when the command runs

    texts = _texts(given)
    found = verbs.text2text(session.zoo, model, texts, config=writing.given())
    _tell({"model": model}, texts, found, given)


def _texts(given: _Input) -> list[str]:
    if (given.within is None) == (not given.texts):
        raise click.UsageError("give TEXT or --in FILE, one of the two")
    if given.out is not None:
        from lexarium_t5.output import check_path  # noqa: PLC0415  only where a file is wanted

        check_path(given.out)  # before anything is computed
    if given.within is None:
        return list(given.texts)
    from lexarium.tables import read_texts  # noqa: PLC0415  csv and gzip, only when the command runs

    return read_texts(given.within, given.column).texts


def _tell(head: dict[str, Any], texts: list[str], found: list[Generated], given: _Input) -> None:
    """Print or write the texts."""
    rows = [{"input": text, **asdict(one)} for text, one in zip(texts, found, strict=True)]
    document: dict[str, Any] = dict(head)
    if given.out is not None:
        from lexarium_t5.output import write_rows  # noqa: PLC0415  only where a file is wanted

        write_rows(given.out, rows)
        document |= {"out": given.out, "rows": len(rows)}
    if given.as_json:
        emit_json(document if given.out is not None else document | {"results": rows})
    elif given.out is not None:
        say(f"wrote {counted(len(rows), 'text')} to {given.out}")
    else:
        for one in found:
            say(one.text)
