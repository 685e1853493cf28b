"""What ``lexarium show`` says of a method's settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lexarium.cli.main import cli

VECTORS = "king 0.5 0.25\nqueen 0.5 0.125\n"
CORPUS = "the king and the queen rule the land\n" * 9


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path("vectors.txt").write_text(VECTORS, encoding="utf-8")
    Path("corpus.txt").write_text(CORPUS, encoding="utf-8")

    def run(*arguments):
        done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return run


def test_training_settings_are_shown_but_of_a_model_that_was_read_from_foreign_files(run):
    run("import", "glove", "vectors.txt", "--name", "imported")
    run(
        "fit",
        "glove",
        "--corpus",
        "corpus.txt",
        "--name",
        "trained",
        "--set",
        "iter=3",
        "--set",
        "vector_size=4",
    )
    imported, trained = run("show", "imported"), run("show", "trained")
    assert "config pooling" in imported
    assert "config iter" not in imported
    assert "config iter" in trained
    assert json.loads(run("show", "imported", "--json"))["config"].keys() >= {"iter", "pooling"}
    assert "tensor vectors" in imported
    assert "F32 2 x 2" in imported


def test_what_is_made_of_an_imported_model_shows_no_settings_of_a_training_that_never_was(run):
    run("import", "glove", "vectors.txt", "--name", "imported")
    run("words", "restrict", "imported", "--count", "1", "--name", "small")
    shown = run("show", "small")
    assert "config iter" not in shown
    assert "lineage imported_from" in shown
    assert "F32 1 x 2" in shown


def shown_with_a_head(run, embedder):
    """Train a head on an embedder, and return what is shown of the pipeline."""
    rows = [f"{word} text {i}\t{word}" for i in range(20) for word in ("king", "queen")]
    Path("rows.tsv").write_text("\n".join(["text\tlabel", *rows]), encoding="utf-8")
    train = ("train", "--data", "rows.tsv", "--text", "text", "--label", "label", "--embedder", embedder)
    run(*train, "--name", "pipeline")
    return run("show", "pipeline")


def test_a_pipeline_shows_the_settings_of_its_embedder_too(run):
    shown = shown_with_a_head(run, "tfidf")
    assert "config max_iter" in shown
    assert "embedder config sublinear_tf" in shown


def test_a_pipeline_on_an_imported_model_shows_no_settings_of_its_training(run):
    run("import", "glove", "vectors.txt", "--name", "imported")
    shown = shown_with_a_head(run, "imported")
    assert "embedder config pooling" in shown
    assert "config iter" not in shown
    assert "embedder tensor vectors" in shown


@pytest.mark.parametrize("method", ["word2vec", "glove", "fasttext"])
def test_a_setting_of_training_is_refused_where_a_model_is_read(run, method):
    with pytest.raises(AssertionError, match=r"(epochs|iter): is for training"):
        run(
            "import",
            method,
            "vectors.txt",
            "--name",
            "x",
            "--set",
            "iter=9" if method == "glove" else "epochs=9",
        )
    assert run("list", "--json").strip() == "[]"
    run("import", method, "vectors.txt", "--name", "x", "--set", "pooling=mean")
