"""``lexarium diff``, ``lock``, ``bundle`` and ``unbundle``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexarium.cli.session import Session, emit_json, human_bytes, json_option, note, say, table
from lexarium_registry.bundle import bundle, unbundle
from lexarium_registry.diff import diff
from lexarium_registry.lockfile import LOCKFILE, lock, write_lock

if TYPE_CHECKING:
    from lexarium_registry.diff import Difference, TensorChange

__all__ = ["bundle_", "diff_", "lock_", "unbundle_"]


@click.command("diff")
@click.argument("a")
@click.argument("b")
@json_option
@click.pass_obj
def diff_(session: Session, *, a: str, b: str, as_json: bool) -> None:
    """Show what model B has otherwise than model A: settings, tensors, golden rows, metrics, licence."""
    found = diff(session.zoo, a, b)
    if as_json:
        emit_json(found.to_json())
        return
    same = (
        "one space: their vectors may be mixed"
        if found.same_space
        else "two spaces: do not mix their vectors"
    )
    say(f"{found.a} and {found.b} are {'the same; ' if found.is_empty else ''}of {same}")
    if rows := _rows(found):
        say(table(["", found.a, found.b, "change"], rows))


@click.command("lock")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=LOCKFILE, show_default=True)
@json_option
@click.pass_obj
def lock_(session: Session, *, models: tuple[str, ...], out: Path, as_json: bool) -> None:
    """Write down exactly which models these are, or all newest versions, for `pull --locked`."""
    locked = lock(session.zoo, models)
    write_lock(out, locked)
    if as_json:
        emit_json([asdict(model) for model in locked])
        return
    say(f"locked {len(locked)} models in {out}")
    here = [model.name for model in locked if model.reference is None]
    if here:
        note(f"made here, so no pull can bring them elsewhere: {', '.join(here)}; push or bundle them")


@click.command("bundle")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@json_option
@click.pass_obj
def bundle_(session: Session, *, models: tuple[str, ...], out: Path, as_json: bool) -> None:
    """Put models into one file, which `unbundle` stores on a machine without network."""
    with session.progress() as progress:
        bundled = bundle(session.zoo, models, out, progress)
    names = [f"{stored.name}@{stored.version}" for stored in bundled]
    if as_json:
        emit_json({"bundled": names, "path": str(out), "size_bytes": out.stat().st_size})
    else:
        say(f"bundled {', '.join(names)} in {out} ({human_bytes(out.stat().st_size)})")


@click.command("unbundle")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def unbundle_(session: Session, *, path: Path, as_json: bool) -> None:
    """Store the models of a bundle: all of it is checked first. A model that is there is not stored twice."""
    with session.progress() as progress:
        found = unbundle(session.zoo, path, progress)
    if as_json:
        emit_json([{"name": s.name, "version": s.version, "new": new} for s, new in found])
        return
    for stored, new in found:
        say(f"{stored.name}@{stored.version} {'is stored' if new else 'is there already'}")


def _rows(found: Difference) -> list[list[str]]:
    rows = [
        [f"{kind}{key}", _shown(change.before), _shown(change.after), ""]
        for kind, changes in (
            ("", found.facts),
            ("config ", found.config),
            ("metric ", found.metrics),
            ("file ", found.files),
        )
        for key, change in changes.items()
    ]
    rows += [[f"tensor {name}", shape, "-", "removed"] for name, shape in found.tensors_removed.items()]
    rows += [[f"tensor {name}", "-", shape, "added"] for name, shape in found.tensors_added.items()]
    rows += [
        [f"tensor {name}", change.before, change.after, _size(change)]
        for name, change in found.tensors_changed.items()
    ]
    drift = found.golden
    if drift is not None and not found.is_empty:
        says = f"{drift.inputs} inputs in both"
        if drift.largest is not None and drift.lowest_cosine is not None:
            says += f", off by at most {drift.largest:.3g}, cosine at least {drift.lowest_cosine:.6f}"
        rows.append(["golden rows", "", "", says])
    return rows


def _size(change: TensorChange) -> str:
    if change.differing is None:
        return "another shape or type"
    relative = "" if change.relative is None else f", {change.relative:.3g} of its length"
    return f"{change.differing} numbers, by at most {change.largest:.3g}{relative}"


def _shown(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004  a column of a terminal
