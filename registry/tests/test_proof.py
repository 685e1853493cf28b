"""Opening hashes what has changed since it was last hashed, and nothing else."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from lexarium.errors import CheckpointError, ModelNotFoundError
from lexarium.testing.stores import writer
from lexarium_registry.store import LocalStore


def hashed(store, stored):
    """Return the files whose damage is noticed though size, time and inode are as before: those hashed."""
    noticed = []
    for entry in stored.manifest.files:
        path = stored.locate(entry.path)
        raw, times = path.read_bytes(), path.stat()
        for content in (raw[:-1] + bytes([raw[-1] ^ 1]), raw):
            rewrite(path, content)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            try:
                if content != raw:
                    store.prove(stored)
            except CheckpointError:
                noticed.append(entry.path)
    return noticed


def rewrite(path, content=None):
    content = path.read_bytes() if content is None else content
    path.chmod(0o644)
    path.write_bytes(content)


def test_what_was_just_published_is_opened_without_hashing(zoo, model):
    stored = zoo.save(model, name="a")
    assert zoo.store.layout.checked(stored.digest).is_file()
    assert hashed(zoo.store, stored) == []
    assert zoo.load("a").embed(["four"]).tolist() == [[8]]


def test_what_was_touched_is_hashed_once_and_then_no_more(zoo, model):
    stored = zoo.save(model, name="a")
    os.utime(stored.locate("model.safetensors"))
    assert hashed(zoo.store, stored) == ["model.safetensors"]
    zoo.load("a")
    assert hashed(zoo.store, stored) == []


def test_another_inode_is_another_file(zoo, model):
    stored = zoo.save(model, name="a")
    path = stored.locate("model.safetensors")
    shutil.copy2(path, path.with_name("copy"))
    os.replace(path.with_name("copy"), path)
    assert hashed(zoo.store, stored) == ["model.safetensors"]


def test_a_store_that_was_copied_is_hashed_once(zoo, model, tmp_path):
    zoo.save(model, name="a")
    shutil.copytree(zoo.home, tmp_path / "copy")
    copy = LocalStore(tmp_path / "copy")
    stored = copy.find("a")
    assert hashed(copy, stored) == [entry.path for entry in stored.manifest.files]
    copy.prove(stored)
    assert hashed(copy, stored) == []


@pytest.mark.parametrize("raw", [None, b"", b"[]", b"{", b'{"x": 1}'])
def test_a_record_that_is_lost_costs_one_hashing(zoo, model, raw):
    stored = zoo.save(model, name="a")
    record = zoo.store.layout.checked(stored.digest)
    whole = json.loads(record.read_bytes())
    record.unlink() if raw is None else record.write_bytes(raw)
    assert len(hashed(zoo.store, stored)) == len(stored.manifest.files)
    zoo.load("a")
    assert json.loads(record.read_bytes()) == whole


def test_a_damaged_file_of_the_right_size_does_not_open(zoo, model):
    path = zoo.save(model, name="a").locate("model.safetensors")
    raw = path.read_bytes()
    rewrite(path, raw[:-1] + bytes([raw[-1] ^ 1]))
    for _ in range(2):
        with pytest.raises(
            CheckpointError, match=r"a@1: model\.safetensors is damaged: its sha256 is another"
        ):
            zoo.load("a")
    rewrite(path, raw)
    assert zoo.load("a").embed(["four"]).tolist() == [[8]]


def test_a_version_that_goes_while_it_is_being_opened_gives_way_to_the_next_or_says_that_it_is_gone(
    zoo, model, home
):
    zoo.save(model, name="a")
    zoo.save(type(model)(np.float32(3)), name="a")

    class Late(LocalStore):
        def prove(self, stored):
            super().prove(stored)
            LocalStore(home).remove("a", stored.version)

    zoo.store = Late(home)
    with pytest.raises(ModelNotFoundError, match="no stored model named 'a'"):
        zoo.open("a")  # 2 goes, then 1
    zoo.store = LocalStore(home)
    assert zoo.store.versions("a") == []


def test_a_bare_name_opens_the_version_that_is_left(zoo, model, home):
    zoo.save(model, name="a")
    zoo.save(type(model)(np.float32(3)), name="a")

    class Late(LocalStore):
        def prove(self, stored):
            if stored.version == "2":
                LocalStore(home).remove("a", "2")
            super().prove(stored)

    zoo.store = Late(home)
    opened = zoo.open("a")
    assert (opened.reference, opened.model.weight) == ("a@1", 2)


def test_a_record_that_cannot_be_written_is_no_error(store):
    stored = store.publish("x", writer(b"one"))
    shutil.rmtree(store.home / "checked")
    (store.home / "checked").write_text("a file where a folder belongs")
    store.prove(stored)
    assert hashed(store, stored) == [entry.path for entry in stored.manifest.files]
