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
from lexarium.errors import ModelNotFoundError, StoreError
from lexarium.host import Host
from lexarium.roles import Space, State

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
        state=State(config={}, tensors={}, files={"content.bin": content}),
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

    @pytest.mark.parametrize("removed", [["1"], ["2"], ["1", "2"], ["2", "1"], [None]], ids=str)
    def test_a_number_is_never_given_twice(self, store: Store, removed: list[str | None]) -> None:
        for content in (b"one", b"two"):
            store.publish("x", writer(content))
        for version in removed:
            store.remove("x", version)
        assert store.publish("x", writer(b"three")).version == "3"
        assert store.find("x").locate("content.bin").read_bytes() == b"three"
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
