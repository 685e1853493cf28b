"""The zoo: every verb about models, on a store and a plugin of the tests' own."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from spelling_plugin.embedder import Spelling
from spelling_plugin.head import Nearest, NearestConfig
from spelling_plugin.store import FolderStore

import lexarium
from lexarium.checkpoint.manifest import MANIFEST
from lexarium.compose import Pipeline
from lexarium.errors import (
    AmbiguousError,
    CheckpointError,
    ConfigError,
    DataError,
    FormatError,
    InputError,
    LexariumError,
    MethodNotFoundError,
    ModelNotFoundError,
    PluginError,
    StoreError,
    UnsupportedError,
)
from lexarium.host import Host
from lexarium.method import Command, Method
from lexarium.roles import Run
from lexarium.testing import StoreContract
from lexarium.zoo import Zoo

TEXTS = ["bad cab", "add", "好 电影"]


class TestFakeStore(StoreContract):
    """The store that these tests stand on keeps what every store must keep."""

    @pytest.fixture
    def store(self, tmp_path):
        return FolderStore(tmp_path / "home")


def train(zoo, data, *, text, label, embedder, head, options):
    return (zoo, data, text, label, embedder, head, options)


def compare(zoo, data, *, text, label, options):
    return (zoo, data, text, label, options)


@pytest.fixture
def pipeline():
    embedder = Spelling.tiny()
    return Pipeline(embedder, Nearest.fit(embedder.embed(["aaa", "zzz"]), ["a", "z"], NearestConfig(), Run()))


def test_a_method_fitted_under_a_name_is_stored_and_opens_equal(zoo):
    fitted = zoo.fit("spelling", TEXTS, config={"letters": 5}, name="s", threads=2, seed=7)
    opened = zoo.open("s")
    assert opened.reference == "s@1"
    np.testing.assert_array_equal(opened.model.embed(TEXTS), fitted.embed(TEXTS))
    np.testing.assert_array_equal(zoo.load("s@1").embed(TEXTS), fitted.embed(TEXTS))
    assert opened.manifest.about.lineage == {"data": "corpus", "texts": 3, "seed": 7, "threads": 2}
    assert opened.manifest.root.config["letters"] == 5


def test_without_a_name_nothing_is_stored(zoo):
    zoo.fit("spelling", TEXTS)
    assert not zoo.home.exists()


def test_fitting_reads_paths_and_reports_progress(zoo, tmp_path):
    paths = [tmp_path / "1.txt", tmp_path / "2.txt"]
    for path in paths:
        path.write_text(f"{path.stem} a\n", encoding="utf-8")
    seen = []
    model = zoo.fit("spelling", paths, progress=lambda *said: seen.append(said))
    assert list(model.words) == ["1", "a", "2"]
    assert seen == [("spelling", 3, 3)]
    assert list(zoo.fit("spelling", paths[0]).words) == ["1", "a"]


def test_the_lineage_names_each_file_whatever_its_path_holds(zoo, tmp_path):
    paths = [tmp_path / "s, t" / "x.txt", tmp_path / "y, z.txt"]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_text("cab\n", encoding="utf-8")
    zoo.fit("spelling", paths, name="s")
    assert zoo.open("s").manifest.about.lineage["data"] == "x.txt, y, z.txt"


def test_each_save_is_the_next_version(zoo):
    for expected in ("1", "2"):
        stored = zoo.save(Spelling.tiny(), name="s", license="CC0-1.0", metrics={"accuracy": 0.5})
        assert (stored.name, stored.version) == ("s", expected)
    assert stored.manifest.about.license == "CC0-1.0"
    assert stored.manifest.about.metrics == {"accuracy": 0.5}
    assert zoo.open("s").reference == "s@2"


def test_a_pipeline_is_stored_and_opens_equal(zoo, pipeline):
    zoo.save(pipeline, name="p")
    opened = zoo.open("p")
    assert isinstance(opened.model, Pipeline)
    assert opened.manifest.kind == "pipeline"
    np.testing.assert_array_equal(opened.model.predict_proba(TEXTS), pipeline.predict_proba(TEXTS))


def test_a_model_written_to_a_folder_opens_from_there(zoo, tmp_path):
    manifest = zoo.write(Spelling.tiny(), tmp_path / "model")
    assert manifest.size == sum(
        p.stat().st_size for p in (tmp_path / "model").iterdir() if p.name != MANIFEST
    )
    opened = zoo.open(str(tmp_path / "model"))
    np.testing.assert_array_equal(opened.model.embed(TEXTS), Spelling.tiny().embed(TEXTS))
    assert not zoo.home.exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"method": "speling"}, MethodNotFoundError),
        ({"config": {"leters": 3}}, ConfigError),
        ({"config": {"letters": 99}}, ConfigError),
        ({"threads": 0}, ConfigError),
        ({"threads": 1025}, ConfigError),
        ({"seed": -1}, ConfigError),
        ({"seed": 2**63}, ConfigError),
        ({"source": []}, DataError),
        ({"name": "Not A Name"}, StoreError),
    ],
)
def test_fitting_that_cannot_be_done_leaves_the_store_as_it_was(zoo, arguments, error):
    with pytest.raises(error):
        zoo.fit(**{"method": "spelling", "source": TEXTS, "name": "s"} | arguments)
    assert not zoo.home.exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"threads": 0}, "threads: 0 is not from 1 to 1024"),
        ({"seed": -1}, r"seed: -1 is not from 0 to 2\*\*63 - 1"),
        ({"seed": 2**64}, f"seed: {2**64} is not"),
        ({"threads": "2"}, "threads: '2' is not a whole number"),
        ({"threads": 1.5}, "threads: 1.5 is not a whole number"),
        ({"seed": None}, "seed: None is not a whole number"),
    ],
)
def test_a_run_says_which_threads_and_seeds_there_are(given, says):
    assert Run(threads=1024, seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(ConfigError, match=says):
        Run(**given)


def test_threads_and_seed_may_be_numpys_numbers(zoo):
    zoo.fit("spelling", TEXTS, name="s", threads=np.int64(2), seed=np.uint8(3))
    lineage = zoo.open("s").manifest.about.lineage
    assert (lineage["threads"], lineage["seed"]) == (2, 3)


def test_nothing_is_removed_by_what_is_no_reference(zoo):
    zoo.fit("spelling", TEXTS, name="s")
    for odd in (3, Path("s"), None):
        with pytest.raises(StoreError, match="is not a reference; give text"):
            zoo.remove(odd)
    assert zoo.load("s") is not None


def test_what_is_no_model_path_or_name_is_said(zoo):
    for act, says in (
        (lambda: zoo.save(None, name="s"), "model: NoneType where a model belongs"),
        (lambda: zoo.save(5, name="s"), "model: int where a model belongs"),
        (lambda: zoo.fit([], TEXTS), "embedder: .* is list, not a name"),
        (lambda: zoo.fit("spelling", {"a": 1}), "corpus: dict where a list of texts belongs"),
        (lambda: zoo.fit("spelling", {"a"}), "corpus: a set has no order"),
        (lambda: zoo.import_from("spelling", None), "path: None is NoneType, not a path"),
        (lambda: zoo.find_embedder(3), "3 names no embedder; give text"),
        (lambda: zoo.merge(None), "models: NoneType where a list"),
        (lambda: zoo.merge("s"), r"models: a single text .*; write \[model, model\]"),
        (lambda: Zoo(5), "home: 5 is int, not a path"),
    ):
        with pytest.raises(LexariumError, match=says):
            act()
    assert not zoo.store.names()


def test_a_model_is_not_merged_with_itself(zoo):
    zoo.fit("spelling", TEXTS, name="s")
    with pytest.raises(InputError, match="models: one is named twice: s@1, s@1; its texts would count twice"):
        zoo.merge(["s", "s@1"])


@pytest.mark.parametrize("wrong", [[], np.zeros((2, 3)), 5, "lowercase=true"])
def test_a_config_that_is_no_mapping_is_refused(zoo, tmp_path, wrong):
    for call in (
        lambda: zoo.fit("spelling", TEXTS, config=wrong),
        lambda: zoo.import_from("spelling", tmp_path, config=wrong),
    ):
        with pytest.raises(ConfigError, match="is not a mapping of settings to values"):
            call()


def test_an_export_needs_a_path(zoo):
    with pytest.raises(InputError, match="path: None is NoneType, not a path"):
        zoo.export("s", "folder", None)


def test_a_disk_that_refuses_an_export_is_said_of_the_path_asked_for(zoo, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), source, None, target)

    zoo.fit("spelling", TEXTS, name="s")
    monkeypatch.setattr("shutil.copyfile", refuse)
    with pytest.raises(OSError, match="No space left") as caught:
        zoo.export("s", "folder", tmp_path / "out")
    assert caught.value.filename == str(tmp_path / "out")
    assert os.listdir(tmp_path) == ["home"]


def test_a_stored_file_that_is_gone_is_not_said_of_the_path_of_an_export(zoo, tmp_path):
    zoo.fit("spelling", TEXTS, name="s")
    path = zoo.store.find("s").locate("model.safetensors")
    path.unlink()
    with pytest.raises(OSError, match="No such file") as caught:
        zoo.export("s", "folder", tmp_path / "out")
    assert caught.value.filename == str(path)


def test_an_interrupted_fit_leaves_the_store_as_it_was(zoo):
    def interrupt(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoo.fit("spelling", TEXTS, name="s", progress=interrupt)
    assert not zoo.home.exists()


def test_a_bad_name_is_refused_before_the_work(zoo):
    worked = []
    with pytest.raises(StoreError):
        zoo.fit("spelling", TEXTS, name="../x", progress=lambda *said: worked.append(said))
    assert worked == []


def test_a_foreign_file_is_read_and_stored_with_its_licence(zoo, tmp_path):
    (tmp_path / "words.list").write_text("cab\n好\n", encoding="utf-8")
    model = zoo.import_from("spelling", tmp_path / "words.list", name="s", license="PDDL-1.0", source=["x"])
    assert list(model.words) == ["cab", "好", "x"]
    about = zoo.open("s").manifest.about
    assert (about.license, about.lineage) == ("PDDL-1.0", {"imported_from": "words.list"})


def test_a_foreign_file_that_breaks_its_format_is_named_with_the_line_and_not_stored(zoo, tmp_path):
    (tmp_path / "words.list").write_text("cab\n\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"words\.list, line 2"):
        zoo.import_from("spelling", str(tmp_path / "words.list"), name="s")
    assert not zoo.home.exists()


def test_a_method_that_cannot_be_trained_or_read_says_what_can(zoo, make_plugin):
    bare = Method(name="bare", summary="s", embedder="spelling_plugin.embedder:Other", config="m:C")
    zoo = Zoo(zoo.home, Host([*zoo.host.plugins, make_plugin("p", lexarium_methods=[bare])]))
    with pytest.raises(UnsupportedError, match=r"bare is not trained here; .* or fit spelling"):
        zoo.fit("bare", TEXTS)
    with pytest.raises(UnsupportedError, match="bare reads no foreign files"):
        zoo.import_from("bare", "words.list")


def test_verify_finds_nothing_in_a_whole_model_and_names_what_is_damaged(zoo, pipeline):
    folder = zoo.save(pipeline, name="p").locate("")
    for golden in (False, True):
        assert list(zoo.verify("p", golden=golden)) == []
    path = folder / "embedder" / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for golden in (False, True):
        assert list(zoo.verify("p", golden=golden)) == [
            "embedder/model.safetensors is damaged: its sha256 is another"
        ]
    path.unlink()
    assert list(zoo.verify("p@1")) == ["embedder/model.safetensors is missing"]
    (folder / MANIFEST).write_text("{")
    (problem,) = zoo.verify("p")
    assert "not JSON" in problem


def test_settings_that_are_not_those_of_the_space_are_found_by_verify_and_do_not_open(zoo):
    folder = zoo.save(Spelling.tiny(), name="s").locate("")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["config"]["letters"] = 25
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    for golden in (False, True):
        assert list(zoo.verify("s", golden=golden)) == [
            "space.id is not that of the settings and tensors that are here"
        ]
    with pytest.raises(CheckpointError, match=r"s@1: the manifest says Space\(dim=26.*is Space\(dim=25"):
        zoo.open("s")


def test_verify_does_not_hide_that_there_is_no_such_model(zoo):
    with pytest.raises(ModelNotFoundError):
        list(zoo.verify("nothing"))


def test_a_damaged_model_does_not_open(zoo):
    folder = zoo.save(Spelling.tiny(), name="s").locate("")
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"s@1: model\.safetensors takes 0 bytes"):
        zoo.open("s")


def test_an_embedder_is_a_stored_model_or_a_method_fitted_now(zoo):
    name, fitted = zoo.embedder("spelling", TEXTS, config={"letters": 4}, run=Run(seed=3))
    assert (name, fitted.space.dim) == ("spelling", 4)
    assert zoo.embedder("method:spelling", TEXTS)[0] == "spelling"
    zoo.save(fitted, name="mine")
    name, stored = zoo.embedder("mine", [])
    assert (name, stored.space.dim) == ("mine@1", 4)


def test_a_name_of_both_a_method_and_a_stored_model_is_refused_with_what_to_type(zoo):
    zoo.save(Spelling.tiny(), name="spelling")
    zoo.save(Spelling.tiny(), name="spelling")
    with pytest.raises(AmbiguousError, match="type spelling@2 or method:spelling"):
        zoo.embedder("spelling", TEXTS)
    assert zoo.embedder("spelling@1", TEXTS)[0] == "spelling@1"
    assert zoo.embedder("method:spelling", TEXTS)[0] == "spelling"


def test_an_embedder_that_is_neither_is_answered_with_what_is_near(zoo, pipeline):
    zoo.save(Spelling.tiny(), name="mine")
    with pytest.raises(MethodNotFoundError, match=r"no .* named 'mime'; did you mean 'mine'"):
        zoo.embedder("mime", TEXTS)
    with pytest.raises(MethodNotFoundError, match="did you mean 'spelling'"):
        zoo.embedder("method:spell", TEXTS)
    with pytest.raises(UnsupportedError, match="its settings are fixed"):
        zoo.embedder("mine", TEXTS, config={"letters": 3})
    zoo.save(pipeline, name="p")
    with pytest.raises(UnsupportedError, match="p is a pipeline"):
        zoo.embedder("p", TEXTS)


def test_train_and_compare_are_the_verbs_of_the_plugins_that_offer_them(zoo, make_plugin):
    commands = [
        Command(name=name, summary="s", command="m:c", verb=f"{__name__}:{name}")
        for name in ("train", "compare")
    ]
    zoo = Zoo(zoo.home, Host([*zoo.host.plugins, make_plugin("p", lexarium_commands=commands)]))
    trained = zoo.train("d.csv", text="t", label="l", embedder="e", name="n")
    assert trained == (zoo, "d.csv", "t", "l", "e", "classifier", {"tune": "frozen", "name": "n"})
    compared = zoo.compare("d.csv", text="t", label="l", models=("a", "b"), options={"budget": 3})
    assert compared == (zoo, "d.csv", "t", "l", {"budget": 3, "models": ["a", "b"]})
    assert zoo.compare("d.csv", text="t", label="l")[-1] == {"models": None}
    with pytest.raises(InputError, match="models: int where a list of texts belongs"):
        zoo.compare("d.csv", text="t", label="l", models=3)


def test_without_the_plugin_a_verb_names_what_to_install(zoo):
    with pytest.raises(MethodNotFoundError, match="no command named 'train'"):
        zoo.train("d.csv", text="t", label="l", embedder="e")


def test_a_model_of_a_class_that_no_plugin_offers_is_not_stored(zoo):
    class Mine(Spelling):
        pass

    with pytest.raises(PluginError, match="Mine"):
        zoo.save(Mine.restore(Spelling.tiny().state()), name="m")
    assert zoo.store.names() == []


def test_input_errors_of_a_corpus_come_through(zoo, tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        zoo.fit("spelling", tmp_path / "nothing.txt", name="s")


def test_the_package_gives_the_zoo_without_importing_it_first():
    assert lexarium.Zoo is Zoo
    assert lexarium.__all__ == ["Zoo", "load"]
    with pytest.raises(AttributeError, match="no_such"):
        lexarium.no_such  # noqa: B018  the access is the test


def test_two_zoos_share_nothing(zoo, tmp_path):
    zoo.save(Spelling.tiny(), name="s")
    other = Zoo(tmp_path / "other", zoo.host)
    assert other.store.names() == []
    assert Zoo(str(zoo.home), zoo.host).store.names() == ["s"]
