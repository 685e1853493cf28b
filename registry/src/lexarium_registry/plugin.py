"""What lexarium-registry offers: the local store and the commands about it."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, StoreKind
from lexarium_registry.offers import COMMANDS


@hookimpl
def lexarium_stores() -> list[StoreKind]:
    """Offer the store on this machine's disk."""
    return [
        StoreKind(name="local", summary="Models on this disk.", store="lexarium_registry.store:LocalStore")
    ]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Offer what people do with stored models."""
    return COMMANDS
