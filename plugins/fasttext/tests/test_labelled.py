"""A classifier from a table with a column of labels."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import lexarium_bow.plugin as other
import lexarium_fasttext.plugin
import lexarium_heads.plugin
import lexarium_registry.plugin
from lexarium.cli.main import cli
from lexarium.cli.session import Session
from lexarium.compose import Pipeline
from lexarium.errors import ConfigError, InputError, UnsupportedError
from lexarium.host import Host
from lexarium.tables import labelled
from lexarium.zoo import Zoo

SUPERVISED = {"model": "supervised", "alpha": 1.0, "epochs": 50, "vector_size": 10}
ROWS = [("a fine film", "good one"), ("fine and warm", "good one"), ("dull", "坏"), ("a dull 电影", "坏")]


@pytest.fixture
def zoo(tmp_path):
    plugins = [lexarium_fasttext.plugin, lexarium_heads.plugin, lexarium_registry.plugin, other]
    return Zoo(tmp_path / "home", host=Host(plugins))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("".join(["text,label\n", *(f"{t},{c}\n" for t, c in ROWS)]), encoding="utf-8")
    return path


@pytest.fixture
def fit(zoo):
    def run(*arguments):
        session = Session()
        session.host, session.zoo = zoo.host, zoo
        settings = [f"--set={key}={value}" for key, value in SUPERVISED.items()]
        typed = ["fit", *arguments, "--name", "x", *(settings if arguments[0] == "fasttext" else [])]
        return CliRunner().invoke(cli, [str(each) for each in typed], obj=session)

    return run


def test_a_table_is_one_command_away_from_a_classifier(zoo, fit, table):
    done = fit("fasttext", "--corpus", table, "--column", "text", "--label", "label")
    assert done.exit_code == 0, done.output
    assert zoo.load("x").predict(["fine", "dull"]) == ["good one", "坏"]
    assert zoo.store.find("x").manifest.about.lineage["texts"] == 4
    with pytest.raises(UnsupportedError, match="x is a pipeline; it was trained as one: fit a new one"):
        zoo.update("x", ["odd film"])


def test_a_classifier_of_normalized_vectors_is_refused(zoo, table):
    with pytest.raises(ConfigError, match="normalize: a classifier takes vectors as they are"):
        zoo.fit(
            "fasttext", labelled(table, text="text", label="label"), config={**SUPERVISED, "normalize": True}
        )


def test_the_tables_may_be_several_and_lie_in_a_folder(zoo, fit, table):
    (table.parent / "more.jsonl").write_text('{"text": "odd film", "label": 3}\n')
    done = fit("fasttext", "--corpus", table.parent, "--column", "text", "--label", "label")
    assert done.exit_code == 0, done.output
    assert sorted(zoo.load("x").head.labels) == ["3", "good one", "坏"]


def test_in_python_labelled_rows_are_a_source(zoo, table):
    columns = {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}
    for data in (table, columns):
        model = zoo.fit("fasttext", labelled(data, text="text", label="label"), config=SUPERVISED)
        assert isinstance(model, Pipeline)
        assert model.predict(["warm", "dull"]) == ["good one", "坏"]


def test_what_does_not_learn_from_labels_says_so_in_a_line(zoo, fit, table):
    done = fit("bow", "--corpus", table, "--column", "text", "--label", "label")
    assert done.exit_code == 1
    said = "bow does not learn from labels; leave the labels out, or put a head on it with lexarium train"
    assert done.stderr == f"Error: {said}, or fit fasttext\n"
    rows = labelled(table, text="text", label="label")
    with pytest.raises(ConfigError, match="model: words learns from no labels; set model=supervised"):
        zoo.fit("fasttext", rows)
    alone = Zoo(zoo.home, host=Host([other, lexarium_registry.plugin]))
    with pytest.raises(UnsupportedError, match=r"with lexarium train$"):
        alone.fit("bow", rows)


def test_a_text_that_holds_the_prefix_is_refused_with_its_line(zoo, table):
    table.write_text("text,label\na,x\nb,y\nb __LABEL__c,y\n")
    rows = labelled(table, text="text", label="label")
    with pytest.raises(InputError, match="line 4: the text holds the label prefix '__label__'; take it out"):
        zoo.fit("fasttext", rows, config=SUPERVISED)
    model = zoo.fit("fasttext", rows, config=SUPERVISED | {"label_prefix": "__is__"})
    assert isinstance(model, Pipeline)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.txt", "a b\n", "a plain text file has no columns; leave --column out"),
        ("t.csv", "text,lable\na,x\n", "there is no column 'label'; did you mean 'lable'?"),
        ("t.csv", "text,label\na,x\nb,\n", "line 3, field 'label': the row has no label"),
        ("t.jsonl", '{"text": "a", "label": ["x", "y"]}\n', "['x', 'y'] is not one label"),
        ("t.csv", "text,label\na,x\nb,x\n", "there are 1 different labels; give at least two"),
    ],
)
def test_a_bad_table_is_one_line(fit, zoo, tmp_path, name, content, says):
    path = tmp_path / name
    path.write_text(content)
    done = fit("fasttext", "--corpus", path, "--column", "text", "--label", "label")
    assert done.exit_code == 1
    assert says in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert zoo.list() == []


def test_a_plain_file_has_no_labels(fit, tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a b\n")
    done = fit("fasttext", "--corpus", path, "--label", "label")
    assert "t.txt: a plain text file has no columns; use .csv" in done.stderr
