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
