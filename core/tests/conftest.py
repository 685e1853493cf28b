"""What the tests of core share: a plugin of their own, in memory and installed, and ways to run commands."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from hypothesis import settings

from lexarium.cli.main import cli
from lexarium.cli.session import Session
from lexarium.entrypoints import scan
from lexarium.hookspecs import hookimpl
from lexarium.host import Host
from lexarium.zoo import Zoo

SITE = Path(__file__).parent / "site"
settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")
sys.path.append(str(SITE))  # code without metadata: no host discovers it unless a test installs it


@pytest.fixture
def make_plugin():
    """Give a function that makes a plugin in memory: a module whose hooks return what is given."""

    def make(name, **offers):
        module = ModuleType(name)
        for hook, offered in offers.items():
            answer = offered if callable(offered) else lambda offered=offered: offered
            function = hookimpl(lambda answer=answer: answer())
            function.__name__ = hook
            setattr(module, hook, function)
        return module

    return make


@pytest.fixture
def host():
    """Give a host with the tests' own plugin alone."""
    return Host([importlib.import_module("spelling_plugin.plugin")])


@pytest.fixture
def zoo(tmp_path, host):
    """Give an empty zoo."""
    return Zoo(tmp_path / "home", host)


@pytest.fixture
def invoke(zoo):
    """Give a function that runs a command line in this process, in the zoo of the test."""

    def run(*arguments, **options):
        session = Session()
        session.host = zoo.host
        session.zoo = zoo
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], obj=session, **options)

    return run


@pytest.fixture
def install(tmp_path):
    """Give a function that installs a plugin, code and metadata, into a folder, and returns the folder."""
    site = tmp_path / "installed"

    def put(name, code="", *, version="1.0", metadata=None):
        folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        entry = metadata or f"[lexarium]\n{name} = {name.replace('-', '_')}_code\n".encode()
        (folder / "entry_points.txt").write_bytes(entry)
        if code is not None:
            (site / f"{name.replace('-', '_')}_code.py").write_text(code + "\n", encoding="utf-8")
        return site

    return put


@pytest.fixture
def environment(tmp_path, install):
    """Give the environment of a process in which the tests' own plugin is installed and no other is on."""
    site = install("spelling", None, metadata=b"[lexarium]\nspelling = spelling_plugin.plugin\n")
    others = {entry.distribution for entry in scan()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEXARIUM", "PYTHON"))}
    return kept | {
        "LEXARIUM_DISABLE": ",".join(others),
        "LEXARIUM_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join([str(site), str(SITE)]),
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def lexarium(environment):
    """Give a function that runs ``lexarium`` as a process of its own."""
    script = Path(sys.executable).parent / "lexarium"

    def run(*arguments, env=None, **options):
        command = [str(script), *(str(argument) for argument in arguments)]
        settings = {"capture_output": True, "check": False, "timeout": 60} | options
        return subprocess.run(command, env=environment | (env or {}), **settings)  # noqa: PLW1510  check is in settings

    return run
