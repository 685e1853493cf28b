"""``lexarium pull`` and ``lexarium push``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexarium.cli.session import (
    Session,
    emit_json,
    human_bytes,
    json_option,
    note,
    offline_option,
    packed,
    say,
)
from lexarium_registry.locked_pull import pull_locked
from lexarium_registry.lockfile import LOCKFILE
from lexarium_registry.pull import pull
from lexarium_registry.push import push
from lexarium_registry.transfer import Transfer

if TYPE_CHECKING:
    from lexarium_registry.pull import Pulled

__all__ = ["pull_", "push_"]


@dataclass(frozen=True, kw_only=True)
class _What:
    """What to pull: one reference, or all of a lock file."""

    reference: str | None
    name: str | None
    locked: bool
    lock: Path


@dataclass(frozen=True, kw_only=True)
class _How:
    """How to push."""

    licence: str | None
    private: bool
    tag: str | None


@click.command("pull")
@click.argument("reference", required=False, metavar="REF")
@click.option("--name", help="What to store it as; by default the repository's own name.")
@click.option("--locked", is_flag=True, help="Pull every model of the lock file, exactly as it was locked.")
@click.option(
    "--lock",
    type=click.Path(path_type=Path),
    default=Path(LOCKFILE),
    show_default=True,
    help="The lock file of --locked.",
)
@offline_option()
@json_option
@packed(_What, "what")
@click.pass_obj
def pull_(session: Session, *, what: _What, as_json: bool) -> None:
    """Pull the model REF, hf://org/repo or hf://org/repo@revision, into the store.

    A name that `lexarium search` shows does as well; the model is then stored under it.
    A repository that Lexarium did not write is read by the installed method that recognises it.
    """
    if what.locked == (what.reference is not None) or (what.locked and what.name):
        either = "a reference (hf://org/repo, or a name of lexarium search) and perhaps --name"
        raise click.UsageError(f"give {either}, or --locked alone")
    with session.progress() as progress:
        transfer = Transfer(progress=progress)
        if what.reference is None:
            done = pull_locked(session.zoo, what.lock, transfer=transfer)
        else:
            done = [pull(session.zoo, what.reference, name=what.name, transfer=transfer)]
    if as_json:
        emit_json([asdict(each) for each in done] if what.locked else asdict(done[0]))
        return
    for each in done:
        say(_sentence(each))


@click.command("push")
@click.argument("model")
@click.argument("reference", metavar="REF")
@click.option("--license", "licence", metavar="SPDX", help="The licence to push it under.")
@click.option("--private", is_flag=True, help="A repository that has to be made is private.")
@click.option("--tag", help="A tag for the commit.")
@json_option
@packed(_How, "how")
@click.pass_obj
def push_(session: Session, *, model: str, reference: str, how: _How, as_json: bool) -> None:
    """Push the stored MODEL to REF, hf://org/repo, in one commit.

    The repository is made where there is none. Files of other people in it are left alone.
    """
    with session.progress() as progress:
        done = push(
            session.zoo,
            model,
            reference,
            license=how.licence,
            private=how.private,
            tag=how.tag,
            transfer=Transfer(progress=progress),
        )
    for each in done.notes:
        note(f"Note: {each}")
    if as_json:
        emit_json(asdict(done))
    elif done.sent:
        say(f"pushed {done.model} to {done.reference}: {len(done.sent)} files, commit {done.commit}")
    else:
        say(f"{done.model} is in {done.reference} already: commit {done.commit}")


def _sentence(done: Pulled) -> str:
    where = f" from {done.reference}" if done.reference else ""
    if not done.new:
        return f"{done.model} is there already{where}"
    return f"stored {done.model}{where}: {human_bytes(done.fetched)} fetched, commit {done.commit}"
