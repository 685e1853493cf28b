"""The small files that name things are read strictly, and what they say of an origin comes from an enemy."""

from __future__ import annotations

import json

import pytest

from lexarium.errors import CheckpointError, ModelNotFoundError, StoreError
from lexarium.stores import Origin
from lexarium.testing.stores import writer
from lexarium_registry.confirmed import Confirmed, confirm
from lexarium_registry.names import HubReference
from lexarium_registry.refs import Ref, read_ref
from lexarium_registry.versions import fits_content

GOOD = {"reference": "hf://org/repo", "revision": "main", "commit": "a" * 40, "manifest": "b" * 64}


@pytest.fixture
def put(store):
    """Give a function that writes a document, or bytes, as the reference to x@1."""

    def write(document):
        path = store.layout.ref("x", "1")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())

    return write


@pytest.mark.parametrize("origin", [None, Origin(**GOOD), Origin(**{**GOOD, "manifest": None})])
def test_what_is_written_is_read(store, put, origin):
    put(Ref("c" * 64, origin).to_bytes())
    assert read_ref(store.layout, "x", "1") == Ref("c" * 64, origin)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"manifest": "c" * 64},
        {"manifest": "c" * 63, "origin": None},
        {"manifest": "C" * 64, "origin": None},
        {"manifest": 1, "origin": None},
        {"manifest": "c" * 64, "origin": None, "more": 1},
        {"manifest": "c" * 64, "origin": []},
        {"manifest": "c" * 64, "origin": {}},
        {"manifest": "c" * 64, "origin": {**GOOD, "more": 1}},
        *(
            {"manifest": "c" * 64, "origin": {**GOOD, field: value}}
            for field, value in [
                ("reference", "org/repo"),
                ("reference", "hf://../repo"),
                ("reference", "hf://org/repo@main"),
                ("reference", None),
                ("revision", "../x"),
                ("revision", "a\u202eb"),
                ("revision", 1),
                ("commit", "a" * 39),
                ("commit", "A" * 40),
                ("commit", None),
                ("manifest", "b"),
                ("manifest", 0),
            ]
        ),
        b'{"manifest": "%s", "manifest": "%s", "origin": null}' % (b"c" * 64, b"d" * 64),
        b"[]",
        b"\xff",
        b" " * 5000,
    ],
    ids=repr,
)
def test_what_is_no_reference_is_damage_and_says_what_to_do(store, put, document):
    put(document)
    with pytest.raises(CheckpointError, match=r"^x@1: its reference (is damaged|cannot be read): .*repair"):
        read_ref(store.layout, "x", "1")


@pytest.mark.parametrize("raw", [b"", b"9\n8", b"x", b"0\n", b"1\n\n", b"\xff", b"1" * 5000])
def test_a_damaged_tag_is_no_tag(store, raw):
    store.publish("x", writer(b"one"))
    store.layout.tag("x", "t").write_bytes(raw)
    assert store.tags("x") == {}
    with pytest.raises(ModelNotFoundError, match="no tag named 'x@t'"):
        store.resolve("x@t")
    store.tag("x", "t", "1")
    assert store.resolve("x@t").version == "1"


@pytest.mark.parametrize("raw", [b"", b"../..\n", b"./x\n", b"hf://a/b\n", b"x y\n", b"\xff", b"x" * 5000])
def test_a_damaged_alias_is_named_and_can_be_taken_away(store, raw):
    store.publish("x", writer(b"one"))
    store.alias("a", "x")
    (store.home / "aliases" / "a").write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"a: this alias is damaged.*lexarium alias a --remove"):
        store.resolve("a")
    assert store.aliases() == {}
    store.alias("a", None)
    with pytest.raises(ModelNotFoundError):
        store.resolve("a")


def test_an_alias_is_no_alias_of_an_alias_nor_of_a_folder_nor_of_itself(store):
    store.publish("x", writer(b"one"))
    store.alias("a", "x")
    for alias, reference, says in (
        ("b", "a", "'a' is an alias itself; type: lexarium alias b x"),
        ("b", "./x", "an alias stands for a stored model"),
        ("b", "hf://org/repo", "an alias stands for a stored model"),
        ("b", "b", "is an alias itself"),
        ("B", "x", "cannot name a model"),
    ):
        with pytest.raises(StoreError, match=says):
            store.alias(alias, reference)
    assert store.aliases() == {"a": "x"}


def test_what_an_alias_is_of_decides_what_may_be_asked_of_it(store):
    for content in (b"one", b"two"):
        store.publish("x", writer(content))
    store.tag("x", "stable", "1")
    store.alias("any", "x")
    store.alias("first", "x@1")
    assert [store.resolve(r).version for r in ("any@1", "any@stable", "any", "first")] == ["1", "1", "2", "1"]
    with pytest.raises(StoreError, match="'first' is an alias of x@1"):
        store.resolve("first@2")
    store.remove("x")
    with pytest.raises(ModelNotFoundError, match=r"first is an alias of it.*lexarium alias first --remove"):
        store.resolve("first")


def test_a_pulled_version_is_found_by_where_it_came_from(store):
    origins = [Origin(**{**GOOD, "revision": r, "commit": c * 40}) for r, c in (("main", "a"), ("v1", "b"))]
    for origin in origins:
        store.publish("x", writer(b"one"), origin=origin)
    with pytest.raises(ModelNotFoundError):  # an origin alone is what somebody says
        store.resolve("hf://org/repo")
    for version, origin in enumerate(origins, 1):
        asked = HubReference("org/repo", origin.revision)
        confirm(store, asked, store.find("x", str(version)), Confirmed(commit=origin.commit))
    assert store.resolve("hf://org/repo").version == "1"
    assert store.resolve("hf://org/repo@v1").version == "2"
    assert store.resolve(f"hf://org/repo@{'b' * 40}").version == "2"
    with pytest.raises(ModelNotFoundError, match="lexarium pull hf://org/repo@v2"):
        store.resolve("hf://org/repo@v2")


def test_what_is_stored_already_is_found_again_whatever_its_name_version_and_time(store):
    first = store.publish("x", writer(b"one"))
    store.publish("x", writer(b"two"))
    assert store.same("x", fits_content(first.manifest)).version == "1"
    other = store.publish("y", writer(b"one"))
    assert store.same("x", fits_content(other.manifest)).version == "1"
    assert store.same("z", fits_content(first.manifest)) is None
    first.locate("content.txt").unlink()
    assert store.same("x", fits_content(first.manifest)) is None, "what is damaged is not there"
