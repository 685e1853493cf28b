from __future__ import annotations

import csv
import json
import os
import stat

import numpy as np
import pytest

from lexarium.errors import UnsupportedError
from lexarium_heads.evaluation import Predictions
from lexarium_heads.formats import write_predictions


@pytest.fixture
def predictions():
    probabilities = np.array([[0.75, 0.25], [0.125, 0.875]])
    return Predictions(
        model="m@1", labels=["差,劣", "pos\n"], classes=("差,劣", "pos\n"), probabilities=probabilities
    )


def test_csv_rows_read_back_as_they_were(tmp_path, predictions):
    path = tmp_path / "out.csv"
    write_predictions(path, predictions, proba=True)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["label", "p(差,劣)", "p(pos\n)"], ["差,劣", "0.75", "0.25"], ["pos\n", "0.125", "0.875"]]


def test_jsonl_rows_read_back_as_they_were(tmp_path, predictions):
    path = tmp_path / "out.jsonl"
    write_predictions(path, predictions, proba=False)
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {"label": "差,劣"},
        {"label": "pos\n"},
    ]
    write_predictions(path, predictions, proba=True)
    last = json.loads(path.read_text("utf-8").splitlines()[-1])
    assert last == {"label": "pos\n", "probabilities": {"差,劣": 0.125, "pos\n": 0.875}}


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path, predictions):
    path = tmp_path / "out.jsonl"
    lone = Predictions(
        model="m@1", labels=["\ud800"], classes=("\ud800", "b"), probabilities=np.ones((1, 2)) / 2
    )
    write_predictions(path, lone, proba=False)
    assert json.loads(path.read_text("utf-8")) == {"label": "\ud800"}


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, predictions):
    path = tmp_path / "out.csv"
    path.write_text("old", encoding="utf-8")
    short = Predictions(
        model="m@1", labels=["a", "b", "c"], classes=("a", "b"), probabilities=np.ones((1, 2))
    )
    with pytest.raises(ValueError, match="shorter"):
        write_predictions(path, short, proba=False)
    assert path.read_text("utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_another_ending_is_refused_with_those_there_are(tmp_path, predictions):
    with pytest.raises(UnsupportedError, match=r"use \.csv or \.jsonl"):
        write_predictions(tmp_path / "out.xlsx", predictions, proba=False)


@pytest.mark.skipif(os.name != "posix", reason="POSIX links and modes")
def test_a_linked_file_is_written_where_the_link_leads_and_keeps_its_mode(tmp_path, predictions):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    write_predictions(link, predictions, proba=False)
    assert link.is_symlink()
    assert real.read_text("utf-8").startswith("label\n")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_folder_that_is_not_there_is_said_of_the_file_asked_for(tmp_path, predictions):
    path = tmp_path / "none" / "out.csv"
    with pytest.raises(FileNotFoundError) as caught:
        write_predictions(path, predictions, proba=False)
    assert caught.value.filename == str(path)
