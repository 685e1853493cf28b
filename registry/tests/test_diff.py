"""What two models differ in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lexarium.checkpoint.folder import Golden, Node, write_folder
from lexarium.checkpoint.manifest import About, GoldenEntry, PluginEntry
from lexarium.errors import CheckpointError, ModelNotFoundError
from lexarium.roles import Space, State
from lexarium.stores import Origin
from lexarium_registry.diff import GoldenDrift, diff

INPUTS = ["one", "two"]


@pytest.fixture
def put(zoo):
    """Give a function that stores a model of these tensors, settings, golden rows and words about it."""

    def publish(name, tensors, *, config=None, rows=((1, 0), (0, 1)), inputs=INPUTS, files=None, about=None):
        rows = np.array(rows, np.float32)
        state = State(config=config or {}, tensors=tensors, files=files or {})
        node = Node(
            kind="embedder",
            method="any",
            plugin=PluginEntry("lexarium-any", ">=0"),
            state=state,
            space=Space(dim=rows.shape[1]),
        )
        golden = Golden(list(inputs), "dense", {"rows": rows}, GoldenEntry(0, 1))
        zoo.store.publish(name, lambda f: write_folder(f, name, node, golden, about or About()))

    return publish


def test_a_model_and_itself_under_another_name_are_the_same(zoo, put):
    for name in "ab":
        put(name, {"w": np.arange(6.0).reshape(2, 3)}, config={"k": 1})
    found = diff(zoo, "a", "b@1")
    assert found.is_empty
    assert found.same_space
    assert found.golden == GoldenDrift(2, 0.0, 1.0)


def test_tensors_that_came_went_and_changed_are_named_with_the_size_of_the_change(zoo, put):
    put(
        "a",
        {"same": np.ones(3), "gone": np.zeros((2, 2), np.int8), "w": np.array([3.0, 4, 0]), "s": np.ones(2)},
    )
    put(
        "b",
        {
            "same": np.ones(3),
            "new": np.zeros(5, np.float32),
            "w": np.array([3.0, 4, -2]),
            "s": np.ones((2, 1)),
        },
    )
    found = diff(zoo, "a", "b")
    assert not found.same_space
    assert found.tensors_removed == {"gone": "int8 [2, 2]"}
    assert found.tensors_added == {"new": "float32 [5]"}
    assert list(found.tensors_changed) == ["s", "w"]
    changed = found.tensors_changed["w"]
    assert (changed.differing, changed.largest, changed.relative) == (1, 2.0, pytest.approx(2 / 5))
    reshaped = found.tensors_changed["s"]
    assert (reshaped.before, reshaped.after, reshaped.differing) == ("float64 [2]", "float64 [2, 1]", None)


def test_a_change_far_into_a_long_tensor_and_of_bytes_and_of_no_number_is_counted(zoo, put):
    long = np.zeros(2**20 + 3, np.float32)
    odd = np.array([np.nan, 1, np.nan])
    put(
        "a",
        {"long": long, "bytes": np.array([0, 255], np.uint8), "odd": odd, "flag": np.array([True, False])},
    )
    long = long.copy()
    long[-1] = 7
    put(
        "b",
        {"long": long, "bytes": np.array([255, 255], np.uint8), "odd": odd, "flag": np.array([True, True])},
    )
    found = diff(zoo, "a", "b").tensors_changed
    assert {name: (change.differing, change.largest) for name, change in found.items()} == {
        "bytes": (1, 255.0),
        "flag": (1, 1.0),
        "long": (1, 7.0),
    }
    assert found["long"].relative is None, "there is nothing that it would be relative to"


def test_golden_rows_are_compared_on_the_inputs_of_both(zoo, put):
    put("a", {}, rows=[(1, 0), (0, 1)])
    put("b", {}, rows=[(0, 1), (3, 4), (1, 1)], inputs=["two", "one", "three"])
    drift = diff(zoo, "a", "b").golden
    assert (drift.inputs, drift.largest) == (2, 4.0)
    assert drift.lowest_cosine == pytest.approx(0.6)
    put("c", {}, rows=[(1, 0, 0), (0, 1, 0)])
    assert diff(zoo, "a", "c").golden == GoldenDrift(2)
    put("d", {}, rows=[(1, 0)], inputs=["other"])
    assert diff(zoo, "a", "d").golden == GoldenDrift(0)


def test_settings_metrics_files_and_what_is_said_of_a_model_are_compared(zoo, put):
    put(
        "a",
        {},
        config={"k": 1, "only_a": True},
        files={"vocab.txt": b"one"},
        about=About(
            license="MIT", metrics={"test": {"f1": 0.5, "n": 3}}, languages=("en",), limits={"max": 1}
        ),
    )
    put(
        "b",
        {},
        config={"k": 2},
        files={"vocab.txt": b"two"},
        about=About(license="Apache-2.0", metrics={"test": {"f1": 0.75, "n": 3}}, languages=("en", "zh")),
    )
    found = diff(zoo, "a", "b")
    assert {k: (c.before, c.after) for k, c in found.config.items()} == {"k": (1, 2), "only_a": (True, None)}
    assert {k: (c.before, c.after) for k, c in found.metrics.items()} == {"test.f1": (0.5, 0.75)}
    assert list(found.files) == ["vocab.txt"]
    assert {k: (c.before, c.after) for k, c in found.facts.items()} == {
        "license": ("MIT", "Apache-2.0"),
        "languages": (["en"], ["en", "zh"]),
        "limit max": (1, None),
    }


def test_where_a_model_came_from_is_compared(zoo, put, model):
    zoo.save(model, name="a")
    stored = zoo.store.find("a")

    def copy(folder):
        zoo.export("a", "folder", folder)

    zoo.store.publish("b", copy, origin=Origin(reference="hf://o/r", revision="main", commit="a" * 40))
    found = diff(zoo, "a", "b")
    assert found.facts["origin"].after == f"hf://o/r@{'a' * 40}"
    assert stored.origin is None


def test_the_parts_of_a_pipeline_are_compared(zoo, put):
    def pipeline(name, weight, letters):
        inner = Node(
            kind="embedder",
            method="any",
            plugin=PluginEntry("lexarium-any", ">=0"),
            state=State(config={"letters": letters}, tensors={"w": np.array([weight])}),
            space=Space(dim=1),
        )
        head = Node(
            kind="head",
            method="top",
            plugin=PluginEntry("lexarium-top", ">=0"),
            state=State(config={}, tensors={"w": np.zeros(1)}),
            parts={"embedder": inner},
        )
        golden = Golden(["x"], "probabilities", {"rows": np.ones((1, 1))}, GoldenEntry(0, 1))
        zoo.store.publish(name, lambda f: write_folder(f, name, head, golden, About()))

    pipeline("a", 1.0, 3)
    pipeline("b", 2.0, 4)
    found = diff(zoo, "a", "b")
    assert list(found.config) == ["embedder.letters"]
    assert list(found.tensors_changed) == ["embedder/w"]


def test_what_is_damaged_or_not_there_is_not_compared(zoo, put):
    put("a", {"w": np.ones(3)})
    path = zoo.store.find("a").locate("model.safetensors")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="is damaged"):
        diff(zoo, "a", "a")
    with pytest.raises(ModelNotFoundError):
        diff(zoo, "a", "z")


def test_the_command_shows_what_changed_and_json_holds_all_of_it(invoke, zoo, model):
    zoo.save(model, name="a", license="MIT", metrics={"accuracy": 0.5})
    zoo.save(type(model)(3), name="a", metrics={"accuracy": 0.75})
    assert "the same; of one space" in invoke("diff", "a@1", "a@1").stdout
    shown = invoke("diff", "a@1", "a@2").stdout
    for line in ("two spaces: do not mix", "license", "metric accuracy", "tensor weight", "golden rows"):
        assert line in shown
    assert "1 numbers, by at most 1, 0.5 of its length" in shown
    document = json.loads(invoke("diff", "a@1", "a@2", "--json").stdout)
    assert document["facts"]["license"] == {"before": "MIT", "after": None}
    assert document["tensors_changed"]["weight"]["largest"] == 1.0
    assert document["golden"]["lowest_cosine"] == 1.0
