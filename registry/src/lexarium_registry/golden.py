"""A model tried on its golden inputs in a fresh process, from its files."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from lexarium.checkpoint.folder import read_golden, verify_files
from lexarium.checkpoint.golden import check_golden
from lexarium.errors import CheckpointError, LexariumError
from lexarium.shelf import Shelf

__all__ = ["prove_golden"]

_LONGEST = 1800.0  # seconds
_SHOWN = 400
_HASH = "--hash"


def prove_golden(home: Path, reference: str, *, hashes: bool = False) -> None:
    """Open a model in another process and compare its golden rows; with ``hashes``, re-hash its files first.

    ``reference`` names a model in the store at ``home``, or a folder.

    :raises CheckpointError: a row has drifted, a file is damaged, or the process dies of the model.
    """
    # -P: a module of the user's working folder must not stand in for one of ours.
    command = [sys.executable, "-P", "-m", __spec__.name, str(home), reference, *([_HASH] if hashes else [])]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_LONGEST)  # noqa: S603  our own module
    except subprocess.TimeoutExpired as error:
        raise CheckpointError(reference, f"it was not tried in {_LONGEST:.0f} seconds", _REMEDY) from error
    try:
        problems = json.loads(done.stdout)
    except ValueError as error:
        says = done.stderr.decode("utf-8", "replace").strip().splitlines()
        last = says[-1][-_SHOWN:] if says else "without a word"
        problem = f"the process that tried it ended with {done.returncode}: {last}"
        raise CheckpointError(reference, problem, _REMEDY) from error
    if problems:
        raise CheckpointError(reference, "; ".join(problems), _REMEDY)


_REMEDY = "its golden rows were not reproduced here, so it is refused"


def _problems(home: Path, reference: str, *, hashes: bool) -> list[str]:
    shelf = Shelf(home)
    try:
        stored = shelf.store.resolve(reference)
        wrong = list(verify_files(stored.manifest, stored.locate)) if hashes else []
        if wrong:
            return wrong
        return check_golden(shelf.load(reference), read_golden(stored.manifest, stored.locate))
    except LexariumError as error:
        return [str(error)]


def _main() -> None:
    home, reference, *flags = sys.argv[1:]
    with redirect_stdout(sys.stderr):  # what a plugin prints is no result
        problems = _problems(Path(home), reference, hashes=_HASH in flags)
    sys.stdout.write(json.dumps(problems))


if __name__ == "__main__":
    _main()
