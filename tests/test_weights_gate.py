"""Weights of others pass the gate of core before a library reads them, whichever plugin opens the folder."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from lexarium.errors import CheckpointError
from lexarium.roles import Run

READERS = {"bert": ("bert", "BertConfig"), "gpt": ("gpt2", "GptConfig"), "t5": ("t5", "T5Config")}


def entry(begin, end, shape=(2,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


ONE = json.dumps(entry(0, 8))
HEADERS = {
    "a name twice": (f'{{"x":{ONE},"x":{ONE}}}', "the name 'x' stands twice"),
    "a key twice": (f'{{"x":{{"dtype":"F32",{ONE[1:]}}}', "the name 'dtype' stands twice"),
    "a hole": (json.dumps({"x": entry(4, 12)}), "overlaps another"),
    "an overlap": (json.dumps({"x": entry(0, 8), "y": entry(4, 12)}), "overlaps another"),
    "bytes of nobody": (json.dumps({"x": entry(0, 4, (1,))}), "bytes belong to no tensor"),
    "a rank of 2001": (json.dumps({"x": entry(0, 4, (1,) * 2001)}), "no usable shape"),
    "a shape beyond all": (json.dumps({"x": entry(0, 0, (0, 2**62))}), "impossible shape"),
    "a type that is none": (json.dumps({"x": entry(0, 8, (2,), "F128")}), "of the type 'F128'"),
    "a name with an escape": (json.dumps({"\x1b[31m": entry(0, 8)}), "not the name of a tensor"),
    "9 MiB of header": (ONE + " " * 9 * 2**20, "more than 8388608"),
}


@pytest.fixture(params=READERS)
def read(request):
    """Give a function that reads a folder, and the kind of model that its plugin takes."""
    method = request.param
    model_type, name = READERS[method]
    config = getattr(import_module(f"lexarium_{method}.config"), name)
    module = import_module(f"lexarium_{method}.formats")
    return model_type, lambda folder: module.read(folder, config(), None, Run())


def folder(path, model_type, header):
    (path / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    (path / "tokenizer.json").write_text("{}", encoding="utf-8")
    write(path / "model.safetensors", header)
    return path


def write(path, header):
    raw = header.encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(12))


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_refused_in_one_line_that_names_the_file(tmp_path, read, name):
    header, says = HEADERS[name]
    model_type, reader = read
    with pytest.raises(CheckpointError, match=says) as caught:
        reader(folder(tmp_path, model_type, header))
    assert "model.safetensors" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_shard_holds_the_tensors_that_the_index_says_and_no_others(tmp_path, read):
    model_type, reader = read
    path = folder(tmp_path, model_type, json.dumps({"x": entry(0, 8), "y": entry(8, 12, (1,))}))
    (path / "model.safetensors").rename(path / "a.safetensors")
    index = path / "model.safetensors.index.json"
    for names, says in (("x", "'y' stands in no line of the index"), ("xyz", "'z' is missing")):
        index.write_text(json.dumps({"weight_map": dict.fromkeys(names, "a.safetensors")}), encoding="utf-8")
        with pytest.raises(CheckpointError, match=says):
            reader(path)
