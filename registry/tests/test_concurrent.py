"""Several at a time: gc, writers and readers do each other no harm."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from lexarium.errors import ModelNotFoundError, StoreError
from lexarium.testing.stores import writer
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import collect

ROUNDS = 200 if os.environ.get("LEXARIUM_NIGHTLY") == "1" else 12

WORK = """
import sys
from pathlib import Path
from lexarium.errors import ModelNotFoundError
from lexarium.testing.stores import writer
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import collect

store, who, rounds = LocalStore(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for n in range(rounds):
    if who == "gc":
        collect(store)
        continue
    told = store.publish("x", writer(b"%d" % (n % 3)))  # the same files come and go
    if n % 2:
        store.remove("x", told.version)
    else:
        print(told.version)
"""


def test_gc_beside_writers_and_readers_takes_nothing_that_they_need(home, store, whole):
    store.publish("kept", writer(b"0"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", WORK, str(home)]
    them = [subprocess.Popen([*command, who, str(ROUNDS)], **pipes) for who in ("gc", "a", "b", "c")]
    for process in them:
        assert process.stdout.readline() == "ready\n"
    for process in them:
        process.stdin.write("go\n")
        process.stdin.flush()
    read = 0
    while any(process.poll() is None for process in them):
        for name in ("kept", "x"):
            try:
                stored = store.find(name)
                files = {entry: stored.locate(entry.path).read_bytes() for entry in stored.manifest.files}
            except ModelNotFoundError:
                assert name == "x"
                continue
            except FileNotFoundError:
                assert not store.holds(stored), "a version that is there is whole"
                continue
            assert all(hashlib.sha256(raw).hexdigest() == entry.sha256 for entry, raw in files.items())
            read += 1
    outputs = [process.communicate(timeout=300)[0].split() for process in them]
    assert [process.returncode for process in them] == [0] * len(them)
    told = sorted((version for output in outputs for version in output), key=int)
    assert store.versions("x") == told, "no version is lost"
    assert len(told) == len(set(told)) == 3 * ((ROUNDS + 1) // 2)
    assert read
    assert whole(store)


def test_gc_between_the_files_of_a_version_and_its_reference_waits(home):
    class Late(LocalStore):
        def _refer(self, *arguments):
            with pytest.raises(StoreError, match="another process has held"):
                collect(LocalStore(home, patience=0.05))
            return super()._refer(*arguments)

    stored = Late(home).publish("x", writer(b"one"))
    assert stored.locate("content.txt").read_bytes() == b"one"


def test_what_is_written_outlives_another_who_publishes_before_it_is_stored(home, whole):
    def slow(folder):
        writer(b"slow")(folder)
        LocalStore(home).publish("x", writer(b"quick"))

    store = LocalStore(home)
    assert store.publish("x", slow).version == "2"
    assert whole(store)
