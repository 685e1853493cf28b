"""A model tried on its golden inputs in a fresh process, from its files."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from lexarium.checkpoint.folder import read_golden, verify_files, verify_spaces
from lexarium.checkpoint.golden import check_golden
from lexarium.errors import CheckpointError, LexariumError
from lexarium.shelf import Shelf

__all__ = ["prove_golden"]

_LONGEST = 1800.0  # seconds
_SHOWN = 400
_HASH = "--hash"


def prove_golden(home: Path, reference: str, *, hashes: bool = False) -> None:
    """Open a model in another process, compute the ids of its spaces again, and compare its golden rows.

    ``reference`` names a model in the store at ``home``, or a folder; with ``hashes`` its files are hashed
    first.

    :raises CheckpointError: a row has drifted, a space has another id, a file is damaged, the model cannot be
        opened, or the process dies of it.
    """
    # -P: a module of the user's working folder must not stand in for one of ours.
    command = [sys.executable, "-P", "-m", __spec__.name, str(home), reference, *([_HASH] if hashes else [])]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_LONGEST)  # noqa: S603  our own module
    except subprocess.TimeoutExpired as error:
        raise CheckpointError(reference, f"it was not tried in {_LONGEST:.0f} seconds", _DRIFTED) from error
    try:
        problems, remedy = json.loads(done.stdout)
    except ValueError as error:
        says = done.stderr.decode("utf-8", "replace").strip().splitlines()
        last = says[-1][-_SHOWN:] if says else "without a word"
        problem = f"the process that tried it ended with {done.returncode}: {last}"
        raise CheckpointError(reference, problem, _DRIFTED) from error
    if problems:
        raise CheckpointError(reference, "; ".join(problems), remedy)


_DRIFTED = "its golden rows were not reproduced here, so it is refused"
_DAMAGED = "it is not what its manifest says, so it is refused"
_SHUT = "it cannot be opened here, so it is refused"


def _tried(home: Path, reference: str, *, hashes: bool) -> tuple[list[str], str]:
    """Return what is wrong, one sentence each, and what follows from that."""
    shelf = Shelf(home)
    try:
        stored = shelf.store.resolve(reference)
        wrong = list(verify_files(stored.manifest, stored.locate, spaces=False)) if hashes else []
        wrong = wrong or list(verify_spaces(stored.manifest, stored.locate))
        if wrong:
            return wrong, _DAMAGED
        model, golden = shelf.load(reference), read_golden(stored.manifest, stored.locate)
    except LexariumError as error:
        return [str(error)], _SHUT
    try:
        return check_golden(model, golden), _DRIFTED
    except LexariumError as error:
        return [str(error)], _DRIFTED


def _main() -> None:
    home, reference, *flags = sys.argv[1:]
    with redirect_stdout(sys.stderr):  # what a plugin prints is no result
        found = _tried(Path(home), reference, hashes=_HASH in flags)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main()
