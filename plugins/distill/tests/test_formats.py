from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lexarium.errors import CheckpointError, InputError, LexariumError, UnsupportedError
from lexarium.roles import Run
from lexarium_distill.config import StaticModelConfig
from lexarium_distill.embedder import Static
from lexarium_distill.formats import read, write

TEXTS = ["The film was better than the book.", "这部电影比原著好看。", "", "qwx this"]


def opened(folder, **settings):
    return read(folder, StaticModelConfig(**settings), None, Run())


def change(path, **keys):
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def test_written_and_read_it_is_the_same(folder):
    model = opened(folder)
    assert model.config == Static.tiny().config
    assert np.array_equal(model.embed(TEXTS), Static.tiny().embed(TEXTS))


def test_a_folder_says_the_settings_and_the_user_changes_them(folder):
    change(folder / "config.json", normalize=False, max_length=3)
    assert opened(folder).config == StaticModelConfig(normalize=False, max_length=3, skip_unknown=True)
    assert opened(folder, normalize=True, max_length="all").config == Static.tiny().config
    (folder / "config.json").write_text("{}")
    assert opened(folder).config == StaticModelConfig(normalize=False, max_length=512, skip_unknown=True)


def test_only_so_many_tokens_count(folder):
    change(folder / "config.json", max_length=2)
    model = opened(folder)
    assert np.array_equal(model.embed(["电影好"]), model.embed(["电影"]))
    assert not np.array_equal(model.embed(["电影"]), model.embed(["电"]))


def test_rows_are_looked_up_and_weighed_where_the_folder_says_so(folder):
    path = folder / "model.safetensors"
    vectors = load_file(path)["embeddings"]
    mapping = np.arange(len(vectors), dtype=np.int64) % 7
    weights = np.linspace(1, 2, len(vectors)).astype(np.float32)
    save_file({"embeddings": vectors[:7].astype(np.float16), "mapping": mapping, "weights": weights}, path)
    expected = vectors[:7].astype(np.float16).astype(np.float32)[mapping] * weights[:, None]
    np.testing.assert_array_equal(opened(folder).vectors, expected)


def test_sentence_transformers_counts_unknown_tokens_and_says_in_its_steps_whether_it_normalises(folder):
    inner = folder / "0_StaticEmbedding"
    inner.mkdir()
    vectors = load_file(folder / "model.safetensors")["embeddings"]
    vectors[0] = 1
    save_file({"embedding.weight": vectors}, inner / "model.safetensors")
    shutil.move(folder / "tokenizer.json", inner)
    model = opened(folder)
    assert model.config == StaticModelConfig(normalize=True, max_length="all", skip_unknown=False)
    assert model.embed(["qwx"]).any()
    steps = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(steps[:1]))
    assert not opened(folder).config.normalize
    with pytest.raises(UnsupportedError, match="leaves unknown tokens out"):
        write(model, folder / "out", Run())
    (folder / "modules.json").write_text(json.dumps([*steps, {"type": "a.Dense"}]))
    with pytest.raises(UnsupportedError, match="Dense"):
        opened(folder)


def test_ids_beyond_the_vectors_and_vectors_beyond_the_ids(folder):
    path = folder / "model.safetensors"
    vectors = load_file(path)["embeddings"]
    save_file({"embeddings": np.concatenate([vectors, vectors])}, path)
    assert np.array_equal(opened(folder).vectors, vectors)
    save_file({"embeddings": vectors[:-1]}, path)
    with pytest.raises(CheckpointError, match=r"take the tokenizer\.json that came with the vectors"):
        opened(folder)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"weight": np.zeros((60, 2), np.float32)}, "lexarium import bert"),
        ({"embeddings": np.zeros(60, np.float32)}, "no matrix of numbers"),
        ({"embeddings": np.zeros((0, 8), np.float32)}, "no matrix of numbers"),
        ({"embeddings": np.full((60, 2), np.nan, np.float32)}, "NaN"),
        ({"embeddings": np.zeros((2, 2), np.float32), "mapping": np.full(60, 2)}, "names rows"),
        ({"embeddings": np.zeros((2, 2), np.float32), "mapping": np.full(60, -1)}, "names rows"),
        ({"embeddings": np.zeros((2, 2), np.float32), "mapping": np.zeros(60)}, "'mapping' is float64"),
        ({"embeddings": np.zeros((60, 2), np.float32), "weights": np.ones(2)}, "2 weights for 60"),
    ],
)
def test_tensors_that_are_not_what_they_should_be_are_named(folder, tensors, says):
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=says):
        opened(folder)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("config.json", b"[]", "is not a JSON object"),
        ("config.json", b"{", "not JSON"),
        ("config.json", b'{"normalize": 1}', "'normalize' is 1"),
        ("config.json", b'{"max_length": 0}', "'max_length' is 0"),
        ("config.json", b" " * (4 * 2**20 + 1), "more than"),
        ("tokenizer.json", b"{}", "is no tokenizer"),
        ("model.safetensors", b"\x80" * 20, "cut short"),
    ],
)
def test_a_damaged_file_is_a_checkpoint_error(folder, name, content, says):
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=says) as caught:
        opened(folder)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        opened(folder)


def test_no_folder_and_a_corpus_are_refused(tmp_path, folder):
    with pytest.raises(InputError, match="no such folder"):
        opened(tmp_path / "none")
    with pytest.raises(InputError, match="it is a file"):
        opened(folder / "config.json")
    with pytest.raises(UnsupportedError, match="corpus"):
        read(folder, StaticModelConfig(), ["a text"], Run())


def test_nothing_half_written_stays_where_writing_fails(folder):
    with pytest.raises((OSError, LexariumError)):
        write(Static.tiny(), folder / "no" / "folder", Run())
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "modules.json",
        "tokenizer.json",
    ]
