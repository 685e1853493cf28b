from __future__ import annotations

import pytest

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium_transformer.adopting import decoder, encoder, encoder_decoder

WEIGHTS = {"config.json": 1, "model.safetensors": 1, "tokenizer.json": 1}


@pytest.mark.parametrize(
    ("model_type", "wanted"),
    [
        ("bert", encoder),
        ("modernbert", encoder),
        ("gpt2", decoder),
        ("llama", decoder),
        ("t5", encoder_decoder),
    ],
)
def test_each_kind_is_recognised_by_one(model_type, wanted):
    found = {ask for ask in (encoder, decoder, encoder_decoder) if ask(WEIGHTS, {"model_type": model_type})}
    assert found == {wanted}


def test_the_files_of_sentence_transformers_and_nothing_else():
    names = [
        "config.json", "tokenizer.json", "tokenizer_config.json", "modules.json", "1_Pooling/config.json",
        "sentence_bert_config.json", "model.safetensors",
    ]  # fmt: skip
    others = [
        "pytorch_model.bin",
        "onnx/model.onnx",
        "onnx/config.json",
        "vocab.txt",
        "README.md",
        "tf_model.h5",
    ]
    listing = dict.fromkeys([*names, *others], 1)
    assert set(encoder(listing, {"model_type": "bert"})) == set(names)


def test_a_step_that_is_not_known_is_refused_before_anything_is_fetched():
    listing = dict.fromkeys([*WEIGHTS, "modules.json", "1_Pooling/config.json", "2_Dense/config.json"], 1)
    with pytest.raises(UnsupportedError, match=r"2_Dense/config\.json.*none of Pooling, Normalize"):
        encoder(listing, {"model_type": "bert"})
    del listing["modules.json"]
    assert set(encoder(listing, {"model_type": "bert"})) == set(WEIGHTS)


def test_shards_come_with_their_index():
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    listing = dict.fromkeys(
        ["config.json", "vocab.txt", "model.safetensors.index.json", *shards, "other.safetensors"], 1
    )
    assert set(encoder(listing, {"model_type": "bert"})) == set(listing) - {"other.safetensors"}


def test_a_vocabulary_is_taken_where_there_is_no_tokenizer():
    listing = dict.fromkeys(["config.json", "spiece.model", "inner/x.model", "model.safetensors"], 1)
    assert set(encoder_decoder(listing, {"model_type": "t5"})) == set(listing) - {"inner/x.model"}


@pytest.mark.parametrize(
    ("listing", "config"),
    [
        ({"config.json": 1, "pytorch_model.bin": 1}, {"model_type": "bert"}),
        (WEIGHTS, {}),
        (WEIGHTS, {"model_type": 3}),
        (WEIGHTS, {"model_type": "model2vec"}),
        ({"model.safetensors": 1}, {"model_type": "bert"}),
    ],
)
def test_what_is_none_is_left_to_others(listing, config):
    assert [ask(listing, config) for ask in (encoder, decoder, encoder_decoder)] == [None] * 3


def test_code_of_its_own_is_refused():
    with pytest.raises(CheckpointError, match="auto_map"):
        encoder(WEIGHTS, {"model_type": "bert", "auto_map": {"AutoModel": "x.Y"}})
