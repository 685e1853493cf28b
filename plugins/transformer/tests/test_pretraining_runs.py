"""Whole runs of pretraining: they learn, go on after a kill, stop on Ctrl-C, and share work."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from transformers import BertForMaskedLM

from lexarium.errors import ConfigError, DataError, TrainingInterrupted
from lexarium.roles import Run
from lexarium_transformer.pretraining import sizes
from lexarium_transformer.pretraining.causal import Causal
from lexarium_transformer.pretraining.config import MaskedConfig, PretrainingConfig, SpanConfig
from lexarium_transformer.pretraining.masked import Masked
from lexarium_transformer.pretraining.run_folder import COMPLETE, last_checkpoint
from lexarium_transformer.pretraining.sizes import Outline
from lexarium_transformer.pretraining.spans import Spans
from lexarium_transformer.pretraining.training import CURVE
from lexarium_transformer.testing import TEXTS

SCRIPT = str(Path(__file__).with_name("pretraining_run.py"))
_SHARED = run_path(SCRIPT)
OBJECTIVES, small_run = (_SHARED[name] for name in ("OBJECTIVES", "small_run"))
OUTLINE = Outline(max_length=None, lowercase=True, device="cpu")


def curve(found):
    return json.loads(found.files[CURVE] if hasattr(found, "files") else (found / CURVE).read_bytes())


def process(folder, kind, out, *at, dropout=0.0, command=(sys.executable,)):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [*command, SCRIPT, str(folder), kind, str(out), str(dropout), *map(str, at)]
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, env=environment, timeout=300
    )


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_a_run_lowers_the_loss_and_says_how_far_it_is(kind, capfd):
    told = []
    found = small_run(kind, run=Run(progress=lambda *report: told.append(report)))
    points = curve(found)["points"]
    assert [point["step"] for point in points] == [1, 4, 8, 12, 16, 20, 24]
    assert points[-1]["loss"] < points[0]["loss"] - 0.7
    assert [report[1:] for report in told if report[0] == "train"] == [(i, 24) for i in range(1, 25)]
    assert capfd.readouterr().out == ""
    assert json.loads(found.files["config.json"])["vocab_size"] <= 400
    assert found.max_length == 16


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_transformers_opens_what_a_run_gives(kind, tmp_path):
    import transformers
    from safetensors.numpy import save_file

    found = small_run(kind, max_steps=1)
    for name, raw in found.files.items():
        (tmp_path / name).write_bytes(raw)
    save_file(dict(found.tensors), tmp_path / "model.safetensors", {"format": "pt"})
    described = json.loads(found.files["config.json"])
    cls = getattr(transformers, described["architectures"][0])
    model, report = cls.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    for name, tensor in model.state_dict().items():
        if name in found.tensors:
            np.testing.assert_array_equal(tensor.numpy(), found.tensors[name])
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    text = "the long film 电影"
    assert (
        tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).split()[:3] == text.split()[:3]
    )
    dropouts = {key: value for key, value in described.items() if "drop" in key and "classifier" not in key}
    assert set(dropouts.values()) == {0.1}


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    runs = [small_run("masked", run=Run(seed=seed), max_steps=3, dropout=0.1) for seed in (5, 5, 6)]
    same = [
        all(np.array_equal(runs[0].tensors[name], other.tensors[name]) for name in other.tensors)
        for other in runs[1:]
    ]
    assert same == [True, False]


def test_what_is_global_is_left_as_it_was():
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    threads = torch.get_num_threads()
    before = (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    small_run("causal", max_steps=1, run=Run(threads=threads + 1))
    after = (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    assert before == after
    assert torch.get_num_threads() == threads


def test_a_run_that_was_killed_goes_on_with_the_same_losses(tmp_path):
    kind = "masked"
    whole = process(tmp_path / "whole", kind, tmp_path / "a", dropout=0.1)
    assert whole.returncode == 0, whole.stderr
    killed = process(tmp_path / "run", kind, tmp_path / "b", 13, dropout=0.1)
    assert killed.returncode == -signal.SIGKILL
    assert last_checkpoint(tmp_path / "run").name == "checkpoint-8"
    resumed = process(tmp_path / "run", kind, tmp_path / "b", dropout=0.1)
    assert resumed.returncode == 0, resumed.stderr
    assert curve(tmp_path / "a") == curve(tmp_path / "b")
    first, second = (np.load(tmp_path / name / "tensors.npz") for name in "ab")
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name])
    checkpoint = last_checkpoint(tmp_path / "run")
    assert checkpoint.name == "checkpoint-24"
    assert not (checkpoint / "training_args.bin").exists()
    with safe_open(checkpoint / "model.safetensors", framework="np") as file:
        assert len(file.keys()) > 10


def test_two_processes_share_a_run_and_give_what_one_gives(tmp_path):
    alone = process(tmp_path / "one", "causal", tmp_path / "a")
    assert alone.returncode == 0, alone.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    at = ("--master-addr", "127.0.0.1", "--master-port", port, "--nproc-per-node", "2")
    torchrun = (sys.executable, "-m", "torch.distributed.run", *at)
    both = process(tmp_path / "two", "causal", tmp_path / "b", command=torchrun)
    assert both.returncode == 0, both.stderr
    found = [[point["loss"] for point in curve(tmp_path / name)["points"]] for name in "ab"]
    np.testing.assert_allclose(*found, rtol=1e-4)  # sums of floats in another order
    first, second = (np.load(tmp_path / name / "tensors.npz") for name in "ab")
    for name in first.files:
        np.testing.assert_allclose(first[name], second[name], atol=1e-3)


def test_a_checkpoint_that_was_not_finished_is_passed_over(tmp_path):
    for step, complete in ((8, True), (16, True), (24, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if complete:
            (tmp_path / f"checkpoint-{step}" / COMPLETE).touch()
    (tmp_path / "checkpoint-x").mkdir()
    assert last_checkpoint(tmp_path).name == "checkpoint-16"


def test_ctrl_c_gives_the_model_as_far_as_it_has_come():
    def progress(what, done, total):
        if what == "train" and done == 6:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted, match="25% of it was done") as stop:
        small_run("masked", run=Run(progress=progress))
    assert stop.value.done == 0.25
    assert curve(stop.value.model)["steps"] == 6
    fresh = small_run("masked", max_steps=1)
    name = "bert.embeddings.word_embeddings.weight"
    assert (fresh.tensors[name] != stop.value.model.tensors[name]).any()


def test_ctrl_c_before_the_first_step_has_nothing_to_keep():
    def progress(what, done, total):
        if what == "tokenize":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stop:
        small_run("masked", run=Run(progress=progress))
    assert not isinstance(stop.value, TrainingInterrupted)


def test_a_folder_with_another_run_or_with_something_else_is_refused(tmp_path):
    folder = str(tmp_path / "run")
    small_run("causal", max_steps=2, output_dir=folder)
    for changed, said in (({"weight_decay": 0.5}, "weight_decay"), ({"texts": TEXTS[:-1]}, "another corpus")):
        with pytest.raises(ConfigError, match=said):
            small_run("causal", **{"max_steps": 2, "output_dir": folder, **changed})
    with pytest.raises(ConfigError, match="another seed"):
        small_run("causal", max_steps=2, output_dir=folder, run=Run(seed=1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    with pytest.raises(ConfigError, match="holds no run"):
        small_run("causal", output_dir=str(tmp_path / "mine"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_several_processes_need_a_folder(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="2 processes need a folder"):
        small_run("masked")


@pytest.mark.parametrize("kind", OBJECTIVES)
@pytest.mark.parametrize("texts", [[], [" "], ["word"]], ids=["empty", "blank", "one word"])
def test_a_corpus_with_nothing_to_learn_from_is_one_clear_line(kind, texts):
    with pytest.raises(DataError):
        small_run(kind, texts)


def test_chinese_alone_is_learned():
    texts = [
        f"这部电影比那本书{how}，{what}很难忘。"
        for how in ("好看", "难懂", "有趣")
        for what in "国王女孩结局"
    ] * 8
    for kind in OBJECTIVES:
        points = curve(small_run(kind, texts))["points"]
        assert points[-1]["loss"] < points[0]["loss"] - 0.1


def test_weights_that_are_tied_stand_once_and_untied_ones_twice():
    for kind, name in (("masked", "cls.predictions.decoder.weight"), ("causal", "lm_head.weight")):
        assert name not in small_run(kind, max_steps=1).tensors
        assert name in small_run(kind, max_steps=1, tie_word_embeddings=False).tensors
    assert "lm_head.weight" not in small_run("spans", max_steps=1).tensors
    with pytest.raises(ConfigError, match="tie_word_embeddings"):
        small_run("spans", tie_word_embeddings=False)


def test_brain_floats_train_and_half_floats_want_a_gpu():
    points = curve(small_run("causal", precision="bf16"))["points"]
    assert points[-1]["loss"] < points[0]["loss"] - 0.7
    with pytest.raises(ConfigError, match="fp16 needs a GPU"):
        small_run("causal", precision="fp16")


def test_a_run_that_diverges_is_said():
    with pytest.raises(DataError, match="diverged in step"):
        small_run("causal", learning_rate=1e30, max_grad_norm=1e30, warmup_steps=0)


def test_steps_come_from_epochs_and_warm_up_from_its_ratio():
    found = curve(small_run("causal", max_steps=None, num_train_epochs=2, logging_steps=1, warmup_ratio=0.5))
    rates = [point["learning_rate"] for point in found["points"]]
    assert found["of"] == found["steps"] == len(rates)
    assert int(np.argmax(rates)) == round(found["of"] * 0.5)
    assert max(rates) == 3e-3
    half = curve(small_run("causal", max_steps=None, num_train_epochs=1, gradient_accumulation_steps=2))
    assert half["of"] == pytest.approx(found["of"] / 4, abs=1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dropout", 1.0),
        ("max_steps", 0),
        ("learning_rate", 0.0),
        ("vocab_size", 7),
        ("num_train_epochs", 0.0),
    ],
)
def test_settings_out_of_range_are_refused(key, value):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        PretrainingConfig(**{key: value})


def test_settings_of_spans_are_checked():
    with pytest.raises(ConfigError, match="noise_density"):
        SpanConfig(noise_density=1.0)
    with pytest.raises(ConfigError, match="mean_noise_span_length"):
        SpanConfig(mean_noise_span_length=0.5)


class _Vocabulary:
    def __init__(self, size):
        self._size = size

    def get_vocab_size(self):
        return self._size

    def token_to_id(self, token):
        return 0


def test_bert_scores_masked_tokens_alone_and_its_loss_is_transformers_own():
    chosen = sizes.plan(MaskedConfig(), OBJECTIVES["masked"].sizes, OUTLINE, 0)
    network = OBJECTIVES["masked"].network(_Vocabulary(400), chosen).eval()
    seen = []
    network.cls.register_forward_hook(lambda *parts: seen.append(parts[-1].shape))
    ids = torch.arange(5, 53).reshape(3, 16)
    labels = torch.where(ids % 7 == 0, ids, -100)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    loss = network(**batch)["loss"].item()
    assert seen == [((labels != -100).sum(), 400)]
    assert loss == pytest.approx(BertForMaskedLM.forward(network, **batch).loss.item(), rel=1e-6)


def test_an_update_of_t5_is_a_share_of_a_tensors_size():
    settings = {"learning_rate": 0.1, "warmup_steps": 0, "lr_scheduler_type": "constant"}
    first, second = (small_run("spans", max_steps=steps, **settings).tensors for steps in (1, 2))
    shares = {
        name: np.sqrt(np.square(second[name] - first[name]).mean() / np.square(first[name]).mean())
        for name in first
    }
    assert max(shares.values()) < 4 * min(shares.values()), shares


@pytest.mark.parametrize(
    ("objective", "config", "column", "part"),
    [(Masked(), MaskedConfig, -2, 0), (Causal(), PretrainingConfig, -2, -1), (Spans(), SpanConfig, -1, 0)],
    ids=["bert", "gpt", "t5"],
)
def test_the_presets_have_the_sizes_of_the_table(objective, config, column, part):
    rows = [line.split("  ") for line in sizes.__doc__.splitlines()]
    table = {row[0].strip(): [cell for cell in row if cell.strip()] for row in rows}
    for name in objective.sizes:
        chosen = sizes.plan(config(size=name), objective.sizes, OUTLINE, 0)
        with torch.device("meta"):
            network = objective.network(_Vocabulary(chosen.vocab_size), chosen)
        count = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        said = table[name][column].replace("million", "").split(", ")[part]
        assert float(said) == pytest.approx(count, abs=0.06), name
