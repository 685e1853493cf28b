"""``fit`` and ``import``."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,label\nbad cab,x\n好 电影,y\n", encoding="utf-8")
    return path


def test_fitting_stores_the_model_and_says_its_name_size_and_dimensions(invoke, zoo, table):
    done = invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s",
                  "--set", "letters=5", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    manifest = zoo.store.find("s").manifest
    space_id = manifest.root.space_id
    assert document == {
        "model": "s@1",
        "method": "spelling",
        "dim": 5,
        "space_id": space_id,
        "size_bytes": manifest.size,
    }
    assert list(zoo.load("s").words) == ["bad", "cab", "好", "电影"]


def test_in_words_it_is_one_line(invoke, table):
    done = invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s")
    assert done.stdout.startswith("stored s@1: spelling, 26 dimensions, ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_corpus_may_be_several_files_and_standard_input(invoke, zoo, tmp_path):
    for name in ("1.txt", "2.txt", "3.txt"):
        (tmp_path / name).write_text(f"{name[0]}\n")
    files = [tmp_path / name for name in ("1.txt", "2.txt", "3.txt")]
    invoke("fit", "spelling", "--corpus", files[0], files[1], "--corpus", files[2], "--name", "s")
    assert sorted(zoo.load("s").words) == ["1", "2", "3"]
    invoke("fit", "spelling", "--corpus", "-", "--name", "s", input="from stdin\n")
    assert list(zoo.load("s@2").words) == ["from", "stdin"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "speling"}, "no embedder named 'speling'; did you mean 'spelling'"),
        ({"--column": "txt"}, "there is no column 'txt'; did you mean 'text'"),
        ({"--column": None}, "it has 2 columns: text, label"),
        ({"--set": "leters=3"}, "leters: no such setting; did you mean 'letters'"),
        ({"--set": "letters=many"}, "letters: 'many' is not int"),
        ({"--set": "letters"}, "is not of the form key=value"),
        ({"--corpus": "nowhere.csv"}, "there is no such file"),
        ({"--name": "Not A Name"}, "cannot be a name"),
    ],
)
def test_what_cannot_be_fitted_is_one_line_and_nothing_is_stored(invoke, zoo, table, change, says):
    options = {"--corpus": table, "--column": "text", "--name": "s"} | {
        k: v for k, v in change.items() if k != "method"
    }
    flat = [part for option, value in options.items() if value is not None for part in (option, value)]
    done = invoke("fit", change.get("method", "spelling"), *flat)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not zoo.home.exists()


def test_importing_stores_the_model_with_its_licence_and_reads_the_corpus(invoke, zoo, tmp_path):
    (tmp_path / "words.list").write_text("cab\n好\n", encoding="utf-8")
    (tmp_path / "c.txt").write_text("more\n")
    done = invoke("import", "spelling", tmp_path / "words.list", "--name", "s", "--license", "PDDL-1.0",
                  "--corpus", tmp_path / "c.txt", "--json")  # fmt: skip
    assert json.loads(done.stdout)["model"] == "s@1"
    assert zoo.store.find("s").manifest.about.license == "PDDL-1.0"
    assert list(zoo.load("s").words) == ["cab", "好", "more"]


def test_importing_replaces_bytes_that_are_not_utf_8_where_asked(invoke, zoo, tmp_path):
    (tmp_path / "words.list").write_bytes(b"caf\xe9\n")
    (tmp_path / "c.txt").write_bytes(b"na\xefve\n")
    done = invoke("import", "spelling", tmp_path / "words.list", "--name", "s",
                  "--corpus", tmp_path / "c.txt", "--encoding-errors", "replace")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert list(zoo.load("s").words) == ["caf\ufffd", "na\ufffdve"]


@pytest.mark.parametrize(
    ("content", "says"),
    [("cab\n\n", "words.list, line 2: an empty line; delete it"), (None, "words.list: No such file")],
)
def test_what_cannot_be_imported_is_one_line_and_nothing_is_stored(invoke, zoo, tmp_path, content, says):
    if content is not None:
        (tmp_path / "words.list").write_text(content)
    done = invoke("import", "spelling", tmp_path / "words.list", "--name", "s")
    assert (done.exit_code, done.stdout) == (1, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not zoo.home.exists()


def test_updating_stores_a_next_version_and_says_what_it_goes_back_to(invoke, zoo, table, tmp_path):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s", "--set", "letters=5")
    (tmp_path / "more.txt").write_text("cab new\n")
    done = invoke("update", "s", "--data", tmp_path / "more.txt", "--seed", "3", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "s@2"
    assert list(zoo.load("s@2").words) == ["bad", "cab", "好", "电影", "new"]
    assert list(zoo.load("s@1").words) == ["bad", "cab", "好", "电影"]
    lineage = zoo.store.find("s").manifest.about.lineage
    assert lineage["base"] == {"model": "s@1", "relation": "trained on"}
    assert (lineage["data"], lineage["seed"]) == ("more.txt", 3)
    done = invoke("update", "s@1", "--data", tmp_path / "more.txt", "--name", "other")
    assert done.stdout.startswith("stored other@1: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none", "--data", "FILE"], "named 'none'"),
        (["s", "--data", "FILE", "--set", "letters=3"], "letters: cannot change any more"),
        (["s", "--data", "FILE", "--set", "leters=3"], "no such setting; did you mean 'letters'"),
        (["s", "--data", "nowhere.csv"], "there is no such file"),
    ],
)
def test_what_cannot_be_updated_is_one_line_and_nothing_is_stored(invoke, zoo, table, arguments, says):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s")
    given = [table if part == "FILE" else part for part in arguments]
    done = invoke("update", *given, "--column", "text")
    assert (done.exit_code, done.stdout) == (1, "")
    assert says in done.stderr
    assert zoo.store.versions("s") == ["1"]


def test_a_pipeline_and_a_method_without_an_updater_cannot_be_updated(zoo, make_plugin, table):
    from spelling_plugin.embedder import Spelling
    from spelling_plugin.head import Nearest, NearestConfig

    from lexarium.compose import Pipeline
    from lexarium.errors import UnsupportedError
    from lexarium.host import Host
    from lexarium.method import Method
    from lexarium.zoo import Zoo

    model = Spelling.tiny()
    zoo.save(model, name="s")
    matrix = model.embed(["cab", "add"])
    from lexarium.roles import Run

    head = Nearest.fit(matrix, ["a", "b"], NearestConfig(), Run())
    zoo.save(Pipeline(model, head), name="p")
    with pytest.raises(UnsupportedError, match="p is a pipeline; update its embedder"):
        zoo.update("p", ["cab"])
    fixed = Method(
        name="spelling",
        summary="",
        embedder="spelling_plugin.embedder:Spelling",
        config="spelling_plugin.embedder:SpellingConfig",
    )
    stores = zoo.host.offers("store")[0].descriptor
    other = make_plugin("other", lexarium_methods=[fixed], lexarium_stores=[stores])
    with pytest.raises(UnsupportedError, match="spelling cannot be trained on"):
        Zoo(zoo.home, Host([other])).update("s", ["cab"])


def test_merging_stores_the_model_of_the_whole(invoke, zoo, table, tmp_path):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "a")
    (tmp_path / "more.txt").write_text("cab new\n")
    invoke("fit", "spelling", "--corpus", tmp_path / "more.txt", "--name", "b")
    done = invoke("merge", "a", "b", "--name", "both", "--set", "letters=3", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "both@1"
    assert list(zoo.load("both").words) == ["bad", "cab", "好", "电影", "new"]
    base = zoo.store.find("both").manifest.about.lineage["base"]
    assert base == [{"model": "a@1", "relation": "merged"}, {"model": "b@1", "relation": "merged"}]


@pytest.mark.parametrize(("other", "kept"), [("MIT", "MIT"), ("GPL-3.0-only", None), (None, None)])
def test_a_merged_model_keeps_the_licence_that_all_its_parts_have(zoo, other, kept):
    for name, licence in (("a", "MIT"), ("b", other)):
        zoo.save(zoo.fit("spelling", ["cab"]), name=name, license=licence)
    zoo.merge(["a", "b"], name="both")
    assert zoo.store.find("both").manifest.about.license == kept


@pytest.mark.parametrize(
    ("models", "says"),
    [(["a"], "1 models cannot be merged; name two models"), (["a", "none"], "named 'none'")],
)
def test_what_cannot_be_merged_is_one_line_and_nothing_is_stored(invoke, zoo, table, models, says):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "a")
    done = invoke("merge", *models, "--name", "both")
    assert (done.exit_code, done.stdout) == (1, "")
    assert says in done.stderr
    assert zoo.store.versions("both") == []


@pytest.mark.parametrize("keep", [True, False])
def test_an_interrupted_training_is_stored_if_asked_and_is_an_interrupt_all_the_same(
    invoke, zoo, table, tmp_path, keep
):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s")
    (tmp_path / "more.txt").write_text("stop\n")
    done = invoke("update", "s", "--data", tmp_path / "more.txt", *(["--keep"] if keep else []))
    assert done.exit_code == 130
    assert "training was interrupted when 50% of it was done" in done.stderr
    assert zoo.store.versions("s") == (["1", "2"] if keep else ["1"])
    if keep:
        assert done.stdout.startswith("stored s@2: ")
        assert zoo.store.find("s").manifest.about.lineage == {
            "base": {"model": "s@1", "relation": "trained on"},
            "data": "more.txt",
            "texts": 1,
            "seed": 0,
            "threads": 1,
            "interrupted_at": 0.5,
        }
        assert "stop" in zoo.load("s").words


def test_exporting_writes_a_foreign_format_or_the_model_folder(invoke, zoo, table, tmp_path):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s")
    done = invoke("export", "s", "--format", "list", "--out", tmp_path / "words.list", "--json")
    assert (tmp_path / "words.list").read_text(encoding="utf-8") == "bad\ncab\n好\n电影\n"
    assert json.loads(done.stdout)["size_bytes"] == 19
    done = invoke("export", "s", "--format", "folder", "--out", tmp_path / "folder")
    assert done.stdout.startswith(f"wrote {tmp_path / 'folder'}: folder, ")
    assert list(zoo.load(str(tmp_path / "folder")).words) == ["bad", "cab", "好", "电影"]
    assert list(zoo.verify(str(tmp_path / "folder"), golden=True)) == []


@pytest.mark.parametrize(
    ("form", "out", "says"),
    [
        ("lst", "new", "spelling does not write the format 'lst'; did you mean 'list'?"),
        ("folder", "there", "there: it exists already"),
        ("list", "there", "there: it exists already"),
        ("folder", "no/such/place", "such: there is no such folder; make it first"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_no_litter(
    invoke, zoo, table, tmp_path, form, out, says
):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s")
    (tmp_path / "there").write_text("kept")
    before = sorted(tmp_path.iterdir())
    done = invoke("export", "s", "--format", form, "--out", tmp_path / out)
    assert (done.exit_code, done.stdout) == (1, "")
    assert says in done.stderr
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there").read_text() == "kept"


def test_a_damaged_model_is_not_exported_as_a_folder(invoke, zoo, table, tmp_path):
    invoke("fit", "spelling", "--corpus", table, "--column", "text", "--name", "s")
    stored = zoo.store.find("s")
    path = stored.locate("model.safetensors")
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(raw)
    done = invoke("export", "s", "--format", "folder", "--out", tmp_path / "folder")
    assert done.exit_code == 1
    assert "model.safetensors" in done.stderr
    assert [p.name for p in tmp_path.iterdir() if "folder" in p.name or p.name.startswith(".lex")] == []


def test_completion_offers_methods_and_files(zoo):
    from click.shell_completion import ShellComplete

    from lexarium.cli.main import cli
    from lexarium.cli.session import Session

    session = Session()
    session.host = zoo.host
    complete = ShellComplete(cli, {"obj": session}, "lexarium", "_LEXARIUM_COMPLETE")
    assert [item.value for item in complete.get_completions(["fit"], "spel")] == ["spelling"]
    assert [item.type for item in complete.get_completions(["fit", "spelling", "--corpus"], "re")] == ["file"]
    assert [item.value for item in complete.get_completions([], "simi")] == ["similar"]
