"""``lexarium.lock``: the same models give the same text, and it finds exactly them again."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace

import pytest

from lexarium.errors import CheckpointError, InputError, ModelNotFoundError
from lexarium.stores import Origin
from lexarium_registry.lockfile import lock, locked_version, misfits, read_lock, write_lock
from lexarium_registry.store import LocalStore

ORIGIN = Origin(reference="hf://org/repo", revision="main", commit="a" * 40, manifest="b" * 64)


@pytest.fixture
def stored(zoo, model, tmp_path):
    """Store two versions of ``a``, the second of them pulled, and one of ``b``."""
    zoo.save(model, name="a")
    zoo.write(type(model)(3), tmp_path / "theirs", name="theirs")
    zoo.store.publish("a", lambda folder: shutil.copytree(tmp_path / "theirs", folder), origin=ORIGIN)
    zoo.save(model, name="b")
    return zoo


def test_a_lock_holds_the_newest_version_of_every_model_or_those_that_are_named(stored):
    assert [(m.name, m.version) for m in lock(stored)] == [("a", "2"), ("b", "1")]
    assert [(m.name, m.version) for m in lock(stored, ["b", "a@1", "b@1"])] == [("a", "1"), ("b", "1")]
    pulled, made = lock(stored)
    assert (pulled.reference, pulled.revision, pulled.commit) == ("hf://org/repo", "main", "a" * 40)
    assert (made.reference, made.revision, made.commit) == (None, None, None)
    assert pulled.space_id == stored.store.find("a").manifest.root.space_id
    (plugin,) = {(m.distribution, m.plugin) for m in (pulled, made)}
    assert (plugin[0].rpartition(".")[2], plugin[1]) == ("conftest", "0")


def test_what_is_written_is_read_and_the_same_models_give_the_same_text(stored, tmp_path):
    path = tmp_path / "lexarium.lock"
    texts = set()
    for references in ((), ("b", "a"), ("a", "b")):
        write_lock(path, lock(stored, references))
        texts.add(path.read_text("utf-8"))
        assert read_lock(path) == lock(stored)
    assert len(texts) == 1
    assert all(str(tmp_path) not in text for text in texts)


def test_a_locked_model_is_found_again_under_any_number_and_nothing_else_is_it(stored, tmp_path, model):
    pulled, made = lock(stored)
    assert locked_version(stored.store, pulled).version == "2"
    elsewhere = LocalStore(tmp_path / "elsewhere")
    assert locked_version(elsewhere, made) is None
    elsewhere.publish("b", lambda folder: shutil.copytree(tmp_path / "theirs", folder))
    assert locked_version(elsewhere, made) is None
    stored.export("b", "folder", tmp_path / "b")
    elsewhere.publish("b", lambda folder: shutil.copytree(tmp_path / "b", folder))
    assert locked_version(elsewhere, made).version == "2"
    elsewhere.publish("a", lambda folder: shutil.copytree(tmp_path / "theirs", folder))
    assert misfits(elsewhere.find("a"), pulled) == [f"it does not come from hf://org/repo at {'a' * 40}"]
    elsewhere.publish("a", lambda folder: shutil.copytree(tmp_path / "theirs", folder), origin=ORIGIN)
    assert locked_version(elsewhere, pulled).version == "2"
    other = replace(pulled, space_id="c" * 64, manifest="d" * 64)
    assert len(misfits(elsewhere.find("a"), other)) == 2


def test_an_adopted_model_is_known_by_commit_and_space_as_its_manifest_is_made_where_it_is_pulled(
    stored, tmp_path
):
    adopted = replace(ORIGIN, manifest=None)
    stored.store.publish("c", lambda folder: shutil.copytree(tmp_path / "theirs", folder), origin=adopted)
    (locked,) = lock(stored, ["c"])
    assert misfits(stored.store.find("c"), replace(locked, manifest="e" * 64)) == []
    assert misfits(stored.store.find("c"), replace(locked, space_id="e" * 64)) != []
    assert misfits(stored.store.find("c"), replace(locked, commit="e" * 40)) != []


def test_what_is_not_stored_or_damaged_or_a_folder_cannot_be_locked(stored, tmp_path):
    with pytest.raises(ModelNotFoundError):
        lock(stored, ["z"])
    with pytest.raises(InputError, match="only stored models"):
        lock(stored, [str(tmp_path / "theirs")])
    (stored.home / "refs" / "a" / "2").write_text("nonsense")
    with pytest.raises(CheckpointError):
        lock(stored)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(format=2), "format 2"),
        (lambda d: d.update(format=True), "format True"),
        (lambda d: d.update(more=1), "no others"),
        (lambda d: d.update(models={}), "no others"),
        (lambda d: d["models"].append(d["models"][0]), "a model stands twice"),
        (lambda d: d["models"].append(1), r"models\[2\]"),
        (lambda d: d["models"][0].pop("commit"), r"models\[0\]"),
        (lambda d: d["models"][0].update(commit=None), r"models\[0\]"),
        (lambda d: d["models"][0].update(commit="a"), r"models\[0\]"),
        (lambda d: d["models"][0].update(reference="hf://../x"), r"models\[0\]"),
        (lambda d: d["models"][0].update(revision="../x"), r"models\[0\]"),
        (lambda d: d["models"][1].update(name="../x"), r"models\[1\]"),
        (lambda d: d["models"][1].update(version="0"), r"models\[1\]"),
        (lambda d: d["models"][1].update(manifest="x"), r"models\[1\]"),
        (lambda d: d["models"][1].update(space_id="x"), r"models\[1\]"),
        (lambda d: d["models"][1].update(plugin=1), r"models\[1\].plugin"),
        (lambda d: d["models"][1].update(plugin="a\u202eb"), r"models\[1\].plugin"),
    ],
)
def test_a_lock_file_that_says_anything_else_is_refused_with_the_place(stored, tmp_path, change, says):
    document = {"format": 1, "models": [asdict(model) for model in lock(stored)]}
    change(document)
    path = tmp_path / "lexarium.lock"
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError, match=says):
        read_lock(path)


@pytest.mark.parametrize("raw", [None, b"", b"{", b"\xff"])
def test_what_is_no_lock_file_is_refused(tmp_path, raw):
    path = tmp_path / "lexarium.lock"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(InputError, match="type: lexarium lock"):
        read_lock(path)


def test_the_command_writes_the_file_and_says_what_no_pull_can_bring(invoke, stored, tmp_path):
    path = tmp_path / "my.lock"
    done = invoke("lock", "--out", path)
    assert "locked 2 models" in done.stdout
    assert "made here, so no pull can bring them elsewhere: b" in done.stderr
    assert read_lock(path) == lock(stored)
    assert json.loads(invoke("lock", "a", "--out", path, "--json").stdout)[0]["name"] == "a"
    assert len(read_lock(path)) == 1
