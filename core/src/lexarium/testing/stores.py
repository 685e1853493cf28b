"""What every store must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lexarium.checkpoint.folder import Golden, Node, verify_files, write_folder
from lexarium.checkpoint.manifest import About, GoldenEntry, PluginEntry
from lexarium.errors import ModelNotFoundError, StoreError
from lexarium.host import Host
from lexarium.roles import Space, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lexarium.roles import Store

__all__ = ["StoreContract"]


def writer(content: bytes) -> Callable[[Path], object]:
    """Return a function that writes a small model folder with ``content`` in it."""
    node = Node(
        method="any",
        plugin=PluginEntry("lexarium-any", ">=0"),
        state=State(config={}, tensors={}, files={"content.bin": content}),
        space=Space(dim=1),
    )
    golden = Golden([], "dense", {}, GoldenEntry(0, 1))
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
        assert found.locate("content.bin").read_bytes() == b"one"

    def test_versions_count_up_and_the_newest_is_found_first(self, store: Store) -> None:
        for content in (b"one", b"two"):
            store.publish("x", writer(content))
        assert store.versions("x") == ["1", "2"]
        assert store.find("x").locate("content.bin").read_bytes() == b"two"
        assert store.find("x", "1").locate("content.bin").read_bytes() == b"one"
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

    def test_a_number_is_not_given_twice_while_a_later_one_stands(self, store: Store) -> None:
        for content in (b"one", b"two"):
            store.publish("x", writer(content))
        store.remove("x", "1")
        assert store.publish("x", writer(b"three")).version == "3"

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
