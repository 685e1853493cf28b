from __future__ import annotations

import json

import pytest

from lexarium.errors import DataError
from lexarium_heads.metrics import score


def test_rows_of_the_confusion_are_true_labels_and_columns_predicted_ones():
    found = score(["a", "a", "b"], ["b", "a", "b"])
    assert found["confusion"] == [[1, 1], [0, 1]]
    assert found["labels"]["a"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}


def test_labels_of_either_side_are_listed_in_order():
    assert list(score(["好", "b"], ["c", "b"])["labels"]) == ["b", "c", "好"]


def test_a_label_that_is_never_predicted_scores_zero_without_a_warning():
    found = score(["a", "b"], ["a", "a"])
    assert found["labels"]["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}


def test_one_label_alone_is_scored():
    assert score(["a"], ["a"])["confusion"] == [[1]]


def test_labels_that_differ_in_a_nul_at_the_end_stay_apart():
    assert score(["a", "a\0"], ["a", "a"])["accuracy"] == 0.5


def test_a_label_named_like_an_average_is_a_label():
    assert score(["accuracy", "macro avg"], ["accuracy", "accuracy"])["labels"]["accuracy"]["recall"] == 1.0


def test_the_scores_are_plain_json_numbers():
    assert json.loads(json.dumps(score(["a", "b"], ["b", "b"]))) == score(["a", "b"], ["b", "b"])


@pytest.mark.parametrize(("targets", "predicted"), [([], []), (["a"], []), (["a"], ["a", "b"])])
def test_nothing_to_compare_is_refused(targets, predicted):
    with pytest.raises(DataError, match=f"{len(targets)} targets and {len(predicted)} predictions"):
        score(targets, predicted)
