"""The manifest: it comes back as it was, and anything else is a CheckpointError that says where."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.checkpoint.manifest import About, FileEntry, GoldenEntry, Manifest, Part, PluginEntry
from lexarium.errors import CheckpointError
from lexarium.roles import Space

SHA = "0123456789abcdef" * 4
EMBEDDER = Part(
    kind="embedder",
    method="bow",
    plugin=PluginEntry("lexarium-bow", ">=0.1.0"),
    config={"ngram_range": [1, 2], "词": None},
    space=Space(dim=3, sparse=True, modalities=("text", "image")),
    space_id=SHA,
)
PIPELINE = Part(
    kind="head",
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
        "format", "name", "version", "created", "kind", "root", "method", "plugin", "config", "fit_only",
        "space", "parts", "files", "golden", "license", "lineage", "metrics", "languages", "limits",
    ]  # fmt: skip
    assert document()["format"] == 1
    assert document()["parts"]["embedder"]["space"]["id"] == SHA


def test_size_files_and_the_space_can_be_asked_for():
    found = manifest()
    assert found.size == 15
    assert found.file("labels.json").size == 5
    assert found.file("other") is None
    assert found.root.find_space() == (SHA, EMBEDDER.space)
    assert Part(kind="head", method="m", plugin=PluginEntry("d", ">=1"), config={}).find_space() is None


REQUIRED = {
    ("format",): int,
    ("name",): str,
    ("version",): str,
    ("created",): str,
    ("kind",): str,
    ("root",): str,
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
    ("parts", "embedder", "kind"): str,
    ("parts", "embedder", "method"): str,
    ("parts", "embedder", "space"): dict,
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
    ("parts", "embedder", "fit_only"): list,
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
     "\ud800", "a*b", "\u202ex"],
)  # fmt: skip
def test_a_path_that_leaves_the_folder_or_is_not_plain_is_refused(path):
    changed = document()
    changed["files"][0]["path"] = path
    with pytest.raises(CheckpointError, match=r"files: .* is not a path within the folder"):
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
        changed = copy.deepcopy(document()) | {"kind": "head", "parts": {"embedder": changed}}
    changed["kind"] = "pipeline"
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


HOSTILE = {
    "no bound on the golden rows": (("golden", "atol"), [1e300, 0.02, -1e-9]),
    "a direction that need not hold": (("golden", "min_cosine"), [-5, 0.89, 1.01]),
    "no hash for a space": (
        ("parts", "embedder", "space", "id"),
        ["", "x", SHA[:-1], SHA.upper(), SHA + "\n"],
    ),
    "no dimensions": (("parts", "embedder", "space", "dim"), [0, -1, 2**31, 10**400]),
    "no size": (("files", 0, "size"), [2**53, 10**400]),
    "no kind of model": (("kind",), ["", "Embedder", "head", "fuser"]),
    "no kind of part": (("root",), ["", "pipeline", "embedder", "fuser"]),
    "no kind of inner part": (("parts", "embedder", "kind"), ["", "pipeline"]),
    "a space that is none": (("parts", "embedder", "kind"), ["head"]),
    "a list of other things": (("languages",), [[1], [None]]),
    "modalities that are none": (("parts", "embedder", "space", "modalities"), [[1], [["text"]]]),
    "names of settings that are none": (("parts", "embedder", "fit_only"), [[1]]),
}


@pytest.mark.parametrize(("path", "values"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_value_that_proves_nothing_or_is_out_of_range_is_refused(path, values):
    for value in values:
        changed = document()
        put(changed, path, value)
        with pytest.raises(CheckpointError, match=r"m/lexarium\.json"):
            read(changed)


def test_an_embedder_is_no_pipeline_and_has_a_space():
    embedder = json.loads(manifest(EMBEDDER, kind="embedder", files=()).to_bytes())
    assert read(embedder).root.kind == "embedder"
    for change in (
        {"kind": "pipeline"},
        {"root": "head"},
        {"space": None},
        {"kind": "pipeline", "root": "head"},
    ):
        with pytest.raises(CheckpointError):
            read(embedder | change)


def test_a_fuser_is_an_embedder_whose_parts_say_what_they_are():
    fuser = replace(EMBEDDER, kind="fuser", parts={"text": EMBEDDER, "image": EMBEDDER})
    found = read(json.loads(manifest(fuser, kind="embedder", files=()).to_bytes()))
    assert (found.kind, found.root.kind) == ("embedder", "fuser")
    assert [part.kind for part in found.root.parts.values()] == ["embedder", "embedder"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", ["metrics", "limits", "config", "golden", "later"])
def test_a_number_that_is_none_is_refused_wherever_it_stands(number, place):
    raw = json.dumps(document() | {place: {"deep": ["number"]}}).replace('"number"', number)
    with pytest.raises(CheckpointError, match=r"not JSON: the number|the field 'atol'"):
        Manifest.from_bytes(raw.encode(), "here")


def test_what_is_said_of_a_model_loses_its_undefined_numbers_and_settings_may_have_none():
    nan, inf = float("nan"), float("inf")
    raw = manifest(about=About(metrics={"f1": nan, "folds": [0.5, inf]}, lineage={"loss": -inf})).to_bytes()
    about = Manifest.from_bytes(raw, "here").about
    assert (about.metrics, about.lineage) == ({"f1": None, "folds": [0.5, None]}, {"loss": None})
    with pytest.raises(CheckpointError, match="its settings cannot be written as JSON"):
        manifest(replace(EMBEDDER, config={"a": nan}), kind="embedder").to_bytes()


@pytest.mark.parametrize("field", ["config", "lineage", "metrics", "limits", "later"])
@pytest.mark.parametrize("depth", [65, 600])
def test_what_is_nested_deeper_than_any_real_manifest_is_refused(field, depth):
    nested = "leaf"
    for _ in range(depth):
        nested = {"a": nested} if depth % 2 else [nested]
    with pytest.raises(CheckpointError, match="nested more than 64 deep"):
        read(document() | {field: {"a": nested}})


def test_what_is_nested_as_deep_as_may_be_can_be_shown():
    nested = "leaf"
    for _ in range(60):
        nested = [nested]
    found = read(document() | {"metrics": {"a": nested}})
    assert Manifest.from_bytes(found.to_bytes(), "again") == found


SPACE = ("parts", "embedder", "space")
TEXTS = [
    *[(name,) for name in ("name", "version", "created", "license", "method")],
    *[("languages", 0), ("files", 1, "role"), ("parts", "embedder", "method")],
    *[(*SPACE, "similarity"), (*SPACE, "dtype"), (*SPACE, "modalities", 0)],
]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: ".".join(map(str, path)))
def test_a_control_character_that_a_terminal_would_obey_is_refused(path):
    for character in "\x00\x07\n\x1b\x7f\x9b\u2028\u202e\u2066\ud800":
        changed = document()
        put(changed, path, f"a{character}[31m")
        with pytest.raises(CheckpointError, match="holds a control character") as caught:
            read(changed)
        assert character not in str(caught.value)
    changed = document()
    put(changed, path, "naïve 影评\u00a0👩\u200d🚀")
    read(changed)


def test_a_control_character_in_a_label_of_the_lineage_is_refused_and_in_its_text_is_not():
    with pytest.raises(CheckpointError, match="lineage holds a control character"):
        read(document() | {"lineage": {"a\x1b[2J": 1}})
    odd = {"imported_from": "a\x1b[2J"}
    assert read(document() | {"lineage": odd}).about.lineage == odd


def test_what_could_not_be_read_again_is_not_written():
    for change in ({"name": "a\x1b"}, {"about": About(license="a\n")}, {"golden": GoldenEntry(1, 1)}):
        with pytest.raises(CheckpointError):
            manifest(**change).to_bytes()


def test_fields_of_a_later_version_are_kept_at_the_top_and_in_the_parts():
    changed = document() | {"later": {"a": [1]}, "zz": None}
    changed["parts"]["embedder"] |= {"license": "MIT", "also": 1}
    found = read(changed)
    assert found.extra == {"later": {"a": [1]}, "zz": None}
    again = replace(found, name="other", version="3").to_json()
    assert json.loads(json.dumps(again)) == changed | {"name": "other", "version": "3"}


@pytest.mark.parametrize("both", [("labels.json", "labels.json/a.txt"), ("A.md/b.md", "a.md")])
def test_a_file_that_is_a_folder_too_is_refused(both):
    changed = document()
    changed["files"] = [{"path": path, "size": 1, "sha256": SHA, "role": "method"} for path in both]
    with pytest.raises(CheckpointError, match="is both a file and a folder"):
        read(changed)


@pytest.mark.parametrize("role", ["method", "other"])
@pytest.mark.parametrize(
    "path", ["weights.pkl", "pytorch_model.bin", "modeling.py", "run.sh", "lib.so", "LICENSE", "a.json.gz"]
)
def test_a_manifest_lists_only_files_of_the_kinds_that_hold_data_alone(path, role):
    changed = document()
    changed["files"] = [{"path": path, "size": 1, "sha256": SHA, "role": role}]
    with pytest.raises(CheckpointError, match="is none of the kinds that hold data alone; a model may hold"):
        read(changed)


@pytest.mark.parametrize("path", [".git/config.txt", ".gitattributes", "a/.b.json", ".json"])
def test_a_manifest_lists_no_hidden_file(path):
    changed = document()
    changed["files"] = [{"path": path, "size": 1, "sha256": SHA, "role": "method"}]
    with pytest.raises(CheckpointError, match="is hidden"):
        read(changed)


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("lexarium.json", "method"),
        ("LEXARIUM.json", "method"),
        ("golden.json", "method"),
        ("README.md", "method"),
        ("golden.safetensors", "tensors"),
        ("model.safetensors", "method"),
        ("embedder/model.safetensors", "method"),
    ],
)
def test_the_names_of_the_format_have_the_role_that_goes_with_them(path, role):
    changed = document()
    changed["files"] = [{"path": path, "size": 1, "sha256": SHA, "role": role}]
    with pytest.raises(CheckpointError, match="is a name that the format keeps for itself"):
        read(changed)
