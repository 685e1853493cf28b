"""What ``hf://`` stands for in a store: what the Hub said at the last pull, and nobody else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lexarium.errors import HubOfflineError, ModelNotFoundError, StoreError
from lexarium.stores import Origin
from lexarium_registry.bundle import bundle, unbundle
from lexarium_registry.confirmed import Confirmed, confirm, confirmed
from lexarium_registry.names import parse_hub
from lexarium_registry.placing import copy_model
from lexarium_registry.pull import pull
from lexarium_registry.push import push

REF = "hf://me/x"


@pytest.fixture
def repository(hub, here, lengths):
    """Put x on the hub, as REF; give the repository."""
    here.save(lengths, name="x", license="MIT")
    push(here, "x", REF)
    return hub.repositories["me/x"]


def older(files):
    """Return files of a repository of ours whose manifest says an earlier time."""
    manifest = json.loads(files["lexarium.json"])
    changed = manifest | {"created": "2020-01-01T00:00:00+00:00", "license": "Apache-2.0"}
    return {**files, "lexarium.json": json.dumps(changed).encode()}


def test_offline_takes_what_the_last_pull_gave_whatever_its_author_says_of_its_time(repository, there):
    first = pull(there, REF)
    repository.add(older(repository.files))
    assert pull(there, REF).model == "x@2"
    assert pull(there, REF, offline=True).model == "x@2"
    assert there.store.resolve(REF).version == "2"
    assert there.open(REF).reference == "x@2"
    assert [s.version for s in there.store.pulled(REF)] == ["1", "2"]
    repository.branches["main"] = first.commit
    assert pull(there, REF) == replace(first, new=False, fetched=0)
    assert pull(there, REF, offline=True) == replace(first, new=False, fetched=0)
    assert there.store.resolve(REF).version == "1"


def test_a_commit_that_was_pulled_is_known_by_its_number(repository, there):
    done = pull(there, REF)
    assert pull(there, f"{REF}@{done.commit}", offline=True).model == "x@1"
    with pytest.raises(HubOfflineError):
        pull(there, f"{REF}@v1", offline=True)


def test_a_model_that_was_pushed_from_here_is_asked_for_once(hub, here, repository):
    assert pull(here, REF).model == "x@1"
    with hub.counted() as asked:
        assert here.open(REF).reference == "x@1"
        assert pull(here, REF, offline=True).model == "x@1"
    assert not asked


def test_another_commit_with_the_same_model_is_asked_for_once(hub, repository, there):
    pull(there, REF)
    commit = repository.add({**repository.files, "NOTES.md": b"of a person"})
    assert pull(there, REF).commit == commit
    with hub.counted() as asked:
        again = pull(there, REF, offline=True)
        assert there.open(REF).reference == "x@1"
    assert (again.model, again.commit, asked) == ("x@1", commit, [])
    with hub.counted() as asked:
        pull(there, REF)
    assert len(asked) == 1


def test_what_a_bundle_claims_to_be_from_the_hub_is_not_taken_for_it(
    hub, repository, here, there, lengths, tmp_path
):
    commit = repository.branches["main"]
    here.save(type(lengths)([7, 8]), name="evil", license="MIT")
    claim = Origin(reference=REF, revision="main", commit=commit)
    evil = here.store.find("evil")
    here.store.publish("evil", lambda folder: folder.mkdir() or copy_model(evil, folder), origin=claim)
    bundle(here, ["evil@2"], tmp_path / "models.bundle")
    unbundle(there, tmp_path / "models.bundle")
    assert there.store.find("evil").origin == claim
    with pytest.raises(ModelNotFoundError):
        there.store.resolve(REF)
    with pytest.raises(HubOfflineError, match="not here"):
        pull(there, REF, offline=True)
    assert there.open(REF).reference == "x@1"
    assert pull(there, REF).model == "x@1"


def test_a_name_that_stands_for_another_repositorys_model_is_not_taken_over(hub, repository, there):
    hub.repository("evil/x", older(repository.files))
    pull(there, REF)
    with pytest.raises(StoreError, match=rf"x@1 is from {REF}, .*lexarium pull hf://evil/x --name NAME"):
        pull(there, "hf://evil/x")
    assert there.store.versions("x") == ["1"]
    assert pull(there, "hf://evil/x", name="theirs").model == "theirs@1"
    assert pull(there, "hf://evil/x").model == "theirs@1"
    assert there.open("hf://evil/x").reference == "theirs@1"


def test_what_was_removed_is_pulled_again(repository, there):
    pull(there, REF)
    there.remove("x")
    with pytest.raises(HubOfflineError, match="not here"):
        pull(there, REF, offline=True)
    assert pull(there, REF).model == "x@2"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"commit": "main", "manifest": null, "models": []}',
        b'{"commit": "%s", "manifest": 1, "models": []}' % (b"a" * 40),
        b'{"commit": "%s", "manifest": null, "models": ["x@1"]}' % (b"a" * 40),
        b'{"commit": "%s", "manifest": null, "models": [["../x", "1"]]}' % (b"a" * 40),
        b'{"commit": "%s", "manifest": null, "models": [["x", 1]]}' % (b"a" * 40),
        b'{"commit": "%s", "manifest": null, "models": 1}' % (b"a" * 40),
    ],
)
def test_a_damaged_record_is_none_and_is_written_again(store, zoo, model, content):
    zoo.save(model, name="x")
    asked, said = parse_hub("hf://org/repo"), Confirmed(commit="a" * 40)
    path = store.layout.pulled(str(asked))
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert confirmed(store.layout, asked) is None
    confirm(store, asked, store.find("x"), said)
    assert confirmed(store.layout, asked) == replace(said, models=(("x", "1"),))
