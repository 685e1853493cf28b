"""Vectors, greedy texts and beams are those of transformers, for every architecture that is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file, save_file

from lexarium.errors import UnsupportedError
from lexarium.generation import GenerateConfig
from lexarium.roles import Run
from lexarium.zoo import Zoo
from lexarium_t5.config import T5Config
from lexarium_t5.embedder import T5
from lexarium_t5.formats import read
from lexarium_t5.model import KNOWN
from lexarium_transformer.formats import write_transformers

TEXTS = ["the film was better than the book", "这部电影好看", "", "the movie is boring. " * 3]
BEAMS = {
    "num_beams": 3,
    "max_new_tokens": 8,
    "length_penalty": 2.0,
    "no_repeat_ngram_size": 2,
    "early_stopping": True,
    "min_new_tokens": 3,
}


def their_vectors(model, tokenizer, texts):
    rows = []
    for text in texts:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            states = model.get_encoder()(input_ids=ids, attention_mask=torch.ones_like(ids))
        rows.append(states.last_hidden_state.mean(1)[0].numpy())
    return np.stack(rows)


def their_tokens(model, tokenizer, texts, **settings):
    """Return what is written for each text by itself: ids after the first, up to the one that ends it."""
    written = []
    for text in texts:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        found = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, **settings
        )
        row = found[0, 1:].tolist()
        written.append(tuple(row[: row.index(1)] if 1 in row else row))
    return written


def our_tokens(model, texts, config=None):
    return [one.tokens for one in model.generate(texts, config)]


def cosines(one, other):
    return (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


@pytest.mark.parametrize("model_type", KNOWN)
def test_vectors_and_texts_are_those_of_transformers_here_and_in_the_stored_folder(
    make_checkpoint, model_type, tmp_path
):
    model, tokenizer = make_checkpoint(tmp_path / "there", model_type)
    ours = read(tmp_path / "there", T5Config(), None, Run())
    wanted = their_vectors(model, tokenizer, TEXTS)
    assert cosines(ours.embed(TEXTS), wanted).min() >= 0.99999
    np.testing.assert_allclose(ours.embed(TEXTS), wanted, atol=1e-4)
    greedy = their_tokens(model, tokenizer, TEXTS, num_beams=1, max_new_tokens=8)
    assert our_tokens(ours, TEXTS, GenerateConfig(max_new_tokens=8)) == greedy
    beams = their_tokens(model, tokenizer, TEXTS, **BEAMS)
    assert our_tokens(ours, TEXTS, GenerateConfig(**BEAMS)) == beams
    assert beams != greedy
    assert len({*greedy, *beams}) > 2  # a model that writes the same for every text would show nothing

    Zoo(tmp_path / "home").write(ours, tmp_path / "stored")
    again = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "stored").eval()
    opened = transformers.AutoTokenizer.from_pretrained(tmp_path / "stored")
    np.testing.assert_allclose(their_vectors(again, opened, TEXTS), wanted, atol=1e-6)
    assert their_tokens(again, opened, TEXTS[:2], **BEAMS) == beams[:2]


def test_an_exported_folder_opens_in_transformers_and_is_read_again(tmp_path):
    tiny = T5.tiny().with_settings({"normalize": False})
    write_transformers(tiny, tmp_path / "out", Run())
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    np.testing.assert_allclose(their_vectors(model, tokenizer, TEXTS), tiny.embed(TEXTS), atol=1e-5)
    wanted = their_tokens(model, tokenizer, TEXTS, **BEAMS)
    again = read(tmp_path / "out", T5Config(), None, Run())
    for one in (tiny, again):
        assert our_tokens(one, TEXTS, GenerateConfig(**BEAMS)) == wanted


@pytest.mark.parametrize("every", [(-1, -2), (0,), (1, 2)])
def test_layers_are_the_hidden_states_of_transformers(make_checkpoint, every, tmp_path):
    model, tokenizer = make_checkpoint(tmp_path / "there", "bart")
    ours = read(tmp_path / "there", T5Config(layers=every), None, Run())
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    with torch.no_grad():
        states = model.get_encoder()(input_ids=ids, output_hidden_states=True).hidden_states
    wanted = torch.stack([states[layer] for layer in every]).mean(0).mean(1).numpy()
    np.testing.assert_allclose(ours.embed(TEXTS[:1]), wanted, atol=1e-5)


@pytest.mark.parametrize("model_type", ["marian", "pegasus", "bart"])
def test_what_a_checkpoint_leaves_out_is_made_of_its_config(make_checkpoint, model_type, tmp_path):
    model, tokenizer = make_checkpoint(tmp_path / "there", model_type)
    ours = read(tmp_path / "there", T5Config(), None, Run())
    path = tmp_path / "there" / "model.safetensors"
    tensors = load_file(path)
    gone = {"final_logits_bias"}
    if model_type != "bart":  # whose positions are learned
        gone |= {f"model.{part}.embed_positions.weight" for part in ("encoder", "decoder")}
    assert gone & tensors.keys()  # transformers 5 leaves sinusoids out, its forerunners did not
    assert gone <= ours.tensors.keys()
    kept = {name: tensor for name, tensor in tensors.items() if name not in gone}
    kept["model.encoder.embed_tokens.weight"] = kept.pop("model.shared.weight")  # one of its other names
    save_file(kept, path, {"format": "pt"})
    bare = read(tmp_path / "there", T5Config(), None, Run())
    assert bare.tensors.keys() == ours.tensors.keys()
    np.testing.assert_allclose(bare.embed(TEXTS), their_vectors(model, tokenizer, TEXTS), atol=1e-4)
    config = GenerateConfig(max_new_tokens=8)
    assert bare.generate(TEXTS, config) == ours.generate(TEXTS, config)


@pytest.mark.parametrize("model_type", ["t5", "mt5", "umt5"])
def test_an_encoder_alone_gives_its_vectors_and_writes_nothing(make_checkpoint, model_type, tmp_path):
    make_checkpoint(tmp_path / "there", model_type)
    alone = transformers.AutoModelForTextEncoding.from_pretrained(tmp_path / "there").eval()
    alone.save_pretrained(tmp_path / "there")
    assert not any("decoder" in name for name in load_file(tmp_path / "there" / "model.safetensors"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "there")
    ours = read(tmp_path / "there", T5Config(), None, Run())
    wanted = their_vectors(alone, tokenizer, TEXTS)
    np.testing.assert_allclose(ours.embed(TEXTS), wanted, atol=1e-4)
    for ask in (ours.generate, lambda texts: ours.perform(ours.summary(), texts, GenerateConfig())):
        with pytest.raises(UnsupportedError, match="came without its decoder: it writes nothing"):
            ask(["the film"])
    network = ours.network()
    with pytest.raises(UnsupportedError, match="has no decoder"):
        network.loss(network.collate_pairs(["the film"], ["good"]))
    again = ours.with_network(network)
    assert again.tensors.keys() == ours.tensors.keys()
    Zoo(tmp_path / "home").save(again, name="alone")
    np.testing.assert_allclose(Zoo(tmp_path / "home").load("alone").embed(TEXTS), wanted, atol=1e-4)


def test_an_encoder_alone_of_another_architecture_is_refused(make_checkpoint, tmp_path):
    make_checkpoint(tmp_path / "there", "bart")
    path = tmp_path / "there" / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(path).items() if "decoder." not in name}
    save_file(kept, path, {"format": "pt"})
    with pytest.raises(UnsupportedError, match="'bart' is no encoder alone to transformers"):
        read(tmp_path / "there", T5Config(), None, Run())


def test_settings_of_the_checkpoint_are_taken_where_none_are_given(make_checkpoint, tmp_path):
    _, tokenizer = make_checkpoint(tmp_path / "there", "bart")
    path = tmp_path / "there" / "generation_config.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    own = {"num_beams": 3, "max_length": 9, "min_length": 4, "no_repeat_ngram_size": 2, "length_penalty": 2.0}
    path.write_text(json.dumps({**stated, **own, "early_stopping": True}), encoding="utf-8")
    ours = read(tmp_path / "there", T5Config(), None, Run())
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "there").eval()
    found = our_tokens(ours, TEXTS)
    assert found == their_tokens(theirs, tokenizer, TEXTS)
    assert found != our_tokens(ours, TEXTS, GenerateConfig(max_new_tokens=8))
    assert max(map(len, found)) <= 8
    Zoo(tmp_path / "home").save(ours, name="own")
    assert our_tokens(Zoo(tmp_path / "home").load("own"), TEXTS) == found
