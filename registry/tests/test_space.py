"""The disk takes no more, at any size: nothing is half-written, and with room again all goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from states import facts, lies_between, unused

import lexarium_registry.plugin
from lexarium.errors import LexariumError
from lexarium.host import Host
from lexarium.testing.stores import writer
from lexarium.zoo import Zoo
from lexarium_registry.bundle import bundle, unbundle
from lexarium_registry.pull import pull
from lexarium_registry.push import push
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import collect

NIGHTLY = os.environ.get("LEXARIUM_NIGHTLY") == "1"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
LARGE = bytes(range(256)) * 24
SIZES = range(0, len(LARGE) + 500, 7 if NIGHTLY else 257)


@contextmanager
def at_most(size):
    """Let no file grow beyond a size: what writes on gets part of its bytes down, and then an error."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))  # Python ignores the signal of it
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


DEEDS = {
    "publish": lambda store: store.publish("x", writer(LARGE)),
    "tag": lambda store: store.tag("x", "stable", "2"),
    "remove": lambda store: store.remove("x", "1"),
    "unbundle": lambda store: unbundle(zoo_of(store), store.home.parent / "models.bundle"),
}


def zoo_of(store):
    return Zoo(store.home, Host([lexarium_registry.plugin]))


@pytest.mark.parametrize("work", DEEDS)
def test_where_no_file_may_grow_beyond_a_size_nothing_is_half_written(tmp_path, work):
    before = LocalStore(tmp_path / "before")
    for content in (b"one", b"other"):
        before.publish("x", writer(content))
    before.tag("x", "stable", "1")
    elsewhere = LocalStore(tmp_path / "elsewhere")
    elsewhere.publish("y", writer(LARGE))
    bundle(zoo_of(elsewhere), ["y"], tmp_path / "models.bundle")
    begin, outcomes = facts(before), set()
    shutil.copytree(before.home, tmp_path / "all")
    DEEDS[work](whole := LocalStore(tmp_path / "all"))
    end = facts(whole)
    for size in SIZES:
        store = LocalStore(tmp_path / str(size))
        shutil.copytree(before.home, store.home)
        done = True
        try:
            with at_most(size):
                DEEDS[work](store)
        except (LexariumError, OSError):
            done = False
        outcomes.add(done)
        now = facts(store)
        assert now == end if done else lies_between(now, begin, end), size
        DEEDS["publish"](store)
        collect(store)
        assert unused(store) == []
        shutil.rmtree(store.home)
    assert outcomes == {True, False} if work in {"publish", "unbundle"} else outcomes


def test_a_pull_where_no_file_may_grow_beyond_a_size_stores_all_or_nothing_and_the_next_one_succeeds(
    hub, here, hub_host, lengths, tmp_path
):
    lengths.note = LARGE
    here.save(lengths, name="x", license="MIT")
    push(here, "x", "hf://me/x")
    pull(whole := Zoo(tmp_path / "all", hub_host), "hf://me/x")
    end, outcomes = facts(whole.store), set()
    for size in range(0, len(LARGE) + 500, 64 if NIGHTLY else 1100):
        zoo, done = Zoo(tmp_path / str(size), hub_host), True
        try:
            with at_most(size):
                pull(zoo, "hf://me/x")
        except (LexariumError, OSError):
            done = False
        outcomes.add(done)
        now = facts(zoo.store)
        assert now == end if done else lies_between(now, facts(LocalStore(tmp_path / "none")), end), size
        pull(zoo, "hf://me/x")
        assert facts(zoo.store) == end
        assert unused(zoo.store) == []
        assert not list((zoo.home / "partial").glob("*.part"))
    assert outcomes == {True, False}


# In name spaces of its own, where it may mount: a file system of SIZE bytes, filled to the last.
FULL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from states import facts, lies_between, unused
from lexarium.errors import StoreError
from lexarium.testing.stores import writer
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import collect

disk, page, outcomes = Path(sys.argv[2]), 4096, set()
for spare in range(0, 40):
    store = LocalStore(disk / str(spare))
    store.publish("x", writer(b"one"))
    begin = facts(store)
    fill = disk / "fill"
    with fill.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(page))
        except OSError:
            file.truncate(max(0, file.tell() - spare * page))
    try:
        store.publish("x", writer(b"two" * 5000))
    except StoreError as error:
        assert "free some space; nothing was stored" in str(error), error
        assert facts(store) == begin
        outcomes.add("refused")
    else:
        outcomes.add("stored")
    fill.unlink()
    store.publish("x", writer(b"two" * 5000))
    collect(store)
    assert unused(store) == []
    import shutil
    shutil.rmtree(store.home)
print(sorted(outcomes))
"""


def test_a_small_disk_that_is_full_stores_nothing_and_says_so(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    inside = 'mount -t tmpfs -o size=2m none "$1" && shift && exec "$@"'
    spaces = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside, "sh", str(disk)]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*spaces, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system may be mounted here")
    command = [sys.executable, "-c", FULL, str(Path(__file__).parent), str(disk)]
    done = subprocess.run([*spaces, *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "['refused', 'stored']\n"), done.stderr
