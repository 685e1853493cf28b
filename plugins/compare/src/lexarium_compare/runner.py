"""Run a candidate in a fresh process, and turn whatever becomes of it into an outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Literal

from lexarium_compare.figures import one_line
from lexarium_compare.task import Failure, Measured, read_result

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium_compare.task import Task

__all__ = ["Outcome", "run_task"]

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
)
_TAIL = 16_384


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a candidate: numbers, or a reason."""

    status: Literal["ok", "failed", "skipped", "timeout"]
    measured: Measured | None = None
    error: str | None = None


def run_task(task: Task, folder: Path, *, rows: int, deadline: float | None = None) -> Outcome:
    """Run one task in ``folder``, an empty private folder, until ``deadline`` (of the monotonic clock).

    ``rows`` is the number of predictions to expect. All that the process started is killed when it
    ends; the process itself too at the deadline, and when the caller is interrupted.
    """
    task.write(folder / "task.json")
    result, log = folder / "result.json", folder / "log"
    # -P: a module of the user's working folder must not stand in for one of ours.
    command = [sys.executable, "-P", "-m", "lexarium_compare.worker", str(folder / "task.json"), str(result)]
    started = monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603  our own module, run by our own interpreter
            command,
            stdin=subprocess.PIPE,  # never written to: it closes when this process dies
            stdout=out,
            stderr=out,
            env=_environment(task),
            start_new_session=True,
        )
        try:
            process.wait(None if deadline is None else max(0.0, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            return Outcome(
                status="timeout", error=f"ended after {monotonic() - started:.0f} s, its share of the budget"
            )
        finally:
            _end(process)
    if not result.exists():
        return Outcome(status="failed", error=_why(process.returncode, _last_line(log)))
    try:
        found = read_result(result, rows, len(task.labels))
    except (OSError, ValueError, RecursionError) as error:
        return Outcome(status="failed", error=one_line(f"its result cannot be used: {error}"))
    if isinstance(found, Failure):
        return Outcome(status="failed", error=one_line(found.reason))
    return Outcome(status="ok", measured=found)


def _environment(task: Task) -> dict[str, str]:
    threads = dict.fromkeys(_THREAD_VARIABLES, str(task.threads))
    # gensim seeds its vectors with hash(), which differs between processes unless this is set.
    fixed = {"TOKENIZERS_PARALLELISM": "false", "PYTHONHASHSEED": str(task.seed % 2**32)}
    return {**os.environ, **threads, **fixed}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it started: a child may outlive a parent that has ended by itself."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # none is left, or (macOS) none but the dead
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _why(code: int, line: str) -> str:
    if code < 0:
        names = {member.value: member.name for member in signal.Signals}
        name = names.get(-code, f"signal {-code}")
        cause = "killed by SIGKILL (out of memory?)" if name == "SIGKILL" else f"crashed with {name}"
    else:
        cause = f"ended without a result (exit status {code})"
    return one_line(f"{cause}: {line}" if line else cause)


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "")
