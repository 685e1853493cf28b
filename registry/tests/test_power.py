"""The power goes, whenever it likes: what a reader finds afterwards is whole, and what was told is there."""

from __future__ import annotations

import os
import random
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from powercut import Disk, Recording, cuts, write
from states import facts, goes_on, lies_between
from watching import observed, unsynced

from lexarium.checkpoint.manifest import About
from lexarium.errors import LexariumError
from lexarium.stores import Origin
from lexarium.testing.stores import writer
from lexarium.zoo import Zoo
from lexarium_registry.repair import repair
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import collect

NIGHTLY = os.environ.get("LEXARIUM_NIGHTLY") == "1"
MORE = 40 if NIGHTLY else 0  # random layouts for each moment
GOES_ON = 5 if NIGHTLY else 60  # each such layout is also gone on with: it costs ten times as much

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the model is that of POSIX")


def mend(store):
    zoo = Zoo(store.home)
    zoo.store = store
    (store.home / "aliases" / "bad").write_text("../..\n")
    assert repair(zoo).done
    assert not (store.home / "aliases" / "bad").exists()


def copied(content):
    """Return a function that writes a model folder and syncs none of it, as one that copies does."""

    def write_into(folder):
        with tempfile.TemporaryDirectory() as elsewhere:
            writer(content)(Path(elsewhere) / "model")
            shutil.copytree(Path(elsewhere) / "model", folder)

    return write_into


ORIGIN = Origin(reference="hf://org/repo", revision="main", commit="a" * 40)
DEEDS = {
    "publish the first": lambda store: store.publish("x", copied(b"one")),
    "publish another": lambda store: store.publish("x", writer(b"two"), origin=ORIGIN),
    "publish the same": lambda store: store.publish("y", writer(b"one")),
    "tag": lambda store: store.tag("x", "stable", "1"),
    "alias": lambda store: store.alias("prod", "x@stable"),
    "move a tag": lambda store: store.tag("x", "stable", "2"),
    "revise": lambda store: store.revise(store.find("x", "1"), About(license="MIT")),
    "remove one with a tag": lambda store: store.remove("x", "2"),
    "remove the newest": lambda store: store.remove("x", "3"),
    "publish again": lambda store: store.publish("x", writer(b"three")),
    "tag again": lambda store: store.tag("x", "old", "4"),
    "untag": lambda store: store.tag("x", "old", None),
    "point an alias elsewhere": lambda store: store.alias("prod", "y"),
    "take an alias away": lambda store: store.alias("prod", None),
    "remove the last": lambda store: store.remove("y"),
    "repair": mend,
    "gc": collect,
}


@pytest.fixture(autouse=True)
def without_waiting():
    """Sync nothing: the power that is lost here is a model's."""
    with unsynced():
        yield


@pytest.fixture
def work(tmp_path):
    """Give a folder to work in, in memory where that can be had: thousands of small files are written."""
    memory = Path("/dev/shm")  # noqa: S108  made private by mkdtemp
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def disk(work):
    """Give the folder of a disk on which a store is to be made, and a recording of it."""
    root = work / "disk"
    root.mkdir()
    return root, Recording(root, root / "home" / "staging")


def left(recording, known, moments=None):
    """Yield each different layout that a loss of power may leave, and how many deeds had been told of."""
    chance, seen = random.Random(0), set()
    for cut in moments or cuts(recording.steps):
        told = sum(step.kind == "mark" for step in recording.steps[:cut])
        if told < known:
            continue
        for layout in Disk(recording.steps, cut).layouts(chance, MORE):
            files, _ = layout
            key = (told, frozenset(files.items()))
            if key not in seen:
                seen.add(key)
                yield told, layout


def test_after_a_loss_of_power_each_version_is_whole_and_what_was_told_is_there(disk, work):
    root, recording = disk
    store = LocalStore(root / "home")
    recording.see()
    states = [{}]
    for deed in DEEDS.values():
        with observed(root, recording):
            deed(store)
        recording.mark()
        states.append(facts(store))
    checked = 0
    for told, layout in left(recording, 0):
        home = work / f"left{checked}"
        write(home, layout)
        survivor = LocalStore(home / "home")
        deed = [*DEEDS, "nothing more"][told]
        try:
            now = facts(survivor)
        except (LexariumError, AssertionError) as error:
            raise AssertionError(f"{home}: lost power during: {deed}; {error}") from error
        following = states[min(told + 1, len(DEEDS))]
        assert lies_between(now, states[told], following), f"{home}: lost power during: {deed}"
        if checked % GOES_ON == 0:
            goes_on(survivor, writer(b"next"), collect)
        shutil.rmtree(home)
        checked += 1
    assert checked > 1000


class KilledError(BaseException):
    """Ends a deed as a kill does: nothing of ours catches it."""


@pytest.mark.parametrize("at", range(1, 45) if NIGHTLY else range(1, 45, 2))
def test_what_another_left_a_moment_before_it_was_killed_is_made_safe_before_it_is_used(disk, work, at):
    root, recording = disk
    syncs = 0

    def strike(act, arguments):
        nonlocal syncs
        if act == "os.fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode):
            syncs += 1
            if syncs == at:
                raise KilledError  # what was done is there, and not safe
        recording(act, arguments)

    with suppress(KilledError), observed(root, strike):
        LocalStore(root / "home").publish("x", writer(b"one"))
    recording.mark()
    with observed(root, recording):
        LocalStore(root / "home").publish("y", writer(b"one"))
    recording.see()
    for number, (_, layout) in enumerate(left(recording, 1, cuts(recording.steps)[-1:])):
        home = work / f"left{number}"
        write(home, layout)
        assert ("version", "y", "1") in facts(LocalStore(home / "home")), home
        shutil.rmtree(home)
