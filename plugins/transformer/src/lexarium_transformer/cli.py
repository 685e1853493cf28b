"""``lexarium generate`` and ``lexarium perplexity``: for every model that writes, or predicts, text."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexarium.cli.session import Session, emit_json, json_option, note, packed, printable, say
from lexarium.config import from_mapping, parse_settings
from lexarium.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexarium.generation import GenerateConfig, Generated, Generator

__all__ = ["generate", "perplexity"]

_TOGETHER = 64  # prompts between two reports of progress
_MOST_SCHEMA = 2**20


@dataclass(frozen=True, kw_only=True)
class _Options:
    prompts: str | None
    column: str | None
    chat: bool
    system: str | None
    json_schema: Path | None
    truncate: str | None
    stream: bool | None
    settings: tuple[str, ...]
    as_json: bool


@click.command()
@click.argument("model")
@click.argument("prompt", required=False)
@click.option("--prompts", metavar="FILE", help="A file of prompts, one a line or a row.")
@click.option("--column", help="The column with the prompts, where FILE is a table.")
@click.option("--chat", is_flag=True, help="PROMPT is a message to answer.")
@click.option("--system", metavar="TEXT", help="What --chat says first, for the model alone.")
@click.option(
    "--json-schema",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The text conforms to this JSON schema.",
)
@click.option("--truncate", type=click.Choice(["left"]), help="Keep the end of a prompt that is too long.")
@click.option(
    "--stream/--no-stream", default=None, help="Show the text as it grows; on a terminal by default."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="As in max_new_tokens=50, temperature=0.7, top_p=0.9, stop_strings=END.",
)
@json_option
@packed(_Options)
@click.pass_obj
def generate(session: Session, *, model: str, prompt: str | None, options: _Options) -> None:
    """Go on with PROMPT, or answer it.

    lexarium generate smollm "The capital of France is" --set max_new_tokens=20
    """
    if (prompt is None) == (options.prompts is None):
        raise click.UsageError("give PROMPT or --prompts FILE, one of the two")
    if options.system is not None and not options.chat:
        raise click.UsageError("--system goes with --chat")
    config = _config(options)
    from lexarium_transformer.verbs import generator_of  # noqa: PLC0415  numpy, only when the command runs

    asked = [prompt] if prompt is not None else _read(options)
    opened = generator_of(session.zoo, model)
    stream = sys.stdout.isatty() if options.stream is None else options.stream
    tell = _tell if stream and len(asked) == 1 and not options.as_json else None
    found = _written(session, opened, model, asked, (config, options, tell))
    if options.as_json:
        rows = [
            {"prompt": text, "text": one.text, "tokens": len(one.tokens), "ending": one.ending}
            for text, one in zip(asked, found, strict=True)
        ]
        emit_json({"model": model, "results": rows})
    elif tell:
        click.echo()
    else:
        say("\n\n".join(one.text for one in found))


@click.command()
@click.argument("model")
@click.argument("file")
@click.option("--column", help="The column with the texts, where FILE is a table.")
@click.option("--stride", type=click.IntRange(1), help="Tokens between the windows of a long text.")
@json_option
@click.pass_obj
def perplexity(
    session: Session, *, model: str, file: str, column: str | None, stride: int | None, as_json: bool
) -> None:
    """Say how well MODEL predicts the texts of FILE, one a line or a row.

    The perplexity is that of a token, and differs with the tokenizer; bits per byte can be compared.
    """
    from lexarium.generation import Perplexity  # noqa: PLC0415  only when the command runs
    from lexarium.tables import read_texts  # noqa: PLC0415  as above
    from lexarium_transformer.verbs import perplexity as measured  # noqa: PLC0415  as above

    texts = read_texts(file, column).texts
    parts = measured(session.zoo, model, texts, stride)
    whole = Perplexity.together(parts)
    if not whole.tokens:
        problem = f"none of its {len(texts)} texts has a token after its first: nothing is predicted"
        raise InputError(file, problem, "give longer texts")
    if as_json:
        emit_json({"model": model, **_scores(whole), "texts": [_scores(part) for part in parts]})
        return
    say(
        f"perplexity {whole.perplexity:.2f}, {whole.bits_per_byte:.3f} bits per byte "
        f"({whole.tokens} tokens of {len(texts)} texts)"
    )


def _scores(found: Any) -> dict[str, Any]:  # noqa: ANN401  a Perplexity, whose module is imported late
    return {
        "perplexity": found.perplexity,
        "loss": found.loss,
        "bits_per_byte": found.bits_per_byte,
        "tokens": found.tokens,
    }


def _config(options: _Options) -> GenerateConfig:
    from lexarium.generation import GenerateConfig  # noqa: PLC0415  only when the command runs

    settings = parse_settings(options.settings)
    if options.truncate is not None:
        settings["truncate"] = options.truncate
    if options.json_schema is not None:
        settings["json_schema"] = _schema(options.json_schema)
    return from_mapping(GenerateConfig, settings)


def _schema(path: Path) -> str:
    from lexarium.checkpoint.paths import read_small  # noqa: PLC0415  only when the command runs

    try:
        return read_small(path, _MOST_SCHEMA).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read: {error}", "give a file with a JSON schema") from error


def _read(options: _Options) -> list[str]:
    from lexarium.tables import read_texts  # noqa: PLC0415  csv and gzip, only when the command runs

    found = read_texts(options.prompts or "", options.column).texts
    if not found:
        note("there is no prompt in the file")
    return found


def _written(
    session: Session,
    opened: Generator,
    model: str,
    asked: Sequence[str],
    how: tuple[GenerateConfig, _Options, Callable[[str], object] | None],
) -> list[Generated]:
    config, options, tell = how
    if options.chat:
        write = _answering(opened, model, options.system, config)
    else:

        def write(texts: Sequence[str], tell: Callable[[str], object] | None) -> list[Generated]:
            return opened.generate(texts, config, tell)

    if len(asked) == 1:
        return write(asked, tell)
    found: list[Generated] = []
    with session.progress() as progress:
        for start in range(0, len(asked), _TOGETHER):
            found += write(asked[start : start + _TOGETHER], None)
            progress("write", len(found), len(asked))
    return found


def _answering(
    opened: Generator, model: str, system: str | None, config: GenerateConfig
) -> Callable[[Sequence[str], Callable[[str], object] | None], list[Generated]]:
    """Return what answers messages, together where the model can."""
    from lexarium.generation import Chats  # noqa: PLC0415  only when the command runs
    from lexarium_transformer.verbs import ChatsTogether  # noqa: PLC0415  as above

    if not isinstance(opened, Chats):
        raise UnsupportedError(f"{model} answers no messages", "give it a plain prompt, without --chat")
    first = [] if system is None else [{"role": "system", "content": system}]

    def _answers(texts: Sequence[str], tell: Callable[[str], object] | None) -> list[Generated]:
        chats = [[*first, {"role": "user", "content": text}] for text in texts]
        if isinstance(opened, ChatsTogether) and tell is None:
            return opened.chat_all(chats, config)
        return [opened.chat(messages, config, tell) for messages in chats]

    return _answers


def _tell(text: str) -> None:
    click.echo(printable(text), nl=False)
