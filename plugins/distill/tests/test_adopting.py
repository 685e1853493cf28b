from __future__ import annotations

import pytest

from lexarium_distill.adopting import adopt

MODEL2VEC = {"config.json": 1, "tokenizer.json": 1, "model.safetensors": 1, "README.md": 1}


@pytest.mark.parametrize("config", [{"model_type": "model2vec"}, {"architectures": ["StaticModel"]}])
def test_model2vec_is_recognised(config):
    assert set(adopt(MODEL2VEC, config)) == {"config.json", "tokenizer.json", "model.safetensors"}


@pytest.mark.parametrize("inner", ["", "0_StaticEmbedding/"])
def test_static_embeddings_of_sentence_transformers_are_recognised(inner):
    names = {f"{inner}model.safetensors", f"{inner}tokenizer.json", "modules.json"}
    assert set(adopt(dict.fromkeys([*names, "README.md"], 1), {})) == names


@pytest.mark.parametrize(
    ("listing", "config"),
    [
        (MODEL2VEC, {"model_type": "bert"}),
        (MODEL2VEC | {"modules.json": 1}, {"model_type": "bert"}),
        ({"config.json": 1, "tokenizer.json": 1}, {"model_type": "model2vec"}),
        ({}, {}),
    ],
)
def test_what_is_none_is_left_to_others(listing, config):
    assert adopt(listing, config) is None
