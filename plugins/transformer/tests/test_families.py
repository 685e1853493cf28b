"""Each family that is computed here gives what its class in transformers gives; the others are that class."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import transformers

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium_transformer.architecture import architecture_of
from lexarium_transformer.encoders import open_encoder
from lexarium_transformer.foreign import ENCODERS, kind_of
from lexarium_transformer.independence import require_own_states
from lexarium_transformer.names import FAMILIES

SMALL = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 80,
    "pad_token_id": 1,
}
DISTILBERT = {"vocab_size": 50, "dim": 24, "n_layers": 2, "n_heads": 4, "hidden_dim": 40, "pad_token_id": 1}
ENDS = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
XLM = {"vocab_size": 50, "emb_dim": 24, "n_layers": 2, "n_heads": 4, "pad_token_id": 1}
#: Settings of the families that transformers computes, where they are others than those of BERT.
OTHERS = {
    "albert": {**SMALL, "embedding_size": 12},
    "deberta-v2": {**SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "eurobert": {**SMALL, **ENDS},
    "flaubert": XLM,
    "longformer": {**SMALL, **ENDS, "attention_window": 16, "max_position_embeddings": 100},
    "luke": {**SMALL, "entity_vocab_size": 10, "entity_emb_size": 8},
    "modernbert": {**SMALL, **ENDS},
    "rembert": {**SMALL, "input_embedding_size": 12, "output_embedding_size": 12},
    "roformer": {**SMALL, "embedding_size": 24},
    "xlm": XLM,
    "funnel": {
        "vocab_size": 50,
        "d_model": 24,
        "n_head": 4,
        "d_head": 6,
        "d_inner": 40,
        "block_sizes": [1, 1],
    },
    "lilt": {**SMALL, "channel_shrink_ratio": 2},
    "squeezebert": {**SMALL, "embedding_size": 24},
    "tapas": {**SMALL, "type_vocab_sizes": [3] * 7},
    "xmod": {**SMALL, "languages": ["en_XX"], "default_language": "en_XX"},
}


#: Encoders that are read as any other, and computed without padding.
NEVER_FILLED_UP = (
    "convbert", "esm", "fnet", "gte", "ibert", "jina_embeddings_v3", "layoutlm", "lilt",
    "mobilebert", "nomic_bert", "nystromformer", "splinter", "squeezebert", "tapas",
)  # fmt: skip


def reference(model_type):
    torch.manual_seed(0)
    settings = DISTILBERT if model_type == "distilbert" else OTHERS.get(model_type, SMALL)
    if model_type == "electra":
        settings = {**settings, "embedding_size": 12}
    config = transformers.CONFIG_MAPPING[model_type](**settings)
    if model_type == "funnel":
        config.architectures = ["FunnelModel"]  # the one of two whose states are as many as the tokens
    model = transformers.AutoModel.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)  # biases and norms begin as zeros and ones
    return config, model


def numpy(model):
    return {n: t.numpy() for n, t in model.state_dict().items() if not n.startswith("pooler.")}


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("model_type", [*FAMILIES, "albert", "deberta-v2", "modernbert"])
def test_hidden_states_are_those_of_transformers(model_type, every):
    config, model = reference(model_type)
    described = {**config.to_dict(), "model_type": model_type}
    assert (architecture_of(described, "test") is not None) == (model_type in FAMILIES)
    loaded = open_encoder(described, numpy(model), torch.float32, "test")
    ids = torch.randint(5, 50, (3, 70), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(70) < torch.tensor([[70], [40], [3]])
    ids[~mask] = 1
    with torch.no_grad():
        theirs = model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True)
        ours = loaded.encoder(ids, mask, every=every)
    assert len(ours) == (len(theirs.hidden_states) if every else 1)
    wanted = theirs.hidden_states if every else [theirs.last_hidden_state]
    for one, other in zip(ours, wanted, strict=True):
        torch.testing.assert_close(one[mask], other[mask], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("model_type", [*ENCODERS, *NEVER_FILLED_UP])
def test_a_text_has_the_states_beside_a_longer_one_that_it_has_alone(model_type):
    config, model = reference(model_type)
    loaded = open_encoder({**config.to_dict(), "model_type": model_type}, numpy(model), torch.float32, "test")
    ids = torch.randint(5, 50, (2, 60), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(60) < torch.tensor([[60], [20]])
    ids[~mask] = 1
    with torch.no_grad():
        together = loaded.encoder(ids, mask)[-1][1, :20]
        alone = loaded.encoder(ids[1:, :20], None)[-1][0]
        theirs = model(input_ids=ids[1:, :20]).last_hidden_state[0]
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(alone, theirs, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "model_type", ["gpt2", "llama", "vit", "clip", "t5", "bart", "perceiver", "mra", "yoso", "nothing"]
)
def test_what_is_no_encoder_of_texts_is_none(model_type):
    assert kind_of({"model_type": model_type}) != "encoder"


@pytest.mark.parametrize("model_type", NEVER_FILLED_UP)
def test_an_encoder_that_no_test_holds_filled_up_is_tried_and_has_states_of_every_layer(model_type):
    config, model = reference(model_type)
    loaded = open_encoder({**config.to_dict(), "model_type": model_type}, numpy(model), torch.float32, "test")
    require_own_states(loaded, 60, "test")
    ids, mask = torch.randint(5, 50, (2, 30)), torch.arange(30) < torch.tensor([[30], [10]])
    wanted = model(input_ids=ids[1:, :10], output_hidden_states=True).hidden_states
    found = loaded.encoder(ids, mask, every=True)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one[1, : other.shape[1]], other[0], atol=2e-5, rtol=1e-4)


def test_states_of_texts_that_are_never_filled_up_carry_gradients():
    config, model = reference("fnet")
    loaded = open_encoder({**config.to_dict(), "model_type": "fnet"}, numpy(model), torch.float32, "test")
    loaded.encoder.requires_grad_()
    ids, mask = torch.randint(5, 50, (2, 30)), torch.arange(30) < torch.tensor([[30], [10]])
    loaded.encoder(ids, mask)[-1][mask].sum().backward()
    together = {
        name: each.grad.clone() for name, each in loaded.encoder.named_parameters() if each.grad is not None
    }
    loaded.encoder.zero_grad()
    (loaded.encoder(ids[:1], None)[-1].sum() + loaded.encoder(ids[1:, :10], None)[-1].sum()).backward()
    assert together
    for name, each in loaded.encoder.named_parameters():
        if name in together:
            torch.testing.assert_close(together[name], each.grad)


class Mixing(torch.nn.Module):
    """A network that goes wrong in one way."""

    def __init__(self, way):
        super().__init__()
        self.rows = torch.nn.Embedding(50, 8)
        self.way, self.seen = way, 0

    def forward(self, ids, mask, *, every=False):
        states = self.rows(ids)
        if self.way != "blind":
            seen = torch.ones_like(states) if mask is None else mask[..., None].float()
            states = states + 0.1 * (states * seen).sum(1, keepdim=True) / seen.sum(1, keepdim=True)
        if self.way == "neighbours":
            states = states + 0.01 * states.mean(0, keepdim=True)
        if self.way == "draws":
            states = states + 0.01 * torch.randn_like(states)
        if self.way == "remembers":
            self.seen = self.seen or ids.shape[1] < 100
            states = states * (1 if self.seen else 1.01)
        if self.way == "nan":
            states = states * float("nan")
        if self.way == "wide":
            states = torch.cat([states, states], -1)
        if self.way == "raises":
            raise IndexError("no\nsuch place")
        return [states]


@pytest.mark.parametrize(
    ("way", "match"),
    [
        ("neighbours", "beside other texts"),
        ("draws", "beside other texts"),
        ("remembers", "the second time"),
        ("nan", "beside other texts"),
        ("wide", r"its states are \(\d+, 16\)"),
        ("blind", "do not see each other"),
        ("raises", "IndexError: no such place"),
    ],
)
@pytest.mark.parametrize("longest", [80, 512])
def test_an_architecture_that_gives_a_text_no_states_of_its_own_is_refused(way, match, longest):
    loaded = SimpleNamespace(encoder=Mixing(way), hidden=8, vocabulary=50)
    if way == "remembers" and longest == 80:
        require_own_states(loaded, longest, "here")  # no text is long enough
        return
    with pytest.raises(UnsupportedError, match=f"here: .*{match}"):
        require_own_states(loaded, longest, "here")


def test_an_architecture_that_cannot_compute_a_short_text_is_refused():
    config, model = reference("funnel")
    loaded = open_encoder({**config.to_dict(), "model_type": "funnel"}, numpy(model), torch.float32, "test")
    with pytest.raises(UnsupportedError, match=r"test: .*cannot be used: .*out of bounds"):
        require_own_states(loaded, 60, "test")


def test_a_network_without_a_fault_is_taken():
    require_own_states(SimpleNamespace(encoder=Mixing("none"), hidden=8, vocabulary=50), 512, "here")


def test_a_decoder_that_remembers_the_text_before_is_none():
    assert kind_of({"model_type": "recurrent_gemma"}) == "other"


def test_what_may_write_and_may_fill_masks_is_what_its_config_says():
    assert kind_of({"model_type": "bert"}) == "encoder"
    assert kind_of({"model_type": "bert", "is_decoder": True}) == "decoder"
    assert kind_of({"model_type": "big_bird", "is_decoder": True}) == "decoder"
    assert kind_of({"model_type": "t5"}) == "encoder-decoder"


@pytest.mark.parametrize(("model_type", "count"), [("albert", 2), ("modernbert", 3), ("bert", 3)])
def test_layers_are_modules_those_that_share_their_weights_one(model_type, count):
    config, model = reference(model_type)
    loaded = open_encoder({**config.to_dict(), "model_type": model_type}, numpy(model), torch.float32, "test")
    blocks = loaded.blocks()
    assert len(blocks) == count
    parameters = [id(parameter) for block in blocks for parameter in block.parameters()]
    assert len(parameters) == len(set(parameters))
    assert len(parameters) > len(list(loaded.encoder.parameters())) / 2


@pytest.mark.parametrize("model_type", ["bert", "albert"])
def test_a_tensor_missing_unknown_or_of_another_shape_is_named(model_type):
    config, model = reference(model_type)
    described = {**config.to_dict(), "model_type": model_type}
    tensors = numpy(model)
    name = "embeddings.position_embeddings.weight"
    rest = {n: t for n, t in tensors.items() if n != name}
    with pytest.raises(CheckpointError, match=f"missing.*{name}"):
        open_encoder(described, rest, torch.float32, "test")
    with pytest.raises(CheckpointError, match="does not have: surprise"):
        open_encoder(described, {**tensors, "surprise": tensors[name]}, torch.float32, "test")
    with pytest.raises(CheckpointError, match=f"{name}.*shape"):
        open_encoder(described, {**tensors, name: tensors[name][:-1]}, torch.float32, "test")


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_attention_heads", 5), ("hidden_size", -1), ("vocab_size", "many"), ("layer_norm_eps", "small")],
)
def test_a_size_that_cannot_be_is_refused(key, value):
    with pytest.raises(CheckpointError):
        architecture_of({"model_type": "bert", **SMALL, key: value}, "test")


def test_names_of_old_checkpoints_are_known():
    config, model = reference("bert")
    old = {n.replace("LayerNorm.weight", "LayerNorm.gamma"): t for n, t in numpy(model).items()}
    assert any(name.endswith("gamma") for name in old)
    described = {**config.to_dict(), "model_type": "bert"}
    loaded = open_encoder(described, {f"bert.{n}": t for n, t in old.items()}, torch.float32, "test")
    assert set(loaded.weights()) == {f"bert.{n}" for n in old}
