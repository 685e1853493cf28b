"""What the registry's tests share: a store, ways to fill and to look at it, and the command line on it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import settings

import lexarium_registry.plugin
from lexarium.checkpoint.folder import verify_files
from lexarium.cli.main import cli
from lexarium.cli.session import Session
from lexarium.config import from_mapping
from lexarium.errors import CheckpointError
from lexarium.hookspecs import hookimpl
from lexarium.host import Host
from lexarium.method import Method
from lexarium.roles import Space, State
from lexarium.zoo import Zoo
from lexarium_registry.store import LocalStore

sys.path.append(str(Path(__file__).parent))  # hub_server and lengths_plugin

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the tests' own embedder: none."""


class Lengths:
    """The tests' own embedder: a text is its length times a weight."""

    space = Space(dim=1)

    def __init__(self, weight):
        self.weight = np.float32(weight)

    def embed(self, inputs):
        return np.array([[len(text)] for text in inputs], np.float32).reshape(-1, 1) * self.weight

    def state(self):
        return State(config={}, tensors={"weight": np.array(self.weight)})

    @classmethod
    def restore(cls, state):
        from_mapping(Config, state.config)
        if "weight" not in state.tensors:
            raise CheckpointError("lengths", "there is no weight")
        return cls(state.tensors["weight"])

    @classmethod
    def tiny(cls):
        return cls(2)


@hookimpl
def lexarium_methods():
    return [Method(name="lengths", summary="s", embedder=f"{__name__}:Lengths", config=f"{__name__}:Config")]


@pytest.fixture
def model():
    """Give an embedder to store."""
    return Lengths.tiny()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def store(home):
    return LocalStore(home)


@pytest.fixture
def zoo(home):
    return Zoo(home, Host([lexarium_registry.plugin, sys.modules[__name__]]))


@pytest.fixture
def invoke(zoo):
    """Give a function that runs a command line in this process, on the zoo of the test."""

    def run(*arguments):
        session = Session()
        session.host = zoo.host
        session.zoo = zoo
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], obj=session)

    return run


@pytest.fixture
def whole():
    """Give a function that says whether all that a store lists is there and undamaged."""

    def check(store):
        for name in store.names():
            for version in store.versions(name):
                found = store.find(name, version)
                assert (found.manifest.name, found.manifest.version) == (name, version)
                assert list(verify_files(found.manifest, found.locate)) == []
        return True

    return check


@pytest.fixture
def files():
    """Give a function that lists the files of a folder, relative and sorted."""

    def relative(folder):
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    return relative


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Give a hub on the loopback that this process, and those that it starts, take for the Hub."""
    from hub_server import TOKEN, HubServer

    site = tmp_path / "site" / "lengths_plugin-1.0.dist-info"  # so that fresh processes find the plugin
    site.mkdir(parents=True)
    (site / "entry_points.txt").write_text("[lexarium]\nlengths = lengths_plugin\n")
    paths = [str(site.parent), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "LENGTHS_DRIFT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def hub_host():
    """Give the plugins of the hub's tests."""
    import lengths_plugin

    return Host([lexarium_registry.plugin, lengths_plugin])


@pytest.fixture
def here(home, hub_host):
    """Give the store that models are pushed from."""
    return Zoo(home, hub_host)


@pytest.fixture
def there(tmp_path, hub_host):
    """Give another, empty store."""
    return Zoo(tmp_path / "there", hub_host)


@pytest.fixture
def lengths():
    """Give a model to push."""
    from lengths_plugin import Lengths

    return Lengths.tiny()


@pytest.fixture
def patience():
    """Give a transfer that does not wait as long as people would."""
    from lexarium_registry.transfer import Patience, Transfer

    return Transfer(patience=Patience(tries=3, connect=2, read=0.5, first_wait=0.01, longest_wait=0.2))
