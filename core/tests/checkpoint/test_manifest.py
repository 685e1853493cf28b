"""The manifest: it comes back as it was, and anything else is a CheckpointError that says where."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.checkpoint.manifest import About, FileEntry, GoldenEntry, Manifest, Part, PluginEntry
from lexarium.errors import CheckpointError
from lexarium.roles import Space

SHA = "0123456789abcdef" * 4
EMBEDDER = Part(
    method="bow",
    plugin=PluginEntry("lexarium-bow", ">=0.1.0"),
    config={"ngram_range": [1, 2], "词": None},
    space=Space(dim=3, sparse=True, modalities=("text", "image")),
    space_id="id of the space",
)
PIPELINE = Part(
    method="classifier",
    plugin=PluginEntry("lexarium-heads", ">=0.1"),
    config={},
    parts={"embedder": EMBEDDER},
)
ABOUT = About(
    license="MIT",
    lineage={"texts": 3},
    metrics={"accuracy": 0.5},
    languages=("en", "zh"),
    limits={"max_tokens": None},
)


def manifest(root=PIPELINE, **changes):
    known = {
        "name": "影评",
        "version": "2",
        "created": "2026-01-01T00:00:00+00:00",
        "kind": "pipeline",
        "root": root,
        "files": (
            FileEntry("embedder/model.safetensors", 10, SHA, "tensors"),
            FileEntry("labels.json", 5, SHA, "method"),
        ),
        "golden": GoldenEntry(1e-5, 0.999),
        "about": ABOUT,
    }
    return Manifest(**known | changes)


def document():
    return json.loads(manifest().to_bytes())


def read(changed):
    return Manifest.from_bytes(json.dumps(changed).encode(), "m/lexarium.json")


def put(changed, path, value):
    *outer, last = path
    for step in outer:
        changed = changed[step]
    if value is ...:
        del changed[last]
    else:
        changed[last] = value


def test_a_manifest_comes_back_equal():
    for each in (manifest(), manifest(EMBEDDER, kind="embedder", about=About(), files=())):
        assert Manifest.from_bytes(each.to_bytes(), "here") == each


def test_a_lone_surrogate_in_a_setting_comes_back_too():
    odd = manifest(about=About(lineage={"note": "\ud800"}))
    assert Manifest.from_bytes(odd.to_bytes(), "here") == odd


def test_the_fields_of_the_design_stand_at_the_top():
    assert list(document()) == [
        "format", "name", "version", "created", "kind", "method", "plugin", "config", "space", "parts",
        "files", "golden", "license", "lineage", "metrics", "languages", "limits",
    ]  # fmt: skip
    assert document()["format"] == 1
    assert document()["parts"]["embedder"]["space"]["id"] == "id of the space"


def test_size_files_and_the_space_can_be_asked_for():
    found = manifest()
    assert found.size == 15
    assert found.file("labels.json").size == 5
    assert found.file("other") is None
    assert found.root.find_space() == ("id of the space", EMBEDDER.space)
    assert Part(method="m", plugin=PluginEntry("d", ">=1"), config={}).find_space() is None


REQUIRED = {
    ("format",): int,
    ("name",): str,
    ("version",): str,
    ("created",): str,
    ("kind",): str,
    ("method",): str,
    ("plugin",): dict,
    ("plugin", "distribution"): str,
    ("plugin", "requires"): str,
    ("config",): dict,
    ("files",): list,
    ("files", 0): dict,
    ("files", 0, "path"): str,
    ("files", 0, "size"): int,
    ("files", 0, "sha256"): str,
    ("files", 0, "role"): str,
    ("golden",): dict,
    ("golden", "atol"): float,
    ("golden", "min_cosine"): float,
    ("parts", "embedder", "method"): str,
    ("parts", "embedder", "space", "id"): str,
    ("parts", "embedder", "space", "dim"): int,
    ("parts", "embedder", "space", "modalities"): list,
    ("parts", "embedder", "space", "dtype"): str,
    ("parts", "embedder", "space", "sparse"): bool,
    ("parts", "embedder", "space", "similarity"): str,
    ("parts", "embedder", "space", "normalized"): bool,
}
OPTIONAL = {
    ("parts",): dict,
    ("parts", "embedder"): dict,
    ("parts", "embedder", "space"): dict,
    ("license",): str,
    ("lineage",): dict,
    ("metrics",): dict,
    ("languages",): list,
    ("limits",): dict,
}
VALUES = [None, True, 7, 0.5, "text", [1], {"a": 1}]


@pytest.mark.parametrize("path", REQUIRED, ids=lambda path: ".".join(map(str, path)))
def test_a_required_field_must_be_there_and_of_its_type(path):
    kind = REQUIRED[path]
    for value in VALUES if isinstance(path[-1], int) else [..., *VALUES]:
        if type(value) is kind or (kind is float and type(value) is int):
            continue
        changed = document()
        put(changed, path, value)
        with pytest.raises(CheckpointError, match=r"m/lexarium\.json"):
            read(changed)


@pytest.mark.parametrize("path", OPTIONAL, ids=lambda path: ".".join(map(str, path)))
def test_a_field_that_may_be_absent_must_still_be_of_its_type(path):
    changed = document()
    put(changed, path, ...)
    read(changed)
    for value in VALUES[1:]:
        if type(value) is not OPTIONAL[path]:
            put(changed, path, value)
            with pytest.raises(CheckpointError, match=path[-1]):
                read(changed)


def test_what_is_said_about_a_model_may_be_null():
    changed = document() | dict.fromkeys(("license", "lineage", "metrics", "languages", "limits"))
    assert read(changed).about == About()


@pytest.mark.parametrize("number", [0, 2, -1, 10**30])
def test_another_format_is_answered_with_the_upgrade(number):
    with pytest.raises(CheckpointError, match="this Lexarium reads format 1; upgrade Lexarium"):
        read(document() | {"format": number})


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../x", "/x", "//x", "a//b", "./a", "a/.", "a/", ".", "", "..", "a\\b", "c:x", "a\nb", "\x00",
     "\ud800", "lexarium.json", "\u202ex"],
)  # fmt: skip
def test_a_path_that_leaves_the_folder_or_is_not_plain_is_refused(path):
    changed = document()
    changed["files"][0]["path"] = path
    with pytest.raises(CheckpointError, match=r"files\[0\]: .* is not a path within the folder"):
        read(changed)


@pytest.mark.parametrize(
    "change", [{"size": -1}, {"sha256": "0" * 63}, {"sha256": SHA.upper()}, {"sha256": SHA + "\n"}]
)
def test_a_size_or_hash_that_is_none_is_refused(change):
    changed = document()
    changed["files"][1].update(change)
    with pytest.raises(CheckpointError, match=r"files\[1\]: the size or the sha256 is not one"):
        read(changed)


@pytest.mark.parametrize("path", ["labels.json", "LABELS.json"])
def test_a_file_listed_twice_is_refused_even_in_other_case(path):
    changed = document()
    changed["files"][0]["path"] = path
    with pytest.raises(CheckpointError, match="a file is listed twice"):
        read(changed)


@pytest.mark.parametrize("name", ["..", "a/b", "", "Embedder", "x" * 33, "文", "a\n"])
def test_the_name_of_a_part_must_be_a_plain_word(name):
    changed = document()
    changed["parts"][name] = changed["parts"].pop("embedder")
    with pytest.raises(CheckpointError, match="is not the name of a part"):
        read(changed)


def test_parts_within_parts_end_somewhere():
    changed = document()
    for _ in range(20):
        changed = copy.deepcopy(document()) | {"parts": {"embedder": changed}}
    with pytest.raises(CheckpointError, match="too deep"):
        read(changed)


@pytest.mark.parametrize(
    ("distribution", "requires"),
    [("a b", ">=1"), ("a; rm", ">=1"), ("", ">=1"), ("a", "1"), ("a", ">=²"), ("a", ">=" + "9" * 5000)],
)
def test_a_plugin_that_cannot_be_typed_after_pip_install_is_refused(distribution, requires):
    with pytest.raises(CheckpointError, match="plugin"):
        read(document() | {"plugin": {"distribution": distribution, "requires": requires}})


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_a_number_that_no_float_holds_is_refused(number):
    with pytest.raises(CheckpointError, match="atol"):
        read(document() | {"golden": {"atol": number, "min_cosine": 1}})


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b"null", b"[]", b"7", b'"x"', b"[" * 1_000_000, b'{"a":' * 100_000, b"{}" * 2]
)
def test_what_is_not_one_json_object_is_refused(raw):
    with pytest.raises(CheckpointError, match="here"):
        Manifest.from_bytes(raw, "here")


def test_a_manifest_larger_than_any_real_one_is_not_parsed():
    with pytest.raises(CheckpointError, match="more than 16777216 bytes"):
        Manifest.from_bytes(b" " * (2**24 + 1), "here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_a_manifest_or_a_checkpoint_error(value):
    with pytest.raises(CheckpointError):
        read(value)


@given(st.lists(st.tuples(st.sampled_from([*REQUIRED, *OPTIONAL]), JSON), min_size=1, max_size=3))
def test_any_json_in_any_field_is_taken_or_a_checkpoint_error(changes):
    changed = document()
    for path, value in changes:
        try:
            put(changed, path, value)
        except (TypeError, KeyError, IndexError, AttributeError):  # an earlier change took the place away
            continue
    try:
        found = read(changed)
    except CheckpointError:
        return
    assert Manifest.from_bytes(found.to_bytes(), "again").to_json().keys() == found.to_json().keys()
