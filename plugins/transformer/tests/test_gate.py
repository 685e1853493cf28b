"""What a config may say: no program by name, no part built without bound, no value of another kind."""

from __future__ import annotations

import json

import pytest

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium_transformer.foreign import class_of, empty_model
from lexarium_transformer.gate import parse_config

LLAMA = {
    "model_type": "llama",
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 40,
}


@pytest.mark.parametrize(
    "config",
    [
        {"n_layer": 200_000},
        {"num_hidden_layers": 1_001},
        {"text_config": {"n_layers": 200_000}},
        {"parts": [{"encoder_layers": 200_000}]},
        {"block_sizes": [1, 200_000]},
        {"num_local_experts": 200_000},
    ],
    ids=str,
)
def test_a_part_is_built_a_thousand_times_at_most(config):
    with pytest.raises(CheckpointError, match="more than 1000"):
        parse_config(json.dumps({"model_type": "gpt2", **config}).encode(), "config.json")


def test_sizes_that_build_nothing_may_be_large():
    config = {"model_type": "gemma3n_text", "vocab_size_per_layer_input": 262_144, "max_window_layers": 28}
    assert parse_config(json.dumps(config).encode(), "config.json") == config


@pytest.mark.parametrize(
    "config",
    [
        {"attn_implementation": "flash_attention_2"},
        {"_attn_implementation": "evil-org/evil-kernel"},
        {"attn_implementation": "evil-org/evil-kernel", "experts_implementation": "evil-org/evil-kernel"},
        {"_attn_implementation_internal": "evil-org/evil-kernel"},
    ],
    ids=str,
)
def test_a_config_chooses_no_program(config):
    model = empty_model({**LLAMA, **config}, "test", "causal")
    assert model.config._attn_implementation in {"sdpa", "eager"}
    _, settings = class_of({**LLAMA, "deeper": config}, "test", "causal")
    assert "evil" not in str(settings.to_dict())


@pytest.mark.parametrize(
    "config",
    [{"hidden_size": "abc"}, {"hidden_size": None}, {"hidden_act": "no-such"}, {"dtype": "evil"}],
    ids=str,
)
def test_a_value_of_another_kind_is_one_clear_line(config):
    with pytest.raises(CheckpointError, match="test: transformers refuses it: ") as error:
        empty_model({**LLAMA, **config}, "test", "causal")
    assert "\n" not in str(error.value)


def test_an_architecture_that_transformers_does_not_know_is_named():
    with pytest.raises(UnsupportedError, match="'no-such-thing' is not known to transformers"):
        empty_model({"model_type": "no-such-thing"}, "test")
