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
