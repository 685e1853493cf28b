from __future__ import annotations

import pytest

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import ConfigError
from lexarium_heads.config import Choice, ClassifierConfig


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("C", 0),
        ("C", -1.0),
        ("C", float("nan")),
        ("C", float("inf")),
        ("C", "strong"),
        ("Cs", []),
        ("Cs", [1.0, 0.0]),
        ("cv", 1),
        ("class_weight", "heavy"),
        ("max_iter", 0),
        ("tol", 0.0),
        ("penalty", "l1"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"^{key}: "):
        from_mapping(ClassifierConfig, {key: value})


def test_settings_come_back_from_json_as_they_were():
    config = ClassifierConfig(C=2.0, Cs=(1.0, 3.0), class_weight="balanced", standardize=False)
    assert from_mapping(ClassifierConfig, to_mapping(config)) == config


def test_a_whole_number_is_a_penalty():
    assert from_mapping(ClassifierConfig, {"C": 1}).C == 1.0


def test_a_choice_says_what_it_was_chosen_among():
    choice = Choice(C=10.0, folds=3, candidates=((1.0, 0.5), (10.0, 0.75)))
    assert str(choice) == "C=10, the best of 2 in 3-fold cross-validation (accuracy 0.7500)"
    assert str(Choice(C=0.5)) == "C=0.5"
    assert from_mapping(Choice, to_mapping(choice)) == choice
