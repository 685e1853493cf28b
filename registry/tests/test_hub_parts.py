"""Files that several pulls download, gc and a full disk: none takes away what another counts on."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from contextlib import contextmanager

import pytest
from hub_server import blob_id
from watching import observed, writes

from lexarium.errors import HubNetworkError, StoreError
from lexarium_registry.fetch import fetch_file, lying
from lexarium_registry.hub import Hub
from lexarium_registry.layout import Layout
from lexarium_registry.names import parse_hub
from lexarium_registry.pull import pull
from lexarium_registry.sweep import collect
from lexarium_registry.transfer import Patience, Transfer

PATIENT = Transfer(patience=Patience(tries=2, read=60))
QUICK = Patience(tries=3, connect=2, read=0.5, first_wait=0.01, longest_wait=0.2)


@pytest.fixture
def ours(hub, here, lengths):
    """Give a repository of ours."""
    here.save(lengths, name="x", license="MIT")
    here.push("x", "hf://me/x")
    return hub.repositories["me/x"]


def with_longer(files, path):
    """Return the files of a repository of ours, one of them with a byte more."""
    manifest, content = json.loads(files["lexarium.json"]), files[path] + b"\n"
    for entry in manifest["files"]:
        if entry["path"] == path:
            entry |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {**files, path: content, "lexarium.json": json.dumps(manifest).encode()}


def test_two_pulls_that_share_a_file_both_succeed_whoever_is_done_first(hub, ours, there):
    last = json.loads(ours.files["lexarium.json"])["files"][-1]["path"]
    hub.repository("me/y", dict(ours.files))
    ours.add(with_longer(ours.files, last))  # so that the two do not wait for each other at the last file
    arrived, gate = threading.Event(), threading.Event()
    hub.fault("headers", f"me/y/resolve/.*/{last}", then=lambda: (arrived.set(), gate.wait(60)))
    done = []
    slow = threading.Thread(target=lambda: done.append(pull(there, "hf://me/y", transfer=PATIENT)))
    slow.start()
    assert arrived.wait(60)
    done.append(pull(there, "hf://me/x", transfer=PATIENT))
    gate.set()
    slow.join()
    assert sorted(each.model for each in done) == ["x@1", "y@1"]
    assert not list((there.home / "partial").glob("*.part"))


def test_gc_leaves_a_pull_that_runs_the_old_parts_that_it_took_up(hub, ours, there):
    files = json.loads(ours.files["lexarium.json"])["files"]
    layout = Layout(there.home)
    client = Hub(QUICK)
    snapshot = client.snapshot(parse_hub("hf://me/x"))
    first, last = files[0], files[-1]["path"]
    (own := there.home / "own").mkdir(parents=True)
    fetch_file(
        client, snapshot, snapshot.files[first["path"]], layout.partial, lambda _: None,
        own=own, sha256=first["sha256"],
    )  # fmt: skip
    long_ago = time.time() - 8 * 24 * 3600
    for path in layout.partial.iterdir():
        os.utime(path, (long_ago, long_ago))
    freed = []

    def sweep():
        freed.append(collect(there.store).kinds)

    hub.fault("headers", f"resolve/[0-9a-f]+/{last}", then=sweep, times=1)
    assert pull(there, "hf://me/x", transfer=PATIENT).new
    assert len(freed) == 1


def test_gc_removes_a_download_under_the_lock_of_who_would_go_on_with_it(there, ours):
    partial = Layout(there.home).partial
    partial.mkdir(parents=True)
    (there.home / "staging").mkdir()
    part = partial / f"{'a' * 64}.part"
    part.write_bytes(b"old")
    os.utime(part, (0, 0))
    locked = []

    def look(act, arguments):
        if act == "os.remove" and str(arguments[0]) == str(part):
            locked.append(_is_held(part.with_suffix(".lock")))

    with observed(there.home, look):
        collect(there.store)
    assert locked == [True]


def _is_held(path):
    import fcntl

    with path.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_server_that_ignores_ranges_is_no_end_of_a_large_download(hub, tmp_path):
    content = os.urandom(2**23)
    hub.repository("me/big", {"model.safetensors": content})
    hub.fault("drop", "large", after=5_000_000, times=1)
    hub.fault("norange", "large")
    client = Hub(QUICK)
    snapshot = client.snapshot(parse_hub("hf://me/big"))
    (tmp_path / "own").mkdir()
    part = fetch_file(
        client, snapshot, snapshot.files["model.safetensors"], tmp_path, lambda _: None, own=tmp_path / "own"
    )
    assert part.path.read_bytes() == content


@contextmanager
def nobody(home):
    """Be a user who may do nothing but what the folder's owner may, and the folder's owner."""
    for path in [home, *home.rglob("*")]:
        os.chown(path, 65534, 65534)
    for folder in home.parents[:-2]:
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="becomes another user")
def test_what_a_pull_fetched_that_a_full_disk_ended_is_taken_up_by_anyone(hub, ours, there, lengths):
    there.save(lengths, name="other", license="MIT")

    def full(act, arguments):
        if act == "os.rename" and "manifests" in str(arguments[1]) and writes(act, arguments):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with observed(there.home, full), pytest.raises(StoreError, match="No space left"):
        pull(there, "hf://me/x", transfer=PATIENT)
    assert list((there.home / "partial").glob("*.part"))
    there.remove("other")
    partial, client = there.home / "partial", Hub(QUICK)
    snapshot = client.snapshot(parse_hub("hf://me/x"))
    files = json.loads(ours.files["lexarium.json"])["files"]
    (there.home / "own").mkdir()
    with nobody(there.home), hub.counted() as asked:
        for n, entry in enumerate(files):
            (own := there.home / "own" / str(n)).mkdir()
            fetch_file(
                client, snapshot, snapshot.files[entry["path"]], partial, lambda _: None,
                own=own, sha256=entry["sha256"],
            )  # fmt: skip
    assert not asked


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="becomes another user")
def test_a_part_that_may_not_be_written_is_gone_on_with_in_a_copy(hub, tmp_path):
    content = os.urandom(2**20)
    hub.repository("me/big", {"note.txt": content})
    folder = tmp_path / "home"
    (folder / "own").mkdir(parents=True)
    key = hashlib.sha256(f"git blob {blob_id(content)}".encode()).hexdigest()
    (folder / f"{key}.part").write_bytes(content[:600_000])
    (folder / f"{key}.part").chmod(0o444)
    client = Hub(QUICK)
    snapshot = client.snapshot(parse_hub("hf://me/big"))
    before = hub.sent("/resolve/")
    with nobody(folder):
        part = fetch_file(
            client, snapshot, snapshot.files["note.txt"], folder, lambda _: None, own=folder / "own"
        )
    assert part.path.read_bytes() == content
    assert hub.sent("/resolve/") - before == 2**20 - 600_000


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="becomes another user")
def test_a_pull_into_a_store_that_cannot_be_written_takes_what_is_there_and_else_says_so(hub, ours, there):
    pull(there, "hf://me/x")
    hub.repository("me/y", dict(ours.files))
    with nobody(there.home):
        for path in (there.home, *there.home.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = pull(there, "hf://me/x", transfer=PATIENT)
        assert (done.model, done.new) == ("x@1", False)
        assert pull(there, f"hf://me/x@{done.commit}", transfer=PATIENT).model == "x@1"
        with pytest.raises(StoreError, match="the store cannot be written"):
            pull(there, "hf://me/y", transfer=PATIENT)


@pytest.mark.parametrize("gone", ["before", "while"])
def test_a_version_that_is_removed_while_a_pull_reuses_it_is_no_error(hub, ours, there, gone):
    pull(there, "hf://me/x")
    ours.add(with_longer(ours.files, "golden.json"))
    path = "lexarium.json" if gone == "before" else "golden.json"
    hub.fault("headers", f"resolve/[0-9a-f]+/{path}", times=1, then=lambda: there.remove("x@1"))
    assert pull(there, "hf://me/x", transfer=PATIENT).new
    assert there.store.versions("x") == ["2"]
    assert list(there.verify("x@2", golden=True)) == []


def test_a_pull_of_a_name_beside_one_that_is_damaged_stores_it_anew(hub, ours, there):
    pull(there, "hf://me/x")
    digest = there.store.find("x").digest
    path = there.store.layout.manifest(digest)
    path.chmod(0o644)
    path.write_bytes(b"{}")
    assert pull(there, "hf://me/x", name="other", transfer=PATIENT).model == "other@1"
    assert pull(there, "hf://me/x", transfer=PATIENT).model in {"x@2", "other@1"}
    assert list(there.verify("other", golden=True)) == []


def test_what_lies_there_from_an_earlier_try_is_counted(hub, tmp_path):
    hub.repository("me/big", {"model.safetensors": bytes(2**20)})
    client = Hub(QUICK)
    file = client.snapshot(parse_hub("hf://me/big")).files["model.safetensors"]
    assert lying(file, tmp_path, None) == 0
    (tmp_path / f"{file.sha256}.part").write_bytes(bytes(1000))
    assert lying(file, tmp_path, None) == 1000
    (tmp_path / f"{file.sha256}.part").write_bytes(bytes(2**21))
    assert lying(file, tmp_path, None) == 2**20


def test_a_failed_download_stays_for_the_next_try(hub, tmp_path):
    hub.repository("me/big", {"model.safetensors": bytes(2**20)})
    hub.fault("drop", "large", after=700_000)
    client = Hub(Patience(tries=1, read=0.5))
    snapshot = client.snapshot(parse_hub("hf://me/big"))
    (tmp_path / "own").mkdir()
    with pytest.raises(HubNetworkError):
        fetch_file(
            client,
            snapshot,
            snapshot.files["model.safetensors"],
            tmp_path,
            lambda _: None,
            own=tmp_path / "own",
        )
    assert len(list(tmp_path.glob("*.part"))) == 1
    assert not list((tmp_path / "own").iterdir())
