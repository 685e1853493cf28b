"""What lexarium-registry offers: the local store and the commands about it."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, StoreKind


def _command(name: str, summary: str) -> Command:
    return Command(name=name, summary=summary, command=f"lexarium_registry.cli:{name}_")


@hookimpl
def lexarium_stores() -> list[StoreKind]:
    """Offer the store on this machine's disk."""
    return [
        StoreKind(name="local", summary="Models on this disk.", store="lexarium_registry.store:LocalStore")
    ]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Offer what people do with stored models."""
    return [
        _command("list", "Stored models and their versions."),
        _command("show", "All that is known of one stored model."),
        _command("remove", "Remove a stored model, or one version of it."),
        _command("verify", "Re-hash stored files and say which are damaged."),
    ]
