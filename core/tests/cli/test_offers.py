"""``methods`` and ``plugins``."""

from __future__ import annotations

import json

import pytest

from lexarium.host import Host, Plugin
from lexarium.method import HeadMethod, Method


@pytest.fixture
def ill(zoo, make_plugin):
    """Put a broken, a disabled and a lame plugin beside the good one."""
    lame = [
        Method(name="lame", summary="s", embedder="no_such_module:E", config="json:NoSuch", trainer="none"),
        Method(name="odd", summary="s", embedder="spelling_plugin.embedder:Spelling", config="json:dumps"),
    ]
    off = Plugin(name="off", distribution="off", version="2", status="disabled", error="it is off")
    broken = make_plugin("some.broken", lexarium_methods=lambda: 1 / 0)
    zoo.host = Host([*zoo.host.plugins, make_plugin("some.lame", lexarium_methods=lame), broken, off])


def test_methods_as_json_is_a_list_of_what_the_contract_says(invoke):
    done = invoke("methods", "--json")
    assert done.exit_code == 0
    spelling, nearest = json.loads(done.stdout)
    assert spelling == {
        "name": "spelling",
        "kind": "embedder",
        "summary": "how often each letter occurs",
        "plugin": "plugin",
        "version": "0",
    }
    assert (nearest["name"], nearest["kind"]) == ("nearest", "head")


def test_methods_is_a_table_with_one_line_each(invoke):
    lines = invoke("methods").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "spelling", "nearest"]


def test_methods_without_plugins_is_an_empty_list(zoo, invoke):
    zoo.host = Host([])
    assert json.loads(invoke("methods", "--json").stdout) == []


@pytest.mark.parametrize("arguments", [["plugins", "--json"], ["plugins", "list", "--json"]])
def test_plugins_as_json_names_each_with_status_and_error(invoke, ill, arguments):
    done = invoke(*arguments)
    assert done.exit_code == 0
    found = {plugin["name"]: plugin for plugin in json.loads(done.stdout)}
    assert list(found["plugin"]) == ["name", "distribution", "version", "status", "provides", "error"]
    assert {name: plugin["status"] for name, plugin in found.items()} == {
        "plugin": "ok",
        "lame": "ok",
        "broken": "broken",
        "off": "disabled",
    }
    assert found["plugin"]["error"] is None
    assert found["plugin"]["provides"] == ["shout", "fail", "nearest", "spelling", "local"]
    assert found["broken"]["error"] == "ZeroDivisionError: division by zero"
    assert found["broken"]["provides"] == []


def test_plugins_is_a_table_that_says_what_is_provided_or_wrong(invoke, ill):
    lines = {line.split()[0]: line for line in invoke("plugins").stdout.splitlines()}
    assert "spelling" in lines["plugin"]
    assert "ZeroDivisionError" in lines["broken"]
    assert "it is off" in lines["off"]


def test_the_doctor_finds_nothing_wrong_with_a_good_plugin(invoke):
    done = invoke("plugins", "doctor", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == [{"name": "plugin", "status": "ok", "problems": []}]


def test_the_doctor_names_every_target_that_cannot_be_imported_and_exits_with_one(invoke, ill):
    done = invoke("plugins", "doctor", "--json")
    assert done.exit_code == 1
    found = {finding["name"]: finding["problems"] for finding in json.loads(done.stdout)}
    assert found["plugin"] == found["off"] == []
    assert [problem.partition(" cannot")[0].partition(" is not")[0] for problem in found["lame"]] == [
        "embedder lame: no_such_module:E",
        "embedder lame: json:NoSuch",
        "embedder lame: 'none'",
    ]
    assert found["broken"] == ["broken: ZeroDivisionError: division by zero"]
    assert done.stderr == "Error: 2 of 4 plugins need attention: lame, broken\n"


def test_the_doctor_in_words_shows_the_traceback(invoke, ill):
    done = invoke("plugins", "doctor")
    assert "lame (some.lame 0): ok" in done.stdout
    assert "Traceback" in done.stdout
    assert "Traceback" not in done.stderr


def test_what_a_module_prints_or_raises_is_not_a_result(zoo, invoke, make_plugin, install, monkeypatch):
    monkeypatch.syspath_prepend(install("noisy", "print('noise')\nraise RuntimeError('odd')"))
    head = HeadMethod(name="h", summary="s", head="noisy_code:H", config="spelling_plugin.head:NearestConfig")
    zoo.host = Host([make_plugin("p", lexarium_heads=[head])])
    done = invoke("plugins", "doctor", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[0]["problems"] == [
        (
            "head h: noisy_code:H cannot be imported (RuntimeError: odd); "
            "mend or reinstall its plugin: lexarium plugins doctor"
        )
    ]
