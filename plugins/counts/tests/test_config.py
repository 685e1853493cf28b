from __future__ import annotations

import json

import pytest

from lexarium.config import fit_only_settings, from_mapping, to_mapping
from lexarium.errors import CheckpointError, ConfigError
from lexarium.roles import State
from lexarium_counts.config import CountConfig, read_config


def test_defaults_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import CountVectorizer

    reference = CountVectorizer().get_params()
    ours = CountConfig()
    shared = [
        "lowercase",
        "strip_accents",
        "stop_words",
        "analyzer",
        "ngram_range",
        "min_df",
        "max_df",
        "max_features",
        "binary",
    ]
    assert {key: getattr(ours, key) for key in shared} == {key: reference[key] for key in shared}
    assert type(ours.max_df) is float


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"ngram_range": (0, 1)}, "ngram_range"),
        ({"ngram_range": (3, 2)}, "ngram_range"),
        ({"ngram_range": (1, 10**9)}, "ngram_range"),
        ({"min_df": 0}, "min_df"),
        ({"min_df": 1.5}, "min_df"),
        ({"max_df": -0.1}, "max_df"),
        ({"max_df": float("nan")}, "max_df"),
        ({"min_df": 5, "max_df": 2}, "max_df"),
        ({"min_df": 0.5, "max_df": 0.4}, "max_df"),
        ({"max_features": 0}, "max_features"),
        ({"token_pattern": "a+"}, "token_pattern"),
        ({"tokenizer": "pattern"}, "token_pattern"),
        ({"tokenizer": "pattern", "token_pattern": "(a"}, "token_pattern"),
        ({"tokenizer": "pattern", "token_pattern": "(a)(b)"}, "token_pattern"),
        ({"analyzer": "char", "tokenizer": "characters"}, "tokenizer"),
        ({"analyzer": "char_wb", "stop_words": "english"}, "stop_words"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(settings, key):
    with pytest.raises(ConfigError) as caught:
        CountConfig(**settings)
    assert caught.value.key == key


@pytest.mark.parametrize(
    "config",
    [
        CountConfig(),
        CountConfig(stop_words=("the", "的"), ngram_range=(1, 3), min_df=2, max_df=0.5, max_features=7),
        CountConfig(tokenizer="pattern", token_pattern=r"\d+", strip_accents="ascii", lowercase=False),  # noqa: S106  a pattern, no password
    ],
)
def test_settings_survive_json_with_their_types(config):
    again = from_mapping(CountConfig, json.loads(json.dumps(to_mapping(config))))
    assert again == config
    assert type(again.max_df) is type(config.max_df)


@pytest.mark.parametrize("settings", [{"ngrams": 2}, {"min_df": "two"}, {"ngram_range": [2, 1]}])
def test_a_damaged_setting_of_a_stored_model_is_a_checkpoint_error_that_names_it(settings):
    with pytest.raises(CheckpointError, match=next(iter(settings))):
        read_config(CountConfig, State(config=settings, tensors={}))


def test_which_terms_training_keeps_is_no_setting_of_the_vectors():
    assert fit_only_settings(CountConfig) == ("min_df", "max_df", "max_features", "prune_at")
    assert to_mapping(CountConfig())["max_df"] == 1.0
