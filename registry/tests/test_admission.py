"""What a pull takes for whole, what it refuses, and how it names what it refuses."""

from __future__ import annotations

import hashlib
import json

import pytest
from test_hub_circle import foreign

from lexarium.errors import CheckpointError, HubOfflineError, StoreError, UnsupportedError
from lexarium_registry.locked_pull import pull_locked
from lexarium_registry.lockfile import lock, write_lock
from lexarium_registry.pull import pull
from lexarium_registry.push import push

REF = "hf://me/lengths"


@pytest.fixture
def repository(hub, here, lengths):
    """Push a model and give its repository."""
    here.save(lengths, name="x", license="MIT")
    push(here, "x", REF)
    return hub.repositories["me/lengths"]


def listing(files, change):
    """Return a repository's files with another manifest."""
    manifest = json.loads(files["lexarium.json"])
    change(manifest)
    return {**files, "lexarium.json": json.dumps(manifest).encode()}


def holding(files, path, content, role="method"):
    """Return a repository's files with this one in it, and a manifest that lists it."""
    entry = {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "role": role}

    def change(manifest):
        manifest["files"] = [*(each for each in manifest["files"] if each["path"] != path), entry]

    return listing({**files, path: content}, change)


def refused(zoo, reference, error):
    """Check that a pull is refused and leaves nothing, and return what it says."""
    with pytest.raises(error) as caught:
        pull(zoo, reference)
    assert zoo.store.names() == []
    assert "staging" not in str(caught.value)
    return str(caught.value)


def test_a_manifest_that_claims_the_space_of_another_model_is_refused(there, repository):
    repository.add(listing(repository.files, lambda manifest: manifest["space"].update(id="f" * 64)))
    said = refused(there, REF, CheckpointError)
    assert said.startswith(f"{REF}: space.id is not that of the settings and tensors that are here; ")


def test_verify_golden_computes_the_space_of_a_stored_model_again(invoke, zoo, model):
    def lie(folder):
        zoo.write(model, folder, name="x")
        path = folder / "lexarium.json"
        manifest = json.loads(path.read_text())
        manifest["space"]["id"] = "f" * 64
        path.write_text(json.dumps(manifest))

    zoo.store.publish("x", lie)
    for arguments in (("x",), ()):
        done = invoke("verify", "--golden", *arguments)
        assert done.exit_code == 1
        assert "space.id is not that of the settings and tensors" in done.stderr


def test_a_file_whose_header_is_wrong_is_named_by_repository_and_file_and_is_not_kept(hub, there, repository):
    content = repository.files["model.safetensors"] + b"more"
    repository.add(holding(repository.files, "model.safetensors", content, "tensors"))
    said = refused(there, REF, CheckpointError)
    assert said.startswith(f"{REF}, model.safetensors: 4 bytes belong to no tensor")
    theirs = foreign(hub)
    theirs.add({**theirs.files, "model.safetensors": content})
    said = refused(there, "hf://they/Foreign_Model", CheckpointError)
    assert said.startswith("hf://they/Foreign_Model, model.safetensors: 4 bytes belong to no tensor")
    assert not (there.home / "partial" / f"{hashlib.sha256(content).hexdigest()}.part").exists()


def test_what_a_reader_refuses_is_named_by_repository_and_file(hub, there):
    foreign(hub, unit="feet")
    said = refused(there, "hf://they/Foreign_Model", UnsupportedError)
    assert said == "hf://they/Foreign_Model, config.json: it measures in feet; take another model"


def test_what_cannot_be_opened_is_not_blamed_on_golden_rows(there, repository):
    def rename(manifest):
        manifest["config"] = {"unheard": 1}

    repository.add(listing(repository.files, rename))
    said = refused(there, REF, CheckpointError)
    assert said.startswith(f"{REF}: ")
    assert "golden" not in said


@pytest.fixture
def locked(there, repository, tmp_path):
    """Pull a model as ``mine``, lock it, and give the lock file."""
    pull(there, REF, name="mine")
    path = tmp_path / "lexarium.lock"
    write_lock(path, lock(there))
    return path


def lose(zoo, name):
    zoo.store.find(name).locate("model.safetensors").unlink()


def spoil(zoo, name):
    path = zoo.store.find(name).locate("model.safetensors")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


@pytest.mark.parametrize("harm", [lose, spoil])
def test_a_locked_model_that_is_not_whole_is_fetched_again_and_offline_is_an_error(
    there, locked, harm, monkeypatch
):
    harm(there, "mine")
    with monkeypatch.context() as context:
        context.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(HubOfflineError, match=r"mine .* is not here as it was locked"):
            pull_locked(there, locked)
    (done,) = pull_locked(there, locked)
    assert done.new
    assert there.load(done.model).embed(["abc"]).shape == (1, 2)
    assert not pull_locked(there, locked)[0].new


@pytest.mark.parametrize("harm", [lose, spoil])
def test_a_pull_offline_of_a_model_that_is_not_whole_is_an_error(there, locked, harm):
    harm(there, "mine")
    with pytest.raises(HubOfflineError, match=r"hf://me/lengths is here as mine@1, which is damaged"):
        pull(there, REF, offline=True)
    assert there.load(REF).embed(["abc"]).shape == (1, 2), "it may ask, and mends it"


def test_a_locked_model_that_was_made_here_and_is_damaged_cannot_be_had_from_a_hub(
    here, repository, tmp_path
):
    path = tmp_path / "lexarium.lock"
    write_lock(path, lock(here))
    lose(here, "x")
    with pytest.raises(
        StoreError, match="x of the lock file is not here as it was locked, and comes from no"
    ):
        pull_locked(here, path)


def test_a_store_that_was_pulled_from_a_lock_file_gives_the_same_lock_file(
    there, locked, here, tmp_path, hub_host
):
    third = type(there)(tmp_path / "third", hub_host)
    pull_locked(third, locked)
    assert lock(third) == lock(there)
    assert not pull(third, REF, offline=True).new


def test_a_model_made_from_a_pulled_one_names_its_repository_commit_and_licence(
    hub, here, there, repository, lengths
):
    from lexarium_registry.card import metadata

    commit = pull(there, REF, name="base").commit
    lineage = {
        "base": [{"model": "base@1", "relation": "merged"}, {"model": "gone@1"}],
        "embedder": "lengths",
    }
    made = there.save(lengths, name="made", license="MIT", lineage=lineage).manifest
    known = {"model": REF, "revision": commit, "license": "MIT"}
    assert made.about.lineage == {
        "base": [{**known, "relation": "merged"}, {"model": "gone@1"}],
        "embedder": "lengths",
    }
    assert metadata(made)["base_model"] == ["me/lengths"]
    piped = there.save(lengths, name="piped", lineage={"embedder": "base@1", "seed": 1}).manifest
    assert piped.about.lineage == {
        "base": {**known, "relation": "embedder"},
        "embedder": f"{REF}@{commit}",
        "seed": 1,
    }
    there.edit("base", license="Apache-2.0")
    edited = there.edit("base", languages=["en"]).manifest
    assert edited.about.lineage["edited_from"] == f"{REF}@{commit}"
    again = there.save(lengths, name="again", lineage={"base": {"model": "base@3"}}).manifest
    assert again.about.lineage == {"base": known}, "its licence is that of the model that was pulled"
    own = here.save(lengths, name="own", lineage={"base": {"model": "x@1"}}).manifest
    assert own.about.lineage == {"base": {"model": "x@1", "license": "MIT"}}
