"""Everything that is installed keeps the contracts, the stranger's plugin too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

from lexarium import config as config_module
from lexarium.host import Host
from lexarium.testing import EmbedderContract, HeadContract, StoreContract

EXAMPLE = Path(__file__).parent / "example_plugin"
HOST = Host.discover()


def suite(contract: type, attribute: str, name: str) -> type:
    return type(f"Test{contract.__name__}_{name}", (contract,), {attribute: name, "__module__": __name__})


for _kind, _contract, _attribute in (
    ("embedder", EmbedderContract, "method"),
    ("head", HeadContract, "method"),
    ("store", StoreContract, "kind"),
):
    for _offer in HOST.offers(_kind):
        _suite = suite(_contract, _attribute, _offer.descriptor.name)
        globals()[_suite.__name__] = _suite


def test_the_house_offers_what_it_says_it_does():
    assert {offer.descriptor.name for offer in HOST.methods()} >= {"bow", "tfidf", "glove"}
    assert {offer.descriptor.name for offer in HOST.offers("head")} >= {"classifier"}
    assert [plugin.name for plugin in HOST.plugins if plugin.status != "ok"] == []


def test_types_of_settings_are_what_the_interpreter_makes_of_their_annotations():
    for kind in ("embedder", "head"):
        for offer in HOST.offers(kind):
            config = offer.descriptor.load_config()
            hints = get_type_hints(config)
            assert hints == {key: config_module._hint(config, key) for key in hints}


def test_an_installed_stranger_keeps_the_contracts(with_example):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")]
    done = subprocess.run(
        [*command, "-c", str(EXAMPLE.parent.parent / "pyproject.toml")],
        capture_output=True,
        text=True,
        env=with_example,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
