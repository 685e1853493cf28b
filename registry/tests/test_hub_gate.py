"""What comes from a hub or out of a bundle passes the gates of core before anything is stored."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest
from hub_server import blob_id

from lexarium.checkpoint.tensors import write_tensors
from lexarium.errors import CheckpointError, HubCorruptedError, StoreError
from lexarium_registry.admission import require_room
from lexarium_registry.bundle import _add, unbundle
from lexarium_registry.pull import pull

REF = "hf://me/x"


@pytest.fixture
def ours(hub, here, lengths):
    """Give the files of a repository of ours."""
    here.save(lengths, name="x", license="MIT")
    here.push("x", REF)
    return hub.repositories["me/x"]


def changed(files, added):
    """Return the files of a repository with others in it that its manifest lists as well."""
    manifest = json.loads(files["lexarium.json"])
    for path, content in added.items():
        digest = hashlib.sha256(content).hexdigest()
        listed = [entry for entry in manifest["files"] if entry["path"] == path]
        role = listed[0]["role"] if listed else "method"
        manifest["files"] = [entry for entry in manifest["files"] if entry["path"] != path]
        manifest["files"].append({"path": path, "size": len(content), "sha256": digest, "role": role})
    return {**files, **added, "lexarium.json": json.dumps(manifest).encode()}


def framed(header, data=bytes(8)):
    raw = header.encode()
    return len(raw).to_bytes(8, "little") + raw + data


ENTRY = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
HEADERS = {
    "a name twice": (framed(f'{{"weights":{ENTRY},"weights":{ENTRY}}}'), "stands twice"),
    "9 MiB of header": (framed(f'{{"weights":{ENTRY}}}' + " " * 9 * 2**20), "more than 8388608"),
    "a rank of 2001": (framed(f'{{"weights":{ENTRY.replace("[2]", str([1] * 2001))}}}'), "no usable shape"),
    "bytes of nobody": (framed(f'{{"weights":{ENTRY}}}', bytes(9)), "1 bytes belong to no tensor"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_a_hostile_header_is_refused_by_a_pull_that_names_the_file_of_the_repository(
    hub, ours, there, name, whose
):
    content, says = HEADERS[name]
    if whose == "ours":
        ours.add(changed(ours.files, {"model.safetensors": content}))
    else:
        config = json.dumps({"model_type": "lengths", "also": ["later.txt"]}).encode()
        hub.repository("me/x", {"config.json": config, "model.safetensors": content, "later.txt": b"1"})
    with pytest.raises(CheckpointError, match=rf"^hf://me/x, model\.safetensors: .*{says}") as caught:
        pull(there, REF)
    assert "golden" not in str(caught.value)
    assert not hub.requests(path="later.txt")  # the header is checked as soon as it is there
    assert there.store.names() == []


CODE = {
    "pytorch_model.bin": b"\x80\x04pickle",
    "weights.pkl": b"\x80\x04pickle",
    "modeling.py": b"print(1)",
    "run.sh": b"#!/bin/sh\n",
    ".git/config": b"[core]\n fsmonitor = touch /tmp/x\n",
    ".gitattributes.txt": b"",
}


@pytest.mark.parametrize("path", CODE)
@pytest.mark.parametrize("way", ["pull", "unbundle"])
def test_only_kinds_of_files_that_hold_data_alone_come_in(tmp_path, ours, there, path, way):
    files = changed(ours.files, {path: CODE[path]})
    ours.add(files)
    with pytest.raises(CheckpointError, match=r"none of the kinds that hold data alone|is hidden"):
        pull(there, REF) if way == "pull" else unbundle(there, carried(tmp_path, files))
    assert there.store.names() == []
    assert not [p for p in there.home.rglob("*") if p.is_file() and p.read_bytes() == CODE[path] != b""]


def carried(folder, files):
    """Write a bundle of a repository's files, whatever its manifest says."""
    manifest = files["lexarium.json"]
    digest = hashlib.sha256(manifest).hexdigest()
    model = {"name": json.loads(manifest)["name"], "manifest": digest, "origin": None}
    with (folder / "models.tar").open("wb") as out:
        _add(out, "bundle.json", json.dumps({"format": 1, "models": [model]}).encode())
        _add(out, f"manifests/{digest}", manifest)
        for entry in json.loads(manifest)["files"]:
            _add(out, f"blobs/{entry['sha256']}", files[entry["path"]])
        out.write(bytes(1024))
    return folder / "models.tar"


def test_a_repository_of_others_is_adopted_when_its_header_is_right(hub, there, tmp_path):
    write_tensors(tmp_path / "w", {"weights": np.array([2, 3], np.float32)})
    config = json.dumps({"model_type": "lengths"}).encode()
    hub.repository("me/x", {"config.json": config, "model.safetensors": (tmp_path / "w").read_bytes()})
    assert pull(there, REF).model == "x@1"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda files: files.pop("note.txt"), "note.txt is missing"),
        (
            lambda files: files.update({"note.txt": b"longer than it was"}),
            "note.txt is not what lexarium.json says",
        ),
        (lambda files: files.update({"model.safetensors": bytes(80)}), "model.safetensors is not what"),
    ],
    ids=["missing", "of another size", "of another hash"],
)
def test_a_repository_that_holds_other_files_than_its_manifest_lists_is_refused_before_any_is_fetched(
    hub, ours, there, change, says
):
    files = dict(ours.files)
    change(files)
    ours.add(files)
    with hub.counted() as asked, pytest.raises(HubCorruptedError, match=f"^hf://me/x: {says}"):
        pull(there, REF)
    assert not [each for each in asked if "/resolve/" in each.path and "lexarium.json" not in each.path]


def info(repository, **changes):
    """Return what a hub says of a repository, some of it changed."""
    (commit,) = repository.branches.values()
    siblings = [
        {"rfilename": path, "size": len(content), "blobId": blob_id(content)}
        for path, content in repository.files.items()
    ]
    return json.dumps({"id": "me/x", "sha": commit, "siblings": siblings, **changes}).encode()


def test_a_hub_that_gives_another_commit_than_the_one_asked_for_is_refused(hub, ours, there):
    commit = ours.branches["main"]
    hub.fault("body", "/api/models", headers={"body": info(ours, sha="b" * 40)})
    with pytest.raises(HubCorruptedError, match=r"the server gives the commit b{40}"):
        pull(there, f"{REF}@{commit}")


def test_a_hub_that_lists_a_file_twice_is_refused(hub, ours, there):
    twice = [{"rfilename": "a.txt", "size": 1, "blobId": "c" * 40}] * 2
    hub.fault("body", "/api/models", headers={"body": info(ours, siblings=twice)})
    with pytest.raises(HubCorruptedError, match=r"its listing makes no sense at 'a\.txt'"):
        pull(there, REF)


def test_a_disk_without_room_is_named_before_anything_is_fetched(tmp_path):
    with pytest.raises(
        StoreError, match=r"1,000,000,000,000 MB are to be fetched, and the disk has .* MB free; free"
    ):
        require_room(tmp_path / "not" / "there", 10**18)


def test_room_is_asked_for_what_is_written_and_no_more(tmp_path):
    most = int(0.7 * shutil.disk_usage(tmp_path).free)
    require_room(tmp_path, most)
    with pytest.raises(StoreError, match="are to be fetched"):
        require_room(tmp_path, most, most)
