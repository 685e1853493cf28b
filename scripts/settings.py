"""The page of settings: of counting and static methods, what their config classes say of each."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lexarium.host import Host

__all__ = ["settings"]

METHODS = ("bow", "tfidf", "word2vec", "glove", "fasttext")
INTRO = """# Settings

Written by `make docs`; not edited by hand. What `--set KEY=VALUE` and `config={"key": value}` take; a value
out of range is an error that says the range. Those of encoders and decoders stand in [methods](methods.md).
"""
_ENTRY = re.compile(r"((?:``\w+``(?:, )?)+)\s+(.*)")
_ALONE = re.compile(r"For (.*) alone:")
_ROLE = re.compile(r":\w+:`~?([\w.]+)`")
_TYPES = {bool: "true, false", int: "whole number", float: "number", str: "text", type(None): "none"}


def settings() -> str:
    """Return the page."""
    host = Host.discover()
    return "\n".join([INTRO, *(_section(name, host.method(name).load_config()) for name in METHODS)])


def _section(name: str, config: type[Any]) -> str:
    told, hints = _told(config), get_type_hints(config)
    rows = [
        f"| `{f.name}` | {_typed(f.default)} | {_values(hints[f.name])} | {told.get(f.name, '')} |"
        for f in fields(config)
    ]
    return "\n".join(
        [f"## {name}\n", "| setting | default | values | what it is |", "|---|---|---|---|", *rows, ""]
    )


def _told(config: type[Any]) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say of each setting; its own comes last."""
    told: dict[str, str] = {}
    for base in reversed(config.__mro__):
        if "__annotations__" not in vars(base):
            continue
        names: list[str] = []
        alone = ""  # what the settings that follow are for, where a heading says so
        for line in inspect.cleandoc(base.__doc__ or "").splitlines():
            entry, heading = _ENTRY.match(line), _ALONE.fullmatch(line)
            if heading:
                alone = f"{heading[1]}: "
            elif entry:
                names = re.findall(r"\w+", entry[1])
                told |= dict.fromkeys(names, alone + entry[2])
            elif line.startswith(" ") and names:
                told |= {name: f"{told[name]} {line.strip()}" for name in names}
            else:
                names = []
    return {name: _markdown(text) for name, text in told.items()}


def _markdown(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`").replace("|", "\\|")


def _typed(value: object) -> str:
    if value is None:
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _values(hint: Any) -> str:  # noqa: ANN401  any annotation
    if get_origin(hint) is Literal:
        return ", ".join("none" if value is None else f"`{value}`" for value in get_args(hint))
    if get_origin(hint) in {Union, UnionType}:
        return ", ".join(_values(part) for part in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list: {_values(get_args(hint)[0])}"
    return _TYPES[hint]
