"""``lexarium verify``, ``repair`` and ``gc``."""

from __future__ import annotations

from dataclasses import asdict

import click

from lexarium.cli.session import Session, counted, emit_json, human_bytes, json_option, note, say
from lexarium.errors import CheckpointError
from lexarium_registry.repair import repair
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import gc
from lexarium_registry.verify import verify_versions

__all__ = ["gc_", "repair_", "verify_"]

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


@click.command("verify")
@click.argument("model", required=False)
@click.option("--golden", is_flag=True, help="Also run the model on its golden inputs.")
@json_option
@click.pass_obj
def verify_(session: Session, *, model: str | None, golden: bool, as_json: bool) -> None:
    """Re-hash the files of MODEL, or of every stored model, and say which are damaged."""
    found = _one(session, model, golden=golden) if model else _all(session, golden=golden)
    if as_json:
        emit_json([{"model": m, "ok": not problems, "problems": problems} for m, problems in found.items()])
    else:
        for reference, problems in found.items():
            say(f"{reference}: {'ok' if not problems else 'damaged: ' + '; '.join(problems)}")
    bad = {reference: problems for reference, problems in found.items() if problems}
    if bad:
        reference, problems = next(iter(bad.items()))
        more = f" (and {len(bad) - 1} more damaged)" if len(bad) > 1 else ""
        remedy = "type: lexarium repair"
        if len(bad) == 1:
            remedy += f", or remove it (lexarium remove {reference}) and store it again"
        raise CheckpointError(reference, "; ".join(problems) + more, remedy)


@click.command("repair")
@_dry_run
@json_option
@click.pass_obj
def repair_(session: Session, *, dry_run: bool, as_json: bool) -> None:
    """Take out what is damaged and put back what can be found; nothing is fetched, nothing good is lost.

    Damaged files go to the folder quarantine of the store, which gc empties after a week. It ends
    with 1 where a model is not whole all the same.
    """
    with session.progress() as progress:
        report = repair(session.zoo, dry_run=dry_run, progress=progress)
    if as_json:
        emit_json(report.to_json())
    else:
        if dry_run and report.done:
            note("nothing is done yet; without --dry-run this would be:")
        missing = [f"{model} is not whole: {remedy}" for model, remedy in report.missing.items()]
        say("\n".join([*report.done, *missing]) or "all is well")
    if report.missing:
        model, remedy = next(iter(report.missing.items()))
        more = f" (and {len(report.missing) - 1} more)" if len(report.missing) > 1 else ""
        raise CheckpointError(model, f"not whole{more}", remedy)


@click.command("gc")
@_dry_run
@json_option
@click.pass_obj
def gc_(session: Session, *, dry_run: bool, as_json: bool) -> None:
    """Free the files that no stored version needs, and what was left behind more than a week ago.

    Left behind are downloads that were given up, damaged files that repair took out, and indexes, made more
    than a week ago, of words that no stored model has.
    """
    freed = gc(session.zoo, dry_run=dry_run)
    if as_json:
        emit_json(asdict(freed) | {"dry_run": dry_run})
        return
    for kind, size in sorted(freed.kinds.items()):
        say(f"{kind}: {human_bytes(size)}")
    say(
        f"{'would free' if dry_run else 'freed'} {human_bytes(freed.bytes)} in {counted(freed.files, 'file')}"
    )


def _one(session: Session, reference: str, *, golden: bool) -> dict[str, list[str]]:
    return {reference: list(session.zoo.verify(reference, golden=golden))}


def _all(session: Session, *, golden: bool) -> dict[str, list[str]]:
    store = session.zoo.store
    versions = [(name, version) for name in store.names() for version in store.versions(name)]
    if not isinstance(store, LocalStore):
        return {f"{n}@{v}": list(session.zoo.verify(f"{n}@{v}", golden=golden)) for n, v in versions}
    with session.progress() as progress:
        found = verify_versions(store, versions, progress)
    if golden:
        for reference, problems in found.items():
            problems.extend([] if problems else session.zoo.verify(reference, golden=True))
    return found
