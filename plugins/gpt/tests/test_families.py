"""Decoders of many families: imported as transformers writes them, and equal to its own class."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium.generation import GenerateConfig
from lexarium.roles import Run
from lexarium_gpt.config import GptConfig
from lexarium_gpt.formats import read

PROMPTS = ["a", "the film was better than the book and much longer than this", "good film"]
SHORT = GenerateConfig(max_new_tokens=6)
IDS = {"bos_token_id": 256, "eos_token_id": 257, "pad_token_id": 257}
LLAMA = {
    "vocab_size": 258,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 256,
    **IDS,
}
GPT2 = {"vocab_size": 258, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, **IDS}
WINDOW = {**LLAMA, "head_dim": 8, "sliding_window": 8}
EXPERTS = {
    **LLAMA,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
}
HYBRID = {
    "mamba_d_state": 4,
    "mamba_dt_rank": 4,
    "use_mamba_kernels": False,
    "attn_layer_period": 2,
    "attn_layer_offset": 1,
}
FAMILIES = {
    "biogpt": LLAMA,
    "bloom": {**LLAMA, "n_layer": 2, "n_head": 4},
    "codegen": {**GPT2, "rotary_dim": 4},
    "cohere": LLAMA,
    "ctrl": {**GPT2, "dff": 64},
    "falcon": {**LLAMA, "alibi": True, "new_decoder_architecture": False},
    "gemma": LLAMA,
    "gemma2": WINDOW,
    "gemma3_text": WINDOW,
    "gpt2": GPT2,
    "gpt_bigcode": GPT2,
    "gpt_neo": {**LLAMA, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]},
    "gpt_neox": LLAMA,
    "gpt_oss": {**WINDOW, "num_local_experts": 4},
    "gptj": {**GPT2, "rotary_dim": 4},
    "granite": LLAMA,
    "granitemoe": EXPERTS,
    "jamba": {**LLAMA, **HYBRID, "num_experts": 2},
    "lfm2": {**LLAMA, "layer_types": ["conv", "full_attention"]},
    "llama": LLAMA,
    "mamba": {**LLAMA, "state_size": 4},
    "mamba2": {**LLAMA, "state_size": 4, "num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 8},
    "mistral": WINDOW,
    "mixtral": EXPERTS,
    "mpt": {"vocab_size": 258, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 256, **IDS},
    "olmo2": LLAMA,
    "olmoe": EXPERTS,
    "openai-gpt": GPT2,
    "opt": {**LLAMA, "ffn_dim": 64, "word_embed_proj_dim": 32},
    "persimmon": LLAMA,
    "phi": LLAMA,
    "phi3": LLAMA,
    "phimoe": EXPERTS,
    "qwen2": LLAMA,
    "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": 16},
    "qwen3": {**LLAMA, "head_dim": 8},
    "qwen3_moe": {**EXPERTS, "head_dim": 8},
    "rwkv": LLAMA,
    "smollm3": LLAMA,
    "stablelm": LLAMA,
    "starcoder2": LLAMA,
    "xglm": {"vocab_size": 258, "d_model": 32, "num_layers": 2, "attention_heads": 4, "ffn_dim": 64, **IDS},
}


@pytest.fixture
def folder(tiny, tmp_path):
    """Give a function that writes a small checkpoint of a family beside the model that it is of."""

    def write(family, settings):
        torch.manual_seed(0)
        config = transformers.CONFIG_MAPPING[family](**settings)
        model = AutoModelForCausalLM.from_config(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.15)
        model.save_pretrained(tmp_path / family)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (tmp_path / family / name).write_bytes(tiny.files[name])
        return tmp_path / family, model

    return write


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_gives_what_its_class_gives_in_a_batch_as_alone(family, folder):
    path, theirs = folder(family, FAMILIES[family])
    model = read(path, GptConfig(), None, Run())
    ids = torch.tensor([model._encode(PROMPTS[1])])
    with torch.inference_mode():
        scores = theirs(input_ids=ids).logits[0, :-1].float()
        wanted = theirs.generate(ids, max_new_tokens=6, do_sample=False)[0, ids.shape[1] :].tolist()
    together = model.generate(PROMPTS, SHORT)
    assert list(together[1].tokens) == (wanted[: wanted.index(257)] if 257 in wanted else wanted)
    assert together == [model.generate([prompt], SHORT)[0] for prompt in PROMPTS]
    loss = float(torch.nn.functional.cross_entropy(scores, ids[0, 1:]))
    assert model.perplexity([PROMPTS[1]])[0].loss == pytest.approx(loss, abs=1e-3)
    alone = torch.from_numpy(model.embed(PROMPTS[:1]))
    torch.testing.assert_close(torch.from_numpy(model.embed(PROMPTS))[:1], alone, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("family", ["gpt_neox", "jamba", "mixtral"])
def test_a_stored_model_of_a_family_that_transformers_renames_opens_there(family, folder, tmp_path):
    path, theirs = folder(family, FAMILIES[family])
    model = read(path, GptConfig(), None, Run())
    state = model.state()
    again = type(model).restore(state)
    assert again.generate(PROMPTS, SHORT) == model.generate(PROMPTS, SHORT)
    from lexarium_transformer.formats import write_transformers

    write_transformers(model, tmp_path / "out", Run())
    opened = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    ids = torch.tensor([model._encode(PROMPTS[1])])
    with torch.inference_mode():
        torch.testing.assert_close(opened(input_ids=ids).logits, theirs(input_ids=ids).logits)


def test_a_bare_infinity_is_read_as_what_transformers_writes_for_it_and_nan_is_refused(folder):
    path, _ = folder("mamba2", FAMILIES["mamba2"])
    config, vectors = path / "config.json", read(path, GptConfig(), None, Run()).embed(PROMPTS)
    settings = json.loads(config.read_text(encoding="utf-8"))
    assert settings["time_step_limit"] == [0.0, {"__float__": "Infinity"}]
    config.write_text(json.dumps(settings | {"time_step_limit": [0.0, float("inf")]}), encoding="utf-8")
    assert "Infinity]" in config.read_text(encoding="utf-8")
    model = read(path, GptConfig(), None, Run())
    assert (model.embed(PROMPTS) == vectors).all()
    again = type(model).restore(model.state())
    assert (again.embed(PROMPTS) == vectors).all()
    config.write_text(json.dumps(settings | {"time_step_limit": [0.0, float("nan")]}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="NaN is not finite"):
        read(path, GptConfig(), None, Run())


def test_tensors_that_are_renamed_keep_their_16_bits(folder):
    path, theirs = folder("mixtral", FAMILIES["mixtral"])
    theirs.half().save_pretrained(path)
    tensors = read(path, GptConfig(), None, Run()).state().tensors
    assert {tensor.dtype.name for tensor in tensors.values()} == {"float16"}


def test_tensors_that_are_renamed_are_checked_as_others_are(folder):
    path, _ = folder("mixtral", FAMILIES["mixtral"])
    text = (path / "config.json").read_text(encoding="utf-8")
    for old, new, match in (
        (
            '"num_hidden_layers": 2',
            '"num_hidden_layers": 1',
            "layers.1.*is none of the architecture 'mixtral'",
        ),
        ('"num_hidden_layers": 2', '"num_hidden_layers": 3', r"missing: model\.layers\.2"),
        ('"intermediate_size": 64', '"intermediate_size": 65', "shape"),
    ):
        assert old in text
        (path / "config.json").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(CheckpointError, match=match):
            read(path, GptConfig(), None, Run())


@pytest.mark.parametrize("family", ["bert-generation", "xlnet"])
def test_a_model_whose_tokens_see_what_comes_after_them_is_no_decoder(family, folder):
    settings = {"xlnet": {"vocab_size": 258, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64}}
    path, _ = folder(family, settings.get(family, LLAMA))
    with pytest.raises(UnsupportedError, match="sees those after it"):
        read(path, GptConfig(), None, Run())


def test_a_long_text_is_predicted_alike_where_no_keys_are_kept(folder):
    path, theirs = folder("rwkv", LLAMA)
    model = read(path, GptConfig(), None, Run())
    text = "the film was better " * 20
    ids = torch.tensor([model._encode(text)])
    with torch.inference_mode():
        scores = theirs(input_ids=ids).logits[0, :-1].float()
    loss = float(torch.nn.functional.cross_entropy(scores, ids[0, 1:]))
    assert model.perplexity([text])[0].loss == pytest.approx(loss, abs=1e-3)
