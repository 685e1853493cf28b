"""Folders of transformers and sentence-transformers: read, written, and refused where they are broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from lexarium.config import from_mapping, parse_settings
from lexarium.errors import CheckpointError, ConfigError, InputError, LexariumError, UnsupportedError
from lexarium.roles import Run
from lexarium_bert.config import BertConfig
from lexarium_bert.embedder import Bert
from lexarium_bert.formats import read
from lexarium_transformer.formats import write_sentence_transformers, write_transformers

TEXTS = ["the film was better", "这部电影", ""]


def edit(path, **changes):
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **changes}), encoding="utf-8")


def test_what_is_written_is_read_with_the_same_vectors_and_settings(checkpoint):
    model, tiny = read(checkpoint, BertConfig(), None, Run()), Bert.tiny()
    np.testing.assert_array_equal(model.embed(TEXTS), tiny.embed(TEXTS))
    assert model.config == tiny.config
    assert sorted(p.name for p in checkpoint.iterdir()) == [
        "1_Pooling", "config.json", "config_sentence_transformers.json", "model.safetensors", "modules.json",
        "sentence_bert_config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip


def test_a_setting_of_the_user_goes_before_the_folders(checkpoint):
    model = read(checkpoint, BertConfig(pooling="cls", normalize=False, max_length=9), None, Run())
    assert (model.config.pooling, model.config.normalize, model.config.max_length) == ("cls", False, 9)
    assert not model.space.normalized


def test_a_plain_folder_is_mean_pooled_and_not_normalised(tmp_path):
    write_transformers(Bert.tiny(), tmp_path / "plain", Run())
    assert not (tmp_path / "plain" / "modules.json").exists()
    model = read(tmp_path / "plain", BertConfig(), None, Run())
    assert (model.config.pooling, model.config.normalize, model.config.max_length) == ("mean", False, 64)


def test_the_length_of_sentence_transformers_goes_before_that_of_the_tokenizer(checkpoint):
    for name, key, value in (
        ("sentence_bert_config.json", "max_seq_length", 40),
        ("tokenizer_config.json", "model_max_length", 16),
    ):
        stated = json.loads((checkpoint / name).read_text(encoding="utf-8"))
        (checkpoint / name).write_text(json.dumps({**stated, key: value}), encoding="utf-8")
    assert read(checkpoint, BertConfig(), None, Run()).config.max_length == 40
    (checkpoint / "modules.json").unlink()
    assert read(checkpoint, BertConfig(), None, Run()).config.max_length == 16


def test_settings_that_sentence_transformers_lacks_are_not_exported_to_it(tmp_path):
    model = Bert.tiny().with_settings({"layers": [-1, -2]})
    with pytest.raises(UnsupportedError, match="mix of layers"):
        write_sentence_transformers(model, tmp_path / "out", Run())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("normalize", [False, True])
def test_a_cut_dimension_is_read_and_written_and_cuts_as_in_sentence_transformers(
    checkpoint, tmp_path, caplog, normalize
):
    library = pytest.importorskip("sentence_transformers").SentenceTransformer
    edit(checkpoint / "config_sentence_transformers.json", truncate_dim=8)
    model = read(checkpoint, BertConfig(normalize=normalize), None, Run())
    assert caplog.messages == []
    write_sentence_transformers(model, tmp_path / "out", Run())
    ours, theirs = model.embed(TEXTS), library(str(tmp_path / "out"), device="cpu").encode(TEXTS)
    assert ours.shape == theirs.shape == (3, 8)
    if normalize:  # there, rows are cut after they were made 1 long
        theirs = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    whole = model.with_settings({"truncate_dim": None})
    assert whole.embed(TEXTS).shape == (3, 32)


@pytest.mark.parametrize("dim", [0, -1, 8.0, "8", True])
def test_a_cut_dimension_that_is_no_number_is_refused(checkpoint, dim):
    edit(checkpoint / "config_sentence_transformers.json", truncate_dim=dim)
    with pytest.raises(CheckpointError, match=r"config_sentence_transformers\.json: 'truncate_dim'"):
        read(checkpoint, BertConfig(), None, Run())


def test_a_prompt_that_the_model_lacks_is_said_with_those_that_it_has():
    tiny = Bert.tiny().with_settings({"prompts": {}})
    with pytest.raises(ConfigError, match=r"no prompt 'query'; it has none; give it one: --set 'prompts="):
        tiny.with_settings({"default_prompt": "query"})
    typed = parse_settings(["default_prompt=query", 'prompts={"query": "query: "}'])
    prompted = tiny.with_settings(typed)
    np.testing.assert_array_equal(prompted.embed(["film"]), tiny.embed(["query: film"]))
    with pytest.raises(ConfigError, match="no prompt 'q'; it has query"):
        prompted.with_settings({"default_prompt": "q"})


def test_there_is_no_folder_or_it_is_a_file(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"/empty: there is no config\.json; give a folder"):
        read(tmp_path / "empty", BertConfig(), None, Run())
    with pytest.raises(InputError, match="no such folder"):
        read(tmp_path / "none", BertConfig(), None, Run())
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        read(tmp_path / "file", BertConfig(), None, Run())


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_a_checkpoint_is_never_run(checkpoint, name):
    edit(checkpoint / name, auto_map={"AutoModel": "evil.Model"})
    with pytest.raises(CheckpointError, match="'auto_map' names code"):
        read(checkpoint, BertConfig(), None, Run())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model_type": "gpt2"}, "lexarium import gpt "),
        ({"model_type": "t5"}, "lexarium import t5 "),
        ({"model_type": "no-such-thing"}, "no encoder"),
        ({"model_type": "mra"}, "'mra' is not read: transformers fetches and builds a program"),
        ({"position_embedding_type": "relative_key"}, "is 'relative_key', and transformers knows 'absolute'"),
        ({"is_decoder": True}, "says 'is_decoder': .*lexarium import gpt "),
        ({"model_type": None}, "model_type"),
        ({"num_hidden_layers": 10**9}, "more than 1000"),
        ({"hidden_size": 48}, "shape"),
        ({"num_hidden_layers": 3}, "missing: encoder.layer.2"),
        ({"num_hidden_layers": 1}, "encoder.layer.1.* is none of the architecture"),
        ({"vocab_size": 10}, "word_embeddings.*shape"),
    ],
    ids=str,
)
def test_a_config_of_something_else_is_refused(checkpoint, changes, match):
    edit(checkpoint / "config.json", **changes)
    with pytest.raises(LexariumError, match=match):
        read(checkpoint, BertConfig(), None, Run())


def test_relative_positions_are_refused_by_name_and_not_by_their_tensors(checkpoint, change_tensors):
    edit(checkpoint / "config.json", position_embedding_type="relative_key")
    name = "encoder.layer.0.attention.self.distance_embedding.weight"
    change_tensors(lambda tensors: tensors.update({name: np.ones((9, 8), np.float32)}))
    with pytest.raises(UnsupportedError, match="'relative_key', and transformers knows 'absolute'"):
        read(checkpoint, BertConfig(), None, Run())


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"model_type": NaN}', b'{"a": 1, "a": 2}', b"\xff" * 9])
def test_a_config_that_is_no_json_is_refused(checkpoint, raw):
    (checkpoint / "config.json").write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"config.json"):
        read(checkpoint, BertConfig(), None, Run())


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"version": "1.0", "model": {"type": "WordPiece"}}', b"\xff" * 9]
)
def test_a_tokenizer_that_is_none_is_refused(checkpoint, raw):
    (checkpoint / "tokenizer.json").write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: is no tokenizer"):
        read(checkpoint, BertConfig(), None, Run())


def test_a_tokenizer_of_another_model_is_refused(checkpoint, change_tensors):
    edit(checkpoint / "config.json", vocab_size=50)
    change_tensors(
        lambda t: t.update({"embeddings.word_embeddings.weight": t["embeddings.word_embeddings.weight"][:50]})
    )
    with pytest.raises(CheckpointError, match=r"/checkpoint: .*another model's"):
        read(checkpoint, BertConfig(), None, Run())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_refused(checkpoint, change_tensors, value):
    name = "encoder.layer.0.output.dense.weight"
    change_tensors(lambda t: t[name].__setitem__((0, 0), value))
    with pytest.raises(CheckpointError, match=f"{name}.*NaN or infinity"):
        read(checkpoint, BertConfig(), None, Run())


def test_a_missing_and_an_unknown_tensor_are_named(checkpoint, change_tensors):
    change_tensors(lambda t: t.update(surprise=np.zeros(3, np.float32)))
    with pytest.raises(CheckpointError, match="'surprise' is none"):
        read(checkpoint, BertConfig(), None, Run())
    change_tensors(lambda t: (t.pop("surprise"), t.pop("embeddings.LayerNorm.weight")))
    with pytest.raises(CheckpointError, match=r"/checkpoint: .*missing: embeddings\.LayerNorm\.weight"):
        read(checkpoint, BertConfig(), None, Run())


def test_heads_that_no_vector_needs_are_left_out_and_a_pooler_is_kept(checkpoint, change_tensors):
    more = {
        "classifier.weight": np.ones((2, 32), np.float32),
        "embeddings.position_ids": np.arange(64)[None],
        "pooler.dense.weight": np.ones((32, 32), np.float32),
        "pooler.dense.bias": np.ones(32, np.float32),
    }
    change_tensors(lambda t: t.update(more))
    model = read(checkpoint, BertConfig(), None, Run())
    assert model.config.extra == ("pooler.dense.bias", "pooler.dense.weight")
    assert "classifier.weight" not in model.tensors
    assert "embeddings.position_ids" not in model.tensors
    np.testing.assert_array_equal(model.embed(TEXTS), Bert.tiny().embed(TEXTS))


def test_weights_in_pickles_are_refused(checkpoint):
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin, which may run code.*save_pretrained"):
        read(checkpoint, BertConfig(), None, Run())


def test_weights_cut_short_are_refused(checkpoint):
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CheckpointError, match="cut short"):
        read(checkpoint, BertConfig(), None, Run())


def test_shards_are_joined_and_a_missing_one_is_named(checkpoint):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(checkpoint / "model.safetensors")
    (checkpoint / "model.safetensors").unlink()
    halves = {"a.safetensors": sorted(tensors)[::2], "b.safetensors": sorted(tensors)[1::2]}
    for shard, names in halves.items():
        save_file({name: tensors[name] for name in names}, checkpoint / shard, {"format": "pt"})
    where = {name: shard for shard, names in halves.items() for name in names}
    index = checkpoint / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": where}), encoding="utf-8")
    model = read(checkpoint, BertConfig(), None, Run())
    np.testing.assert_array_equal(model.embed(TEXTS), Bert.tiny().embed(TEXTS))
    (checkpoint / "b.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"the shard b\.safetensors is missing"):
        read(checkpoint, BertConfig(), None, Run())
    index.write_text(json.dumps({"weight_map": dict.fromkeys(where, "../a.safetensors")}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="not the name of a shard"):
        read(checkpoint, BertConfig(), None, Run())


def test_a_vocabulary_alone_becomes_a_tokenizer(checkpoint):
    vocabulary = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (checkpoint / "tokenizer.json").unlink()
    (checkpoint / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    model = read(checkpoint, BertConfig(), None, Run())
    np.testing.assert_array_equal(model.embed(TEXTS), Bert.tiny().embed(TEXTS))
    (checkpoint / "vocab.txt").unlink()
    with pytest.raises(CheckpointError, match=r"no tokenizer: no tokenizer\.json and no vocabulary"):
        read(checkpoint, BertConfig(), None, Run())


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ([{"path": "", "type": "x.Transformer"}, {"path": "2_Dense", "type": "x.Dense"}], "'x.Dense'"),
        ([{"path": "0_T", "type": "x.Transformer"}], "'0_T'"),
        ([{"path": "", "type": "x.Transformer"}, {"path": "../x", "type": "x.Pooling"}], "not a folder in"),
        ({"type": "x"}, "not a list"),
    ],
    ids=str,
)
def test_a_step_that_is_not_known_is_refused(checkpoint, steps, match):
    (checkpoint / "modules.json").write_text(json.dumps(steps), encoding="utf-8")
    with pytest.raises(LexariumError, match=match):
        read(checkpoint, BertConfig(), None, Run())


def test_two_poolings_at_once_are_refused(checkpoint):
    edit(checkpoint / "1_Pooling" / "config.json", pooling_mode_cls_token=True)
    with pytest.raises(UnsupportedError, match="cls and mean"):
        read(checkpoint, BertConfig(), None, Run())


def test_settings_that_do_not_fit_are_refused(checkpoint):
    for settings, key in ({"max_length": 65}, "max_length"), ({"layers": (3,)}, "layers"), (
        {"truncate_dim": 33}, "truncate_dim"
    ), ({"max_length": 2}, "max_length"), ({"extra": ("a",)}, "extra"):  # fmt: skip
        with pytest.raises(ConfigError, match=key):
            read(checkpoint, BertConfig(**settings), None, Run())


def test_a_dimension_is_warned_about_only_where_it_is_possible(checkpoint, caplog):
    with pytest.raises(ConfigError, match="truncate_dim: 33 is more than the 32"):
        read(checkpoint, BertConfig(truncate_dim=33), None, Run())
    with pytest.raises(ConfigError, match="truncate_dim: 33 is more than the 32"):
        Bert.tiny().with_settings({"truncate_dim": 33})
    assert caplog.messages == []
    read(checkpoint, BertConfig(truncate_dim=8), None, Run())
    Bert.tiny().with_settings({"truncate_dim": 8})
    assert (
        caplog.messages
        == ["truncate_dim=8: the checkpoint says that it was trained for no shorter vectors"] * 2
    )


def test_only_what_an_encoder_can_pool_by_is_offered():
    with pytest.raises(
        ConfigError, match="'echo' is not 'cls' or 'mean' or 'max' or 'last' or 'weighted' or none"
    ):
        from_mapping(BertConfig, {"pooling": "echo"})


def test_a_gguf_file_is_sent_to_gpt(tmp_path):
    (tmp_path / "a.gguf").touch()
    with pytest.raises(InputError, match=r"type: lexarium import gpt .*a\.gguf"):
        read(tmp_path / "a.gguf", BertConfig(), None, Run())


BROKEN = {
    "no config": lambda path: (path / "config.json").unlink(),
    "its own code": lambda path: edit(path / "config.json", auto_map={"AutoModel": "a.B"}),
    "no tokenizer": lambda path: (path / "tokenizer.json").unlink(),
    "no weights": lambda path: (path / "model.safetensors").unlink(),
    "weights cut short": lambda path: os.truncate(path / "model.safetensors", 5_000),
    "a step that is not known": lambda path: (path / "modules.json").write_text('[{"type": "Dense"}]'),
}


def test_what_headers_tell_is_refused_before_torch_is_imported(checkpoint, tmp_path):
    folders = []
    for number, damage in enumerate(BROKEN.values()):
        folders.append(tmp_path / str(number))
        shutil.copytree(checkpoint, folders[-1])
        damage(folders[-1])
    done = subprocess.run(
        [sys.executable, "-c", _REFUSED, *map(str, folders)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {"refused": len(BROKEN), "heavy": []}


_REFUSED = """
import json, sys
from pathlib import Path
from lexarium.errors import LexariumError
from lexarium.roles import Run
from lexarium_bert.config import BertConfig
from lexarium_bert.formats import read
refused = 0
for folder in sys.argv[1:]:
    try:
        read(Path(folder), BertConfig(), None, Run())
    except LexariumError:
        refused += 1
heavy = sorted({"torch", "transformers"} & set(sys.modules))
print(json.dumps({"refused": refused, "heavy": heavy}))
"""


def test_a_corpus_is_refused(checkpoint):
    with pytest.raises(UnsupportedError, match="--corpus"):
        read(checkpoint, BertConfig(), ["a"], Run())
