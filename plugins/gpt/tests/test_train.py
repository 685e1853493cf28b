"""GPT-2 from scratch: ``fit gpt``, and the model that it gives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from lexarium.errors import ConfigError, TrainingInterrupted
from lexarium.generation import GenerateConfig
from lexarium.roles import Run
from lexarium_gpt.config import GptConfig
from lexarium_gpt.embedder import Gpt
from lexarium_gpt.formats import read
from lexarium_gpt.train import fit
from lexarium_transformer import testing
from lexarium_transformer.formats import write_transformers
from lexarium_transformer.pretraining.training import CURVE
from lexarium_transformer.testing import TEXTS

SETTINGS = {**testing.SETTINGS, "max_steps": 30, "vocab_size": 320, "max_length": 32, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def fitted():
    return fit(TEXTS, GptConfig(**SETTINGS), Run())


def test_processes_of_torchrun_store_one_model_and_all_end_well(tmp_path):
    (tmp_path / "corpus.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    at = ("--master-addr", "127.0.0.1", "--master-port", port, "--nproc-per-node", "2")
    settings = {**SETTINGS, "max_steps": 4, "output_dir": tmp_path / "run", "device": "cpu"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", *at),
            *("-m", "lexarium", "fit", "gpt", "--corpus", tmp_path / "corpus.txt", "--name", "shared"),
            *(part for key, value in settings.items() for part in ("--set", f"{key}={value}")),
        ],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "LEXARIUM_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("stored shared@1: gpt, ")
    assert done.stdout.count("\n") == 1


def test_the_loss_falls_and_it_writes_and_comes_back(fitted):
    losses = [point["loss"] for point in json.loads(fitted.files[CURVE])["points"]]
    assert losses[-1] < losses[0] / 2
    again = Gpt.restore(fitted.state())
    six = GenerateConfig(max_new_tokens=6, min_new_tokens=6)
    written = again.generate(["The long film", "这部电影"], six)
    assert written == fitted.generate(["The long film", "这部电影"], six)
    assert [len(text.tokens) for text in written] == [6, 6]
    known, odd = again.perplexity([TEXTS[0], "zq xj 7 wv"])
    assert known.loss < odd.loss
    np.testing.assert_array_equal(again.embed(["the film"]), fitted.embed(["the film"]))
    assert (fitted.config.pooling, fitted.config.max_length) == ("last", 32)


def test_transformers_opens_it_and_writes_the_same(fitted, tmp_path):
    write_transformers(fitted, tmp_path / "out", Run())
    network = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    inputs = tokenizer("The long film", return_tensors="pt")
    found = network.generate(**inputs, max_new_tokens=6, do_sample=False)[0, inputs.input_ids.shape[1] :]
    assert fitted.generate(["The long film"], GenerateConfig(max_new_tokens=6))[0].tokens == tuple(
        found.tolist()
    )
    np.testing.assert_array_equal(
        read(tmp_path / "out", GptConfig(), None, Run()).embed(["电影"]), fitted.embed(["电影"])
    )


def test_letters_keep_their_case_unless_it_is_said_otherwise(fitted):
    assert (fitted.embed(["THE FILM"]) != fitted.embed(["the film"])).any()
    lower = fit(TEXTS, GptConfig(**{**SETTINGS, "max_steps": 1}, do_lower_case=True), Run())
    np.testing.assert_array_equal(lower.embed(["THE FILM"]), lower.embed(["the film"]))


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="extra"):
        fit(TEXTS, GptConfig(extra=("a",)), Run())
    with pytest.raises(ConfigError, match="max_steps"):
        GptConfig(max_steps=0)
    with pytest.raises(ConfigError, match="pooling"):
        GptConfig(pooling="cls")


def test_ctrl_c_carries_a_model_that_writes():
    def progress(what, done, total):
        if (what, done) == ("train", 15):
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as stop:
        fit(TEXTS, GptConfig(**SETTINGS), Run(progress=progress))
    assert stop.value.done == 0.5
    assert len(stop.value.model.generate(["The"], GenerateConfig(max_new_tokens=2))[0].tokens) == 2
