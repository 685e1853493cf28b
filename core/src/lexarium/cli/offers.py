"""``lexarium methods`` and ``lexarium plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lexarium.cli.session import Session, emit_json, json_option, say, table
from lexarium.errors import PluginError
from lexarium.method import resolve

if TYPE_CHECKING:
    from lexarium.host import Descriptor, Plugin

__all__ = ["doctor", "list_", "methods", "plugins"]

_KINDS = ("embedder", "head", "fuser")
_TARGETS = (
    "embedder",
    "head",
    "fuser",
    "config",
    "trainer",
    "labelled",
    "reader",
    "updater",
    "merger",
    "command",
    "verb",
    "store",
)


@click.command()
@json_option
@click.pass_obj
def methods(session: Session, *, as_json: bool) -> None:
    """Embedders, heads and fusers that the installed plugins offer."""
    rows = [
        {
            "name": offer.descriptor.name,
            "kind": offer.descriptor.kind,
            "summary": offer.descriptor.summary,
            "plugin": offer.plugin.name,
            "version": offer.plugin.version,
        }
        for kind in _KINDS
        for offer in session.host.offers(kind)
    ]
    if as_json:
        emit_json(rows)
    else:
        say(table(["name", "kind", "summary", "plugin", "version"], [list(row.values()) for row in rows]))


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def plugins(ctx: click.Context, *, as_json: bool) -> None:
    """Installed plugins and their status (ok, disabled, incompatible, invalid, broken)."""
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, as_json=as_json)


@plugins.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """Installed plugins and their status."""
    _list(session, as_json=as_json)


@plugins.command()
@json_option
@click.pass_obj
def doctor(session: Session, *, as_json: bool) -> None:
    """Import all that each plugin offers and say what is wrong; exit 1 if anything is."""
    findings = [
        {"name": plugin.name, "status": plugin.status, "problems": _problems(plugin)}
        for plugin in session.host.plugins
    ]
    if as_json:
        emit_json(findings)
    else:
        for plugin, finding in zip(session.host.plugins, findings, strict=True):
            say(f"{plugin.name} ({plugin.distribution} {plugin.version}): {plugin.status}")
            for problem in finding["problems"]:
                say(f"    {problem}")
            if plugin.trace:
                say("    " + plugin.trace.rstrip().replace("\n", "\n    "))
    ill = [str(finding["name"]) for finding in findings if finding["problems"]]
    if ill:
        raise PluginError(f"{len(ill)} of {len(findings)} plugins need attention: {', '.join(ill)}")


def _list(session: Session, *, as_json: bool) -> None:
    found = session.host.plugins
    if as_json:
        emit_json(
            [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "status": plugin.status,
                    "provides": plugin.provides,
                    "error": plugin.error or None,
                }
                for plugin in found
            ]
        )
        return
    rows = [[p.name, p.distribution, p.version, p.status, p.error or ", ".join(p.provides)] for p in found]
    say(table(["name", "distribution", "version", "status", "provides, or what is wrong"], rows))


def _problems(plugin: Plugin) -> list[str]:
    if plugin.status == "disabled":
        return []
    problems = [f"{plugin.status}: {plugin.error}"] if plugin.status != "ok" else []
    return problems + [problem for offer in plugin.offers for problem in _unresolved(offer)]


def _unresolved(descriptor: Descriptor) -> list[str]:
    problems = []
    for target in (getattr(descriptor, field, None) for field in _TARGETS):
        if not isinstance(target, str):
            continue
        try:
            resolve(target)
        except PluginError as error:
            problems.append(f"{descriptor.kind} {descriptor.name}: {error}")
    return problems
