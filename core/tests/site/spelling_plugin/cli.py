"""Two commands: one that works, and one that fails in the way that it is asked to."""

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
@click.argument("kind", type=click.Choice(sorted(_FAILURES)))
def fail(kind):
    """Fail as KIND says."""
    raise _FAILURES[kind]
