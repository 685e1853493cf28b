from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from lexarium.checkpoint.tensors import write_tensors
from lexarium.errors import (
    CheckpointError,
    HubAccessError,
    HubConflictError,
    HubCorruptedError,
    HubError,
    HubNotFoundError,
    HubOfflineError,
    MethodNotFoundError,
    UnsupportedError,
)
from lexarium_registry.pull import pull
from lexarium_registry.push import push

REF = "hf://me/lengths"


@pytest.fixture
def pushed(hub, here, lengths):
    """Give what is left of a push: the store has it as x@1, the hub as REF."""
    here.save(lengths, name="x", license="MIT")
    return push(here, "x", REF)


def test_what_is_pushed_is_what_is_pulled(hub, here, there, pushed, lengths):
    done = pull(there, REF)
    assert (done.model, done.new, done.commit) == ("lengths@1", True, pushed.commit)
    texts = ["a text", "", "另一个"]
    assert np.array_equal(there.load("lengths").embed(texts), lengths.embed(texts))
    mine, theirs = here.store.find("x").manifest, there.store.find("lengths").manifest
    assert mine.files == theirs.files
    assert mine.root.space_id == theirs.root.space_id
    origin = there.store.find("lengths").origin
    assert (origin.reference, origin.revision, origin.commit) == (REF, "main", pushed.commit)
    sent = hub.repositories["me/lengths"].files["lexarium.json"]
    assert origin.manifest == hashlib.sha256(sent).hexdigest()


def test_the_zoo_pushes_and_pulls_with_the_options_of_the_commands(hub, here, there, lengths):
    here.save(lengths, name="x")
    done = here.push("x", REF, license="MIT", private=True, tag="v1")
    repository = hub.repositories["me/lengths"]
    assert (repository.private, repository.tags) == (True, {"v1": done.commit})
    there.pull(f"{REF}@v1")
    with hub.counted() as asked:
        assert not there.pull(f"{REF}@v1", offline=True).new
    assert not asked
    assert [each.entry.name for each in there.search("minilm", language="zh")] == ["minilm-multilingual"]


def test_a_push_is_one_commit_of_all_files(hub, pushed, here):
    files = hub.repositories["me/lengths"].files
    listed = {entry.path for entry in here.store.find("x").manifest.files}
    assert set(files) == listed | {"lexarium.json", "README.md", ".gitattributes"}
    assert len(hub.requests("POST", "/commit/")) == 1


def test_a_second_push_of_the_same_commits_nothing(hub, here, pushed):
    again = push(here, "x", REF)
    assert (again.commit, again.sent) == (pushed.commit, ())
    assert len(hub.requests("POST", "/commit/")) == 1


def test_a_second_push_sends_the_changed_small_file_alone(hub, here, pushed, lengths):
    lengths.note = b"another note\n"
    here.save(lengths, name="x", license="MIT")
    before = len(hub.asked)
    again = push(here, "x", REF)
    assert "note.txt" in again.sent
    assert not [path for path in again.sent if path.endswith(".safetensors")]
    assert not [a for a in hub.asked[before:] if a.method == "PUT"]


def test_a_pull_of_what_is_here_makes_one_request(hub, there, pushed):
    pull(there, REF)
    with hub.counted() as asked:
        again = pull(there, REF)
    assert (again.model, again.new) == ("lengths@1", False)
    assert len(asked) == 1


def test_a_pull_of_an_unchanged_model_at_another_commit_makes_two_requests(hub, there, pushed):
    pull(there, REF)
    repository = hub.repositories["me/lengths"]
    repository.add({**repository.files, "NOTES.md": b"of a person"})
    with hub.counted() as asked:
        again = pull(there, REF)
    assert (again.model, again.new) == ("lengths@1", False)
    assert len(asked) == 2
    assert there.store.versions("lengths") == ["1"]


def test_a_pull_into_the_store_that_pushed_stores_nothing_twice(hub, here, pushed):
    assert pull(here, REF, name="x").model == "x@1"
    assert here.store.versions("x") == ["1"]


def test_a_new_version_fetches_only_what_changed(hub, here, there, pushed, lengths):
    pull(there, REF)
    lengths.note = b"another note\n"
    here.save(lengths, name="x", license="MIT")
    push(here, "x", REF)
    with hub.counted() as asked:
        assert pull(there, REF).model == "lengths@2"
    assert not [a for a in asked if a.host == "cdn"]
    assert there.load("lengths").note == b"another note\n"


def test_load_pulls_what_is_not_here_and_then_asks_no_more(hub, there, pushed):
    text = ["one text"]
    first = there.load(REF).embed(text)
    with hub.counted() as asked:
        second = there.load(REF).embed(text)
    assert not asked
    assert np.array_equal(first, second)


@pytest.mark.parametrize("kind", ["unset", "damaged"])
def test_push_refuses_what_does_not_give_its_golden_rows(hub, here, lengths, monkeypatch, kind):
    here.save(lengths, name="x", license="MIT")
    monkeypatch.setenv("LENGTHS_DRIFT", "1" if kind == "unset" else "-1")
    with pytest.raises(CheckpointError, match=r"off by|ended with -6"):
        push(here, "x", REF)
    assert not hub.asked


def test_pull_refuses_what_does_not_give_its_golden_rows(hub, there, pushed, monkeypatch):
    monkeypatch.setenv("LENGTHS_DRIFT", "1")
    with pytest.raises(CheckpointError, match="golden"):
        pull(there, REF)
    assert there.store.names() == []


def test_push_refuses_a_damaged_file(hub, here, lengths):
    stored = here.save(lengths, name="x", license="MIT")
    path = stored.locate("note.txt")
    path.chmod(0o644)
    path.write_bytes(b"A note\n")
    with pytest.raises(CheckpointError, match=r"note\.txt"):
        push(here, "x", REF)
    assert not hub.asked


def test_push_wants_a_licence_and_says_how_to_set_it(hub, here, lengths):
    here.save(lengths, name="x")
    with pytest.raises(UnsupportedError, match=r"lexarium set x --license.*--license"):
        push(here, "x", REF)
    assert not hub.asked
    done = push(here, "x", REF, license="Apache-2.0")
    manifest = json.loads(hub.repositories["me/lengths"].files["lexarium.json"])
    assert manifest["license"] == "Apache-2.0"
    assert b'license: "apache-2.0"' in hub.repositories["me/lengths"].files["README.md"]
    assert done.notes == ()


def test_push_says_where_a_base_model_has_another_licence(hub, here, lengths):
    here.save(lengths, name="base", license="GPL-3.0-only")
    here.save(lengths, name="x", license="MIT", lineage={"base": {"model": "base@1", "relation": "merged"}})
    (note,) = push(here, "x", REF).notes
    assert "base@1, under GPL-3.0-only" in note
    assert "MIT" in note


def test_a_tag_names_the_commit_and_is_never_moved(hub, here, there, pushed, lengths):
    push(here, "x", REF, tag="v1")
    assert hub.repositories["me/lengths"].tags == {"v1": pushed.commit}
    push(here, "x", REF, tag="v1")
    lengths.note = b"another\n"
    here.save(lengths, name="x", license="MIT")
    with pytest.raises(
        HubConflictError, match=rf"'v1' names the commit {pushed.commit}.*nothing was changed"
    ):
        push(here, "x", REF, tag="v1")
    assert hub.repositories["me/lengths"].branches["main"] == pushed.commit
    assert pull(there, f"{REF}@v1").commit == pushed.commit


def test_a_tag_that_names_another_commit_than_before_is_refused(hub, there, pushed):
    repository = hub.repositories["me/lengths"]
    repository.tags["v1"] = pushed.commit
    pull(there, f"{REF}@v1")
    repository.tags["v1"] = repository.add({**repository.files, "new.txt": b"new"})
    with pytest.raises(HubConflictError, match=rf"was the commit {pushed.commit}.*lexarium pull {REF}@"):
        pull(there, f"{REF}@v1")


def test_a_branch_may_move(hub, here, there, pushed, lengths):
    repository = hub.repositories["me/lengths"]
    repository.branches["dev"] = pushed.commit
    pull(there, f"{REF}@dev")
    lengths.note = b"another\n"
    here.save(lengths, name="x", license="MIT")
    repository.branches["dev"] = push(here, "x", REF).commit
    assert pull(there, f"{REF}@dev").model == "lengths@2"


def test_a_commit_that_suddenly_holds_another_manifest_is_refused(hub, here, there, pushed, lengths):
    pull(there, f"{REF}@{pushed.commit}")
    lengths.note = b"another\n"
    here.save(lengths, name="x", license="MIT")
    push(here, "x", REF)
    repository = hub.repositories["me/lengths"]
    repository.commits[pushed.commit] = repository.files
    with pytest.raises(HubConflictError, match="a commit never changes"):
        pull(there, f"{REF}@{pushed.commit}", name="other")


def test_everything_is_read_from_the_commit_that_was_resolved(hub, here, there, pushed, lengths):
    repository = hub.repositories["me/lengths"]
    hub.fault("headers", "lexarium.json", then=lambda: repository.add({"README.md": b"all gone"}))
    assert pull(there, REF).commit == pushed.commit


def test_another_who_pushed_meanwhile_is_not_overwritten(hub, here, pushed, lengths):
    repository = hub.repositories["me/lengths"]
    lengths.note = b"another\n"
    here.save(lengths, name="x", license="MIT")
    hub.fault("headers", "/commit/", method="POST", times=1, then=lambda: repository.add({"theirs": b"1"}))
    with pytest.raises(HubConflictError, match=r"has moved meanwhile.*type the same again"):
        push(here, "x", REF)
    assert set(repository.files) == {"theirs"}


def test_a_tag_lands_on_the_commit_that_was_made_whoever_pushes_meanwhile(hub, here, pushed, lengths):
    repository = hub.repositories["me/lengths"]
    lengths.note = b"another\n"
    here.save(lengths, name="x", license="MIT")
    count, theirs = len(repository.commits), []

    def push_theirs():
        if len(repository.commits) == count + 1 and not theirs:
            theirs.append(repository.add({**repository.files, "theirs.txt": b"1"}))

    hub.fault("headers", "/api/models/me/lengths", then=push_theirs)
    hub.fault("headers", "/api/models/me/lengths", method="POST", then=push_theirs)
    done = push(here, "x", REF, tag="v1")
    assert theirs
    assert repository.tags == {"v1": done.commit}
    assert "theirs.txt" not in repository.commits[done.commit]
    assert repository.branches["main"] == theirs[0]


@pytest.mark.parametrize("tag", ["main", "dev", "a" * 40])
def test_a_tag_that_is_a_branch_or_a_commit_is_refused_before_anything_is_asked(hub, here, lengths, tag):
    here.save(lengths, name="x", license="MIT")
    with pytest.raises(UnsupportedError, match=f"'{tag}' is a .* and cannot be a tag"):
        push(here, "x", f"{REF}@dev", tag=tag)
    assert not hub.asked


def test_a_push_that_should_be_private_onto_a_public_repository_sends_nothing(hub, here, lengths):
    here.save(lengths, name="x", license="MIT")
    repository = hub.repository("me/lengths")
    with pytest.raises(UnsupportedError, match=r"is there and is public; nothing was sent.*--private"):
        push(here, "x", REF, private=True)
    assert set(repository.files) == {".gitattributes"}
    repository.private = True
    assert push(here, "x", REF, private=True).sent


@pytest.mark.parametrize("what", ["answer", "all"])
def test_a_lost_answer_to_the_commit_is_recognised(hub, here, lengths, patience, what):
    here.save(lengths, name="x", license="MIT")
    if what == "answer":
        hub.fault("lose", "/commit/", method="POST")
    else:
        hub.fault("drop", "/commit/", method="POST", times=1)
    done = push(here, "x", REF, transfer=patience)
    assert hub.repositories["me/lengths"].branches["main"] == done.commit
    assert len(hub.requests("POST", "/commit/")) == 1
    again = push(here, "x", REF, transfer=patience)
    assert (again.commit, again.sent) == (done.commit, ())


def test_a_commit_that_fails_changes_nothing(hub, here, lengths, patience):
    here.save(lengths, name="x", license="MIT")
    hub.fault("status", "/commit/", method="POST", times=1, status=502)
    with pytest.raises(HubError, match=r"502.*nothing was changed there"):
        push(here, "x", REF, transfer=patience)
    assert set(hub.repositories["me/lengths"].files) == {".gitattributes"}
    assert push(here, "x", REF, transfer=patience).sent


def test_the_hashes_are_compared_after_the_commit(hub, here, lengths):
    here.save(lengths, name="x", license="MIT")
    hub.repository("me/lengths", {".gitignore": b"note.txt\n"})
    with pytest.raises(HubCorruptedError, match=r"does not hold what was sent: note.txt.*gitignore"):
        push(here, "x", REF, tag="v1")
    assert hub.repositories["me/lengths"].tags == {}


def test_files_of_a_person_stay_and_those_of_an_earlier_push_go(hub, here, pushed, lengths):
    repository = hub.repositories["me/lengths"]
    repository.add({**repository.files, "picture.png": b"png"})
    manifest = json.loads(repository.files["lexarium.json"])
    old = {"path": "old.txt", "size": 3, "sha256": hashlib.sha256(b"old").hexdigest(), "role": "method"}
    manifest["files"].append(old)
    repository.add({**repository.files, "old.txt": b"old", "lexarium.json": json.dumps(manifest).encode()})
    push(here, "x", REF)
    assert "picture.png" in repository.files
    assert "old.txt" not in repository.files


def test_the_text_of_a_person_in_the_card_is_never_touched(hub, here, pushed, lengths):
    repository = hub.repositories["me/lengths"]
    text = repository.files["README.md"].decode()
    begin = text.index("<!--")
    theirs = (
        text[:begin].replace("---\n", "---\nlicense: mine\n", 1) + "# 我的\n\n" + text[begin:] + "\nAfter.\n"
    )
    repository.add({**repository.files, "README.md": theirs.encode()})
    lengths.note = b"another\n"
    here.save(lengths, name="x", license="MIT", metrics={"accuracy": 0.5})
    push(here, "x", REF)
    now = repository.files["README.md"].decode()
    assert now.startswith("---\nlicense: mine\n")
    assert now.count("license:") == 1
    assert "# 我的\n\n<!--" in now
    assert now.endswith("\nAfter.\n")
    assert "accuracy" in now


def test_a_card_whose_marks_do_not_pair_up_is_left_alone(hub, here, lengths):
    here.save(lengths, name="x", license="MIT")
    broken = "mine\n<!-- lexarium: generated, begin -->\n"
    repository = hub.repository("me/lengths", {"README.md": broken.encode()})
    assert "left alone" in push(here, "x", REF).notes[0]
    assert repository.files["README.md"].decode() == broken


def test_private_repositories_need_a_token_and_pulling_a_read_token_only(
    hub, here, there, lengths, monkeypatch
):
    from hub_server import READER

    here.save(lengths, name="x", license="MIT")
    push(here, "x", REF, private=True)
    assert hub.repositories["me/lengths"].private
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubNotFoundError, match=r"shows no repository me/lengths.*hf auth login"):
        pull(there, REF)
    monkeypatch.setenv("HF_TOKEN", READER)
    assert pull(there, REF).new
    with pytest.raises(HubAccessError, match="write token"):
        push(here, "x", REF, license="Apache-2.0")


def test_a_model_whose_plugin_is_not_installed_is_refused_before_it_is_fetched(hub, here, pushed, tmp_path):
    import lexarium_registry.plugin
    from lexarium.host import Host
    from lexarium.zoo import Zoo

    bare = Zoo(tmp_path / "bare", Host([lexarium_registry.plugin]))
    with hub.counted() as asked, pytest.raises(MethodNotFoundError, match="lengths"):
        pull(bare, REF)
    assert len(asked) == 2


def test_offline_takes_what_is_here_and_says_what_is_not(hub, here, there, pushed, monkeypatch):
    with pytest.raises(HubOfflineError, match="hf://me/lengths is not here"):
        pull(there, REF, offline=True)
    pull(there, REF)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = len(hub.asked)
    assert pull(there, REF).model == "lengths@1"
    with pytest.raises(HubOfflineError):
        push(here, "x", REF)
    assert len(hub.asked) == before


def test_a_damaged_version_is_mended_by_a_pull(hub, there, pushed):
    pull(there, REF)
    blob = there.store.find("lengths").locate("model.safetensors")
    blob.unlink()
    pull(there, REF)
    assert there.load("lengths@1").embed(["abc"]).shape == (1, 2)


def foreign(hub, weights=(1, 2), readme=b"", **config):
    """Put a repository of somebody else's on the hub."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        write_tensors(Path(folder) / "w", {"weights": np.array(weights, np.float32)})
        content = (Path(folder) / "w").read_bytes()
    files = {
        "config.json": json.dumps({"model_type": "lengths", **config}).encode(),
        "model.safetensors": content,
        "pytorch_model.bin": b"a pickle",
        "README.md": readme,
    }
    return hub.repository("they/Foreign_Model", files)


def test_a_repository_of_others_is_adopted(hub, there):
    repository = foreign(hub, readme=b"---\nlicense: cc-by-4.0\nlanguage: zh\n---\nhello")
    done = pull(there, "hf://they/Foreign_Model")
    stored = there.store.find("foreign_model")
    assert done.model == "foreign_model@1"
    assert stored.manifest.about.license == "CC-BY-4.0"
    assert stored.manifest.about.languages == ("zh",)
    base = stored.manifest.about.lineage["base"]
    assert (base["model"], base["revision"], base["relation"]) == (
        "hf://they/Foreign_Model",
        done.commit,
        "adopted",
    )
    digest = hashlib.sha256(repository.files["model.safetensors"]).hexdigest()
    assert base["files"]["model.safetensors"]["sha256"] == digest
    assert stored.origin.manifest is None
    assert there.load("foreign_model").embed(["abc"]).tolist() == [[3, 6]]
    assert not hub.requests(path="pytorch_model.bin")
    assert not list((there.home / "partial").glob("*.part"))
    assert list((there.home / "staging").iterdir()) == []


def test_no_licence_is_made_up(hub, there):
    foreign(hub)
    pull(there, "hf://they/Foreign_Model")
    assert there.store.find("foreign_model").manifest.about.license is None


def test_an_adopted_model_whose_files_did_not_change_is_not_fetched_again(hub, there):
    repository = foreign(hub)
    pull(there, "hf://they/Foreign_Model")
    repository.add({**repository.files, "README.md": b"another"})
    with hub.counted() as asked:
        assert not pull(there, "hf://they/Foreign_Model").new
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "unheard-of"}, r"no installed method.*'unheard-of'.*lengths"),
        ({"auto_map": {"AutoModel": "evil.Model"}}, "code of its own"),
        ({"also": ["pytorch_model.bin"]}, "none of the kinds that hold data alone"),
        ({"also": ["absent.json"]}, "not in the repository"),
    ],
)
def test_what_cannot_be_adopted_is_refused_before_its_weights_are_fetched(hub, there, config, says):
    foreign(hub, **config)
    with pytest.raises((UnsupportedError, CheckpointError), match=says):
        pull(there, "hf://they/Foreign_Model")
    assert not hub.requests(path="model.safetensors")
    assert there.store.names() == []


def test_a_repository_of_pickles_is_refused(hub, there):
    hub.repository("they/Old", {"config.json": b"{}", "pytorch_model.bin": b"a pickle"})
    with pytest.raises(UnsupportedError, match="pickles"):
        pull(there, "hf://they/Old")
    assert not hub.requests(path=".bin")
