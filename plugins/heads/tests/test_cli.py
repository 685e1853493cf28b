from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from lexarium.cli.main import cli
from lexarium.cli.session import Session


@pytest.fixture
def lexarium(zoo):
    """Run the command line on the tests' own zoo."""

    def run(*arguments, stdin=None):
        session = Session()
        session.host, session.zoo = zoo.host, zoo
        return CliRunner().invoke(cli, list(map(str, arguments)), obj=session, input=stdin)

    return run


@pytest.fixture
def train(lexarium, table):
    def run(*more):
        where = ("--data", table, "--text", "text", "--label", "label", "--embedder", "hashed")
        return lexarium("train", *where, "--name", "clf", *more)

    return run


def test_training_prints_before_and_after_and_stores_the_model(train, zoo):
    done = train("--seed", 1)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("clf@1: trained on 48 rows, tested on 12\nclassifier: C=")
    for words in ("before", "macro F1", "precision", "support", "Rows are the true labels"):
        assert words in done.stdout
    assert zoo.store.names() == ["clf"]


def test_training_as_json_has_exactly_the_agreed_keys(train):
    document = json.loads(train("--json").stdout)
    assert list(document) == ["model", "before", "after"]
    assert document["model"] == "clf@1"
    keys = ["accuracy", "macro_f1", "micro_f1", "weighted_f1", "labels", "confusion"]
    assert list(document["before"]) == list(document["after"]) == keys
    assert list(document["after"]["labels"]) == ["neg", "pos", "等"]
    assert list(document["after"]["labels"]["等"]) == ["precision", "recall", "f1", "support"]


def test_settings_are_typed_as_key_and_value(train, zoo):
    assert train("--set", "embedder.dim=16", "--set", "head.Cs=0.1,1").exit_code == 0
    pipeline = zoo.load("clf")
    assert pipeline.space.dim == 16
    assert pipeline.head.config.Cs == (0.1, 1.0)


def test_many_labels_show_the_most_frequent_mistakes_instead_of_a_matrix(lexarium, tmp_path):
    path = tmp_path / "many.jsonl"
    rows = [{"text": f"{'x' * (i % 13)} {i}", "label": f"l{i % 14:02}"} for i in range(280)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    where = ("--data", path, "--text", "text", "--label", "label", "--embedder", "hashed", "--name", "m")
    done = lexarium("train", *where, "--set", "head.C=1")
    assert "The most frequent mistakes:" in done.stdout
    assert "Rows are the true labels" not in done.stdout


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("--tune", "full"), 1, "Error: tune: 'full' is not possible yet; there is: frozen\n"),
        (("--set", "head.max_it=1"), 1, "Error: max_it: no such setting; did you mean 'max_iter'?\n"),
        (("--set", "C"), 1, "Error: C: is not of the form key=value\n"),
        (("--label", "lable"), 1, "there is no column 'lable'; did you mean 'label'?\n"),
        (("--test", "nowhere.csv"), 1, "nowhere.csv: there is no such file"),
        (("--seed", "-1"), 2, "Invalid value for '--seed'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(train, zoo, more, code, says):
    done = train(*more)
    assert done.exit_code == code
    assert says in done.stderr
    assert done.stdout == ""
    assert zoo.store.names() == []


def test_predictions_are_one_label_a_line_in_the_order_of_the_rows(train, lexarium):
    train()
    done = lexarium("predict", "clf", "-", stdin="good film\nbad waste\n\n再说\n")
    assert done.exit_code == 0, done.output
    assert len(done.stdout.splitlines()) == 4
    assert done.stdout.splitlines()[:2] == ["pos", "neg"]


def test_predictions_of_a_table_come_from_its_column(train, lexarium, table, zoo, rows):
    train()
    done = lexarium("predict", "clf", table, "--column", "text")
    assert done.stdout.splitlines() == zoo.load("clf").predict(rows.texts)


def test_predictions_as_json_have_probabilities(train, lexarium):
    train()
    document = json.loads(
        lexarium("predict", "clf", "--text", "good film", "--text", "难看", "--json").stdout
    )
    assert document["model"] == "clf@1"
    assert [set(p) for p in document["predictions"]] == [{"label", "probabilities"}] * 2
    first = document["predictions"][0]
    assert max(first["probabilities"], key=first["probabilities"].get) == first["label"] == "pos"
    assert sum(first["probabilities"].values()) == pytest.approx(1)


def test_probabilities_stand_behind_the_label(train, lexarium):
    train()
    label, _, probability = (
        lexarium("predict", "clf", "--text", "good film", "--proba").stdout.strip().partition("\t")
    )
    assert label == "pos"
    assert 1 / 3 < float(probability) <= 1


def test_predictions_go_to_a_file_and_say_so_on_stderr(train, lexarium, tmp_path):
    train()
    done = lexarium("predict", "clf", "--text", "good film", "--out", tmp_path / "p.csv")
    assert done.stdout == ""
    assert "1 predictions written" in done.stderr
    assert (tmp_path / "p.csv").read_text("utf-8") == "label\npos\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("clf",), 2),
        (("clf", "-", "--text", "x"), 2),
        (("nothing", "--text", "x"), 1),
        (("clf", "no.txt"), 1),
    ],
)
def test_wrong_use_of_predict_is_refused(train, lexarium, arguments, code):
    train()
    done = lexarium("predict", *arguments)
    assert done.exit_code == code
    assert "Error: " in done.stderr
    assert done.stdout == ""


def test_an_ending_that_cannot_be_written_is_refused_before_the_work(lexarium):
    done = lexarium("predict", "not-even-stored", "--text", "x", "--out", "p.xlsx")
    assert done.exit_code == 1
    assert "use .csv or .jsonl" in done.stderr


def test_evaluating_prints_both_scores(train, lexarium, table):
    train()
    done = lexarium("evaluate", "clf", table, "--text", "text", "--label", "label")
    assert done.stdout.startswith("clf@1: evaluated on 60 rows\n")
    document = json.loads(
        lexarium("evaluate", "clf", table, "--text", "text", "--label", "label", "--json").stdout
    )
    assert list(document) == ["model", "before", "after"]
    assert sum(map(sum, document["after"]["confusion"])) == 60


def test_evaluating_on_an_unknown_label_names_file_line_and_label(train, lexarium, tmp_path):
    train()
    path = tmp_path / "new.csv"
    path.write_text("text,label\nok,meh\n", encoding="utf-8")
    done = lexarium("evaluate", "clf", path, "--text", "text", "--label", "label")
    assert done.exit_code == 1
    assert f"{path}, line 2, field 'label': clf@1 was not trained on the label 'meh'" in done.stderr


def test_neither_plugin_nor_commands_import_anything_heavy():
    code = (
        "import sys, lexarium_heads.plugin, lexarium_heads.cli\n"
        "print(*{'numpy', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "\n"
    )


def test_scikit_learn_is_needed_to_learn_and_to_score_only():
    code = "import sys, lexarium_heads.training, lexarium_heads.evaluation; print('sklearn' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )
