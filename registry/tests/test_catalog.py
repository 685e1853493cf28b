"""The catalogue: what the house lists, what plugins add, and short names that are pulled."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from lengths_plugin import lexarium_methods

import lexarium_registry.plugin
from lexarium.errors import (
    InputError,
    LexariumError,
    MethodNotFoundError,
    NotFoundError,
    StoreError,
    UnsupportedError,
)
from lexarium.hookspecs import hookimpl
from lexarium.host import Host
from lexarium.method import ModelEntry
from lexarium_registry.catalog import entries
from lexarium_registry.catalog.entries import catalog, find, look_up, read_entries

ENTRY = ModelEntry(
    name="measure", summary="Lengths of texts", method="lengths", reference="hf://they/Foreign_Model",
    license="MIT", languages=("en",), dim=2, parameters=2,
)  # fmt: skip


ENTRY_OF = "[x]\nsummary = 's'\nmethod = 'm'\n"
THEIRS = f"{ENTRY_OF}reference = 'hf://a/b'\n"


def offering(*offered):
    """Return a plugin that adds entries to the catalogue."""

    class Adds:
        __name__ = "adds"

        @staticmethod
        @hookimpl
        def lexarium_models():
            return list(offered)

    return Adds()


@pytest.fixture
def host_of(hub_host):
    def make(*offered):
        import lengths_plugin

        return Host([lexarium_registry.plugin, lengths_plugin, offering(*offered)])

    return make


def test_every_entry_of_the_house_says_what_it_must(hub_host):
    listed = {each.entry.name: each.entry for each in catalog(hub_host).listed}
    assert catalog(hub_host).notes == ()
    methods = {entry.method for entry in listed.values()}
    assert methods == {"glove", "word2vec", "fasttext", "bert", "static", "gpt", "t5", "clip"}
    for family in (
        "minilm",
        "bert-chinese",
        "gpt2",
        "smollm2-135m",
        "t5-small",
        "flan-t5-small",
        "clip",
        "siglip",
        "clap",
    ):
        assert listed[family].reference
    assert len({entry.reference for entry in listed.values() if entry.reference}) == sum(
        entry.reference is not None for entry in listed.values()
    )


def test_what_is_to_be_typed_for_files_agrees_with_the_entry(hub_host):
    for each in catalog(hub_host).listed:
        entry = each.entry
        if entry.obtain is None:
            continue
        said = re.fullmatch(
            r"(?:\w+ \S+ && )?lexarium import (\S+) \S+ --name (\S+)(?: --license (\S+))?", entry.obtain
        )
        assert said is not None, entry.obtain
        assert said.groups() == (entry.method, entry.name, entry.license)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1", "field 'x': a table belongs here"),
        ("[x", "cannot be read"),
        ("[x]\nmethod = 'm'", r"field 'x.summary': it is missing"),
        (ENTRY_OF + "colour = 1", r"field 'x.colour': there are: dim,"),
        ("[x]\nsummary = ''\nmethod = 'm'", "field 'x.summary': one line of text"),
        ("[x]\nsummary = 's'\nmethod = 3", "field 'x.method': one line of text"),
        ("[x]\nsummary = \"a\\u202eb\"\nmethod = 'm'", "field 'x.summary': one line of text"),
        ("[X]\nsummary = 's'\nmethod = 'm'", "field 'X.name': it can name no model"),
        ("[x]\nsummary = 's'\nmethod = 'm'", "field 'x.homepage': it is missing, and there is no reference"),
        (ENTRY_OF + "reference = 'hf://a/b@v1'", "field 'x.reference': no revision"),
        (ENTRY_OF + "reference = 'a/b'", "field 'x.reference': .*no reference to the Hub"),
        (THEIRS + "dim = true", "field 'x.dim': a whole number"),
        (THEIRS + "dim = 0", "field 'x.dim': a whole number"),
        (THEIRS + "languages = 'en'", "field 'x.languages'"),
        (THEIRS + "languages = ['English']", "x.languages"),
        (THEIRS + "license = 'mit'", "x.license.*SPDX"),
        (THEIRS + "paper = 'doi'", "x.paper.*https"),
        (THEIRS + "obtain = 'o'", "x.obtain.*beside a reference"),
        ("[x]\nsummary = 's'\n[x]\n", "cannot be read"),
    ],
)  # fmt: skip
def test_a_file_of_the_catalogue_is_read_strictly(tmp_path, text, says):
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_entries(path)


def test_one_name_in_two_files_is_an_error(tmp_path, monkeypatch):
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(THEIRS + "")
    monkeypatch.setattr(entries, "_FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"b\.toml, field 'x': another file"):
        entries._house.__wrapped__()


def test_a_plugins_entry_is_listed_and_a_bad_or_taken_one_is_left_out_with_a_note(host_of):
    taken = replace(ENTRY, name="minilm")
    bad = replace(ENTRY, name="bad", dim="many")
    found = catalog(host_of(ENTRY, taken, bad))
    listed = {each.entry.name: each for each in found.listed}
    assert (listed["measure"].source, listed["measure"].missing) == ("adds", None)
    assert listed["minilm"].source == "lexarium-registry"
    assert "bad" not in listed
    assert len(found.notes) == 2
    assert "'bad' of adds is left out: dim" in found.notes[0]
    assert "'minilm' of adds is left out: name: the catalogue has another" in found.notes[1]


def test_filters(host_of):
    every = catalog(host_of(ENTRY)).listed

    def names(*arguments, **filters):
        return [each.entry.name for each in find(every, *arguments, **filters)]

    assert names("minilm-l12 12 layers") == ["minilm-l12"]
    assert names("MiniLM") == ["minilm", "minilm-l12", "minilm-multilingual"]
    assert names(method="lengths") == ["measure"]
    assert set(names(language="zh", method="fasttext")) == {"fasttext-cc-zh-300"}
    assert names(license="mit", max_size=2) == ["measure"]
    assert "clap" not in names(max_size=10**15)  # it does not say how many parameters it has
    assert names("no such words") == []


def test_what_is_missing_is_named(host_of):
    found = {each.entry.name: each.missing for each in catalog(host_of()).listed}
    assert found["clip"] == "no plugin offers clip"
    assert found["minilm"] == "pip install lexarium-bert"


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ("mesure", NotFoundError, r"no published model named 'mesure'; did you mean 'measure'"),
        ("they/model", StoreError, r"type hf://they/model"),
        ("./folder", StoreError, r"type hf://org/repo"),
        ("glove-6b-50d", UnsupportedError, r"nlp.stanford.edu.*lexarium import glove glove.6B.zip"),
        ("clip", MethodNotFoundError, "no embedder named 'clip'; no plugin offers clip yet"),
        ("minilm", MethodNotFoundError, "pip install lexarium-bert"),
    ],
)
def test_a_short_name_that_cannot_be_pulled_says_what_to_type(host_of, asked, error, says):
    with pytest.raises(error, match=says):
        look_up(host_of(ENTRY), asked)


def test_a_short_name_is_pulled_and_stored_under_it_whatever_the_store_has(hub, there, host_of, lengths):
    from test_hub_circle import foreign

    foreign(hub)
    there = type(there)(there.home, host_of(ENTRY))
    there.save(lengths, name="measure")
    done = there.pull("measure")
    assert (done.model, done.reference, done.new) == ("measure@2", "hf://they/Foreign_Model", True)
    origin = there.store.find("measure").origin
    assert (origin.revision, origin.commit) == ("main", done.commit)
    assert not there.pull(f"measure@{done.commit}").new


def test_a_model_that_is_here_under_another_name_is_not_fetched_again(hub, there, host_of):
    from test_hub_circle import foreign

    foreign(hub)
    there = type(there)(there.home, host_of(ENTRY))
    first = there.pull("hf://they/Foreign_Model")
    with hub.counted() as asked:
        done = there.pull("measure")
    assert (done.model, done.new, done.fetched, len(asked)) == ("measure@1", True, 0, 1)
    one, other = there.store.find("foreign_model"), there.store.find("measure")
    assert other.manifest.files == one.manifest.files
    assert other.origin == one.origin
    assert first.commit == done.commit


def test_search_on_the_command_line(invoke):
    done = invoke("search", "minilm", "--language", "zh")
    assert done.exit_code == 0
    assert (
        "hf://sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2 (pip install lexarium-bert)"
        in done.stdout
    )
    assert len(done.stdout.splitlines()) == 2
    document = json.loads(invoke("search", "minilm", "--json").stdout)
    assert [entry["name"] for entry in document] == ["minilm", "minilm-l12", "minilm-multilingual"]
    assert document[0]["reference"] == "hf://sentence-transformers/all-MiniLM-L6-v2"
    assert invoke("search", "--max-size", "many").exit_code == 2
    few = invoke("search", "--method", "clip", "--max-size", "0.2G")
    assert "left out: 2 that do not say how many parameters" in few.stderr
    assert "no models of lengths are published" in invoke("search", "--method", "lengths").stderr
    assert "nothing in the catalogue fits" in invoke("search", "no such").stderr


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        (["--license", "apache"], r"'apache' is no licence.*did you mean 'Apache-2.0'"),
        (["--method", "word2vek"], r"no method named 'word2vek'; did you mean 'word2vec'"),
    ],
)
def test_a_filter_that_nothing_can_pass_is_named_with_what_is_near(invoke, zoo, filters, says):
    done = invoke("search", *filters)
    assert done.exit_code == 1
    assert re.search(says, done.stderr)
    with pytest.raises(LexariumError, match=says):
        entries.search(zoo, **{filters[0].removeprefix("--"): filters[1]})


def test_the_tests_own_plugin_is_what_the_entries_name():
    assert [method.name for method in lexarium_methods()] == ["lengths"]
