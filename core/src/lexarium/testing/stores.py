"""What every store must keep."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lexarium.checkpoint.folder import Golden, Node, verify_files, write_folder
from lexarium.checkpoint.manifest import About, GoldenEntry, PluginEntry
from lexarium.checkpoint.paths import CARD, MANIFEST
from lexarium.errors import CheckpointError, ModelNotFoundError, StoreError
from lexarium.host import Host
from lexarium.roles import Space, State
from lexarium.stores import Origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lexarium.stores import Store

__all__ = ["StoreContract"]


def writer(content: bytes) -> Callable[[Path], object]:
    """Return a function that writes a small model folder with ``content`` in it."""
    node = Node(
        kind="embedder",
        method="any",
        plugin=PluginEntry("lexarium-any", ">=0"),
        state=State(config={}, tensors={}, files={"content.txt": content}),
        space=Space(dim=1),
    )
    golden = Golden([""], "dense", {"rows": np.zeros((1, 1), np.float32)}, GoldenEntry(0, 1))
    return lambda folder: write_folder(folder, "any", node, golden, About())


class StoreContract:
    """Inherit, and set ``kind`` to the name that an installed plugin offers."""

    kind: str

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        """Give an empty store."""
        return Host.discover().store(self.kind).load()(tmp_path / "home")

    def test_a_new_store_is_empty_and_nothing_is_made_by_looking(self, store: Store) -> None:
        assert store.names() == []
        assert store.versions("x") == []
        assert not store.home.exists()

    def test_what_is_published_is_found_whole(self, store: Store) -> None:
        stored = store.publish("x", writer(b"one"))
        assert (stored.name, stored.version) == ("x", "1")
        found = store.find("x")
        assert list(verify_files(found.manifest, found.locate)) == []
        assert found.locate("content.txt").read_bytes() == b"one"

    def test_versions_count_up_and_the_newest_is_found_first(self, store: Store) -> None:
        for content in (b"one", b"two"):
            store.publish("x", writer(content))
        assert store.versions("x") == ["1", "2"]
        assert store.find("x").locate("content.txt").read_bytes() == b"two"
        assert store.find("x", "1").locate("content.txt").read_bytes() == b"one"
        assert store.resolve("x@1").manifest.version == "1"

    def test_a_writer_that_fails_leaves_the_store_as_it_was(self, store: Store) -> None:
        store.publish("x", writer(b"one"))
        before = sorted(path for path in store.home.rglob("*") if path.is_file())

        def fail(folder: Path) -> None:
            writer(b"half")(folder)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.publish("x", fail)
        assert sorted(path for path in store.home.rglob("*") if path.is_file()) == before
        assert store.versions("x") == ["1"]

    def test_a_removed_version_is_gone_and_the_others_stay_whole(self, store: Store) -> None:
        for content in (b"shared", b"shared", b"other"):
            store.publish("x", writer(content))
        assert store.remove("x", "2") == ["2"]
        assert store.versions("x") == ["1", "3"]
        for version in ("1", "3"):
            found = store.find("x", version)
            assert list(verify_files(found.manifest, found.locate)) == []
        assert store.remove("x") == ["1", "3"]
        assert store.names() == []

    @pytest.mark.parametrize("removed", [["1"], ["2"], ["1", "2"], ["2", "1"], [None]], ids=str)
    def test_a_number_is_never_given_twice(self, store: Store, removed: list[str | None]) -> None:
        for content in (b"one", b"two"):
            store.publish("x", writer(content))
        for version in removed:
            store.remove("x", version)
        assert store.publish("x", writer(b"three")).version == "3"
        assert store.find("x").locate("content.txt").read_bytes() == b"three"
        store.remove("x")
        assert store.names() == []
        assert store.publish("x", writer(b"four")).version == "4"

    def test_a_card_and_fields_of_a_later_version_are_kept(self, store: Store) -> None:
        card = b"# What it is\n"

        def write(folder: Path) -> None:
            writer(b"one")(folder)
            (folder / CARD).write_bytes(card)
            document = json.loads((folder / MANIFEST).read_bytes())
            entry = {"path": CARD, "size": len(card), "sha256": sha256(card).hexdigest(), "role": "card"}
            document["files"].append(entry)
            document["later"] = {"known": ["to", "others"]}
            (folder / MANIFEST).write_text(json.dumps(document), encoding="utf-8")

        store.publish("x", write)
        found = store.find("x")
        assert found.locate(CARD).read_bytes() == card
        assert found.manifest.to_json()["later"] == {"known": ["to", "others"]}
        assert list(verify_files(found.manifest, found.locate)) == []

    def test_where_a_version_was_pulled_from_is_kept_beside_it(self, store: Store) -> None:
        origin = Origin(reference="hf://org/repo", revision="main", commit="a" * 40, manifest="b" * 64)
        assert store.publish("x", writer(b"one"), origin=origin).origin == origin
        store.publish("x", writer(b"two"))
        other = Origin(reference="hf://org/other", revision="v1", commit="c" * 40)
        store.publish("y", writer(b"three"), origin=other)
        assert [store.find("x", v).origin for v in ("1", "2")] == [origin, None]
        assert [(s.name, s.version, s.origin) for s in store.pulled("hf://org/repo")] == [("x", "1", origin)]
        assert [s.origin for s in store.pulled("hf://org/other")] == [other]
        assert list(store.pulled("hf://org/none")) == []

    def test_a_tag_stands_for_its_version_until_it_is_moved_or_goes_with_it(self, store: Store) -> None:
        for content in (b"one", b"two", b"three"):
            store.publish("x", writer(content))
        store.tag("x", "stable", "1")
        store.tag("x", "old", "1")
        assert store.resolve("x@stable").version == "1"
        store.tag("x", "stable", "2")
        assert store.tags("x") == {"old": "1", "stable": "2"}
        assert store.resolve("x@stable").locate("content.txt").read_bytes() == b"two"
        store.remove("x", "2")
        assert store.tags("x") == {"old": "1"}
        with pytest.raises(ModelNotFoundError, match="stable"):
            store.resolve("x@stable")
        store.tag("x", "old", None)
        assert store.tags("x") == {}
        assert store.versions("x") == ["1", "3"]
        for name, tag, version in (("x", "old", None), ("x", "new", "2"), ("y", "new", None)):
            with pytest.raises(ModelNotFoundError):
                store.tag(name, tag, version)
        with pytest.raises(StoreError):
            store.tag("x", "1", "1")

    def test_an_alias_stands_for_what_it_was_given_for(self, store: Store) -> None:
        for content in (b"one", b"two"):
            store.publish("x", writer(content))
        store.tag("x", "stable", "1")
        for alias, reference, version in (
            ("newest", "x", "2"),
            ("first", "x@1", "1"),
            ("prod", "x@stable", "1"),
        ):
            store.alias(alias, reference)
            assert store.resolve(alias).version == version
        store.tag("x", "stable", "2")
        assert store.resolve("prod").version == "2"
        assert store.aliases() == {"first": "x@1", "newest": "x", "prod": "x@stable"}
        assert store.names() == ["x"]
        store.alias("prod", None)
        for nothing in (lambda: store.resolve("prod"), lambda: store.alias("prod", None)):
            with pytest.raises(ModelNotFoundError, match="prod"):
                nothing()

    def test_an_alias_and_a_model_never_have_one_name(self, store: Store) -> None:
        store.publish("x", writer(b"one"))
        with pytest.raises(StoreError, match="x"):
            store.alias("x", "x@1")
        store.alias("second", "x")
        with pytest.raises(StoreError, match="second"):
            store.publish("second", writer(b"two"))
        assert store.names() == ["x"]
        with pytest.raises(ModelNotFoundError, match="nothing"):
            store.alias("third", "nothing")

    def test_another_licence_is_another_version_of_the_same_files(self, store: Store) -> None:
        first = store.publish("x", writer(b"one"))
        second = store.revise(first, About(license="MIT", languages=("en",)))
        assert (second.name, second.version) == ("x", "2")
        assert [store.find("x", v).manifest.about.license for v in ("1", "2")] == [None, "MIT"]
        assert second.manifest.files == first.manifest.files
        store.remove("x", "1")
        found = store.find("x")
        assert found.manifest.about.languages == ("en",)
        assert list(verify_files(found.manifest, found.locate)) == []

    def test_a_damaged_file_is_found_before_a_model_is_opened(self, store: Store) -> None:
        stored = store.publish("x", writer(b"one"))
        store.prove(stored)
        path = stored.locate("content.txt")
        path.chmod(0o644)
        path.write_bytes(b"eno")
        with pytest.raises(CheckpointError, match=r"x@1: .*content\.txt"):
            store.prove(stored)
        path.unlink()
        with pytest.raises(CheckpointError, match=r"content\.txt is missing"):
            store.prove(store.find("x"))

    def test_a_version_that_was_found_is_held_until_it_is_removed(self, store: Store) -> None:
        for content in (b"one", b"two"):
            store.publish("x", writer(content))
        first, second = (store.find("x", version) for version in ("1", "2"))
        store.remove("x", "1")
        assert [store.holds(first), store.holds(second)] == [False, True]

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        store.publish("x", writer(b"one"))
        for asked in ("y", "x@2"):
            with pytest.raises(ModelNotFoundError, match=asked):
                store.resolve(asked)
        with pytest.raises(ModelNotFoundError):
            store.remove("y")

    @pytest.mark.parametrize(
        "name", ["", "../x", "a/b", "X", "con", ".x", "x.", "x\n", "名", "a" * 97, "x@y"]
    )
    def test_a_name_that_cannot_be_one_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(StoreError):
            store.publish(name, writer(b"one"))
        assert store.names() == []
