"""The store beside a model of it, through any series of deeds, some of which the disk refuses half-way."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from states import facts, lies_between, unused
from watching import Fail, observed, unsynced

from lexarium.checkpoint.folder import read_folder
from lexarium.checkpoint.manifest import About
from lexarium.errors import LexariumError, ModelNotFoundError, StoreError
from lexarium.testing.stores import writer
from lexarium.zoo import Zoo
from lexarium_registry.repair import repair
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import collect
from lexarium_registry.verify import verify_versions

NIGHTLY = os.environ.get("LEXARIUM_NIGHTLY") == "1"
pytestmark = pytest.mark.usefixtures("without_waiting")
RUNS, STEPS = (300, 50) if NIGHTLY else (30, 30)

NAMES, TAGS = st.sampled_from(["x", "y"]), st.sampled_from(["stable", "old"])
CONTENTS, ALIASES = st.sampled_from([b"one", b"two"]), st.sampled_from(["prod", "test"])
WHICH = st.integers(0, 5)  # of the versions that there are
CODES = st.sampled_from([errno.ENOSPC, errno.EIO])
FAULTS = st.none() | st.builds(Fail, st.integers(0, 60), CODES, lasting=st.booleans())


@pytest.fixture
def without_waiting():
    """Sync nothing: no power is lost here."""
    with unsynced():
        yield


@cache
def content_of(content):
    """Return the files of a model with that content, as :func:`states.facts` tells them."""
    with tempfile.TemporaryDirectory() as folder:
        writer(content)(Path(folder) / "model")
        return frozenset((entry.path, entry.sha256) for entry in read_folder(Path(folder) / "model").files)


class Deeds(RuleBasedStateMachine):
    """A store, and ``model``: what it must hold, as :func:`states.facts` tells it."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = LocalStore(self.folder / "home", patience=1)
        self.zoo = Zoo(self.store.home)
        self.zoo.store = self.store
        self.model = {}
        self.damaged = set()

    def teardown(self):
        shutil.rmtree(self.folder)

    def attempt(self, deed, fault=None, become=None, gone=()):
        """Do a deed, return whether it came to its end, and compare what is there with the model.

        Where the disk refused, each fact is as it was or as it was to become.
        """
        after = {key: value for key, value in self.model.items() if key not in gone} | (become or {})
        error = None
        with observed(self.store.home, fault) if fault else nullcontext():
            try:
                deed()
            except (LexariumError, OSError) as met:
                error = met
        assert error is None or (fault is not None and fault.failed), error
        # While the model is being written, an error may be that of who writes it.
        assert not isinstance(error, OSError) or error.errno == errno.EIO
        damaged = self.look()
        assert damaged <= self.damaged, "no deed damages a file"
        self.damaged = damaged
        actual = facts(self.store, damaged)
        assert actual == after if error is None else lies_between(actual, self.model, after)
        self.model = actual
        return error is None

    def look(self):
        """Return the files, by sha256, that versions need and that are not whole."""
        store = self.store
        stored = [store.find(name, version) for name in store.names() for version in store.versions(name)]
        blobs = {e.sha256: store.layout.blob(e.sha256) for each in stored for e in each.manifest.files}
        return {
            s for s, p in blobs.items() if not p.is_file() or hashlib.sha256(p.read_bytes()).hexdigest() != s
        }

    def versions(self, name):
        return sorted((key[2] for key in self.model if key[:2] == ("version", name)), key=int)

    def one(self, name, which):
        versions = self.versions(name)
        return versions[which % len(versions)]

    def stored(self):
        return [name for name in ("x", "y") if self.versions(name)]

    @rule(name=NAMES, content=CONTENTS, fault=FAULTS)
    def publish(self, name, content, fault):
        number = self.model.get(("next", name), 1)
        become = {
            ("version", name, str(number)): (content_of(content), None, None),
            ("next", name): number + 1,
        }
        if self.attempt(lambda: self.store.publish(name, writer(content)), fault, become):
            assert not self.damaged & {sha for _, sha in content_of(content)}, "it is whole again"

    @precondition(stored)
    @rule(name=NAMES, which=WHICH, every=st.booleans(), fault=FAULTS)
    def remove(self, name, which, every, fault):
        if not self.versions(name):
            with pytest.raises(ModelNotFoundError):
                self.store.remove(name)
            return
        versions = self.versions(name) if every else [self.one(name, which)]
        gone = [("version", name, version) for version in versions]
        gone += [key for key, on in self.model.items() if key[:2] == ("tag", name) and on in versions]
        self.attempt(lambda: self.store.remove(name, None if every else versions[0]), fault, gone=gone)

    @precondition(stored)
    @rule(data=st.data(), tag=TAGS, which=WHICH, fault=FAULTS)
    def tag(self, data, tag, which, fault):
        name = data.draw(st.sampled_from(self.stored()))
        version = self.one(name, which)
        self.attempt(lambda: self.store.tag(name, tag, version), fault, {("tag", name, tag): version})

    @precondition(lambda self: any(key[0] == "tag" for key in self.model))
    @rule(data=st.data(), fault=FAULTS)
    def untag(self, data, fault):
        key = data.draw(st.sampled_from(sorted(key for key in self.model if key[0] == "tag")))
        self.attempt(lambda: self.store.tag(key[1], key[2], None), fault, gone=[key])

    @precondition(stored)
    @rule(data=st.data(), alias=ALIASES, which=WHICH, fault=FAULTS)
    def alias(self, data, alias, which, fault):
        name = data.draw(st.sampled_from(self.stored()))
        reference = f"{name}@{self.one(name, which)}"
        self.attempt(lambda: self.store.alias(alias, reference), fault, {("alias", alias): reference})

    @precondition(lambda self: any(key[0] == "alias" for key in self.model))
    @rule(data=st.data(), fault=FAULTS)
    def unalias(self, data, fault):
        key = data.draw(st.sampled_from(sorted(key for key in self.model if key[0] == "alias")))
        self.attempt(lambda: self.store.alias(key[1], None), fault, gone=[key])

    @precondition(lambda self: self.stored() and not self.damaged)
    @rule(data=st.data(), which=WHICH, fault=FAULTS)
    def revise(self, data, which, fault):
        name = data.draw(st.sampled_from(self.stored()))
        version, number = self.one(name, which), self.model["next", name]
        files = self.model["version", name, version][0]
        become = {("version", name, str(number)): (files, "MIT", None), ("next", name): number + 1}
        stored = self.store.find(name, version)
        self.attempt(lambda: self.store.revise(stored, About(license="MIT")), fault, become)

    @precondition(stored)
    @rule(data=st.data(), which=WHICH)
    def damage(self, data, which):
        """Turn a bit of a file, which no deed of the store's own does."""
        name = data.draw(st.sampled_from(self.stored()))
        entry = self.store.find(name, self.one(name, which)).manifest.file("content.txt")
        path = self.store.layout.blob(entry.sha256)
        if path.is_file():
            raw = path.read_bytes()
            path.chmod(0o644)
            path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
            self.damaged = self.damaged ^ {entry.sha256}

    @rule()
    def verify(self):
        versions = [key[1:] for key in self.model if key[0] == "version"]
        wrong = {where for where, problems in verify_versions(self.store, versions).items() if problems}
        assert wrong == {
            f"{key[1]}@{key[2]}"
            for key, fact in self.model.items()
            if key[0] == "version" and self.damaged & {sha for _, sha in fact[0]}
        }

    @rule(fault=FAULTS)
    def repair(self, fault):
        told = []
        if self.attempt(lambda: told.append(repair(self.zoo)), fault):
            assert repair(self.zoo).done == [], "once is enough"
            assert bool(told[0].missing) == bool(self.damaged)

    @rule(fault=FAULTS)
    def gc(self, fault):
        if self.attempt(lambda: collect(self.store), fault):
            assert unused(self.store) == []


def test_whatever_is_done_and_whatever_the_disk_refuses_the_store_is_what_its_model_says():
    # A failure in the short run is told as it is found: making it shorter takes minutes.
    phases = [phase for phase in Phase if NIGHTLY or phase is not Phase.shrink]
    how = settings(max_examples=RUNS, stateful_step_count=STEPS, phases=phases)
    run_state_machine_as_test(Deeds, settings=how)


SINGLE = {
    "publish": lambda store: store.publish("x", writer(b"two")),
    "remove": lambda store: store.remove("x", "1"),
    "tag": lambda store: store.tag("x", "stable", "2"),
    "alias": lambda store: store.alias("prod", "x@2"),
}


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("work", SINGLE)
def test_an_error_at_any_act_leaves_the_old_or_the_new(tmp_path, work, code, lasting):
    before = LocalStore(tmp_path / "before")
    for content in (b"one", b"other"):
        before.publish("x", writer(content))
    before.tag("x", "stable", "1")
    before.alias("prod", "x@1")
    begin, number, told = facts(before), 0, set()
    shutil.copytree(before.home, tmp_path / "all")
    SINGLE[work](whole := LocalStore(tmp_path / "all"))
    end = facts(whole)
    while True:
        store = LocalStore(tmp_path / str(number), patience=1)
        shutil.copytree(before.home, store.home)
        fault = Fail(number, code, lasting=lasting)
        error = None
        with observed(store.home, fault):
            try:
                SINGLE[work](store)
            except (LexariumError, OSError) as met:
                error = met
        now = facts(store)
        assert now == end if error is None else lies_between(now, begin, end), f"act {number}: {error}"
        if "nothing was stored" in str(error):
            assert [key for key in now if key[0] != "next"] == [key for key in begin if key[0] != "next"]
        told.add(type(error))
        if not fault.failed:
            break
        SINGLE["publish"](store)
        collect(store)
        assert unused(store) == []
        shutil.rmtree(store.home)
        number += 1
    assert number > 5
    assert told == {type(None), StoreError} or OSError in told
