"""Two commands: one that works, and one that fails in the way that it is asked to, or says if it may ask."""

from __future__ import annotations

import errno
import os

import click

from lexarium.cli.session import emit_json, json_option, say
from lexarium.errors import DataError

_FAILURES = {
    "ours": DataError("the first line\nand the second", "do something"),
    "disk": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.bin"),
    "bare": OSError("something odd"),
    "memory": MemoryError(),
    "interrupt": KeyboardInterrupt(),
    "bug": ZeroDivisionError("a bug"),
    "done": SystemExit(0),
    "quit": SystemExit(3),
}


@click.command()
@click.argument("text")
@json_option
def shout(text, as_json):
    """Say TEXT in capitals."""
    if as_json:
        emit_json({"text": text.upper()})
    else:
        say(text.upper())


@click.command()
@click.argument("kind", type=click.Choice(sorted([*_FAILURES, "online"])))
def fail(kind):
    """Fail as KIND says."""
    if kind == "online":
        raise DataError(f"HF_HUB_OFFLINE is {os.environ.get('HF_HUB_OFFLINE')}", "unset it")
    raise _FAILURES[kind]
