"""What this distribution offers: the method ``static``, and the command that distils one."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, Method

__all__ = ["lexarium_commands", "lexarium_methods"]

_AT = "lexarium_distill"


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    summary = "Static vectors of an encoder's tokens, distilled or read from model2vec's folders, averaged"
    names = {"embedder": f"{_AT}.embedder:Static", "config": f"{_AT}.config:StaticModelConfig"}
    names |= {"reader": f"{_AT}.formats:read", "adopter": f"{_AT}.adopting:adopt"}
    forms = {"model2vec": f"{_AT}.formats:write"}
    return [Method(name="static", summary=summary, exports=forms, cost=1, **names)]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Return the command and its Python verb."""
    summary = "Make a static model out of a sentence encoder."
    return [
        Command(name="distill", summary=summary, command=f"{_AT}.cli:distill", verb=f"{_AT}.verbs:distill")
    ]
