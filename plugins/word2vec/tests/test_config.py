"""Settings out of range are refused, and those of training change no space."""

from __future__ import annotations

import pytest

from lexarium.config import fit_only_settings, from_mapping
from lexarium.errors import ConfigError
from lexarium_word2vec.config import Word2VecConfig


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"vector_size": 0}, "vector_size"),
        ({"window": 0}, "window"),
        ({"window": 1001}, "window"),
        ({"min_count": 0}, "min_count"),
        ({"max_final_vocab": 1}, "max_final_vocab"),
        ({"sg": 2}, "sg"),
        ({"hs": True}, "hs"),
        ({"negative": -1}, "negative"),
        ({"negative": 0}, "negative"),
        ({"ns_exponent": 11.0}, "ns_exponent"),
        ({"sample": -0.1}, "sample"),
        ({"alpha": 0.0}, "alpha"),
        ({"min_alpha": 0.5}, "min_alpha"),
        ({"epochs": 0}, "epochs"),
        ({"phrases": -1}, "phrases"),
        ({"phrases": 1, "phrases_scoring": "npmi"}, "phrases_threshold"),
        ({"phrases_scoring": "npmi"}, "phrases_scoring"),
        ({"phrases_threshold": 1.0}, "phrases_threshold"),
        ({"phrases_min_count": 2}, "phrases_min_count"),
        ({"cbow_mean": 0}, "cbow_mean"),
        ({"negative": 0, "hs": 1, "ns_exponent": 0.5}, "ns_exponent"),
        ({"sif_a": 0.1}, "sif_a"),
        ({"backend": "gensim"}, "backend"),
        ({"vectorsize": 3}, "vectorsize"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_named(wrong, key):
    with pytest.raises(ConfigError) as caught:
        from_mapping(Word2VecConfig, wrong)
    assert caught.value.key == key


def test_what_changes_no_text_is_for_training_only():
    of_training = set(fit_only_settings(Word2VecConfig))
    assert {"vector_size", "sg", "epochs", "backend", "phrases_threshold"} <= of_training
    assert not {"phrases", "lowercase", "tokenizer", "pooling"} & of_training
