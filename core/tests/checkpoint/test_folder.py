"""A model folder: written whole, read back equal, and every damage to it named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lexarium.checkpoint.folder import (
    Golden,
    Node,
    hash_file,
    read_folder,
    read_golden,
    read_nodes,
    space_id,
    verify_files,
    write_folder,
)
from lexarium.checkpoint.manifest import MANIFEST, About, GoldenEntry, PluginEntry
from lexarium.checkpoint.paths import read_small
from lexarium.checkpoint.tensors import write_tensors
from lexarium.errors import CheckpointError
from lexarium.roles import Space, State
from lexarium.vocabulary import Vocabulary

PLUGIN = PluginEntry("lexarium-any", ">=1.0")
GOLDEN = Golden(["", "一"], "dense", {"rows": np.ones((2, 3), np.float32)}, GoldenEntry(1e-5, 0.999))
EMBEDDER = Node(
    kind="embedder",
    method="any",
    plugin=PLUGIN,
    state=State(
        config={"lower": True},
        tensors={"w": np.arange(6.0).reshape(2, 3), "n": np.array(3)},
        files={"a.txt": b"1"},
    ),
    space=Space(dim=3),
)
PIPELINE = Node(
    kind="head",
    method="head",
    plugin=PLUGIN,
    state=State(config={}, tensors={"w": np.zeros((0, 2))}, files={"labels.json": b"[]", "a.txt": b"2"}),
    parts={"embedder": EMBEDDER},
)
ABOUT = About(license="MIT", lineage={"texts": 2})


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "model", "m", PIPELINE, GOLDEN, ABOUT)
    return tmp_path / "model"


def locate(folder):
    return lambda path: folder / path


def nodes(folder):
    return read_nodes(read_folder(folder), locate(folder))


def equal(one, other):
    assert (one.method, one.plugin, one.space) == (other.method, other.plugin, other.space)
    assert dict(one.state.config) == dict(other.state.config)
    assert dict(one.state.files) == dict(other.state.files)
    assert one.state.tensors.keys() == other.state.tensors.keys()
    for name, tensor in one.state.tensors.items():
        assert tensor.dtype == other.state.tensors[name].dtype
        assert tensor.shape == other.state.tensors[name].shape
        np.testing.assert_array_equal(tensor, other.state.tensors[name])
    assert one.parts.keys() == other.parts.keys()
    for name, part in one.parts.items():
        equal(part, other.parts[name])


def test_a_tree_of_states_comes_back_equal(folder):
    equal(nodes(folder), PIPELINE)


def test_a_state_without_tensors_or_files_comes_back_equal(tmp_path):
    bare = Node(
        kind="embedder", method="m", plugin=PLUGIN, state=State(config={}, tensors={}), space=Space(dim=1)
    )
    write_folder(tmp_path / "bare", "m", bare, GOLDEN, About())
    equal(nodes(tmp_path / "bare"), bare)


def test_the_manifest_lists_every_file_with_its_size_hash_and_role(folder):
    manifest = read_folder(folder)
    assert (manifest.name, manifest.version, manifest.kind, manifest.about) == ("m", "1", "pipeline", ABOUT)
    roles = {entry.path: entry.role for entry in manifest.files}
    assert roles == {
        "model.safetensors": "tensors",
        "labels.json": "method",
        "a.txt": "method",
        "embedder/model.safetensors": "tensors",
        "embedder/a.txt": "method",
        "golden.safetensors": "golden",
        "golden.json": "golden",
    }
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert on_disk == {*roles, MANIFEST}
    for entry in manifest.files:
        raw = (folder / entry.path).read_bytes()
        assert (entry.size, entry.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert manifest.root.find_space() == (space_id(EMBEDDER), EMBEDDER.space)


def test_the_time_of_writing_has_a_time_zone(folder):
    assert read_folder(folder).created.endswith("+00:00")


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="the folder is not empty"):
        write_folder(tmp_path, "m", EMBEDDER, GOLDEN, About())
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_golden_rows_come_back(folder):
    golden = read_golden(read_folder(folder), locate(folder))
    assert (golden.inputs, golden.kind, golden.tolerance) == (GOLDEN.inputs, GOLDEN.kind, GOLDEN.tolerance)
    np.testing.assert_array_equal(golden.tensors["rows"], GOLDEN.tensors["rows"])


def test_a_whole_model_has_nothing_to_report(folder):
    assert list(verify_files(read_folder(folder), locate(folder))) == []


def test_every_file_that_is_missing_longer_shorter_or_changed_is_reported_by_name(folder):
    manifest = read_folder(folder)
    for entry in manifest.files:
        path = folder / entry.path
        whole = path.read_bytes()
        changed = whole[:-1] + bytes([whole[-1] ^ 1])
        for damaged, says in ((whole + b"x", "takes"), (whole[:-1], "takes"), (changed, "is damaged")):
            path.write_bytes(damaged)
            (problem,) = verify_files(manifest, locate(folder))
            assert problem.startswith(f"{entry.path} {says}")
        path.unlink()
        assert list(verify_files(manifest, locate(folder))) == [f"{entry.path} is missing"]
        path.write_bytes(whole)


def test_a_file_of_another_size_is_found_before_any_is_opened(folder):
    for entry in read_folder(folder).files:
        path = folder / entry.path
        whole = path.read_bytes()
        path.write_bytes(whole + b" ")
        with pytest.raises(CheckpointError, match=f"m@1: {entry.path} takes {entry.size + 1} bytes"):
            nodes(folder)
        path.unlink()
        says = f"m@1: {entry.path} is missing; type: lexarium repair"
        with pytest.raises(CheckpointError, match=says):
            nodes(folder)
        path.mkdir()
        with pytest.raises(CheckpointError, match=says):
            nodes(folder)
        path.rmdir()
        path.symlink_to(path)
        with pytest.raises(CheckpointError, match=says):
            nodes(folder)
        path.unlink()
        path.write_bytes(whole)


def test_a_file_that_may_not_be_read_is_no_damage(folder, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    manifest = read_folder(folder)
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        read_nodes(manifest, locate(folder))


def test_a_small_file_is_read_whole_up_to_the_most_it_may_have(tmp_path):
    for size in (0, 9, 10, 11):
        (tmp_path / "small").write_bytes(b"x" * size)
        if size <= 10:
            assert read_small(tmp_path / "small", 10) == b"x" * size
    with pytest.raises(CheckpointError, match="more than 10 bytes"):
        read_small(tmp_path / "small", 10)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="such files are Linux's")
def test_a_file_that_does_not_say_its_size_is_read_whole():
    raw = read_small(Path("/proc/self/status"), 1 << 20)
    assert raw.startswith(b"Name:")
    assert raw.count(b"\n") > 20
    with pytest.raises(CheckpointError, match="more than 30 bytes"):
        read_small(Path("/proc/self/status"), 30)


def test_a_folder_without_manifest_holds_no_model(folder, tmp_path):
    (folder / MANIFEST).unlink()
    for place in (folder, tmp_path / "nowhere", folder / "labels.json"):
        with pytest.raises(CheckpointError, match=r"there is no model here: no lexarium\.json"):
            read_folder(place)


@pytest.mark.parametrize("name", ["golden.json", "golden.safetensors"])
def test_a_model_without_golden_rows_says_so(folder, name):
    manifest = read_folder(folder)
    rest = tuple(entry for entry in manifest.files if entry.path != name)
    with pytest.raises(CheckpointError, match="carries no golden rows"):
        read_golden(replace(manifest, files=rest), locate(folder))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b'{"inputs": 7, "kind": "dense"}',
        b'{"inputs": []}',
        b"\xff",
        b'{"inputs": [1], "kind": "dense"}',
        b'{"inputs": ["a"], "kind": "odd"}',
        b'{"inputs": ["a"], "kind": []}',
        b"[" * 100_000,
    ],
)
def test_golden_inputs_that_cannot_be_read_are_a_checkpoint_error(folder, raw):
    (folder / "golden.json").write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"m@1: golden\.json cannot be read"):
        read_golden(read_folder(folder), locate(folder))


def test_hashing_a_file_is_hashing_its_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"abc" * 100_000)
    assert hash_file(tmp_path / "f") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def changed(method="any", space=EMBEDDER.space, plugin=PLUGIN, **state):
    state = replace(EMBEDDER.state, **state)
    return Node(kind="embedder", method=method, plugin=plugin, state=state, space=space)


@pytest.mark.parametrize(
    "other",
    [
        changed(method="other"),
        changed(config={"lower": True, "more": 1}),
        changed(config={"lower": False}),
        changed(space=Space(dim=4)),
        changed(space=Space(dim=3, normalized=True)),
        changed(tensors={**EMBEDDER.state.tensors, "n": np.array(4)}),
        changed(tensors={**EMBEDDER.state.tensors, "w": np.arange(6.0).reshape(3, 2)}),
        changed(tensors={**EMBEDDER.state.tensors, "n": np.array(3.0)}),
        changed(tensors={"w": EMBEDDER.state.tensors["w"]}),
        changed(files={"a.txt": b"2"}),
        changed(files={"b.txt": b"1"}),
    ],
)
def test_the_space_id_changes_with_all_that_changes_vectors(other):
    assert space_id(other) != space_id(EMBEDDER)


def test_the_space_id_does_not_change_with_anything_else(folder, tmp_path):
    tensors = {"n": np.array(3), "w": np.asfortranarray(EMBEDDER.state.tensors["w"])}
    assert space_id(changed(tensors=tensors)) == space_id(EMBEDDER)
    assert space_id(changed(plugin=PluginEntry("other", ">=9"))) == space_id(EMBEDDER)
    write_folder(tmp_path / "renamed", "other-name", EMBEDDER, GOLDEN, About(license="CC0-1.0"))
    for place in (folder, tmp_path / "renamed"):
        assert read_folder(place).root.find_space()[0] == space_id(EMBEDDER)


def test_the_space_id_survives_the_disk(folder):
    assert space_id(nodes(folder).parts["embedder"]) == space_id(EMBEDDER)


def test_the_space_id_does_not_change_with_the_order_of_bytes_in_memory():
    swapped = {
        name: tensor.astype(tensor.dtype.newbyteorder(">")) for name, tensor in EMBEDDER.state.tensors.items()
    }
    assert space_id(changed(tensors=swapped)) == space_id(EMBEDDER)


def test_the_space_id_does_not_change_with_settings_that_only_training_reads(tmp_path):
    ids = set()
    for least in (1, 2):
        node = replace(changed(config={"lower": True, "least": least}), fit_only=("least",))
        write_folder(tmp_path / str(least), "m", node, GOLDEN, About())
        equal(nodes(tmp_path / str(least)), node)
        assert list(verify_files(read_folder(tmp_path / str(least)), locate(tmp_path / str(least)))) == []
        ids.add(read_folder(tmp_path / str(least)).root.space_id)
    assert len(ids) == 1
    read = replace(changed(config={"lower": True, "least": 1}), fit_only=("lower",))
    assert space_id(read) not in ids


@pytest.mark.parametrize("name", ["training.context", "statistics.texts"])
def test_the_space_id_does_not_change_with_what_is_kept_to_go_on_from(name):
    more = dict(EMBEDDER.state.tensors) | {name: np.ones(3, np.float32)}
    assert space_id(changed(tensors=more)) == space_id(EMBEDDER)
    assert space_id(changed(tensors=more | {"other": np.ones(3, np.float32)})) != space_id(EMBEDDER)


def test_the_space_id_hashes_the_words_and_not_the_table_beside_them():
    words = Vocabulary.build(["a", "b"]).tensors()
    other = {**words, "vocabulary.slots": np.zeros(64, np.uint32)}
    assert space_id(changed(tensors=words)) == space_id(changed(tensors=other))
    assert space_id(changed(tensors=words)) != space_id(
        changed(tensors=Vocabulary.build(["a", "c"]).tensors())
    )


def test_the_space_id_of_a_whole_changes_with_its_parts():
    fuser = replace(EMBEDDER, kind="fuser", parts={"text": EMBEDDER})
    other = replace(fuser, parts={"text": changed(config={})})
    assert len({space_id(EMBEDDER), space_id(fuser), space_id(other)}) == 3


def rewrite(folder, change):
    raw = json.loads((folder / MANIFEST).read_bytes())
    change(raw)
    (folder / MANIFEST).write_text(json.dumps(raw), encoding="utf-8")


def relist(folder, path, role):
    """List a file as it lies there, in place of the entry that it had."""
    raw = (folder / path).read_bytes()
    entry = {"path": path, "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "role": role}
    rewrite(folder, lambda m: m.update(files=[f for f in m["files"] if f["path"] != path] + [entry]))


@pytest.mark.parametrize(
    "change",
    [{"config": {"lower": False}}, {"method": "other"}, {"fit_only": ["lower"]},
     {"space": {"id": "0" * 64, "dim": 3, "modalities": ["text"], "dtype": "float32", "sparse": False,
                "similarity": "cosine", "normalized": False}}],
)  # fmt: skip
def test_a_space_whose_id_is_not_that_of_what_is_there_is_reported(folder, change):
    rewrite(folder, lambda manifest: manifest["parts"]["embedder"].update(change))
    assert list(verify_files(read_folder(folder), locate(folder))) == [
        "embedder/space.id is not that of the settings and tensors that are here"
    ]


NESTED = {"1_Pooling/config.json": b"{}", "a/b/c.txt": b"deep", "golden.txt": b"", "model/x.txt": b"2"}


def test_files_in_folders_come_back_and_stay_apart_from_those_of_a_part(tmp_path):
    inner = replace(EMBEDDER, state=replace(EMBEDDER.state, files=NESTED))
    node = replace(
        PIPELINE,
        state=replace(PIPELINE.state, files={**NESTED, "embedders/x.txt": b"3"}),
        parts={"embedder": inner},
    )
    write_folder(tmp_path / "model", "m", node, GOLDEN, About())
    equal(nodes(tmp_path / "model"), node)
    assert (tmp_path / "model" / "embedder" / "1_Pooling" / "config.json").read_bytes() == b"{}"


@pytest.mark.parametrize(
    "name",
    ["../../../evil.txt", "/evil.txt", "a/../../evil.txt", "", ".", "a//b", "a\\b", "c:evil", "evil\n",
     "evil\x00", "lexarium.json", "Lexarium.JSON", "golden.json", "golden.safetensors", "model.safetensors",
     "README.md", "embedder/x.txt", "Embedder/x.txt", "embedder", "a/model.safetensors", "weights.pkl",
     "run.py", "x.sh", "pytorch_model.bin", "no_ending", ".hidden.json", ".git/config.txt", "a/.b/c.json"],
)  # fmt: skip
def test_a_file_that_cannot_be_kept_is_refused_before_anything_is_written(tmp_path, name):
    node = replace(PIPELINE, state=replace(PIPELINE.state, files={"good.txt": b"1", name: b"evil"}))
    with pytest.raises(CheckpointError):
        write_folder(tmp_path / "a" / "b" / "model", "m", node, GOLDEN, About())
    assert list(tmp_path.iterdir()) == []
    assert not Path("/evil.txt").exists()


@pytest.mark.parametrize("files", [("a.md", "A.md"), ("a.md", "a.md/b.md"), ("a.md/b.md", "A.md")])
def test_two_files_that_some_disk_cannot_hold_together_are_refused(tmp_path, files):
    node = changed(files=dict.fromkeys(files, b""))
    with pytest.raises(CheckpointError):
        write_folder(tmp_path / "model", "m", node, GOLDEN, About())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["..", "a/b", "Embedder", ""])
def test_a_part_whose_name_is_no_plain_word_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(CheckpointError, match="is not the name of a part"):
        write_folder(tmp_path / "model", "m", replace(PIPELINE, parts={name: EMBEDDER}), GOLDEN, About())
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_could_not_be_read_again_is_refused_before_anything_is_written(tmp_path):
    for node, about in ((changed(config={"a": float("inf")}), About()), (EMBEDDER, About(license="a\x1b"))):
        with pytest.raises(CheckpointError):
            write_folder(tmp_path / "model", "m", node, GOLDEN, about)
    assert list(tmp_path.iterdir()) == []


def test_the_tensors_of_a_part_are_those_of_all_its_tensor_files(folder):
    write_tensors(folder / "embedder" / "model-2.safetensors", {"more": np.arange(4)})
    relist(folder, "embedder/model-2.safetensors", "tensors")
    (folder / "embedder" / "shards").mkdir()
    write_tensors(folder / "embedder" / "shards" / "3.safetensors", {"most": np.arange(5)})
    relist(folder, "embedder/shards/3.safetensors", "tensors")
    found = nodes(folder)
    assert found.parts["embedder"].state.tensors.keys() == {"w", "n", "more", "most"}
    assert found.state.tensors.keys() == {"w"}


def test_a_tensor_in_two_files_is_refused(folder):
    write_tensors(folder / "model-2.safetensors", {"w": np.zeros((0, 2))})
    relist(folder, "model-2.safetensors", "tensors")
    with pytest.raises(CheckpointError, match=r"model-2\.safetensors: the tensor 'w' stands twice"):
        nodes(folder)
    assert any("stands twice" in problem for problem in verify_files(read_folder(folder), locate(folder)))


def test_a_card_and_files_of_a_later_role_are_no_part_of_the_model(folder):
    for path, role in (("README.md", "card"), ("later.txt", "later"), ("embedder/later.txt", "later")):
        (folder / path).write_text("of it")
        relist(folder, path, role)
    equal(nodes(folder), PIPELINE)
    manifest = read_folder(folder)
    assert manifest.root.find_space()[0] == space_id(EMBEDDER)
    assert list(verify_files(manifest, locate(folder))) == []
    (folder / "README.md").write_text("no more")
    assert list(verify_files(manifest, locate(folder))) == ["README.md takes 7 bytes instead of 5"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in the file system")
@pytest.mark.parametrize("name", [MANIFEST, "golden.json", "golden.safetensors"])
def test_a_pipe_is_not_waited_for(folder, name):
    manifest = read_folder(folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(CheckpointError):
        read_folder(folder) if name == MANIFEST else read_golden(manifest, locate(folder))


def test_a_file_without_end_is_not_read_to_its_end(folder):
    manifest = read_folder(folder)
    for name in (MANIFEST, "golden.json"):
        with (folder / name).open("wb") as file:
            file.truncate(2**40)
    with pytest.raises(CheckpointError, match="more than 16777216 bytes"):
        read_folder(folder)
    with pytest.raises(CheckpointError, match="more than 16777216 bytes"):
        read_golden(manifest, locate(folder))
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_small(Path(os.devnull), 10)


def test_golden_rows_without_an_input_prove_nothing(tmp_path):
    empty = Golden([], "dense", {"rows": np.ones((0, 3), np.float32)}, GoldenEntry(1e-5, 0.999))
    write_folder(tmp_path / "model", "m", EMBEDDER, empty, About())
    with pytest.raises(CheckpointError, match="no golden inputs, so it proves nothing"):
        read_golden(read_folder(tmp_path / "model"), locate(tmp_path / "model"))


def test_a_model_moved_elsewhere_opens_there(folder, tmp_path):
    shutil.move(folder, tmp_path / "moved 文")
    equal(nodes(tmp_path / "moved 文"), PIPELINE)


def test_a_part_without_its_files_is_not_read_from_its_neighbours(folder):
    raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    raw["files"] = [entry for entry in raw["files"] if not entry["path"].startswith("embedder/")]
    (folder / MANIFEST).write_text(json.dumps(raw), encoding="utf-8")
    state = nodes(folder).parts["embedder"].state
    assert (dict(state.tensors), dict(state.files)) == ({}, {})
