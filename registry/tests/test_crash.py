"""Killed at any moment of any deed: each version is whole or absent, and the next one goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from killed import WORKS, open_zoo
from states import facts, goes_on, lies_between, unused

from lexarium.stores import Origin
from lexarium.testing.stores import writer
from lexarium_registry.bundle import bundle
from lexarium_registry.sweep import collect

NIGHTLY = os.environ.get("LEXARIUM_NIGHTLY") == "1"
SAMPLE = 0 if NIGHTLY else 6  # moments, all of them where 0
PULLS = 120 if NIGHTLY else 6
SIZE = 2**24  # bytes that are pulled

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
ORIGIN = Origin(reference="hf://org/repo", revision="main", commit="a" * 40)


@pytest.fixture
def before(tmp_path, hub_host):
    """Give a store with a bit of everything, and some litter, as the killed processes find it."""
    zoo = open_zoo(tmp_path / "before")
    for content in (b"one", b"two", b"three"):
        zoo.store.publish("x", writer(content), origin=ORIGIN if content == b"two" else None)
    zoo.store.publish("y", writer(b"one"))
    for tag, version in (("stable", "2"), ("old", "2"), ("new", "3")):
        zoo.store.tag("x", tag, version)
    zoo.store.alias("prod", "x@stable")
    return zoo


@pytest.fixture
def killed(tmp_path):
    """Give a function that has processes killed, and returns the stores that they leave, by number."""

    def run(work, sample):
        command = [sys.executable, Path(__file__).with_name("killed.py"), tmp_path, work, str(sample)]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert len(found["killed"]) >= min(sample or 10, 4), "it was killed at all"
        return {number: open_zoo(tmp_path / str(number)).store for number in found["killed"]}

    return run


@pytest.mark.parametrize("work", [work for work in WORKS if work not in {"pull", "repair", "gc"}])
def test_each_version_is_whole_or_absent_and_the_store_goes_on(tmp_path, before, killed, work):
    other = open_zoo(tmp_path / "other")
    for name, content in (("x", b"carried"), ("z", b"one")):
        other.store.publish(name, writer(content))
    bundle(other, ["x", "z"], tmp_path / "models.tar")
    begin = facts(before.store)
    stores = killed(work, SAMPLE)
    end = facts(open_zoo(tmp_path / "all").store)
    assert not lies_between(begin, end, end)
    seen = set()
    for number, store in stores.items():
        now = facts(store)
        assert lies_between(now, begin, end), f"{work} was killed before act {number}"
        seen.add(now == begin)
        goes_on(store, writer(b"next"), collect)
    assert True in seen


@pytest.mark.parametrize("work", ["repair", "gc"])
def test_what_cares_for_a_store_loses_nothing_when_it_is_killed(tmp_path, before, killed, work):
    store = before.store
    lost = store.publish("lost", writer(b"lost"))
    digest = lost.manifest.file("content.txt").sha256
    if work == "repair":
        path = lost.locate("content.txt")
        path.chmod(0o644)
        path.write_bytes(b"tsol")
        store.layout.ref("x", "2").write_bytes(b"nonsense")
    spare = store.layout.blob("0" * 64)
    spare.parent.mkdir(exist_ok=True)
    spare.write_bytes(b"of nothing")
    damaged = {digest} if work == "repair" else set()
    stores = killed(work, SAMPLE)
    end = facts(open_zoo(tmp_path / "all").store, damaged)
    for store in stores.values():
        if work == "repair":
            open_zoo(store.home).repair()
        assert facts(store, damaged) == end
        collect(store)
        assert unused(store) == []


@pytest.fixture
def served(hub, here, lengths):
    """Put a model of 16 MiB on the hub, in as many repositories as there are processes to kill.

    A busy client has some of what went out still before it when it is killed.
    """
    lengths.note = os.urandom(SIZE)
    here.save(lengths, name="x", license="MIT")
    here.push("x", "hf://me/x")
    for number in ["all", *range(5000)]:
        hub.repositories[f"me/x{number}"] = hub.repositories["me/x"]
    return hub


def test_a_pull_that_is_killed_leaves_a_whole_version_or_none_and_goes_on_where_it_was(
    tmp_path, served, killed
):
    stores = killed("pull", PULLS)
    for number, store in stores.items():
        now = facts(store)
        assert [key for key in now if key[0] == "version"] == [("version", "x", "1")], number
        sent = sum(asked.sent for asked in served.asked if f"/x{number}/" in asked.path)
        assert SIZE < sent <= 1.3 * SIZE, f"killed before act {number}, {sent / 2**20:.1f} MiB went out"
        # What was killed when all was stored may leave second names of stored files.
        assert all(part.stat().st_nlink == 2 for part in (store.home / "partial").glob("*.part"))
        collect(store)
        assert unused(store) == []


# What a program asks of the kernel that has to do with files.
CALLS = (
    "openat,write,pwrite64,writev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,mkdir,mkdirat,rmdir,"
    "unlink,unlinkat,link,linkat,chmod,fchmod,fchmodat,utimensat,flock,close"
)
POINTS = 0 if NIGHTLY else 10  # of each deed, of all the calls that touch its store; all of them where 0


def _traces():
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "true"], capture_output=True, check=False).returncode == 0


def traced(home, work, *options):
    """Do a deed under strace; return how it ended."""
    deed = [sys.executable, str(Path(__file__).with_name("killed.py")), "once", str(home), work]
    quiet = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = ["strace", "-y", *options, *deed]
    return subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, check=False).returncode


def calls_on(home, work, trace):
    """Return the calls by which a deed touches its store: a name, and the number among those of the name."""
    assert traced(home, work, "-o", str(trace), "-e", f"trace={CALLS}") == 0
    counts, found = Counter(), []
    for line in trace.read_text("utf-8", "replace").splitlines():
        name = line.partition("(")[0]
        counts[name] += 1
        if str(home) in line:
            found.append((name, counts[name]))
    return found


@pytest.mark.parametrize("work", ["save", "remove one", "pull"])
def test_killed_at_any_system_call_it_leaves_each_version_whole_or_absent(tmp_path, before, served, work):
    if not _traces():
        assert not NIGHTLY, "the nightly run needs strace, and a process that may be traced"
        pytest.skip("there is no strace here, or no process may be traced")
    first = tmp_path / "all"
    shutil.copytree(before.home, first)
    begin = facts(before.store)
    calls = calls_on(first, work, tmp_path / "trace")
    end = facts(open_zoo(first).store)
    assert len(calls) > 40
    points = POINTS or len(calls)
    chosen = [calls[n * (len(calls) - 1) // (points - 1)] for n in range(points)]

    def kill(number, call):
        home, (name, count) = tmp_path / str(number), call
        shutil.copytree(before.home, home)
        options = ["-o", os.devnull, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={count}"]
        ended = traced(home, work, *options)
        store = open_zoo(home).store
        now = facts(store)
        # A pull stores its model under the next number of the same name, from another commit each time.
        assert lies_between(without_origins(now), without_origins(begin), without_origins(end)), call
        goes_on(store, writer(b"next"), collect)
        shutil.rmtree(home)
        return ended == -signal.SIGKILL

    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(kill, range(points), chosen))
    # What comes over the network comes in other pieces each time, and so the last calls may not be reached.
    assert sum(killed) >= (0.9 * points if work == "pull" else points), list(zip(chosen, killed, strict=True))


def without_origins(found):
    return {key: fact[:2] if key[0] == "version" else fact for key, fact in found.items()}
