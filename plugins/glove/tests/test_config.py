"""GloVe's settings."""

from __future__ import annotations

import pytest

from lexarium.config import fit_only_settings, from_mapping, to_mapping
from lexarium.errors import ConfigError
from lexarium_glove.config import GloveConfig


@pytest.mark.parametrize(
    "values",
    [
        {"sif_a": 0.0},
        {"sif_a": float("nan")},
        {"pooling": "max"},
        {"tokenizer": "pattern"},
        {"tokenizer": "pattern", "token_pattern": "("},
        {"token_pattern": "\\w+"},
        {"xmax": 100},
        {"vector_size": 0},
        {"vector_size": 1 << 17},
        {"window_size": 0},
        {"window_size": 1001},
        {"min_count": 0},
        {"max_vocab": 1},
        {"x_max": 0.0},
        {"x_max": -1},
        {"alpha": -0.1},
        {"eta": 0},
        {"eta": float("inf")},
        {"grad_clip": 0},
        {"iter": 0},
        {"model": 0},
        {"shuffle": "none"},
        {"memory": -1.0},
        {"backend": "torch"},
    ],
)
def test_a_setting_that_is_unknown_out_of_range_or_idle_is_refused(values):
    with pytest.raises(ConfigError):
        from_mapping(GloveConfig, values)


def test_settings_survive_being_stored():
    settings = {
        "tokenizer": "pattern",
        "token_pattern": r"\w+",
        "pooling": "sif",
        "sif_a": 1e-4,
        "normalize": True,
    }
    config = from_mapping(GloveConfig, settings)
    assert to_mapping(config) == to_mapping(GloveConfig()) | {"lowercase": True, **settings}
    assert from_mapping(GloveConfig, to_mapping(config)) == config


def test_what_only_training_reads_changes_no_space():
    every = set(to_mapping(GloveConfig()))
    rest = {"lowercase", "tokenizer", "token_pattern", "pooling", "normalize"}
    assert every - set(fit_only_settings(GloveConfig)) == rest
