"""The host: a bad plugin is named and marked, and every other one goes on working."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from lexarium.errors import MethodNotFoundError, NameTakenError, PluginError
from lexarium.hookspecs import API
from lexarium.host import CORE_COMMANDS, Host, Plugin, Settings
from lexarium.method import Command, FuserMethod, HeadMethod, Method, ModelEntry, StoreKind


def method(name, **others):
    return Method(**{"name": name, "summary": "a method", "embedder": "m:E", "config": "m:C"} | others)


def claim(distribution, *names):
    offers = tuple(method(name) for name in names)
    return Plugin(name=distribution, distribution=distribution, version="1", offers=offers)


GOOD = "from lexarium.hookspecs import hookimpl\nfrom lexarium.method import Method\n@hookimpl\n"
OFFER = "[Method(name='m', summary='s', embedder='m:E', config='m:C')]"
HOOK = f"{GOOD}def lexarium_methods(): return {OFFER}"
BAD = {
    "raises": ("raise RuntimeError('on purpose')", "broken", "RuntimeError: on purpose"),
    "exits": ("import sys\nsys.exit(3)", "broken", "SystemExit: 3"),
    "syntax": ("def", "broken", "SyntaxError"),
    "needs": ("import no_such_module_anywhere", "broken", "no_such_module_anywhere"),
    "mute": ("class Mute(Exception):\n  def __str__(self): 1 / 0\nraise Mute", "broken", "Mute: "),
    "misspelt": (f"{GOOD}def lexarium_method(): return []", "invalid", "did you mean 'lexarium_methods'"),
    "elsewhere": (f"{GOOD}def lexicon_methods(): return []", "invalid", "lexicon_methods"),
    "unmarked": ("def lexarium_methods(): return []", "invalid", "lexarium_methods lacks @hookimpl"),
    "argument": (f"{GOOD}def lexarium_methods(zoo): return []", "invalid", "zoo"),
    "number": (f"{GOOD}def lexarium_methods(): return 7", "invalid", "returned int, not a list of Method"),
    "nothing": (f"{GOOD}def lexarium_methods(): return None", "invalid", "returned NoneType"),
    "lazy": (f"{GOOD}def lexarium_methods(): yield from {OFFER}", "invalid", "returned generator"),
    "strings": (f"{GOOD}def lexarium_methods(): return ['m']", "invalid", "returned a str, not a Method"),
    "wrong-kind": (f"{GOOD}def lexarium_heads(): return {OFFER}", "invalid", "a Method, not a HeadMethod"),
    "nameless": (HOOK.replace("name='m'", "name=3"), "invalid", "without a name or a summary"),
    "wordless": (HOOK.replace("summary='s'", "summary=None"), "invalid", "without a name or a summary"),
    "hook-raises": (f"{GOOD}def lexarium_methods(): return 1 / 0", "broken", "ZeroDivisionError"),
    "hook-exits": (f"{GOOD}def lexarium_methods(): raise SystemExit", "broken", "SystemExit"),
    "older": (f"LEXARIUM_API = {API - 1}", "incompatible", f"version {API - 1}, this is version {API}"),
    "newer": (f"LEXARIUM_API = '{API}'", "incompatible", "hook version"),
}  # fmt: skip


@pytest.fixture
def discover(install, monkeypatch):
    """Give a function that installs plugins and discovers them, and only them, in this process."""
    modules = set(sys.modules)

    def find(**codes):
        for name, code in codes.items():
            site = install(name.replace("_", "-"), code)
        monkeypatch.setattr(sys, "path", [str(site)])
        return {plugin.name: plugin for plugin in Host.discover().plugins}

    yield find
    for name in set(sys.modules) - modules:
        if name.endswith("_code"):
            del sys.modules[name]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_plugin_is_marked_with_what_is_wrong_and_the_good_one_works(discover, name):
    code, status, says = BAD[name]
    found = discover(**{name.replace("-", "_"): code, "good": HOOK})
    assert found[name].status == status
    assert says in found[name].error
    assert "\n" not in found[name].error
    assert found[name].provides == []
    assert found["good"].status == "ok"
    assert found["good"].provides == ["m"]
    assert (found[name].distribution, found[name].version) == (name, "1.0")


def test_a_good_plugin_is_asked_once_while_its_module_is_imported_and_a_bad_one_each_time(discover):
    asked = "asked = []\n" + GOOD + "def lexarium_methods():\n asked.append(1)\n return "
    discover(good=asked + OFFER, bad=asked + "7")
    good, bad = sys.modules["good_code"], sys.modules["bad_code"]
    assert {plugin.name: plugin.provides for plugin in Host.discover().plugins} == {"good": ["m"], "bad": []}
    assert (good.asked, bad.asked) == ([1], [1, 1])
    del sys.modules["good_code"]
    assert [plugin.provides for plugin in Host.discover().plugins if plugin.name == "good"] == [["m"]]
    assert sys.modules["good_code"].asked == [1]


def test_a_broken_plugin_keeps_its_traceback(discover):
    assert "raises_code.py" in discover(raises=BAD["raises"][0])["raises"].trace


def test_an_interruption_is_not_taken_for_a_fault_of_the_plugin(discover):
    with pytest.raises(KeyboardInterrupt):
        discover(slow="raise KeyboardInterrupt")


def test_what_a_plugin_prints_at_import_goes_to_stderr(discover, capsys):
    assert discover(chatters="print('hello')")["chatters"].status == "ok"
    assert capsys.readouterr() == ("", "hello\n")


def test_metadata_that_cannot_be_read_is_an_invalid_plugin(install, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(install("odd", None, metadata=b"[lexarium]\n\xff"))])
    (plugin,) = Host.discover().plugins
    assert (plugin.distribution, plugin.status) == ("odd", "invalid")
    assert "entry_points.txt" in plugin.error


@pytest.mark.parametrize("named", ["raises", "x, raises"])
def test_a_disabled_plugin_is_listed_and_not_imported(discover, monkeypatch, named):
    monkeypatch.setenv("LEXARIUM_DISABLE", named)
    assert discover(raises=BAD["raises"][0])["raises"].status == "disabled"
    assert "raises_code" not in sys.modules


def test_no_plugins_means_none(discover, monkeypatch):
    monkeypatch.setenv("LEXARIUM_NO_PLUGINS", "1")
    assert discover(raises=BAD["raises"][0]) == {}
    monkeypatch.setenv("LEXARIUM_NO_PLUGINS", "0")
    assert len(Host.discover().plugins) == 1


def test_strict_turns_every_bad_plugin_into_one_error_that_names_them_all(discover, monkeypatch):
    monkeypatch.setenv("LEXARIUM_STRICT", "1")
    with pytest.raises(PluginError, match=r"'older' is incompatible.*'raises' is broken"):
        discover(raises=BAD["raises"][0], older=BAD["older"][0])


def test_strict_has_nothing_against_a_disabled_plugin(discover, monkeypatch):
    monkeypatch.setenv("LEXARIUM_STRICT", "1")
    monkeypatch.setenv("LEXARIUM_DISABLE", "raises")
    assert discover(raises=BAD["raises"][0])["raises"].status == "disabled"


@pytest.mark.parametrize("order", [1, -1])
def test_two_plugins_with_one_name_are_both_marked_and_asking_for_it_names_both(order):
    host = Host([claim("a-dist", "x", "a"), claim("b-dist", "x", "b")][::order])
    assert [offer.descriptor.name for offer in host.methods()] == ["a", "b"]
    assert {plugin.status for plugin in host.plugins} == {"invalid"}
    for plugin in host.plugins:
        assert plugin.error.startswith("others offer embedder 'x' (")
        assert ({"a-dist", "b-dist"} - {plugin.distribution}).pop() in plugin.error
    with pytest.raises(NameTakenError, match="a-dist and b-dist"):
        host.method("x")


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("stranger", ["a-stranger", "lexarium-bow-too", "lexarium-bo"])
def test_what_the_house_offers_no_stranger_displaces_whatever_its_own_name(order, stranger):
    stranger = claim(stranger, "bow")
    host = Host([stranger, claim("lexarium-bow", "bow")][::order])
    assert {plugin.distribution: plugin.status for plugin in host.plugins} == {
        "lexarium-bow": "ok",
        stranger.distribution: "invalid",
    }
    (offer,) = host.methods()
    assert offer.plugin.distribution == "lexarium-bow"


@pytest.mark.parametrize("name", sorted(CORE_COMMANDS))
def test_a_command_of_cores_own_is_taken_by_nobody(name):
    offer = Command(name=name, summary="mine", command="m:c")
    (plugin,) = Host([Plugin(name="p", distribution="stranger", version="1", offers=(offer,))]).plugins
    assert plugin.status == "invalid"
    assert "lexarium-core" in plugin.error


def test_core_commands_are_those_that_the_command_line_has():
    from lexarium.cli.main import _OWN

    assert set(_OWN) == CORE_COMMANDS


@pytest.mark.parametrize("order", [1, -1])
def test_the_users_preference_comes_before_every_rule(order, monkeypatch):
    monkeypatch.setenv("LEXARIUM_PREFER", "y=z, x = stranger")
    host = Host([claim("stranger", "x"), claim("lexarium-x", "x")][::order], Settings.from_environment())
    (offer,) = host.methods()
    assert offer.plugin.distribution == "stranger"
    assert [p.distribution for p in host.plugins if p.status == "invalid"] == ["lexarium-x"]


def test_a_preference_for_a_plugin_that_is_not_there_decides_nothing():
    host = Host([claim("a", "x"), claim("b", "x")], Settings(prefer={"x": "c"}))
    with pytest.raises(NameTakenError):
        host.method("x")


def test_one_name_for_two_kinds_is_no_conflict(make_plugin):
    head = HeadMethod(name="x", summary="s", head="m:H", config="m:C")
    host = Host([make_plugin("p", lexarium_methods=[method("x")], lexarium_heads=[head])])
    assert host.method("x").kind == "embedder"
    assert host.head("x").kind == "head"
    assert host.plugins[0].status == "ok"


def test_each_kind_is_found_by_its_name(make_plugin):
    offered = {
        "lexarium_methods": [method("e")],
        "lexarium_heads": (HeadMethod(name="h", summary="s", head="m:H", config="m:C"),),
        "lexarium_fusers": [FuserMethod(name="f", summary="s", fuser="m:F", config="m:C")],
        "lexarium_commands": [Command(name="c", summary="s", command="m:c")],
        "lexarium_stores": [StoreKind(name="s", summary="s", store="m:S")],
        "lexarium_models": [ModelEntry(name="p", summary="s", method="e", reference="hf://a/b")],
    }
    host = Host([make_plugin("p", **offered)])
    found = [host.method("e"), host.head("h"), host.fuser("f"), host.command("c"), host.store("s")]
    found += [offer.descriptor for offer in host.offers("model")]
    assert found == [item for items in offered.values() for item in items]
    assert sorted(host.plugins[0].provides) == ["c", "e", "f", "h", "p", "s"]


def test_a_name_that_nobody_offers_is_answered_with_what_is_near_or_what_to_install(host):
    with pytest.raises(MethodNotFoundError, match="did you mean 'spelling'"):
        host.method("speling")
    with pytest.raises(MethodNotFoundError, match="pip install lexarium-glove"):
        host.method("glove")
    with pytest.raises(MethodNotFoundError, match="pip install lexarium-registry"):
        Host([]).store("local")
    with pytest.raises(MethodNotFoundError) as caught:
        host.method("glov")  # a slip must not lead to installing what anybody may have registered
    assert "pip install" not in str(caught.value)
    with pytest.raises(MethodNotFoundError, match="no head named 'spelling'"):
        host.head("spelling")


def test_the_name_of_a_plugin_that_is_not_ok_is_answered_with_its_fault():
    ill = Plugin(name="bert", distribution="lexarium-bert", version="1", status="broken", error="no torch")
    with pytest.raises(MethodNotFoundError, match="the plugin lexarium-bert is broken: no torch"):
        Host([ill]).method("bert")


def test_the_offer_of_a_model_is_the_one_that_names_its_class(host):
    model = host.method("spelling").load().tiny()
    assert host.offer_of(model).descriptor.name == "spelling"
    with pytest.raises(PluginError, match=r"builtins:dict; type: lexarium plugins doctor"):
        host.offer_of({})


def test_a_verb_is_the_function_behind_a_command(host):
    assert host.verb("shout") is import_module("spelling_plugin.embedder").spell
    with pytest.raises(PluginError, match="use it on the command line"):
        host.verb("fail")
    with pytest.raises(MethodNotFoundError, match="no command named 'whisper'"):
        host.verb("whisper")


def test_a_host_knows_only_its_own_plugins(host):
    assert Host([]).methods() == []
    assert [offer.descriptor.name for offer in host.methods()] == ["spelling"]
