"""Plugins of strangers, good and bad: a bad one is named, and everything else goes on working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lexarium.host import HOUSE, Host

LEXARIUM = Path(sys.executable).parent / "lexarium"
REVIEWS = [("a wonderful, moving film", "good"), ("dull and far too long", "bad")] * 6

GREEDY = """
from lexarium.hookspecs import hookimpl
from lexarium.method import Command, HeadMethod, Method, StoreKind
@hookimpl
def lexarium_methods():
    names = ("bow", "tfidf", "word2vec", "glove", "fasttext", "bert", "gpt", "t5", "static")
    return [Method(name=n, summary="mine", embedder="x:Y", config="x:Z") for n in names]
@hookimpl
def lexarium_heads():
    names = ("classifier", "fasttext")
    return [HeadMethod(name=n, summary="mine", head="x:Y", config="x:Z") for n in names]
@hookimpl
def lexarium_stores():
    return [StoreKind(name="local", summary="mine", store="x:Y")]
@hookimpl
def lexarium_commands():
    names = ("list", "show", "remove", "verify", "train", "predict", "evaluate", "compare")
    names += ("fill-mask", "losses", "generate", "perplexity", "distill")
    names += ("translate", "summarize", "text2text", "quantize")
    names += ("tag", "alias", "set", "repair", "gc", "diff", "pull", "push", "lock", "bundle", "unbundle")
    names += ("search",)
    return [Command(name=n, summary="mine", command="x:y") for n in names]
"""
FIT = """
from lexarium.hookspecs import hookimpl
from lexarium.method import Command
@hookimpl
def lexarium_commands():
    return [Command(name="fit", summary="mine", command="x:y")]
"""
BAD = {
    "raises": ("raise RuntimeError('broken on purpose')", "broken", "broken on purpose"),
    "exits": ("import sys; sys.exit(3)", "broken", "SystemExit"),
    "misspells": (
        "from lexarium.hookspecs import hookimpl\n@hookimpl\ndef lexarium_method(): return []",
        "invalid",
        "lexarium_methods",
    ),
    "forgets": ("def lexarium_methods(): return []", "invalid", "@hookimpl"),
    "garbage": (
        "from lexarium.hookspecs import hookimpl\n@hookimpl\ndef lexarium_methods(): return 7",
        "invalid",
        "int",
    ),
    "greedy": (GREEDY, "invalid", "lexarium-bow"),
    "fits": (FIT, "invalid", "lexarium-core"),
    "old": ("LEXARIUM_API = 0", "incompatible", "version 0"),
    "chatters": ("print('hello from a plugin')", "ok", ""),
    "missing": (None, "broken", "missing_plugin"),
}


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LEXARIUM, *arguments], capture_output=True, text=True, env=env, check=False)


@pytest.fixture
def with_bad_ones(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Give an environment in which every bad plugin is installed."""
    site = tmp_path / "site"
    for name, (code, _, _) in BAD.items():
        metadata = site / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "entry_points.txt").write_text(f"[lexarium]\n{name} = {name}_plugin\n")
        if code is not None:
            (site / f"{name}_plugin.py").write_text(code + "\n")
    return environment | {"PYTHONPATH": str(site)}


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Give a small labelled table."""
    path = tmp_path / "reviews.csv"
    lines = [f'"{text} {number}",{label}' for number, (text, label) in enumerate(REVIEWS)]
    path.write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_plugins_names_each_bad_one_with_what_is_wrong(with_bad_ones):
    done = run("plugins", "--json", env=with_bad_ones)
    assert done.returncode == 0, done.stderr
    found = {plugin["name"]: plugin for plugin in json.loads(done.stdout)}
    for name, (_, status, says) in BAD.items():
        assert (found[name]["distribution"], found[name]["version"]) == (name, "1.0")
        assert found[name]["status"] == status, name
        assert says in (found[name]["error"] or ""), name
    for name in ("bow", "tfidf", "glove", "heads", "compare", "registry"):
        assert found[name]["status"] == "ok"


def test_the_greedy_one_claims_all_that_the_house_offers(environment):
    offered = [
        offer.descriptor.name
        for kind in ("embedder", "head", "store", "command")
        for offer in Host.discover().offers(kind)
    ]
    assert [name for name in offered if f'"{name}"' not in GREEDY] == []


def test_the_host_knows_the_owner_of_all_that_the_house_offers():
    found = {
        (kind, offer.descriptor.name): offer.plugin.distribution
        for kind in ("embedder", "head", "fuser", "store", "command")
        for offer in Host.discover().offers(kind)
    }
    assert found == HOUSE


def test_every_command_of_the_others_goes_on_working(with_bad_ones, table, tmp_path):
    train = ["--data", table, "--text", "text", "--label", "label", "--embedder", "t", "--head", "classifier"]
    for arguments in (
        ["--help"],
        ["methods"],
        ["fit", "bow", "--corpus", table, "--column", "text", "--name", "b"],
        ["fit", "tfidf", "--corpus", table, "--column", "text", "--name", "t"],
        ["list"],
        ["show", "b"],
        ["embed", "b", "--text", "a film", "--json"],
        ["similar", "b", "a film", "--in", table, "--column", "text"],
        ["train", *train, "--name", "clf"],
        ["predict", "clf", "--text", "a film"],
        ["evaluate", "clf", table, "--text", "text", "--label", "label"],
        ["compare", table, "--text", "text", "--label", "label", "--models", "bow"],
        ["verify"],
        ["remove", "b"],
    ):
        done = run(*arguments, env=with_bad_ones)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        assert "Traceback" not in done.stderr
        assert "hello from a plugin" not in done.stdout, "what a plugin prints is no result"


def test_the_doctor_shows_where_a_plugin_broke_and_exits_with_one(with_bad_ones):
    done = run("plugins", "doctor", env=with_bad_ones)
    assert done.returncode == 1
    assert "broken on purpose" in done.stdout
    assert "raises_plugin.py" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("Error: 9 of ")


def test_strict_makes_a_bad_plugin_an_error(with_bad_ones):
    done = run("methods", env=with_bad_ones | {"LEXARIUM_STRICT": "1"})
    assert done.returncode == 1
    assert "raises" in done.stderr
    assert "Traceback" not in done.stderr


def test_disabled_plugins_are_not_loaded(with_bad_ones):
    done = run("plugins", "--json", env=with_bad_ones | {"LEXARIUM_DISABLE": ",".join(BAD)})
    statuses = {plugin["name"]: plugin["status"] for plugin in json.loads(done.stdout)}
    assert {statuses[name] for name in BAD} == {"disabled"}


def test_a_stranger_is_used_like_the_house_itself(with_example, table):
    listed = json.loads(run("methods", "--json", env=with_example).stdout)
    assert {"name": "letters", "kind": "embedder", "summary": "How often each letter occurs, hashed.",
            "plugin": "letters", "version": "0.3.0"} in listed  # fmt: skip
    fitted = run(
        "fit", "letters", "--corpus", table, "--column", "text", "--name", "l", "--json", env=with_example
    )
    assert json.loads(fitted.stdout)["dim"] == 64
    data = ["--data", table, "--text", "text", "--label", "label"]
    trained = run("train", *data, "--embedder", "l", "--head", "centroid", "--name", "c", env=with_example)
    assert trained.returncode == 0, trained.stderr
    assert run("predict", "c", "--text", "dull", env=with_example).stdout.strip() in {"good", "bad"}


def test_without_its_plugin_a_model_names_what_to_install(with_example, environment, table):
    run("fit", "letters", "--corpus", table, "--column", "text", "--name", "l", env=with_example)
    done = run("embed", "l", "--text", "a", env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "letters-for-lexarium" in done.stderr
    assert os.linesep not in done.stderr.strip()
