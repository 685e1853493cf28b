"""The index behind ``lexarium list``: right whatever happened to it, and never needed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lexarium.stores import Origin
from lexarium.testing.stores import writer
from lexarium_registry.layout import Layout
from lexarium_registry.listing import changing, listing
from lexarium_registry.store import LocalStore


def shown(store):
    """Return what a listing says, without the times of the folders."""
    return {name: (known.rows, dict(known.tags)) for name, known in listing(store.layout).items()}


def anew(store):
    """Return what it says when there is no index at all."""
    aside = store.home / "aside"
    there = store.layout.index.exists()
    if there:
        os.replace(store.layout.index, aside)
    with FileLock(store.layout.lock):  # so that none is made
        found = shown(store)
    if there:
        os.replace(aside, store.layout.index)
    return found


def test_each_row_says_what_its_manifest_and_reference_say(store):
    origin = Origin(reference="hf://org/repo", revision="main", commit="a" * 40)
    stored = store.publish("x", writer(b"one"), origin=origin)
    store.tag("x", "stable", "1")
    (row,), tags = shown(store)["x"]
    assert (row.version, row.kind, row.method, row.dim) == ("1", "embedder", "any", 1)
    assert (row.size_bytes, row.created) == (stored.manifest.size, stored.manifest.created)
    assert (row.reference, row.commit, row.license, row.error) == ("hf://org/repo", "a" * 40, None, None)
    assert tags == {"stable": "1"}
    assert listing(store.layout)["x"].on("1") == ["stable"]


def test_after_each_change_the_index_is_there_and_right(store):
    steps = [
        lambda: store.publish("x", writer(b"one")),
        lambda: store.publish("x", writer(b"two")),
        lambda: store.publish("y", writer(b"one")),
        lambda: store.tag("x", "stable", "1"),
        lambda: store.tag("x", "stable", "2"),
        lambda: store.remove("x", "2"),
        lambda: store.remove("y"),
        lambda: store.publish("y", writer(b"three")),
    ]
    for step in steps:
        step()
        assert store.layout.index.is_file()
        inode = store.layout.index.stat().st_ino
        assert shown(store) == anew(store)
        assert store.layout.index.stat().st_ino == inode, "it was read, not written again"
    assert [len(rows) for rows, _ in shown(store).values()] == [1, 1]


def break_off(store, name, versions):
    """Change the references of a name and crash, on a file system whose clock is too coarse to show it."""
    folder = store.layout.refs / name
    before = folder.stat()
    with store.lock(), changing(store.layout, name):
        store.drop(name, versions)
        os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
        raise KeyboardInterrupt


@settings(
    max_examples=400 if os.environ.get("LEXARIUM_NIGHTLY") == "1" else 15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.sampled_from(["publish", "remove", "tag", "crash"])), max_size=8
    )
)
def test_whatever_is_done_and_wherever_it_breaks_off_the_listing_is_that_of_the_files(
    tmp_path_factory, steps
):
    store = LocalStore(tmp_path_factory.mktemp("home"))
    store.publish("x", writer(b"one"))
    for name, step in steps:
        versions = store.versions(name)
        if step == "publish":
            store.publish(name, writer(b"one"))
        elif step == "remove" and versions:
            store.remove(name, versions[0])
        elif step == "tag" and versions:
            store.tag(name, "t", versions[-1])
        elif step == "crash" and versions:
            with suppress(KeyboardInterrupt):
                break_off(store, name, versions[:1])
        assert shown(store) == anew(store)


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"0" * 64 + b"\n{}", b"\xff" * 200])
def test_a_damaged_index_is_made_again(store, raw):
    store.publish("x", writer(b"one"))
    store.layout.index.write_bytes(raw)
    assert [row.version for row in shown(store)["x"][0]] == ["1"]
    assert store.layout.index.read_bytes() != raw


def test_who_cannot_have_the_lock_lists_all_the_same_and_writes_nothing(store, caplog):
    store.publish("x", writer(b"one"))
    store.layout.index.unlink()
    with FileLock(store.layout.lock):
        assert list(shown(store)) == ["x"]
    assert not store.layout.index.exists()
    assert caplog.text == "", "a listing waits for nobody, so it says nothing about waiting"


def test_what_changes_a_folder_without_us_is_seen(store):
    for name in ("x", "y"):
        store.publish(name, writer(b"one"))
    (store.home / "refs" / "x" / "1").unlink()
    assert list(shown(store)) == ["y"]
    (store.home / "refs" / "y" / "2").write_text("nonsense")
    rows, _ = shown(store)["y"]
    assert [(row.version, bool(row.error)) for row in rows] == [("1", False), ("2", True)]


def test_a_store_that_nothing_was_stored_in_is_empty_and_stays_unmade(home):
    assert listing(Layout(home)) == {}
    assert not home.exists()


def test_listing_imports_neither_numpy_nor_torch_nor_the_hub(store):
    store.publish("x", writer(b"one"))
    code = (
        "import sys\n"
        "from lexarium.cli.main import cli\n"
        "try: cli(['list'])\n"
        "except SystemExit: pass\n"
        "print(sorted(sys.modules.keys() & {'numpy', 'scipy', 'torch', 'huggingface_hub'}))"
    )
    environment = {**os.environ, "LEXARIUM_HOME": str(store.home)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "x@1" in done.stdout
