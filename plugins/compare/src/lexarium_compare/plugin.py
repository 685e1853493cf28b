"""What this distribution offers: the command and the verb ``compare``."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command

__all__ = ["lexarium_commands"]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Offer ``lexarium compare`` and ``zoo.compare``."""
    return [
        Command(
            name="compare",
            summary="Compare representations on your own labelled table.",
            command="lexarium_compare.cli:compare",
            verb="lexarium_compare.comparison:compare",
        )
    ]
