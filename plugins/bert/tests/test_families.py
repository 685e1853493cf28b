"""Encoders that transformers computes, as it saves them: read here, they give its vectors."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import save_file

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium.roles import Run
from lexarium_bert.config import BertConfig
from lexarium_bert.embedder import Bert
from lexarium_bert.formats import read
from lexarium_bert.masks import Filler
from lexarium_transformer.formats import write_transformers

TEXTS = ["the film was better", "the", "这部电影比原著好看", "good " * 20]
SMALL = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
}
#: What is set besides; the tensors of the last three are renamed, split and joined as they are saved.
FAMILIES = {
    "albert": {"embedding_size": 12},
    "big_bird": {"sep_token_id": 3},
    "convbert": {},
    "fnet": {},
    "mobilebert": {"embedding_size": 12},
    "squeezebert": {"embedding_size": 24},
    "gte": {},
    "jina_embeddings_v3": {},
    "nomic_bert": {},
}


@pytest.fixture
def saved(checkpoint):
    """Give a function that saves a random network of a family beside a tokenizer of its size."""

    def save(family, table=transformers.AutoModel, **settings):
        torch.manual_seed(0)
        rows = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))["vocab_size"]
        described = transformers.CONFIG_MAPPING[family](**{**SMALL, "vocab_size": rows, **settings})
        model = table.from_config(described).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(checkpoint)
        (checkpoint / "modules.json").unlink()
        return model

    return save


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_gives_the_vectors_of_transformers_beside_any_neighbours(
    saved, checkpoint, tmp_path, family, masked
):
    table = transformers.AutoModelForMaskedLM if masked else transformers.AutoModel
    theirs = saved(family, table, **FAMILIES[family])
    model = read(checkpoint, BertConfig(), None, Run())
    rows = model.embed(TEXTS)
    wanted = []
    for piece in model.tokenizer.first(TEXTS):
        with torch.no_grad():
            states = theirs.base_model(input_ids=torch.tensor([piece.ids])).last_hidden_state
        wanted.append(states[0].mean(0).numpy())
    np.testing.assert_allclose(rows, wanted, atol=2e-5, rtol=1e-4)
    again = Bert.restore(model.state())
    np.testing.assert_array_equal(again.embed(TEXTS), rows)
    write_transformers(model, tmp_path / "out", Run())
    opened = transformers.AutoModel.from_pretrained(tmp_path / "out").eval()
    (last,) = model.tokenizer.first(TEXTS[-1:])
    with torch.no_grad():
        states = opened(input_ids=torch.tensor([last.ids])).last_hidden_state
    np.testing.assert_allclose(states[0].mean(0), rows[-1], atol=2e-5, rtol=1e-4)


def test_what_an_architecture_raises_is_one_line(saved, checkpoint):
    saved("fnet")
    described = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    (checkpoint / "config.json").write_text(json.dumps({**described, "hidden_act": "no such thing"}))
    with pytest.raises(CheckpointError, match="transformers refuses it"):
        read(checkpoint, BertConfig(), None, Run())


@pytest.mark.parametrize("family", ["gte", "nomic_bert", "albert"])
def test_a_checkpoint_without_a_head_gains_none(saved, checkpoint, family):
    theirs = saved(family, **FAMILIES[family])
    model = read(checkpoint, BertConfig(), None, Run())
    assert [name for name in model.config.extra if "pooler" not in name] == []
    assert sum(tensor.size for tensor in model.tensors.values()) == sum(
        p.numel() for p in theirs.parameters()
    )
    with pytest.raises(UnsupportedError, match="has no head"):
        Filler(model)


@pytest.mark.parametrize("family", ["gte", "albert", "mobilebert"])
def test_a_head_that_came_along_fills_masks(saved, checkpoint, family):
    theirs = saved(family, transformers.AutoModelForMaskedLM, **FAMILIES[family])
    model = read(checkpoint, BertConfig(), None, Run())
    ((found,),) = Filler(model).fill(["the [MASK] was better"], 3)
    ids = model.tokenizer.first(["the [MASK] was better"])[0].ids
    with torch.no_grad():
        wanted = theirs(input_ids=torch.tensor([ids])).logits[0, 2].softmax(-1).topk(3)
    np.testing.assert_allclose([each.probability for each in found], wanted.values, atol=1e-5)


def test_weights_of_another_architecture_are_named(checkpoint):
    save_file({"h.0.attn.weight": np.ones((4, 4), np.float32)}, checkpoint / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"'h\.0\.attn\.weight' is none of the architecture 'bert'"):
        read(checkpoint, BertConfig(), None, Run())


def test_big_bird_in_16_bits_is_stored_and_exported_in_32(saved, checkpoint, tmp_path):
    saved("big_bird", **FAMILIES["big_bird"]).to(torch.bfloat16).save_pretrained(checkpoint)
    model = read(checkpoint, BertConfig(), None, Run())
    write_transformers(model, tmp_path / "out", Run())
    opened = transformers.AutoModel.from_pretrained(tmp_path / "out").eval()
    assert opened.dtype == torch.float32
    assert opened.config.attention_type == "original_full"
    (piece,) = model.tokenizer.first(TEXTS[-1:])
    with torch.no_grad():
        states = opened(input_ids=torch.tensor([piece.ids])).last_hidden_state
    np.testing.assert_allclose(states[0].mean(0), model.embed(TEXTS)[-1], atol=2e-5, rtol=1e-4)


def test_what_import_refuses_or_sets_holds_for_a_stored_model_as_well(saved, checkpoint):
    saved("big_bird", max_position_embeddings=1000, sep_token_id=3)
    state = read(checkpoint, BertConfig(max_length=1000), None, Run()).state()
    described = json.loads(state.files["config.json"])

    def restored(**changes):
        raw = json.dumps({**described, **changes}).encode()
        return Bert.restore(replace(state, files={**state.files, "config.json": raw}))

    sparse, long = restored(attention_type="block_sparse"), [[5, 6, 7] * 300]
    np.testing.assert_array_equal(sparse.pool_ids(long), Bert.restore(state).pool_ids(long))
    with pytest.raises(UnsupportedError, match="'yoso' is not read"):
        restored(model_type="yoso").embed(["a"])


def test_a_graph_of_what_is_computed_on_texts_of_one_length_is_refused(saved, checkpoint):
    pytest.importorskip("openvino")
    saved("fnet")
    model = read(checkpoint, BertConfig(), None, Run())
    with pytest.raises(UnsupportedError, match="fnet is computed on texts of one length"):
        model.with_settings({"backend": "openvino"}).embed(["a"])


def test_a_long_text_of_big_bird_has_the_vector_after_a_short_one_that_it_had_before(saved, checkpoint):
    saved("big_bird", max_position_embeddings=1000, sep_token_id=3)
    model = read(checkpoint, BertConfig(max_length=1000), None, Run())
    long = [[5, 6, 7] * 300]  # its attention would be sparse
    before = model.pool_ids(long)
    model.pool_ids([[5]])
    np.testing.assert_array_equal(model.pool_ids(long), before)
    assert json.loads(model.files["config.json"])["attention_type"] == "original_full"
