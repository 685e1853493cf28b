"""``verify``, ``repair`` and ``gc``: what is damaged is found, what is good is kept."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from watching import observed

from lexarium.checkpoint.folder import verify_files
from lexarium.errors import CheckpointError, StoreError
from lexarium.stores import Origin
from lexarium.testing.stores import writer
from lexarium.zoo import Zoo
from lexarium_registry.repair import repair
from lexarium_registry.store import LocalStore
from lexarium_registry.sweep import KEPT_DAYS, collect
from lexarium_registry.verify import verify_versions

ORIGIN = Origin(reference="hf://org/repo", revision="main", commit="a" * 40)


def spoil(path):
    raw = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))


def everything(home):
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in home.rglob("*") if p.is_file()}


def age(path, days=KEPT_DAYS + 1):
    then = path.stat().st_mtime - days * 24 * 3600
    os.utime(path, (then, then))


def test_verify_finds_every_problem_of_every_version_and_hashes_what_is_shared_once(store):
    for name, content in (("x", b"shared"), ("y", b"shared"), ("z", b"other")):
        store.publish(name, writer(content))
    spoil(store.find("x").locate("content.txt"))
    store.find("z").locate("content.txt").unlink()
    (store.home / "refs" / "z" / "2").write_text("nonsense")
    told = []
    found = verify_versions(
        store, [("x", "1"), ("y", "1"), ("z", "1"), ("z", "2"), ("gone", "1")], lambda *a: told.append(a)
    )
    damaged = ["content.txt is damaged: its sha256 is another"]
    assert found.pop("z@2")[0].startswith("z@2: its reference is damaged")
    assert found == {"x@1": damaged, "y@1": damaged, "z@1": ["content.txt is missing"]}
    blobs = {entry.sha256: entry.size for name in "xyz" for entry in store.find(name, "1").manifest.files}
    assert told[-1] == ("hashing", sum(blobs.values()), sum(blobs.values()))


def test_verify_hashes_whatever_the_record_says(store):
    stored = store.publish("x", writer(b"one"))
    path = stored.locate("content.txt")
    times = path.stat()
    spoil(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    store.prove(stored)
    assert verify_versions(store, [("x", "1")]) == {"x@1": ["content.txt is damaged: its sha256 is another"]}


def test_ctrl_c_ends_a_verify(store):
    store.publish("x", writer(b"one"))

    def stop(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_versions(store, [("x", "1")], stop)


@pytest.fixture
def damaged(zoo, store):
    """Store versions that are whole, and damage others, each in one way."""
    for content in (b"one", b"two"):
        store.publish("whole", writer(content))
    store.tag("whole", "stable", "1")
    store.alias("second", "whole@stable")
    store.publish("blob", writer(b"damaged"), origin=ORIGIN)
    store.publish("lost", writer(b"lost"), origin=ORIGIN)
    store.publish("ref", writer(b"found again"))
    store.tag("lost", "tagged", "1")
    spoil(store.find("blob").locate("content.txt"))
    spoil(store.layout.manifest(store.find("lost").digest))
    (store.home / "refs" / "ref" / "1").write_text("nonsense")
    (store.home / "refs" / "whole" / "latest").write_text("of somebody else")
    (store.home / "refs" / "whole" / "none.tag").write_text("9\n")
    (store.home / "aliases" / "bad").write_text("../..\n")
    return zoo


SAYS = {
    "dropped lost@1: its manifest is lost",
    "found the manifest of ref@1 again",
    "took out refs/whole/latest: a reference that is not understood",
    "took out refs/whole/none.tag: a tag on no version",
    "took out aliases/bad: a damaged alias",
}


def test_repair_mends_what_can_be_mended_and_says_what_must_come_again(damaged, store):
    report = repair(damaged)
    assert set(report.done) >= SAYS
    assert len(report.done) == len(SAYS) + 2
    again = f"type: lexarium pull hf://org/repo@{'a' * 40} --name "
    assert report.missing == {"blob@1": f"{again}blob", "lost@1": f"{again}lost"}
    assert store.names() == ["blob", "ref", "whole"]
    assert store.tags("whole") == {"stable": "1"}
    assert store.aliases() == {"second": "whole@stable"}
    for reference in ("whole@1", "whole@2", "ref@1"):
        found = store.resolve(reference)
        assert list(verify_files(found.manifest, found.locate)) == []
    assert len(os.listdir(store.home / "quarantine")) == 6
    assert repair(damaged).done == []
    assert store.publish("lost", writer(b"lost")).version == "2", "a number is never given twice"
    store.publish("blob", writer(b"damaged"))
    found = store.find("blob", "1")
    assert list(verify_files(found.manifest, found.locate)) == []
    assert repair(damaged).missing == {}


def test_repair_that_is_only_tried_changes_nothing(damaged, store):
    before = everything(store.home)
    report = repair(damaged, dry_run=True)
    assert everything(store.home) == before
    real = repair(damaged)
    assert report.missing == real.missing
    assert set(report.done) - {"took out refs/lost/tagged.tag: a tag on no version"} == set(real.done)


def test_repair_of_what_is_whole_or_empty_does_nothing(zoo, store):
    assert repair(zoo).done == []
    assert not store.home.exists()
    store.publish("x", writer(b"one"))
    store.tag("x", "t", "1")
    before = everything(store.home)
    assert repair(zoo).to_json() == {"done": [], "missing": {}}
    before.pop("index")
    assert everything(store.home) == before


def test_a_reference_that_two_manifests_could_be_of_is_not_guessed(zoo, store):
    first = store.publish("x", writer(b"one"))
    manifest = store.layout.manifest(first.digest)
    copy = manifest.read_bytes()
    store.remove("x")
    (store.home / "refs" / "x" / "1.removed").unlink()
    store.publish("x", writer(b"two"))
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_bytes(copy)
    (store.home / "refs" / "x" / "1").write_text("nonsense")
    report = repair(zoo)
    assert report.missing == {"x@1": "store it again, or unbundle it"}
    assert store.names() == []


@settings(
    max_examples=400 if os.environ.get("LEXARIUM_NIGHTLY") == "1" else 15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_whatever_file_is_spoiled_or_lost_the_others_stay_and_a_repair_is_enough(tmp_path_factory, data):
    home = tmp_path_factory.mktemp("home")
    store = LocalStore(home)
    for name, content in (("x", b"one"), ("x", b"two"), ("y", b"three")):
        store.publish(name, writer(content))
    store.tag("x", "t", "1")
    store.alias("a", "x")
    paths = sorted(p for p in home.rglob("*") if p.is_file() and p.name not in {"lock", "format"})
    for path in data.draw(st.lists(st.sampled_from(paths), max_size=2, unique=True)):
        if data.draw(st.booleans()):
            path.unlink()
        else:
            path.chmod(0o644)
            path.write_bytes(data.draw(st.sampled_from([b"", b"nonsense", b"\xff" * 70, b"{}"])))
    zoo = Zoo(home)
    zoo.store = store
    report = repair(zoo)
    assert repair(zoo).done == []
    versions = [(name, version) for name in store.names() for version in store.versions(name)]
    for reference, problems in verify_versions(store, versions).items():
        assert (problems == []) == (reference not in report.missing)
    store.remove("y") if "y" in store.names() else None
    collect(store)
    before = dict(versions)
    assert {n for n in before if n != "y"} <= set(store.names())


def test_gc_frees_what_is_not_needed_and_says_how_much(zoo, store):
    store.publish("x", writer(b"kept"))
    kept = everything(store.home)
    for folder in ("blobs", "manifests", "checked"):
        path = store.home / folder / "ab" / ("ab" + "0" * 62)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"0123456789")
    dead = store.home / "staging" / "dead"
    dead.mkdir()
    (dead / "half").write_bytes(b"01234")
    dry = collect(store, dry_run=True)
    assert (dry.files, dry.bytes) == (5, 35)  # with the lock of the dead
    assert (dead / "half").is_file()
    done = collect(store)
    assert (done.files, done.bytes) == (dry.files, dry.bytes)
    assert everything(store.home) == kept
    assert collect(store).files == 0


def test_repair_waits_for_who_writes(zoo, model):
    zoo.save(model, name="x")
    zoo.store = LocalStore(zoo.home, patience=0.05)
    with FileLock(zoo.home / "lock"), pytest.raises(StoreError, match="another process has held"):
        repair(zoo)


def test_gc_leaves_what_is_held_or_young(store):
    store.publish("x", writer(b"kept"))
    (store.home / "partial").mkdir()
    (store.home / "quarantine").mkdir()
    young, held, old, git = (store.home / "partial" / f"{c * 64}.part" for c in "1234")
    git = git.with_name("5" * 40 + ".part")
    for path in (young, held, old, git, store.home / "quarantine" / "old", store.home / "quarantine" / "new"):
        path.write_bytes(b"12345")
        if path.name != "new" and path is not young:
            age(path)
    with FileLock(held.with_suffix(".lock")):
        age(held.with_suffix(".lock"))
        collect(store)
        left = {p.name for folder in ("partial", "quarantine") for p in (store.home / folder).glob("*")}
        assert {young.name, held.name, "new"} <= left
        assert not {old.name, git.name, "old"} & left
    collect(store)
    assert not held.exists()
    living = store.home / "staging" / "living"
    living.mkdir(parents=True)
    (living / "half").write_text("half")
    with FileLock(living / "lock"):
        collect(store)
        assert (living / "half").is_file()


def test_gc_tells_of_a_dead_folder_that_the_disk_does_not_let_it_look_into(store, monkeypatch):
    store.publish("x", writer(b"kept"))
    (store.home / "staging" / "dead").mkdir(parents=True)
    acquire = FileLock.acquire

    def refuse(self, *given, **named):
        if Path(self.lock_file).parent.name == "dead":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.lock_file)
        return acquire(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(FileLock, "acquire", refuse)
        with pytest.raises(StoreError, match="No space left"):
            collect(store)
    collect(store)
    assert not (store.home / "staging" / "dead").exists()


def test_gc_removes_an_index_that_is_a_week_old_where_no_stored_model_has_its_words(zoo, model, store):
    zoo.save(model, name="x")
    needed, _ = store.find("x").manifest.root.find_space()
    indexes = store.home / "indexes"
    for space in (needed, "a" * 64, "b" * 64):
        (indexes / space).mkdir(parents=True)
        (indexes / space / "words.faiss").write_bytes(b"12345")
    age(indexes / needed)
    age(indexes / ("a" * 64))
    freed = collect(store)
    assert freed.kinds["indexes"] == 5
    assert {path.name for path in indexes.iterdir()} == {needed, "b" * 64}
    zoo.remove("x")
    collect(store)
    assert {path.name for path in indexes.iterdir()} == {"b" * 64}


def test_gc_removes_folders_from_quarantine_and_what_cannot_be_removed_keeps_nothing_else(store):
    store.publish("x", writer(b"kept"))
    quarantine = store.home / "quarantine"
    for name in ("refs+BAD", "refs+WORSE"):
        (quarantine / name).mkdir(parents=True)
        (quarantine / name / "1").write_bytes(b"12345")
        age(quarantine / name)
    (quarantine / "z").write_bytes(b"12345")
    age(quarantine / "z")

    def refuse(act, arguments):
        if act == "os.remove" and "BAD" in str(arguments[0]):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    (quarantine / "BAD").write_bytes(b"12345")
    age(quarantine / "BAD")
    with observed(store.home, refuse), pytest.raises(StoreError, match="Permission denied"):
        collect(store)
    assert "z" not in os.listdir(quarantine)
    assert "refs+WORSE" not in os.listdir(quarantine)
    collect(store)
    assert os.listdir(quarantine) == []


def test_gc_frees_nothing_while_it_is_not_known_what_is_needed(store):
    store.publish("x", writer(b"one"))
    store.publish("y", writer(b"two"))
    spare = store.home / "blobs" / "ab" / ("ab" + "0" * 62)
    spare.parent.mkdir(exist_ok=True)
    spare.write_bytes(b"spare")
    (store.home / "refs" / "x" / "1").write_text("nonsense")
    with pytest.raises(CheckpointError, match=r"x@1: its reference is damaged.*lexarium repair"):
        collect(store)
    assert spare.exists()


def test_gc_of_a_store_that_nothing_is_in_makes_nothing(store):
    assert collect(store).files == 0
    assert not store.home.exists()


def test_a_store_that_is_not_on_this_disk_is_neither_repaired_nor_collected(zoo):
    zoo.store = object()
    for verb in (zoo.repair, zoo.gc):
        with pytest.raises(StoreError):
            verb()


def test_the_commands_say_what_they_did(invoke, zoo, model):
    zoo.save(model, name="a")
    well = invoke("repair")
    assert (well.stdout, well.exit_code) == ("all is well\n", 0)
    assert invoke("gc").stdout == "freed 0 B in 0 files\n"
    spoil(zoo.store.find("a").locate("model.safetensors"))
    (zoo.home / "refs" / "a" / "odd").write_text("x")
    done = invoke("repair", "--dry-run")
    assert "took out refs/a/odd" in done.stdout
    assert "nothing is done yet" in done.stderr
    assert "a@1 is not whole: store it again" in done.stdout
    assert (zoo.home / "refs" / "a" / "odd").exists()
    broken = invoke("repair", "--json")
    assert list(json.loads(broken.stdout)["missing"]) == ["a@1"]
    assert (done.exit_code, broken.exit_code) == (1, 1)
    assert broken.stderr == "Error: a@1: not whole; store it again, or unbundle it\n"
    assert not (zoo.home / "refs" / "a" / "odd").exists()
    for path in (zoo.home / "quarantine").iterdir():
        age(path)
    freed = json.loads(invoke("gc", "--dry-run", "--json").stdout)
    assert (freed["files"], freed["dry_run"]) == (2, True)
    assert "quarantine: " in invoke("gc").stdout
    shutil.rmtree(zoo.home / "quarantine")
    assert invoke("gc").stdout == "freed 0 B in 0 files\n"
