"""Settings of use, truncation, pieces, tokens and words, the network to train."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch

from lexarium.errors import CheckpointError, ConfigError, InputError, UnsupportedError
from lexarium.roles import (
    Adjustable,
    Coverage,
    Reports,
    State,
    TokenEmbedder,
    TrainableEmbedder,
    Truncates,
    Truncation,
)
from lexarium_bert.embedder import Bert
from lexarium_transformer.words import word_vectors

LONG = "the film was better than the book . " * 30  # 240 tokens, of which 62 fit
TEXTS = ["the film", "这部电影好看", LONG, ""]


@pytest.fixture
def bert():
    return Bert.tiny()


def test_it_has_the_roles_that_callers_ask_for(bert):
    for role in (Adjustable, Reports, TokenEmbedder, TrainableEmbedder, Truncates):
        assert isinstance(bert, role)


def test_what_is_cut_is_counted(bert):
    assert bert.truncation(TEXTS) == Truncation(inputs=1, tokens=240 - 62, limit=64)
    split = bert.with_settings({"long": "split"})
    assert split.truncation(TEXTS) == Truncation(inputs=0, tokens=0, limit=64)


@pytest.mark.parametrize("long", ["truncate", "split"])
def test_what_has_no_token_is_counted_and_named(bert, long):
    model = bert.with_settings({"long": long, "default_prompt": "query"})
    word = "a" * 10_000
    texts = ["the 猫 sat on the 猫", "the film", word, "", "犬"]
    examples = ("猫", "a" * 40, "犬")
    seen = sum(len(piece.ids) - 2 for piece in model.tokenizer.first(texts))
    assert model.coverage(texts) == Coverage(tokens=seen, unknown=4, examples=examples)
    assert model.coverage(["the film"]).unknown == 0


def test_what_is_cut_off_is_not_unknown_as_well(bert):
    assert bert.coverage([LONG + "猫"]) == Coverage(tokens=62, unknown=0, examples=())
    split = bert.with_settings({"long": "split"})
    assert split.coverage([LONG + "猫"]) == Coverage(tokens=241, unknown=1, examples=("猫",))


def test_pieces_of_a_long_text_are_averaged_by_their_tokens(bert):
    plain = bert.with_settings({"normalize": False})
    words = LONG.split()
    pieces = [" ".join(words[at : at + 62]) for at in range(0, 240, 62)]
    wanted = np.average(plain.embed(pieces), 0, [62, 62, 62, 54])
    found = plain.with_settings({"long": "split"}).embed(TEXTS)
    np.testing.assert_allclose(found[2], wanted, atol=1e-5)
    np.testing.assert_allclose(found[:2], plain.embed(TEXTS[:2]), atol=1e-6)
    most = plain.with_settings({"long": "split", "pooling": "max"}).embed([LONG])[0]
    np.testing.assert_allclose(most, plain.with_settings({"pooling": "max"}).embed(pieces).max(0), atol=1e-5)


def test_a_prompt_is_put_before_every_text(bert):
    asked = bert.with_settings({"default_prompt": "query"})
    np.testing.assert_allclose(asked.embed(["the film"]), bert.embed(["good : the film"]), atol=1e-6)
    assert asked.embed_tokens(["the film"]).spans.tolist() == [[0, 3], [4, 8]]
    with pytest.raises(ConfigError, match="no prompt 'passage'; it has query"):
        bert.with_settings({"default_prompt": "passage"})


def test_a_dimension_is_cut_before_normalising_and_an_undeclared_one_is_told(bert, caplog):
    with caplog.at_level(logging.WARNING, "lexarium"):
        short = bert.with_settings({"truncate_dim": 8})
    assert "truncate_dim=8: the checkpoint says that it was trained for no shorter vectors" in caplog.text
    rows = bert.with_settings({"normalize": False}).embed(["the film"])[:, :8]
    np.testing.assert_allclose(short.embed(["the film"]), rows / np.linalg.norm(rows), atol=1e-6)
    assert short.space.dim == 8
    caplog.clear()
    described = {**json.loads(bert.files["config.json"]), "matryoshka_dimensions": [8, 16]}
    files = {**bert.files, "config.json": json.dumps(described).encode()}
    Bert(bert.config, bert.tensors, files).with_settings({"truncate_dim": 8})
    assert caplog.text == ""


def test_layers_are_mixed(bert):
    plain = bert.with_settings({"normalize": False})
    each = [plain.with_settings({"layers": [layer]}).embed(["the film"]) for layer in (0, 1, 2)]
    assert not np.allclose(each[0], each[2])
    np.testing.assert_array_equal(each[2], plain.embed(["the film"]))
    mixed = plain.with_settings({"layers": [0, -1]}).embed(["the film"])
    np.testing.assert_allclose(mixed, (each[0] + each[2]) / 2, atol=1e-6)


def test_settings_that_cannot_change_are_refused(bert):
    for settings in ({"extra": ["a"]}, {"no_such": 1}, {"layers": []}, {"max_length": 65}, {"pooling": None}):
        with pytest.raises(ConfigError):
            bert.with_settings(settings)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(bert):
    with pytest.raises(UnsupportedError, match="device=cuda"):
        bert.with_settings({"device": "cuda"})


def test_sixteen_bits_are_near_thirty_two_and_the_device_is_not_stored(bert):
    half = bert.with_settings({"dtype": "bfloat16", "device": "cpu"})
    rows, exact = half.embed(TEXTS), bert.embed(TEXTS)
    assert (rows * exact).sum(1).min() > 0.99
    assert not np.array_equal(rows, exact)
    assert "device" not in half.state().config


def test_tokens_have_their_characters_and_words_their_tokens(bert):
    text = "好看 booking films"
    tokens = bert.embed_tokens([text, "", "the film"])
    assert [text[a:b] for a, b in tokens.spans[: tokens.offsets[1]]] == [
        "好",
        "看",
        "book",
        "ing",
        "film",
        "s",
    ]
    assert tokens.offsets.tolist() == [0, 6, 6, 8]
    assert tokens.values.shape == (8, 32)
    words = word_vectors(tokens, [[(3, 10), (11, 16), (40, 44)], [], [(0, 3)]])
    np.testing.assert_allclose(words[0][0], tokens.values[2:4].mean(0), atol=1e-6)
    np.testing.assert_allclose(words[0][1], tokens.values[4:6].mean(0), atol=1e-6)
    assert not words[0][2].any()
    assert words[1].shape == (0, 32)
    np.testing.assert_array_equal(words[2][0], tokens.values[6])
    with pytest.raises(InputError, match="1 lists of words for 3"):
        word_vectors(tokens, [[]])
    with pytest.raises(InputError, match="ends before"):
        word_vectors(tokens, [[(3, 1)], [], []])


def test_tokens_of_a_long_text_are_all_there_where_it_is_split(bert):
    split = bert.with_settings({"long": "split"}).embed_tokens([LONG])
    assert [LONG[a:b] for a, b in split.spans] == LONG.split()
    assert len(bert.embed_tokens([LONG]).spans) == 62


def test_the_mean_of_the_network_is_the_vector_and_training_changes_a_copy(bert):
    plain = bert.with_settings({"normalize": False})
    before = plain.embed(TEXTS)
    network = plain.network().eval()
    batch = network.collate(TEXTS)
    encoded = network(batch)
    assert encoded.tokens.shape == (4, 64, 32)
    assert encoded.mask.sum(1).tolist() == [4, 8, 64, 2]
    np.testing.assert_allclose(encoded.pooled.detach().numpy(), before, atol=1e-5)
    assert [len(list(layer.parameters())) for layer in network.layers()] == [5, 16, 16]
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network(batch).pooled.square().mean().backward()
    optimizer.step()
    np.testing.assert_array_equal(plain.embed(TEXTS), before)
    after = plain.with_network(network).embed(TEXTS)
    assert not np.allclose(after, before, atol=1e-4)
    np.testing.assert_allclose(network.eval()(batch).pooled.detach().numpy(), after, atol=1e-5)


def test_a_state_without_a_file_or_with_another_is_a_checkpoint_error(bert):
    state = bert.state()
    for name in ("config.json", "tokenizer.json"):
        rest = {path: raw for path, raw in state.files.items() if path != name}
        with pytest.raises(CheckpointError, match=name):
            Bert.restore(State(config=state.config, tensors=state.tensors, files=rest))
    evil = {**state.files, "config.json": b'{"model_type": "bert", "auto_map": {"AutoModel": "x"}}'}
    with pytest.raises(CheckpointError, match="auto_map"):
        Bert.restore(State(config=state.config, tensors=state.tensors, files=evil))
    with pytest.raises(CheckpointError, match="pooling"):
        Bert.restore(
            State(config={**state.config, "pooling": None}, tensors=state.tensors, files=state.files)
        )


def test_opening_imports_no_transformers(bert, tmp_path):
    import subprocess
    import sys

    from lexarium.zoo import Zoo

    Zoo(tmp_path / "home").write(bert, tmp_path / "model")
    code = (
        "import sys; from lexarium.zoo import Zoo; Zoo(sys.argv[2]).load(sys.argv[1]).embed(['a'])\n"
        "print({'transformers', 'torch._dynamo', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model"), str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
