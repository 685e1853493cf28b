"""Folders of transformers and GGUF files: read, written, and refused where they are broken."""

from __future__ import annotations

import json
import struct

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from lexarium.errors import CheckpointError, ConfigError, InputError, LexariumError, UnsupportedError
from lexarium.generation import GenerateConfig
from lexarium.roles import Run
from lexarium_gpt.config import GptConfig
from lexarium_gpt.formats import read
from lexarium_gpt.gguf import check_gguf

TEXTS = ["the film was better", "这部电影", ""]
SHORT = GenerateConfig(max_new_tokens=6)


def edit(path, **changes):
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **changes}), encoding="utf-8")


def test_what_is_written_is_read_with_the_same_vectors_and_texts(checkpoint, tiny):
    model = read(checkpoint, GptConfig(normalize=True), None, Run())
    np.testing.assert_array_equal(model.embed(TEXTS), tiny.embed(TEXTS))
    assert model.generate(TEXTS, SHORT) == tiny.generate(TEXTS, SHORT)
    assert model.chat_prompt([{"role": "user", "content": "x"}]).startswith("<|im_start|>user")
    assert (model.config.pooling, model.config.max_length) == ("last", 256)


def test_the_folder_opens_in_transformers_with_the_same_states(checkpoint, tiny):
    ids = torch.tensor([AutoTokenizer.from_pretrained(checkpoint)("the film")["input_ids"]])
    with torch.inference_mode():
        states = AutoModelForCausalLM.from_pretrained(checkpoint).base_model(ids).last_hidden_state[0]
    ours = tiny.embed_tokens(["the film"]).values
    np.testing.assert_allclose(ours, states.numpy(), atol=1e-5)
    pooled = {
        "last": states[-1],
        "mean": states.mean(0),
    }
    for pooling, wanted in pooled.items():
        model = tiny.with_settings({"pooling": pooling, "normalize": False})
        np.testing.assert_allclose(model.embed(["the film"])[0], wanted.numpy(), atol=1e-5)


def test_echo_is_the_mean_over_the_second_time(checkpoint, tiny):
    ids = torch.tensor([AutoTokenizer.from_pretrained(checkpoint)("the film" * 2)["input_ids"]])
    with torch.inference_mode():
        states = AutoModelForCausalLM.from_pretrained(checkpoint).base_model(ids).last_hidden_state[0]
    model = tiny.with_settings({"pooling": "echo", "normalize": False})
    np.testing.assert_allclose(model.embed(["the film"])[0], states[8:].mean(0).numpy(), atol=1e-5)
    assert model.truncation(["x" * 200]).tokens == 200 - 128


def test_cls_is_no_pooling_of_a_decoder():
    with pytest.raises(ConfigError, match="'cls' is not one of last, mean, max, weighted, echo"):
        GptConfig(pooling="cls")


def test_gpt2_is_read_with_and_without_the_prefix_of_its_names(checkpoint, tiny):
    settings = GPT2Config(
        vocab_size=len(tiny.tokenizer._tokenizer.get_vocab()), n_positions=64, n_embd=32, n_layer=2, n_head=2
    )
    torch.manual_seed(0)
    network = GPT2LMHeadModel(settings).eval()
    network.save_pretrained(checkpoint)
    found = read(checkpoint, GptConfig(), None, Run())
    assert found.config.max_length == 64
    with pytest.raises(InputError, match="room for 63"):
        found.generate(["x" * 64])
    network.transformer.save_pretrained(checkpoint)
    again = read(checkpoint, GptConfig(), None, Run())
    np.testing.assert_array_equal(found.embed(TEXTS), again.embed(TEXTS))
    assert found.generate(TEXTS[:2], SHORT) == again.generate(TEXTS[:2], SHORT)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model_type": "bert"}, "lexarium import bert "),
        ({"model_type": "t5"}, "lexarium import t5 "),
        ({"model_type": "no-such-thing"}, "no decoder"),
        ({"auto_map": {"AutoModel": "evil.Model"}}, "'auto_map' names code"),
        ({"hidden_size": 48}, "shape"),
        ({"num_hidden_layers": 3}, r"missing: model\.layers\.2"),
        ({"num_hidden_layers": 1}, r"layers\.1.* is none of the architecture"),
    ],
    ids=str,
)
def test_a_config_of_something_else_is_refused(checkpoint, changes, match):
    edit(checkpoint / "config.json", **changes)
    with pytest.raises(LexariumError, match=match):
        read(checkpoint, GptConfig(), None, Run())


def test_a_checkpoint_without_its_head_gives_vectors_and_writes_nothing(checkpoint, change_tensors, tiny):
    edit(checkpoint / "config.json", tie_word_embeddings=False)
    model = read(checkpoint, GptConfig(normalize=True), None, Run())
    np.testing.assert_allclose(model.embed(TEXTS), tiny.embed(TEXTS), atol=1e-6)
    assert model.state().tensors.keys() == {n.removeprefix("model.") for n in tiny.state().tensors}
    with pytest.raises(UnsupportedError, match="came without the head"):
        model.generate(["x"])


def test_broken_weights_are_refused(checkpoint, change_tensors):
    change_tensors(lambda t: t["model.norm.weight"].__setitem__(0, np.nan))
    with pytest.raises(CheckpointError, match=r"'model\.norm\.weight' holds NaN"):
        read(checkpoint, GptConfig(), None, Run())
    change_tensors(lambda t: t.update({"model.norm.weight": np.ones(7, np.float32)}))
    with pytest.raises(CheckpointError, match="shape"):
        read(checkpoint, GptConfig(), None, Run())
    change_tensors(lambda t: t.pop("model.norm.weight"))
    with pytest.raises(CheckpointError, match=r"missing: model\.norm\.weight"):
        read(checkpoint, GptConfig(), None, Run())


class TestGguf:
    @pytest.fixture
    def file(self, tmp_path):
        writer = gguf.GGUFWriter(tmp_path / "model.gguf", "llama")
        writer.add_block_count(1)
        writer.add_embedding_length(32)
        writer.add_array("tokenizer.ggml.tokens", ["a", "b", "电影"])
        writer.add_array("some.numbers", [1, 2, 3])
        writer.add_float32("some.float", 1.5)
        writer.add_tensor("first", np.ones((4, 32), np.float32))
        writer.add_tensor("second", np.ones((2, 32), np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return tmp_path / "model.gguf"

    def test_a_whole_header_gives_the_number_of_weights(self, file):
        assert check_gguf(file) == 4 * 32 + 2 * 32

    def test_cut_short_anywhere_it_is_one_clear_line(self, file):
        whole = file.read_bytes()
        for size in range(len(whole)):
            file.write_bytes(whole[:size])
            with pytest.raises(CheckpointError, match=r"cut short|no GGUF file") as error:
                check_gguf(file)
            assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("at", "form", "value", "match"),
        [
            (0, "4s", b"GGML", "no GGUF file"),
            (4, "I", 1, "of version 1"),
            (8, "Q", 2**40, "header is damaged"),
            (8, "Q", 0, "header is damaged"),
            (16, "Q", 2**50, "header is damaged"),
            (24, "Q", 2**60, "header is damaged"),
        ],
        ids=str,
    )
    def test_a_damaged_header_is_refused(self, file, at, form, value, match):
        raw = bytearray(file.read_bytes())
        struct.pack_into(f"<{form}", raw, at, value)
        file.write_bytes(raw)
        with pytest.raises(CheckpointError, match=match):
            check_gguf(file)

    def test_any_changed_byte_is_read_or_refused(self, file):
        whole = file.read_bytes()
        for at in range(len(whole) - 32 * 12):
            raw = bytearray(whole)
            raw[at] ^= 0xFF
            file.write_bytes(raw)
            try:
                check_gguf(file)
            except CheckpointError as error:
                assert "\n" not in str(error)  # noqa: PT017  either is right

    def test_a_whole_header_around_no_model_is_refused(self, file):
        with pytest.raises(CheckpointError, match=r"transformers cannot read it|tensors are missing"):
            read(file, GptConfig(), None, Run())

    def test_there_is_no_such_file(self, tmp_path):
        with pytest.raises(InputError, match="no such"):
            read(tmp_path / "none.gguf", GptConfig(), None, Run())
