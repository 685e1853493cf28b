"""A disk that is full while a model comes in: an error of ours, nothing half stored, the next try works."""

from __future__ import annotations

import errno
import os

import pytest
from watching import Fail, observed

from lexarium.errors import StoreError
from lexarium.zoo import Zoo
from lexarium_registry.bundle import bundle, unbundle
from lexarium_registry.pull import pull

POINTS = 60 if os.environ.get("LEXARIUM_NIGHTLY") == "1" else 8


@pytest.fixture(params=["pull", "unbundle"])
def take(request, tmp_path, hub, here, lengths):
    """Give a function that takes a model into a store, from the hub or out of a bundle."""
    here.save(lengths, name="x", license="MIT")
    if request.param == "pull":
        here.push("x", "hf://me/x")
        return lambda zoo: pull(zoo, "hf://me/x")
    bundle(here, ["x"], tmp_path / "models.tar")
    return lambda zoo: unbundle(zoo, tmp_path / "models.tar")


def test_a_disk_that_is_full_at_any_moment_stores_all_or_nothing(tmp_path, hub_host, whole, take):
    first = Zoo(tmp_path / "first", hub_host)
    with observed(first.home, counter := Fail(-1, errno.ENOSPC)):
        take(first)
    for at in sorted({n * counter.count // POINTS for n in range(POINTS)}):
        zoo = Zoo(tmp_path / str(at), hub_host)
        with observed(zoo.home, full := Fail(at, errno.ENOSPC, lasting=True)):
            try:
                take(zoo)
            except StoreError as error:
                assert "No space left" in str(error)  # noqa: PT017  what can be done without is
        assert full.failed, at
        assert zoo.store.names() in ([], ["x"])
        assert whole(zoo.store)
        take(zoo)
        assert whole(zoo.store)
        assert zoo.store.names() == ["x"]
