"""Masked words are those of transformers' own network with its head."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file

from lexarium.cli.main import cli
from lexarium.errors import InputError, UnsupportedError
from lexarium.roles import Run
from lexarium.zoo import Zoo
from lexarium_bert.config import BertConfig
from lexarium_bert.embedder import Bert
from lexarium_bert.formats import read
from lexarium_bert.masks import Filler

TEXT = "the [MASK] was better than the [MASK] ."


@pytest.fixture
def reference(checkpoint):
    """Give transformers' network with a head, and leave its weights in the checkpoint."""
    torch.manual_seed(0)
    described = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    network = transformers.BertForMaskedLM(transformers.BertConfig(**described)).eval()
    tensors = {n: t.contiguous() for n, t in network.state_dict().items() if "decoder" not in n}
    save_file({n: t.clone() for n, t in tensors.items()}, checkpoint / "model.safetensors", {"format": "pt"})
    return network


@pytest.fixture
def headed(checkpoint, reference):
    return read(checkpoint, BertConfig(), None, Run())


def test_tokens_and_probabilities_are_those_of_transformers(headed, reference):
    found = Filler(headed).fill([TEXT], 3)[0]
    ids = headed.tokenizer.first([TEXT])[0].ids
    gaps = [place for place, token in enumerate(ids) if token == headed.tokenizer.id_of("[MASK]")]
    with torch.no_grad():
        scores = reference(input_ids=torch.tensor([ids])).logits[0, gaps].softmax(-1)
    top = scores.topk(3)
    assert len(found) == 2
    for gap, fillings in enumerate(found):
        np.testing.assert_allclose([f.probability for f in fillings], top.values[gap], rtol=1e-4)
        words = [headed.tokenizer.word_of(int(token)) for token in top.indices[gap]]
        assert [f.token for f in fillings] == words
    assert found[1][0].text == f"the [MASK] was better than the {found[1][0].token} ."


def test_vectors_of_a_checkpoint_with_a_head_are_those_of_its_encoder(headed, reference):
    ids = torch.tensor([headed.tokenizer.first(["the film"])[0].ids])
    with torch.no_grad():
        wanted = reference.bert(input_ids=ids).last_hidden_state.mean(1).numpy()
    found = headed.with_settings({"normalize": False}).embed(["the film"])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert all(name.startswith("cls.predictions.") for name in headed.config.extra)
    again = Bert.restore(headed.state())
    np.testing.assert_array_equal(again.embed(["the film"]), headed.embed(["the film"]))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no gap", r"the text 'no gap': has no mask; write \[MASK\] where a word is missing"),
        ("the [MASK] " * 100, "69 of its 100 masks are behind the 64 tokens that are seen; shorten it"),
    ],
)
def test_a_text_without_a_gap_that_can_be_seen_is_refused(headed, text, says):
    with pytest.raises(InputError, match=says):
        Filler(headed).fill([text], 1)


def test_the_mask_is_named_as_the_checkpoint_writes_it(checkpoint, reference):
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        path = checkpoint / name
        path.write_text(path.read_text(encoding="utf-8").replace("[MASK]", "<mask>"), encoding="utf-8")
    filler = Filler(read(checkpoint, BertConfig(), None, Run()))
    with pytest.raises(InputError, match=r"write \[MASK\], or <mask> as the model does, where a word is"):
        filler.fill(["no gap"], 1)
    assert filler.fill(["the <mask>"], 2) == filler.fill(["the [MASK]"], 2)


def test_a_checkpoint_without_the_head_is_refused():
    with pytest.raises(UnsupportedError, match="no head"):
        Filler(Bert.tiny())


def test_the_command_prints_words_and_json(headed, tmp_path, monkeypatch):
    from click.testing import CliRunner

    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path / "home"))
    Zoo(tmp_path / "home").save(headed, name="headed")
    done = CliRunner().invoke(cli, ["fill-mask", "headed", TEXT, "-n", "2", "--json"])
    assert done.exit_code == 0, done.output
    masks = json.loads(done.stdout)["results"][0]["masks"]
    assert [len(mask) for mask in masks] == [2, 2]
    assert set(masks[0][0]) == {"token", "probability", "text"}
    plain = CliRunner().invoke(cli, ["fill-mask", "headed", TEXT])
    assert masks[0][0]["token"] in plain.stdout
    Zoo(tmp_path / "home").save(Bert.tiny(), name="plain")
    refused = CliRunner().invoke(cli, ["fill-mask", "plain", TEXT])
    assert refused.exit_code == 1
    assert "has no head that fills masks" in refused.stderr


def test_the_embed_command_takes_settings_prompt_and_long(tmp_path, monkeypatch):
    from click.testing import CliRunner

    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path / "home"))
    Zoo(tmp_path / "home").save(Bert.tiny(), name="tiny")

    def embed(*options):
        done = CliRunner().invoke(cli, ["embed", "tiny", "--text", "good " * 100, "--json", *options])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout), done.stderr

    plain, said = embed()
    assert plain["truncated"] == {"inputs": 1, "tokens": 38, "limit": 64}
    assert said.startswith("1 of 1 texts are longer than 64 tokens and were cut: 38 tokens are lost; ")
    split, said = embed("--long", "split")
    assert (split["truncated"]["inputs"], said) == (0, "")
    assert split["space_id"] != plain["space_id"]
    prompted, _ = embed("--prompt", "query")
    assert prompted["space_id"] == plain["space_id"]
    assert prompted["vectors"] != plain["vectors"]
    pooled, _ = embed("--set", "pooling=max", "--set", "normalize=false")
    assert pooled["space_id"] not in {plain["space_id"], split["space_id"]}


def test_a_trained_network_without_its_head_says_no_head(headed):
    assert headed.described["architectures"] == ["BertModel"]  # of the tiny one, whose config this is
    said = {**headed.described, "architectures": ["BertForMaskedLM"]}
    files = {**headed.files, "config.json": json.dumps(said).encode()}
    model = Bert(headed.config, headed.tensors, files)
    trained = model.with_network(model.network())
    assert trained.described == {**said, "architectures": ["BertModel"]}
    assert not trained.config.extra
