from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from lexarium_compare.runner import Outcome, run_task
from lexarium_compare.task import Task, write_rows

if TYPE_CHECKING:
    from pathlib import Path

_LABELS = ["no", "yes"]
_TEST = ["ggg", "a", "ggg", "b"]


@pytest.fixture
def run(stranger: Path, tmp_path: Path):
    def start(reference: str, *, deadline: float | None = None, kind: Any = "method") -> Outcome:
        return run_task(
            make_task(reference, kind, stranger, tmp_path), tmp_path, rows=len(_TEST), deadline=deadline
        )

    return start


def make_task(reference: str, kind: Any, root: Path, folder: Path, *, times: int = 12) -> Task:
    rows = [["g" * 3, 1], ["other", 0]] * times + [["none", 0]]
    write_rows(folder / "train.jsonl", rows)
    write_rows(folder / "test.jsonl", _TEST)
    return Task(
        kind=kind,
        reference=reference,
        config={},
        head="classifier",
        home=str(root / "home"),
        train=str(folder / "train.jsonl"),
        test=str(folder / "test.jsonl"),
        labels=_LABELS,
        threads=1,
        seed=0,
    )


def test_a_candidate_that_works_is_measured(run):
    outcome = run("method:stranger-works")
    assert outcome.error is None
    measured = outcome.measured
    assert measured.predicted == (1, 0, 1, 0)
    assert measured.train_seconds > 0
    assert measured.rows_per_second > 0
    assert 0 < measured.latency_ms_p50 <= measured.latency_ms_p95
    assert measured.size_bytes > 100
    assert measured.peak_memory_bytes > 2**20


def test_the_majority_class_answers_the_same_to_every_text(run):
    outcome = run("", kind="majority")
    assert outcome.measured.predicted == (0, 0, 0, 0)
    assert outcome.measured.size_bytes == len("no")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("raises", "ValueError: the first line and the second"),
        ("exits", "its code called sys.exit(3)"),
        ("vanishes", "ended without a result (exit status 0): nothing to see"),
        ("dies", "killed by SIGKILL (out of memory?): last words"),
    ],
)
def test_whatever_ends_a_candidate_is_a_reason_in_one_line(how: str, reason: str, run):
    assert run(f"method:stranger-{how}") == Outcome(status="failed", error=reason)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX sessions and locks")
def test_what_a_candidate_started_does_not_outlive_it(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import fcntl

    monkeypatch.setenv("STRANGER_LOCK", str(tmp_path / "lock"))
    assert run("method:stranger-forks").status == "ok"
    with (tmp_path / "lock").open() as file:
        for _ in range(200):  # a killed process lets go of its lock when the system gets to it
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return
    pytest.fail("the child still holds its lock")


def test_what_training_needs_is_imported_before_the_clock_starts(stranger: Path, run, tmp_path: Path):
    assert run("method:stranger-looks").error is None
    import stranger_plugin

    from lexarium_compare.worker import measure

    def clock() -> float:
        stranger_plugin.EVENTS.append("clock")
        return float(len(stranger_plugin.EVENTS))

    (tmp_path / "mine").mkdir()
    task = make_task("method:stranger-looks", "method", stranger, tmp_path / "mine")
    stranger_plugin.EVENTS.clear()
    measured = measure(task, tmp_path / "mine", clock)
    assert stranger_plugin.EVENTS[:4] == ["tiny", "clock", "fit", "clock"]
    assert measured.train_seconds == 2


def test_training_rows_are_embedded_a_batch_at_a_time(stranger: Path, tmp_path: Path):
    task = make_task("method:stranger-works", "method", stranger, tmp_path, times=600)
    assert run_task(task, tmp_path, rows=len(_TEST)).error is None


def test_an_error_of_ours_is_given_as_it_is(run):
    outcome = run("method:no-such-method")
    assert outcome.status == "failed"
    assert outcome.error.startswith("no embedder named 'no-such-method'")


def test_a_candidate_that_is_late_is_ended(run):
    outcome = run("method:stranger-sleeps", deadline=time.monotonic() + 1.5)
    assert outcome.status == "timeout"
    assert outcome.error.endswith("its share of the budget")


def test_threads_and_seed_are_fixed_in_the_workers_environment(
    stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from lexarium_compare.runner import _environment

    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    environment = _environment(make_task("", "majority", stranger, tmp_path))
    names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
    assert {environment[f"{name}_NUM_THREADS"] for name in names} == {"1"}
    assert environment["VECLIB_MAXIMUM_THREADS"] == environment["RAYON_NUM_THREADS"] == "1"
    assert environment["TOKENIZERS_PARALLELISM"] == "false"
    assert environment["PATH"] == os.environ["PATH"]


def test_a_worker_ends_when_its_parent_is_gone(stranger: Path, tmp_path: Path):
    task = make_task("method:stranger-sleeps", "method", stranger, tmp_path)
    task.write(tmp_path / "task.json")
    command = [
        sys.executable,
        "-m",
        "lexarium_compare.worker",
        str(tmp_path / "task.json"),
        str(tmp_path / "r"),
    ]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        worker.stdin.close()
        assert worker.wait(60) == 1
    finally:
        worker.kill()
        worker.wait()


def test_a_module_in_the_working_folder_does_not_stand_in_for_one_of_ours(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "json.py").write_text("raise RuntimeError('not this one')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run("", kind="majority").status == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code", "said"), [(2, 130, "Interrupted."), (15, 143, ""), (1, 129, "")])
def test_an_interrupt_ends_the_candidate_and_leaves_nothing_behind(
    number: int, code: int, said: str, stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data, scratch, mark = tmp_path / "data.csv", tmp_path / "scratch", tmp_path / "pid"
    lines = [f"{'g' * (i % 2)}{i},{i % 2}" for i in range(40)]
    data.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("STRANGER_PID", str(mark))
    # A shell's background jobs ignore SIGINT, nohup's SIGHUP, and their children inherit that.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    program += "from lexarium.__main__ import main; main()"
    command = [sys.executable, "-c", program, "compare", str(data), "--text", "text", "--label", "label"]
    parent = subprocess.Popen([*command, "--models", "stranger-sleeps"], stderr=subprocess.PIPE)
    try:
        worker = _await_number(mark, parent)
        assert any(scratch.iterdir())
        parent.send_signal(number)
        _, complaint = parent.communicate(timeout=60)
    finally:
        parent.kill()
        parent.wait()
    assert parent.returncode == code
    assert complaint.decode().strip() == said
    assert list(scratch.iterdir()) == []
    assert not _runs(worker)


def _await_number(path: Path, parent: subprocess.Popen[bytes]) -> int:
    while parent.poll() is None:
        if path.exists() and (text := path.read_text(encoding="ascii")):
            return int(text)
        time.sleep(0.05)
    raise AssertionError(parent.stderr.read().decode())


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
