"""GloVe's settings."""

from __future__ import annotations

import pytest

from lexarium.config import from_mapping, to_mapping
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
        {"x_max": 100},
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
    assert to_mapping(config) == {"lowercase": True, **settings}
    assert from_mapping(GloveConfig, to_mapping(config)) == config
