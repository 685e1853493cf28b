"""What lexarium-registry offers: the local store and the commands about it."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, StoreKind


def _command(name: str, module: str, summary: str, verb: str | None = None) -> Command:
    target = f"lexarium_registry.{module}:{name}_"
    return Command(
        name=name, summary=summary, command=target, verb=f"lexarium_registry.{verb}" if verb else None
    )


_COMMANDS = [
    _command("list", "cli_store", "Stored models and their versions."),
    _command("show", "cli_store", "All that is known of one stored model."),
    _command("remove", "cli_store", "Remove a stored model, or one version of it."),
    _command("tag", "cli_store", "Put a word on a version: NAME@WORD then stands for it."),
    _command("alias", "cli_store", "Give a stored model a second name."),
    _command("set", "cli_store", "State licence, languages or limits of a stored model.", "editing:edit"),
    _command("verify", "cli_care", "Re-hash stored files and say which are damaged."),
    _command("repair", "cli_care", "Take out what is damaged, put back what can be found.", "repair:repair"),
    _command("gc", "cli_care", "Free the files that no stored model needs.", "sweep:gc"),
    _command("diff", "cli_carry", "What two models differ in.", "diff:diff"),
    _command("pull", "cli_hub", "Fetch a model from the Hub into the store.", "pull:pull"),
    _command("push", "cli_hub", "Put a stored model on the Hub.", "push:push"),
    _command("search", "cli_catalog", "Find published models in the catalogue.", "catalog.entries:search"),
    _command("lock", "cli_carry", "Write down exactly which models are used.", "lockfile:lock"),
    _command("bundle", "cli_carry", "Put models into one file, to carry them.", "bundle:bundle"),
    _command("unbundle", "cli_carry", "Store the models of a bundle.", "bundle:unbundle"),
]


@hookimpl
def lexarium_stores() -> list[StoreKind]:
    """Offer the store on this machine's disk."""
    return [
        StoreKind(name="local", summary="Models on this disk.", store="lexarium_registry.store:LocalStore")
    ]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Offer what people do with stored models."""
    return _COMMANDS
