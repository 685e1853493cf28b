"""``list``, ``show``, ``remove`` and ``verify``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lexarium.checkpoint.folder import Golden, write_folder
from lexarium.checkpoint.manifest import About, GoldenEntry
from lexarium.checkpoint.tensors import read_header
from lexarium.compose import take_apart


@pytest.fixture
def stored(zoo, model):
    """Store two versions of ``a`` and one of ``b``."""
    for name in ("a", "a", "b"):
        zoo.save(model, name=name, license="MIT", metrics={"accuracy": 0.87654, "long": "x" * 200})
    return zoo


def damage(zoo, reference):
    path = zoo.store.resolve(reference).locate("model.safetensors")
    raw = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))


def spoil_reference(zoo, name, version):
    ref = zoo.home / "refs" / name / version
    ref.unlink()
    ref.write_text("nonsense")


def test_list_as_json_has_a_row_per_version(invoke, stored):
    rows = json.loads(invoke("list", "--json").stdout)
    assert [(row["name"], row["version"]) for row in rows] == [("a", "1"), ("a", "2"), ("b", "1")]
    row = rows[0]
    assert (row["kind"], row["method"], row["dim"], row["license"]) == ("embedder", "lengths", 1, "MIT")
    assert row["size_bytes"] == stored.store.find("a").manifest.size
    assert row["error"] is None


def test_list_is_a_table_with_a_line_per_version(invoke, stored):
    lines = invoke("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "a@1", "a@2", "b@1"]
    assert "MIT" in lines[1]


def test_an_empty_store_is_an_empty_list_and_a_hint_on_stderr(invoke, zoo):
    assert json.loads(invoke("list", "--json").stdout) == []
    done = invoke("list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "lexarium fit --help" in done.stderr
    assert not zoo.home.exists()


def test_a_damaged_version_is_listed_with_what_is_wrong_beside_the_others(invoke, stored):
    spoil_reference(stored, "a", "1")
    done = invoke("list", "--json")
    assert done.exit_code == 0
    broken, *others = json.loads(done.stdout)
    assert "its reference is damaged" in broken["error"]
    assert [row["error"] for row in others] == [None, None]
    assert "its reference is damaged" in invoke("list").stdout


def test_show_as_json_is_the_manifest(invoke, stored):
    document = json.loads(invoke("show", "a@1", "--json").stdout)
    assert document == json.loads(json.dumps(stored.store.find("a", "1").manifest.to_json()))
    assert (document["format"], document["name"], document["version"]) == (1, "a", "1")


def test_show_in_words_says_what_people_ask(invoke, stored):
    shown = invoke("show", "a").stdout
    assert "a@2" in shown
    assert "1, 2" in shown
    assert "1 dimension, dense, cosine" in shown
    assert "0.8765" in shown
    assert "MIT" in shown
    assert stored.store.find("a").manifest.root.space_id in shown
    assert max(map(len, shown.splitlines())) < 130


def test_show_reads_a_folder_too_whatever_its_name_says(invoke, zoo, model, tmp_path, monkeypatch):
    zoo.write(model, tmp_path / "folder", name="Not A Name")
    monkeypatch.chdir(tmp_path / "folder")
    for reference in (tmp_path / "folder", ".", "../folder"):
        done = invoke("show", reference)
        assert done.exit_code == 0, done.stderr
        assert "Not A Name@1" in done.stdout


def test_remove_takes_a_version_or_a_name_and_says_what_went(invoke, stored):
    assert invoke("remove", "a@1").stdout == "removed a@1\n"
    assert json.loads(invoke("remove", "a", "--json").stdout) == {"removed": ["a@2"], "tags": []}
    assert stored.store.names() == ["b"]
    assert invoke("embed", "b", "--text", "four").stdout == "8\n"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("c", "no stored model named 'c'"),
        ("a@3", "no stored model named 'a@3'"),
        ("a@", "is not a version or tag of 'a'"),
        ("a@x", "no tag named 'a@x'; there are none"),
        ("./a", "is not the name of a stored model"),
        ("hf://a/b", "is not the name of a stored model"),
        ("A", "cannot name a model"),
    ],
)
def test_what_cannot_be_removed_is_one_line_and_nothing_goes(invoke, stored, typed, says):
    done = invoke("remove", typed)
    assert (done.exit_code, done.stdout) == (1, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert stored.store.versions("a") == ["1", "2"]


def test_a_damaged_version_can_be_removed_as_its_error_says(invoke, stored):
    spoil_reference(stored, "a", "1")
    done = invoke("show", "a@1")
    assert done.exit_code == 1
    assert "lexarium remove a@1" in done.stderr
    assert invoke("remove", "a@1").exit_code == 0
    assert stored.store.versions("a") == ["2"]
    assert invoke("verify").exit_code == 0


def test_verify_says_ok_for_each_version_or_for_the_one_asked(invoke, stored):
    done = invoke("verify")
    assert (done.exit_code, done.stdout) == (0, "a@1: ok\na@2: ok\nb@1: ok\n")
    for arguments in (["a@1"], ["b", "--golden"]):
        assert invoke("verify", *arguments).stdout == f"{arguments[0]}: ok\n"
    assert json.loads(invoke("verify", "--golden", "--json").stdout) == [
        {"model": reference, "ok": True, "problems": []} for reference in ("a@1", "a@2", "b@1")
    ]


def test_verify_names_what_is_damaged_and_exits_with_one(invoke, stored):
    stored.save(type(stored.load("b"))(3), name="b")
    damage(stored, "b@2")
    done = invoke("verify", "--json")
    assert done.exit_code == 1
    results = {result["model"]: result for result in json.loads(done.stdout)}
    assert [reference for reference, result in results.items() if not result["ok"]] == ["b@2"]
    assert results["b@2"]["problems"] == ["model.safetensors is damaged: its sha256 is another"]
    assert done.stderr.startswith("Error: b@2: model.safetensors is damaged")
    assert "lexarium remove b@2" in done.stderr
    assert invoke("verify").stdout == (
        "a@1: ok\na@2: ok\nb@1: ok\nb@2: damaged: model.safetensors is damaged: its sha256 is another\n"
    )


def test_verify_golden_finds_a_model_that_answers_otherwise_than_when_it_was_stored(invoke, zoo, model):
    node = take_apart(model, zoo.host)
    golden = Golden(["four"], "dense", {"rows": np.array([[9]], np.float32)}, GoldenEntry(1e-5, 0.9))
    zoo.store.publish("drifted", lambda folder: write_folder(folder, "m", node, golden, About()))
    assert invoke("verify", "drifted").exit_code == 0
    done = invoke("verify", "drifted", "--golden")
    assert done.exit_code == 1
    assert "the golden input 'four' is off by 1" in done.stderr


def test_verify_of_an_empty_store_is_fine_and_of_an_unknown_model_is_not(invoke):
    assert json.loads(invoke("verify", "--json").stdout) == []
    done = invoke("verify", "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no stored model named 'nothing'" in done.stderr


def test_a_near_name_is_proposed(invoke, zoo, model):
    zoo.save(model, name="glove-50d")
    assert "did you mean 'glove-50d'" in invoke("show", "glove").stderr


def test_show_says_the_shape_of_each_tensor_and_values_as_they_are_typed(invoke, stored):
    shown = invoke("show", "a").stdout.splitlines()
    tensors = [line.split(maxsplit=2) for line in shown if line.startswith("tensor ")]
    header = read_header(stored.store.find("a").locate("model.safetensors"))
    assert [name for _, name, _ in tensors] == list(header)
    for _, name, said in tensors:
        shape = " x ".join(map(str, header[name].shape)) or "scalar"
        assert said.split(maxsplit=1) == [header[name].dtype, shape]


def test_show_of_a_model_whose_tensors_are_damaged_says_the_rest(invoke, stored):
    stored.store.find("a").locate("model.safetensors").unlink()
    done = invoke("show", "a")
    assert done.exit_code == 0, done.stderr
    assert "file model.safetensors" in done.stdout
    assert "tensor " not in done.stdout
